"""Chinese carried into English, word by word, with a dictionary.

A question over English passages needs it in both legs: the passages hold none of its characters, and an
English embedder reads none of them. A gloss is a poor translation and a good query: the alternatives of a
word that are wrong rarely stand together in one passage.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rag import text
from rag.expansion.dictionary import Dictionary

_RUN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]+")
KANA = re.compile("[\u3040-\u30ff]")
# Words that ask, count or connect: their translations stand in every passage.
_FUNCTION_WORDS = frozenset(
    """的 了 是 在 和 与 與 及 或 也 都 就 而 着 著 呢 吗 嗎 吧 啊 之 其 这 這 那 哪 个 個 些 什么 什麼
    怎 如何 为 為 谁 誰 请 請 有 多少 哪个 哪個 哪里 哪裡 哪些 被 把 于 於 由 从 從 对 對 对于 對於 以
    所 几 幾 它 他 她 他们 他們 它们 它們 我们 我們 你 您 我 哪一 怎么 怎麼 怎样 怎樣 为什么 為什麼 何
    何时 何時 何处 何處 哪儿 哪位 哪种 哪種 是否 可以 能 会 會 要 将 將 并 並 但 不 没有 沒有 来 來 去
    到 上 下 中 里 裡 用 使用 一个 一個 一种 一種 一 种 種 名 位 次 年 月 日 因为 因為 所以 如果 时 時
    当 當 那么 那麼 可能 应该 應該 需要 以及 其中 通过 通過 进行 進行 这个 這個 那个 那個 自己 称为
    稱為 叫 叫做 称 稱""".split()
)
_LONGEST = 8  # characters of a word
# What a word costs, a character of its own, and one that no dictionary has.
_WORD, _CHARACTER, _UNKNOWN = 1.0, 1.1, 1.6
# Chosen on Chinese headings and sentences asked of the English edition of a textbook, see docs/retrieval.md.
_ALTERNATIVES = 3
_TERMS = 3


@dataclass(frozen=True, slots=True)
class Gloss:
    """A question in the collection's language: index terms for the sparse leg, and for the dense one words in
    the question's order, none where it takes the question itself.
    """

    terms: tuple[str, ...]
    text: str


def is_foreign(question: str, terms: Sequence[str], knows: Callable[[str], bool]) -> bool:
    """Whether the question is Chinese and fewer than half of its Chinese terms are in the collection.

    `terms` are its index terms. Measured shares: 0 over English passages, from .77 up over Chinese ones.
    """
    if not _RUN.search(question) or KANA.search(question):
        return False
    chinese = [term for term in terms if text.CJK_CHARACTER.match(term)]
    return sum(map(knows, chinese)) * 2 < len(chinese)


def gloss(question: str, dictionary: Dictionary, knows: Callable[[str], bool]) -> Gloss:
    """The question glossed. `knows` says whether the collection holds a term: others are left out.

    For the sparse leg each word gives the terms of its first translations; the text is for the dense leg.
    """
    words = [word for run in _RUN.findall(question) for word in telling(run, dictionary)]
    terms = [term for word in words for term in _known_terms(dictionary.translate(word), knows)]
    return Gloss(tuple(terms), in_english(question, dictionary))


def in_english(passage: str, dictionary: Dictionary) -> str:
    """The passage with each Chinese word's first translation in its place, function words left out.

    Words that are not in the dictionary and all other text stay as they are, white space aside.
    """

    def english(run: re.Match[str]) -> str:
        words = telling(run[0], dictionary)
        return f" {' '.join(dictionary.first(word) or word for word in words)} "

    return " ".join(_RUN.sub(english, passage).split())


def runs(passage: str) -> list[str]:
    """The runs of Chinese characters; none in Japanese, which no Chinese dictionary reads."""
    return [] if KANA.search(passage) else _RUN.findall(passage)


def without_runs(passage: str) -> str:
    """What is left of the passage beside its runs of Chinese characters."""
    return _RUN.sub(" ", passage)


def translated(found: Sequence[str], dictionary: Dictionary) -> int:
    """How many characters of these runs stand in words that the dictionary translates, and in the function
    words among them; 0 where there are only these.
    """
    words = [word for run in found for word in segment(run, dictionary)]
    telling = sum(len(word) for word in words if word not in _FUNCTION_WORDS and dictionary.first(word))
    return telling + sum(len(word) for word in words if word in _FUNCTION_WORDS) if telling else 0


def telling(run: str, dictionary: Dictionary) -> list[str]:
    """The words of a run that say something."""
    return [word for word in segment(run, dictionary) if word not in _FUNCTION_WORDS]


def _known_terms(translations: Sequence[str], knows: Callable[[str], bool]) -> list[str]:
    candidates = dict.fromkeys(term for each in translations[:_ALTERNATIVES] for term in text.terms(each))
    return [term for term in candidates if knows(term)][:_TERMS]


def segment(run: str, dictionary: Dictionary) -> list[str]:
    """A run of Chinese characters cut into the fewest words of the dictionary; the rest one by one."""
    known = dictionary.words
    costs = [0.0]
    begins = [0]
    for end in range(1, len(run) + 1):
        least, best = math.inf, end - 1
        # The longest first: of divisions that cost the same it is the one taken.
        for begin in range(max(0, end - _LONGEST), end - 1):
            if costs[begin] + _WORD < least and run[begin:end] in known:
                least, best = costs[begin] + _WORD, begin
        alone = costs[end - 1] + (_CHARACTER if run[end - 1] in known else _UNKNOWN)
        if alone < least:
            least, best = alone, end - 1
        costs.append(least)
        begins.append(best)
    words = []
    end = len(run)
    while end:
        words.append(run[begins[end] : end])
        end = begins[end]
    return words[::-1]
