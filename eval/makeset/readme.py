"""The text that goes with every set that was made: what it is worth, and how to write a better one."""

# ruff: noqa: E501 - Chinese text has no spaces at which a line could break

from __future__ import annotations

README = """\
# A test set made by a program

`python -m eval make-set` wrote these questions from your own files, without a language model. Measure with:

```
python -m eval THIS_FOLDER --mode sparse,dense,hybrid
```

## What it is good for

- Comparing settings of one kind on your own files: chunk sizes, embedding models, depths.
- Noticing that a change made things worse.
- A first look at how often the search refuses to answer what the files do not say.

## What it is not good for

- Choosing between search by words and search by meaning, or the threshold of a refusal: a program made the
  questions from words, and searching by words looks better on them than it is.
- Telling how good your search is for people. The questions borrow the words of their answers, so searching
  by words looks better here than it is, and every figure is higher than with questions that people ask.
- Comparing your files with somebody else's, or with published figures.
- Anything absolute about questions without an answer: a program made sure that no other sentence holds the
  words that were asked for; nobody made sure that none says the same in other words or another language.

Fifty questions that people have really asked, each with the words that answer it, are worth more.

## The kinds of question

| kind | made from | the answer |
|---|---|---|
| heading | a heading that occurs once, with the one above it where it is short | how its section begins |
| definition | a sentence such as "X is a ..." where no other defines X | that sentence |
| sentence | the words of a sentence that tell most, without its numbers and code | that sentence |

Questions with `"answerable": false` were made from the documents that `set.json` lists under `withheld`.
Those documents are left out of the index when this set is measured: the right reply is a refusal.

## Writing one yourself

A set is a folder with two files; any text editor will do. `set.json` says where the documents are,
relative to this folder:

```
{"corpus": "../my-notes"}
```

`queries.jsonl` has one question a line. A label is a path under that folder and a quote from the file, copied
as it stands there, line breaks written as `\\n`. Several spans mean that several places answer:

```
{"_id": "q1", "text": "How often are signing keys rotated?", "spans": [{"path": "ops/keys.md", "quote": "Signing keys are rotated every 90 days."}]}
{"_id": "q2", "text": "Who may read the private key?", "answerable": false}
```

A quote should stand in its file only once; `"start"`, the character it begins at, is needed only where it
does not. A quote that has gone from its file is reported as stale and never counted as a miss. Because
labels are quotes and not chunks, they hold for every splitter. Add `"withheld": ["ops/vault.md"]` to
`set.json` to leave documents out. `"answers": ["90 days"]` in a question also lets the answer be judged.

Write the questions before you look at the documents, or they will borrow their words. To see what the
loaders read of a file, and so what can be quoted from a PDF: `python -m ingest FILE --dump`.

# 由程序生成的测试集

这些问题由 `python -m eval make-set` 根据你自己的文件写成，没有用到语言模型。用法：

```
python -m eval 本文件夹 --mode sparse,dense,hybrid
```

## 适合用来做什么

- 在自己的文件上比较不同设置：切分方式、嵌入模型、检索模式。
- 及时发现某次改动让效果变差了。
- 大致看看：文件里没有答案的问题，有多少会被拒答。

## 不适合用来做什么

- 说明检索对人来说有多好。问题用的就是答案里的词，所以按词检索在这里显得比实际更好，各项数字也都比真人提问时高。
- 和别人的文件比，或者和公开发表的数字比。
- 对没有答案的问题下绝对的结论：程序只保证其余文档里没有哪句话含有问题中的那些词，没有人检查过是否有别的说法或另一种语言的同样内容。

真人问过的五十个问题，每个都标出回答它的原文，比这里的更有价值。

## 问题的种类

| kind | 来源 | 答案 |
|---|---|---|
| heading | 只出现一次的标题，太短时加上它的上级标题 | 该小节开头的句子 |
| definition | “X 是一种……”这样的句子，并且别处没有定义 X | 这个句子 |
| sentence | 句子里最有代表性的词，去掉数字和代码 | 这个句子 |

带有 `"answerable": false` 的问题，来自 `set.json` 中 `withheld` 列出的文档。评测时这些文档不进索引，正确的反应是拒答。

## 自己动手写

一个测试集就是含有两个文件的文件夹，用任何文本编辑器都能写。`set.json` 写明文档在哪里（相对于本文件夹的路径）：

```
{"corpus": "../my-notes"}
```

`queries.jsonl` 每行一个问题。标注由文件路径和一段引文组成，引文要与文件中的文字完全一致，换行写成 `\\n`。多处都能回答时，写多个 span：

```
{"_id": "q1", "text": "签名密钥多久轮换一次？", "spans": [{"path": "ops/keys.md", "quote": "签名密钥每 90 天轮换一次。"}]}
{"_id": "q2", "text": "谁可以读取私钥？", "answerable": false}
```

引文最好在文件里只出现一次；不止一次时，用 `"start"` 写明它从第几个字符开始（从 0 数起）。引文如果已不在文件里，会报告为失效，不会当作没找到。标注的是原文而不是切分后的段落，所以换一种切分方式仍然有效。想让某些文档不进索引，就在 `set.json` 里加上 `"withheld": ["ops/vault.md"]`。给问题加上 `"answers": ["90 天"]`，答案也能评分。

先写问题，再看文档，否则问题会不知不觉照搬文档里的词。想知道一个文件实际读出了什么、PDF 里有哪些文字可以引用，运行 `python -m ingest 文件 --dump`。
"""
