"""Passwords that no word stands before: `root / Abc@123`, `log in as root with Abc@123`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.secrets.placeholders import placeholder
from ingest.secrets.spans import Span

_VALUE = r"""["'`“]?(?P<value>[!-~]{6,64}?)["'`”]?(?=[\s,;，。；）)】|<]|\.?$|\.\s)"""
# Names that accounts have and folders seldom.
_ACCOUNT = re.compile(
    r"(?:(?<=[\s`\"'：:,，|（(])|^)(?P<user>root|admin|administrator|postgres|ubuntu|operator|[\w.\-]{1,30}@[\w.\-]{1,40})"
    rf"""["'`]?(?P<sign>[ ]?/[ ]?|[ ]:[ ]){_VALUE}""",
    re.MULTILINE,
)
_LOGIN = re.compile(
    r"(?:ged)?[ ]?(?:in|on)[ ](?:as|with|using)[ ][\"'`]?[\w.@\-]{1,40}[\"'`]?(?:[ ]and|,|[ ]/|[ ]with)[ ]"
    rf"{_VALUE}",
    re.IGNORECASE,
)
# What stands before "as the password", nearest to it.
_AS = re.compile(
    r"""(?:enter|use|used|using|type|input|with|give|gives)[ ]["'`“]?(?P<value>[!-~]{4,64}?)["'`”]?[ ]as[ ]
    (?:the[ ]|your[ ]|my[ ]|a[ ]|its[ ])?(?:[\w\-]{1,20}[ ])?$""",
    re.VERBOSE | re.IGNORECASE,
)
_AS_ZH = re.compile(
    r"""(?:用|以|输入|填)[ ]?["'`“]?(?P<value>[!-~]{4,64}?)["'`”]?[ ]?(?:作为|当作?|做|为)"""
    r"(?:登录|初始|新|默认)?$"
)
_BEFORE = 110


def pairs(text: str) -> Iterator[Span]:
    """Passwords that stand beside a user's name, or in front of the word that says what they are."""
    for anchor in ("root", "admin", "postgres", "ubuntu", "operator", "@"):
        for at in _occurrences(text, anchor):
            begin = at if anchor != "@" else max(0, at - 31)
            match = _ACCOUNT.search(text, begin, at + 160)
            if match and match.start("user") <= at and _strong(match["value"], spaced=" /" in match["sign"]):
                yield Span("password", match.start("value"), match.end("value"))
    for at in _occurrences(text, "og"):
        match = _LOGIN.match(text, at + 2, at + 160)
        if match and _strong(match["value"], spaced=True):
            yield Span("password", match.start("value"), match.end("value"))
    for word, before in (("pass", _AS), ("Pass", _AS), ("密码", _AS_ZH), ("口令", _AS_ZH)):
        for at in _occurrences(text, word):
            match = before.search(text, max(0, at - _BEFORE), at)
            if match and _telling(match["value"]):
                yield Span("password", match.start("value"), match.end("value"))


def _occurrences(text: str, anchor: str) -> Iterator[int]:
    at = text.find(anchor)
    while at >= 0:
        yield at
        at = text.find(anchor, at + len(anchor))


def _strong(value: str, *, spaced: bool) -> bool:
    """Whether it can be nothing but a password: no path, no name, no version."""
    if placeholder(value) or not value.isascii() or re.search(r"[/\\()<>\[\]{}=]|^\W|\.\w+$|::", value):
        return False
    digit, upper, lower = (any(map(test, value)) for test in (str.isdigit, str.isupper, str.islower))
    special = bool(re.search(r"[!@#$%^&*?~+]", value))
    if not (digit and (upper or lower)):
        return False
    return (
        special
        or (upper and lower and len(value) >= 8)
        or (spaced and not re.fullmatch(r"[a-z]+\d{1,2}", value))
    )


def _telling(value: str) -> bool:
    """With a word for a password after it, a digit or a mark is enough."""
    return not placeholder(value) and bool(re.search(r"\d", value)) and not re.search(r"[(){}<>=]", value)
