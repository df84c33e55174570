"""What a follow-up leaves unsaid, filled in from the question before it by rule, English and Chinese.

Three kinds are known: a part put in place of another ("and on Windows?", 「那客户端呢？」), a word that
points back ("how long does it take?", 「它有多高？」), and one item of those listed in the answer before
("the second one", 「第二种」). What fits no rule is put beside the question before it, never dropped.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_STOPS = " \t\n?？!！.。,，;；:："
_LEAD = re.compile(
    r"^(?:(?:and|but|or|so|then|ok|okay|also)\b[\s,]*)*(?:(?:what|how) about\b\s*)?", re.IGNORECASE
)
_ASKS = r"(?:what|which|who|whom|whose|where|when|why|how)"
_VERB = (
    r"(?:is|are|was|were|do|does|did|can|could|will|would|should|shall|may|might|must|has|have|had)(?:n't)?"
)
_FULL = re.compile(rf"^(?:{_ASKS}\b.*\s\S+\s\S+|{_VERB}\s+\S+\s+\S+)", re.IGNORECASE)
_BARE = re.compile(rf"^{_ASKS}(?:\s+(?:long|much|many|often|far|fast|old|so|exactly|else))?$", re.IGNORECASE)
_PREPOSITION = re.compile(
    r"^(?:on|in|at|for|with|without|from|under|by|to|during|after|before|via|using|as)\b", re.IGNORECASE
)
_POINTS = re.compile(
    r"\b(?P<owned>its|their|his|her(?=\s+\w))\b"
    r"|\b(?:this|these|those|that)(?= one|\s*$| (?:is|was|are|were|mean|work|do|does|cost|take|happen)\w*\b)"
    r"(?: one)?"
    r"|\bit\b(?!\s+(?:possible|necessary|true|safe|allowed|okay?|make|takes?|cost)\b.*\b(?:to|that)\b)"
    r"|\b(?:they|them|he|she|him|her)\b",
    re.IGNORECASE,
)
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
_NTH = re.compile(
    rf"\bthe ({'|'.join(_ORDINALS)}|last|former|latter)(?: one| option| way| method)?\b", re.IGNORECASE
)
_NAME = re.compile(
    r"(?<=\s)(?:(?!I\b)[a-z]*[A-Z][\w.+-]*(?:\s+(?:(?!I\b)[A-Z][\w.+-]*|\d[\w.]*))*|\w*\d[\w.]*"
    r"|`[^`]+`|\"[^\"]+\")"
)
_DETERMINED = re.compile(r"\b(?:the|an?|our|my|your)\s+(?:[A-Z][\w-]*\s+){0,3}[\w-]+")
_PHRASE = re.compile(
    r"\b(?:the|an?|our|my|your)\s+(?:[A-Z][\w-]*\s+){0,3}[\w-]+(?:\s+of\s+(?:(?:the|an?)\s+)?[\w-]+)?"
)

_ZH_LEAD = re.compile(r"^(?:那么|那(?!个|些|种|里|边)|还有|另外|但是?|以及|换成|如果是?)[，,]?\s*")
_ZH_TAIL = re.compile(r"(?:呢|怎么样|又如何)$")
_ZH_FULL = re.compile("什么|怎|如何|哪|谁|多少|几|为何|是否|吗|多[高大长久远快重]|能不能|有没有|可不可以")
_ZH_BARE = re.compile("^(?:为什么|为何|多久|多少钱?|什么时候|何时|在?哪里|谁|怎么做|如何做)$")
_ZH_POINTS = re.compile(
    "它们?|[他她]们?(?!人)|这(?:个|些|种|里)?|那(?:个|些|种|里)|该|其(?=[^他它中实余次])|上述"
)
_ZH_NTH = re.compile(
    "第([一二三四五六七八九]|[1-9])(?:种|个|点|步|项|条|款)(?:方法|方式|办法)?|前者|后者|最后一[种个项条]"
)
_ZH_FRAME = re.compile("在[^，。？?的]{1,12}?(?:上|里|中|下)(?=[^，。？?]|$)")
_ZH_QUESTION = re.compile("^(?:请问|什么是|什么叫|如何|怎么样?|怎样|为什么|谁是?|哪[些个里]?是?|在哪里?)")
_ZH_PREDICATE = re.compile("是|有|在|需要|能|可以|会|怎|如何|为什么|什么|多少|哪|谁|吗|呢|应该?|支持|，|？")
_ZH_AFTER_POINT = re.compile(
    rf"\s*(?:的|{_ZH_PREDICATE.pattern}|多|和|与|跟|比|对|由|被|用|会|要|都|也|还|占|花|运行|使用|适合|属于|包括)"
)
_ZH_NUMBERS = "一二三四五六七八九"
_LATIN = re.compile(r"[A-Za-z0-9][\w.+-]*(?: [A-Za-z0-9][\w.+-]*)*")

# Both over answers of any length: what begins with blank space must not be tried from each blank again.
_ITEM = re.compile(
    r"^[^\S\n]*(?:[-*•]|(?:\d+|[一二三四五六七八九])[.)、）:：]|[（(]\d+[)）])\s*(.+)$", re.MULTILINE
)
_RUN_ON = re.compile(r"第([一二三四五六七八九])[种个项点条]?(?:是|为|：|:|，)\s*([^，。；;]+)")
_MARKER = re.compile(r"(?<!\s)\s*\[\d+\]")


def english(question: str, before: str, answer: str) -> str | None:
    """The English follow-up completed, None if it stands on its own."""
    bare = question.strip(_STOPS)
    rest = _LEAD.sub("", bare)
    led = len(rest) < len(bare)
    named = _NTH.sub(lambda found: _nth_english(found, answer), rest)
    if named != rest and _FULL.match(named):
        return _asked(named)
    if _FULL.match(rest):
        if _POINTS.search(rest):
            return _pointed(rest, before, _topic_english(before))
        return _asked(rest) if led else None
    whole = before.strip(_STOPS)
    if _BARE.match(rest):
        yes_or_no = re.match(rf"{_VERB}\b", whole, re.IGNORECASE)
        return _asked(f"{rest} {_lower(whole)}" if yes_or_no else f"{whole}, {rest.lower()}")
    if not led and len(rest.split()) > 3:
        return None
    return _asked(f"{whole} ({named})" if named != rest else _exchanged(rest, whole))


def _exchanged(part: str, before: str) -> str:
    """The question before with `part` in the place of what is like it."""
    if start := _PREPOSITION.match(part):
        same = list(re.finditer(rf"\b{start[0]}\b", before, re.IGNORECASE))
        kept = before[: same[-1].start()].rstrip() if same else before
        return f"{kept} {part}"
    like = _DETERMINED if re.match(r"(?:the|an?|our|my|your)\b", part) else _NAME
    found = list(like.finditer(before))
    if not found:
        return f"{before}, {part}"
    last = found[-1]
    return before[: last.start()] + part + before[last.end() :]


def _pointed(question: str, before: str, topic: str | None) -> str:
    """The question with its first word that points back replaced."""
    if topic is None:
        return f"{_asked(question)} ({before.strip()})"

    def named(found: re.Match[str]) -> str:
        return f"{topic}'s" if found["owned"] else str(topic)

    return _asked(_POINTS.sub(named, question, count=1))


def _topic_english(before: str) -> str | None:
    """What a question is about: the first thing that it speaks of or names."""
    bare = before.strip(_STOPS)
    phrase = _PHRASE.search(bare)
    name = _NAME.search(bare)
    found = phrase if phrase and (name is None or phrase.start() <= name.start()) else name
    return found[0] if found else None


def _nth_english(found: re.Match[str], answer: str) -> str:
    word = found[1].lower()
    place = {"former": 0, "latter": 1, "last": -1}.get(word)
    item = _item(answer, _ORDINALS.index(word) if place is None else place)
    return re.sub(r"^(?:The|An?)\s", lambda article: article[0].lower(), item) if item else found[0]


def _asked(text: str) -> str:
    return text[:1].upper() + text[1:] + "?"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def chinese(question: str, before: str, answer: str) -> str | None:
    """The Chinese follow-up completed, None if it stands on its own."""
    bare = question.strip(_STOPS)
    rest = _ZH_LEAD.sub("", bare)
    led = len(rest) < len(bare)
    named = _ZH_NTH.sub(lambda found: _nth_chinese(found, answer), rest)
    whole = before.strip(_STOPS)
    if _ZH_BARE.match(rest):
        return f"{whole}，{rest}？"
    if _ZH_FULL.search(rest):
        if named != rest:
            return f"{named}？"
        if _ZH_POINTS.search(rest):
            return _pointed_chinese(rest, before)
        return f"{rest}？" if led else None
    part = _ZH_TAIL.sub("", named).strip(_STOPS)
    if not part or not (led or part != named or len(part) <= 4):
        return None
    listed = _ZH_NTH.search(rest) is not None
    return f"{whole}（{part}）？" if listed else _exchanged_chinese(part, whole) + "？"


def _pointed_chinese(question: str, before: str) -> str:
    """The question with its first word that points back replaced, where it stands alone: not in 这个项目."""
    topic, found = _topic_chinese(before), _ZH_POINTS.search(question)
    rest = question[found.end() :] if found else ""
    if topic is None or found is None or (rest and not _ZH_AFTER_POINT.match(rest)):
        return f"{question}？（{before.strip()}）"
    return f"{question[: found.start()]}{topic}{rest}？"


def _exchanged_chinese(part: str, before: str) -> str:
    if part.startswith("在"):
        frame = _ZH_FRAME.search(before)
        return before[: frame.start()] + part + before[frame.end() :] if frame else part + before
    latin = list(_LATIN.finditer(before))
    if latin and _LATIN.match(part):
        old = latin[0] if latin[0].start() == 0 else latin[-1]  # the subject, or what stands last
        return before[: old.start()] + part + before[old.end() :]
    topic = _topic_chinese(before)
    if topic is None or topic not in before:
        return f"{before}，{part}"
    return before.replace(topic, part, 1)


def _topic_chinese(before: str) -> str | None:
    """What a question is about: what stands before 的, or before its predicate."""
    bare = _ZH_QUESTION.sub("", before.strip(_STOPS))
    head = re.split("的", bare, maxsplit=1)[0] if "的" in bare else bare
    head = _ZH_PREDICATE.split(head, maxsplit=1)[0].strip(_STOPS)
    if head:
        return head
    latin = _LATIN.search(bare)
    return latin[0] if latin else None


def _nth_chinese(found: re.Match[str], answer: str) -> str:
    word = found[1]
    if word is None:
        place = {"前": 0, "后": 1}.get(found[0][0], -1)
    else:
        place = int(word) - 1 if word.isdigit() else _ZH_NUMBERS.index(word)
    return _item(answer, place) or found[0]


def _item(answer: str, place: int) -> str | None:
    """The item at `place` of the list in an answer, without what explains it; None without one."""
    plain = _MARKER.sub("", answer)
    items = [found[1] for found in _ITEM.finditer(plain)] or [found[2] for found in _RUN_ON.finditer(plain)]
    if not items or place >= len(items):
        return None
    name = re.split(r"[:：。；;]|\s[-–—]\s|\.(?:\s|$)", items[place], maxsplit=1)[0]
    return name.strip(" *_`") or None


RULES: dict[str, Callable[[str, str, str], str | None]] = {"en": english, "zh": chinese}
