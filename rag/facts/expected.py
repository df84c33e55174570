"""What kind of words a question expects in its answer, and whether a sentence brings them."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

from rag.text import CJK_CHARACTER

Kind: TypeAlias = Literal["date", "number", "name"]

_ASKS: dict[Kind, re.Pattern[str]] = {
    "date": re.compile(
        r"\bwhen\b|\b(?:what|which) (?:year|date|day|month|century|decade|time)\b"
        r"|何时|何時|何年|[什甚][么麼](?:时候|時候|年)|哪(?:一)?[年天]|[几幾][月年]|年份|日期|世[纪紀]",
        re.IGNORECASE,
    ),
    "number": re.compile(
        r"\bhow (?:many|much|old|tall|large|big|long|far|often|high|fast|deep)\b"
        r"|\bwhat (?:number|percent|percentage|fraction|amount)\b"
        r"|多[少大高长長远遠久重]|[几幾]|百分比|比例|[数數]量",
        re.IGNORECASE,
    ),
    "name": re.compile(
        r"\bwho(?:se|m)?\b|\bwhere\b|[谁誰]|何人|哪位|[什甚][么麼]人|哪[个個]人", re.IGNORECASE
    ),
}
_NUMBER_WORDS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fifteen twenty thirty forty "
    "fifty sixty seventy eighty ninety hundred thousand million billion dozen half third quarter twice once"
).replace(" ", "|")
_BRINGS: dict[Kind, re.Pattern[str]] = {
    "date": re.compile(
        r"\b(?:1\d{3}|20\d{2})s?\b|\b(?:January|February|March|April|May|June|July|August|September|October"
        r"|November|December|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|century|years?|decades?)\b"
        r"|\d{1,4}\s*[年月日]|[一二三四五六七八九十]{1,4}[年月日]|世[纪紀]|年代|[时時][期代]|星期|朝"
    ),
    "number": re.compile(
        rf"\d[\d,.]*|\b(?:{_NUMBER_WORDS})\b|百分之|第?[〇零一二两兩三四五六七八九十百千万萬亿億半]{{1,12}}"
        r"(?=[个個名位人年月日天次种種倍分岁歲米公里英美元场場座条條艘只隻套部章项項间間所家度层層支队隊国國"
        r"小时時世集首张張期届屆级級克])",
        re.IGNORECASE,
    ),
    # A capital that no sentence begins with, or a Chinese name, office or title.
    "name": re.compile(r"(?<![.!?]\s)(?<!^)\b[A-Z][\w'-]+|·|[人者家王帝长長员員师師]|先生|教授"),
}


def expected(question: str) -> Kind | None:
    """The kind of answer a question asks for, None for most questions."""
    return next((kind for kind, pattern in _ASKS.items() if pattern.search(question)), None)


def brings(kind: Kind, sentence: str, question: str) -> bool:
    """Whether the sentence holds words of this kind that do not stand in the question already."""
    asked = question.casefold()
    latin = kind == "name" and not CJK_CHARACTER.search(sentence)
    return any(
        found.group().casefold() not in asked
        for found in _BRINGS[kind].finditer(sentence)
        if not latin or found.group()[0].isupper()
    )
