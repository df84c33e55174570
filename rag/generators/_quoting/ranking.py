"""What a question asks for beyond the words it shares with its answer: above all, what something is."""

from __future__ import annotations

import re

DEFINES = 0.3  # of worth: what a definition gains where one is asked for

_TERM = r"[\w.+#'’/-]+(?: [\w.+#'’/-]+){0,3}"
_ASKED = re.compile(
    rf"^\W*(?:what|who) (?:is|are|was|were) (?:meant by )?(?:an? |the )?(?P<en>{_TERM})\W*$"
    rf"|^\W*what does (?:an? |the )?(?P<mean>{_TERM}) (?:mean|stand for)\W*$"
    r"|^\W*(?:什么|甚么|什麼|甚麼)(?:是|叫做?)\s*(?P<zh>[^，。？?的]{1,16}?)\s*[？?]*\s*$"
    r"|^\W*(?P<end>[^，。？?的]{1,16}?)\s*(?:是什么|是什麼|是指什么|指的?是什么|指什么|是什么意思)\s*[？?]*\s*$",
    re.IGNORECASE,
)
_PREPOSITION = re.compile(r"\b(?:of|in|for|to|on|at|by|with|from|between|used|called|named)\b", re.IGNORECASE)
_MARKUP = re.compile(r"<[^>\n]*>|\]\([^)\n]*\)|[*_`\[\]\"“”「」『』《》]")
_ASIDE = r"\s*(?:[(（][^()（）]{0,60}[)）]\s*)?"
_IS = (
    r"(?:,?\s*or [\w \"-]{1,40},?\s*)?(?:is|are|was|were|means?|refers? to|stands? for|denotes?|describes?)\b"
    r"|[，,]?\s*(?:就|也|通常|一般|即)?(?:是(?!否|不是)|指的?是|指|即|意味着|意为|定义为|全称|称为|又称)"
)
_NAMES = r"(?:called|known as|termed|referred to as|称为|稱為|叫做|叫作|称作|名为|即)\s*(?:an? |the )?"

_ASKING = re.compile(
    r"什么是|是什么|什[么麼]|甚[么麼]|[为為](?:什[么麼]|何)|怎[么麼样樣]样?|如何|哪[些个個里裡种種位]?|[谁誰]|多少|[几幾]"
    r"|何[时時]|[吗嗎呢]|请问|請問"
)


def without_asking(question: str) -> str:
    """The question without the Chinese words that ask: 什么是 holds 是, and so does every other sentence."""
    return _ASKING.sub("", question)


def defined(question: str) -> str | None:
    """What a question wants to have explained ("What is X?", 「什么是X？」), None for others."""
    found = _ASKED.match(question)
    if found is None:
        return None
    subject = next(part for part in found.groups() if part)
    return None if _PREPOSITION.search(subject) else subject


def defines(subject: str, sentence: str) -> bool:
    """Whether the sentence begins by saying what the subject is, or gives something its name."""
    plain = " ".join(_MARKUP.sub("", sentence).split())
    name = rf"{re.escape(subject)}(?:e?s)?"
    said = rf"^.{{0,24}}?(?<![\w]){name}{_ASIDE}(?:{_IS})|{_NAMES}{name}(?![A-Za-z])"
    if subject[:1] > "\u2e80":  # Chinese puts no space before a word
        said = said.replace(r"(?<![\w])", "")
    return bool(re.search(said, plain, re.IGNORECASE))
