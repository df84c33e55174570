"""Where a value begins and ends: quotes, emphasis, brackets and the punctuation of the sentence around it."""

from __future__ import annotations

import re

from ingest.secrets.spans import Span
from ingest.secrets.values import Family, Setting, secret

KINDS: dict[Family, str] = {
    "password": "password",
    "pass": "password",
    "key": "key",
    "code": "extraction-code",
}
_OPENING = re.compile(r"""(?:@|f|r|b|u)?(?P<quote>\\?["'`]|“|‘|「|『|【|《)|\*{1,2}(?=[!-~])""")
_CLOSING = {"“": "”", "‘": "’", "「": "」", "『": "』", "【": "】", "《": "》"}
_BARE_VALUE = re.compile(r"""(?:[^\s|<>"'`;\x7f-\U0010ffff]++|["'<>](?=[A-Za-z0-9!@#$%]))++""")
_UNBROKEN = re.compile(r"[!-~]+")
_PHRASE = re.compile(r"[!-~]+(?: [!-~]+){1,3}")
# A word with a digit or a mark inside, as no sentence has it: p@ss, horse42x.
_MIXED = re.compile(
    r"(?:^| )(?=[a-zA-Z]{0,40}[0-9@#$%^&*~+])(?=[^ ]{0,40}[a-z])[a-zA-Z0-9][^ .,:()\[\]{}<>=/\\]{2,40}(?: |$)"
)
_LONGEST = 256


def value(
    text: str, start: int, family: Family, *, firm: bool, telling: bool, parameter: bool = False
) -> Span | None:
    """The secret that begins at `start`, if one does: its range without quotes and closing marks.

    `parameter`: it is a parameter of an address and ends at the next one.
    """
    opening = _OPENING.match(text, start)
    quote = opening["quote"] if opening else None
    begin = opening.end() if opening else start
    if quote:
        end = text.find(_CLOSING.get(quote, quote), begin, begin + _LONGEST)
        if end < 0 or not (_UNBROKEN.fullmatch(text, begin, end) or (firm and _phrase(text[begin:end]))):
            return None
        if end - begin > 2 and text[begin] in "\"'" and text[end - 1] == text[begin]:  # `"quoted twice"`
            begin, end = begin + 1, end - 1
    else:
        match = _BARE_VALUE.match(text, begin, begin + _LONGEST)
        if match is None:
            return None
        end = _trimmed(text, begin, match.end())
        if parameter and (sign := text.find("&", begin, end)) > 0:
            end = sign
    closed = (
        re.match(
            r"""[*_`"']{0,2}[ \t]*(?:$|[\n|,;)}\]，。；、）】”’」』》!！]|<|\s#)""", text[end : end + 40]
        )
        is not None
    )
    setting = Setting(quoted=bool(quote), firm=firm, telling=telling, closed=closed)
    return Span(KINDS[family], begin, end) if secret(text[begin:end], family, setting) else None


def _phrase(quoted: str) -> bool:
    """Whether it is a password of a few words with spaces between, and no sentence."""
    return _PHRASE.fullmatch(quoted) is not None and _MIXED.search(quoted) is not None


def _trimmed(text: str, begin: int, end: int) -> int:
    """Without the punctuation and brackets that close the sentence, the call or the emphasis around it."""
    while end > begin and text[end - 1] in ",.;:)]}>*_\\\"'":
        if text[end - 1] in ")]}" and "([{"[")]}".index(text[end - 1])] in text[begin : end - 1]:
            break
        end -= 1
    return end
