"""Values that a word gives away: `password = ...`, `api_key: ...`, `Authorization: Bearer ...`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.secrets import chinese
from ingest.secrets.extent import value
from ingest.secrets.spans import Span
from ingest.secrets.tables import columns
from ingest.secrets.values import Family

# Words looked for in lower case, and what follows the word's first letters.
_ENGLISH: tuple[tuple[str, Family, re.Pattern[str]], ...] = (
    ("pass", "password", re.compile(r"pass(?:words?|wd|[ _\-]?phrase|code|wort)")),
    ("pass", "pass", re.compile(r"pass(?![a-z])")),
    ("pwd", "password", re.compile(r"pwd")),
    ("secret", "key", re.compile(r"secret(?!s)")),
    ("token", "key", re.compile(r"token(?!s|i)")),
    ("key", "key", re.compile(r"key(?!s)")),
    ("pw", "pass", re.compile(r"pw(?![a-z0-9])")),
)
# `key` alone is a word of every index and dictionary.
_KEY_OF = re.compile(
    r"(?:api|access|account|auth|private|encryption|encrypt|signing|sign|master|app|service|client|db|database|"
    r"shared ?access|storage|deploy|webhook|ssh|aes|hmac|jwt|subscription|primary|secondary)[ _\-]?$"
)
# Parts of a name that make it something about a secret instead of the secret.
_ABOUT = frozenset(
    """hash hashed url uri path file files filename len length min max policy name names field type count size
    expire expires expiry expiration ttl valid validity regex pattern encoding encoder hint prompt label
    placeholder input title help reset rotation manager provider strength schema scope scopes id ids limit
    version class column index list dict embedding embeddings vocab mask masked public at digest salt forgot
    forget required rules minimum maximum text ization ize izer""".split()
)
_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_NAME_BEFORE = re.compile(r"[\w\-]{0,24}$")
_AFTER = re.compile(
    r"""(?P<name>[\w\-]{0,24}+)
    (?P<paren>[ ]?[(（\[][^()（）\[\]\n]{0,30}+[)）\]])?
    (?:[ ](?:for|of|to|on)[ ](?:the[ ])?[\w.@\-]{1,30}+(?:[ ]\w[\w.@\-]{0,19}+)?)?
    \\?(?:(?!'s[ :])["'`*_\]）)]){0,4}+
    (?:
      (?P<sign>[ \t]{0,12}+(?::=|=>|->|={1,3}|:(?![/:])|→|\||[–—]|-(?=[ ]))[*_`]{0,3}+
        (?:[ ]?(?:str|string|String|SecretStr)(?:[ ]?\|[ ]?None)?[ ]?=(?!=))?
        [ \t]{0,12}+(?:\n{1,2}[ \t]{0,8}+)?)
      |(?P<attribute>[ ]{1,3}(?:value|default)[ ]?[=:][ ]?)
      |(?P<element>>)
      |(?P<prose>(?:'s|[ ](?:is(?:[ ]now)?|was|now|(?:was[ ]|has[ ]been[ ])?
        (?:re)?(?:set|changed)[ ]to|=)):?[ ]|[ ]?[是为][ ]?)
      |(?P<heading>[ ]?\n{1,2}(?=[^\s]{8}))
      |(?P<gap>[ \t]{1,12}+)
    )""",
    re.VERBOSE,
)
_LOGIN = re.compile(
    r"(?:user(?:[ _]?name)?|login|account|e-?mail|账号|帐号|账户|用户名?|登录名)[\w\"'`*（）() ]{0,8}[:=]",
    re.IGNORECASE,
)
# A user's name before `password 123456`, without signs.
_NAMED = re.compile(r"(?:user(?:name)?|login|account)[ ][\w.@\-]{1,40},?[ ]$", re.IGNORECASE)
# A line that is nothing but a label and a value: `- Password: dragonfly`.
_NOTE_LINE = re.compile(
    r"(?:^|\n)[ \t]*(?:[-*+•>#]{1,3}[ ]|\d{1,2}[.)][ ])?[*_`]{0,3}(?:[\w.\-]{1,20}[ ]){0,2}[\w.\-]*$"
)
# A wireless network's password is called its key.
_WIRELESS = re.compile(r"(?:wi-?fi|wlan|ssid|hotspot|热点|无线)[^\n]{0,50}$", re.IGNORECASE)
_SETTING_LINE = re.compile(r"(?:^|\n)[ \t]*(?:export )?[\w.\-]*$")


def labelled(text: str) -> Iterator[Span]:
    """Passwords and keys named by an English or Chinese word, in prose, code, settings and tables."""
    low = _lower(text)
    seen_tables: set[tuple[int, int]] = set()
    for at, end, named in _words(low):
        family = _family(low, at, named)
        if family is None:
            continue
        yield from columns(text, at, family, seen_tables)
        if (span := _value(text, low, at, end, family)) is not None:
            yield span
    yield from chinese.labelled(text)


def _family(low: str, at: int, named: Family) -> Family | None:
    """What the word at `at` promises: `key` alone nothing, but for a wireless network."""
    if not low.startswith("key", at) or _KEY_OF.search(low, max(0, at - 20), at):
        return named
    return "password" if _WIRELESS.search(low, max(0, at - 60), at) else None


def _lower(text: str) -> str:
    """Lower case, character for character: only this capital becomes two."""
    return text.replace("\u0130", "I").lower()


def _words(low: str) -> Iterator[tuple[int, int, Family]]:
    for anchor, family, word in _ENGLISH:
        at = low.find(anchor)
        while at >= 0:
            if (match := word.match(low, at)) is not None:
                yield at, match.end(), family
            at = low.find(anchor, at + len(anchor))


def _value(text: str, low: str, at: int, end: int, family: Family) -> Span | None:
    before = _NAME_BEFORE.search(low, max(0, at - 24), at)
    name = before.group() if before else ""
    after = _AFTER.match(text, end, end + 400)
    if after is None or _about(text[at - len(name) : at], text[end : after.end("name")]):
        return None
    if family == "pass" and not re.search(
        r"(?:[_\-]|^|db|user|root|admin|require|mysql|redis|ftp|wifi|ssh)$", name
    ):
        return None
    firm = after["sign"] is not None or after["attribute"] is not None or after["prose"] is not None
    env = bool(re.search(r"[A-Z]", text[at:end])) and text[at:end].isupper() and after["sign"] == "="
    telling = env or bool(
        _LOGIN.search(text, max(0, at - 80), at) or _NAMED.search(text, max(0, at - 60), at)
    )
    telling = telling or (after["sign"] is not None and bool(_NOTE_LINE.search(text, max(0, at - 80), at)))
    telling = telling or (after["sign"] == "=" and bool(_SETTING_LINE.search(text, max(0, at - 60), at)))
    if after["element"] is not None:
        firm = telling = True
    parameter = text[max(0, at - len(name) - 1) : at - len(name)] in ("?", "&", ";")
    span = value(text, after.end(), family, firm=firm, telling=telling, parameter=parameter)
    if span is None or (after["element"] is not None and not text.startswith("</", span.end)):
        return None
    if "\n" in after.group() and not (text[span.end : span.end + 4].lstrip("`*\"' \t") + "\n").startswith(
        "\n"
    ):
        return None
    return span


def _about(before: str, after: str) -> bool:
    """Whether a name's other parts make it something about a secret: passwordHash, token_url."""
    parts = {part.lower() for part in (*_PARTS.findall(before), *_PARTS.findall(after))}
    return not parts.isdisjoint(_ABOUT)
