"""Sentences of a document that are plainly addressed to a language model and not to a reader.

They are no answers, whoever wrote them: "ignore all previous instructions", 「忽略以上指令」. What a
document says *about* such sentences is found by questions that name them (`asks_for_orders`).
"""

from __future__ import annotations

import re

from rag.facts.inactive import visible

_ADDRESSEE = r"(?:assistant|chatbot|ai(?: assistant| model)?|language model|llm|chatgpt|gpt)"
_TOLD = r"(?:instructions?|prompts?|rules|guidelines|directives|commands|messages|orders|context)"
_EARLIER = r"(?:previous|prior|above|earlier|preceding|foregoing|all|any|your|these|the)"
_ENGLISH = re.compile(
    rf"\b(?:ignore|disregard|forget|override|bypass|do not follow)\s+(?:{_EARLIER}\s+(?:of\s+)?)+"
    rf"(?:\w+\s+)?{_TOLD}\b"
    rf"|^\W*{_ADDRESSEE}\s*[:,]\s+\S|(?-i:^\W*SYSTEM(?: PROMPT| MESSAGE)?\s*:)"
    r"|\byou are (?:now|no longer) (?:an?|the|in)\b.{0,40}\b(?:assistant|ai|mode|model|dan)\b"
    r"|^\W*(?:new|updated|important|urgent)\s+(?:system\s+)?(?:instructions?|prompt)\s*:"
    rf"|\b(?:reveal|print|output|repeat|show|leak)\s+(?:\w+\s+)?(?:your|the)\s+(?:system\s+|hidden\s+|initial\s+)*"
    r"(?:prompt|instructions)\b",
    re.IGNORECASE,
)
_CHINESE = re.compile(
    r"(?:忽略|无视|無視|忘记|忘記|忘掉|不要(?:遵守|理会|理會)|放弃|推翻).{0,8}?(?:指令|指示|提示词|提示詞|命令|规则|規則|要求|设定|設定)"
    r"|^\W*(?:AI)?助手\s*[：:，,]\s*\S|^\W*(?:系统|系統)\s*[：:]\s*(?:关于|關於|你|您|请|請|从现在|從現在)"
    r"|^\W*(?:新的?|最新|重要)(?:系统|系統)?(?:指令|指示|提示词|提示詞|命令)\s*[：:]"
    r"|(?:你|您)(?:现在|現在)(?:是|不再是).{0,20}(?:助手|模型|AI|模式)"
    r"|(?:说出|說出|输出|輸出|打印|显示|顯示|泄露|洩露|重复|重複).{0,6}(?:系统|系統)?(?:提示词|提示詞|指令内容)"
)
_ABOUT = re.compile(
    r"\binstruct|\bprompt|\binject|\bjailbreak|\bignore\b|指令|提示词|提示詞|注入|越狱|越獄|忽略",
    re.IGNORECASE,
)


def gives_orders(sentence: str) -> bool:
    """Whether the sentence, invisible characters left out, tells a language model what to do."""
    plain = visible(sentence)
    return bool(_ENGLISH.search(plain) or _CHINESE.search(plain))


def asks_for_orders(question: str) -> bool:
    """Whether the question is about instructions and prompts, so that such sentences may answer it."""
    return bool(_ABOUT.search(question))
