"""Whether what stands after a word for a secret is one: prose, code and placeholders stand there too."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from ingest.secrets.placeholders import placeholder

Family = Literal["password", "key", "code", "pass"]


@dataclass(frozen=True, slots=True)
class Setting:
    """How a value is written: between quotes or not, how firmly assigned, and whether it ends its field.

    `firm`: an explicit sign (`:`, `=`, a table cell) stands between word and value. `telling`: the
    word is Chinese, an environment variable, or a user name was given just before, so that even a
    plain word is a password. `closed`: the value is followed by the end of its line, field or cell.
    """

    quoted: bool = False
    firm: bool = True
    telling: bool = False
    closed: bool = True


_LONGEST_PASSWORD, _LONGEST_KEY = 64, 250
_CALL = re.compile(r"^[a-z_][a-z_0-9.]*\(|^[A-Za-z_][\w.]*\(.*\)$|^[A-Za-z_][\w.]*\[")
_DOTTED = re.compile(r"^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+$")
_WORDS = re.compile(r"^[A-Za-z]+(?:[_\-. /,:][A-Za-z]+)*$")
_DICEWARE = re.compile(r"^[a-z]{3,9}(?:-[a-z]{3,9}){3,7}$")
_DATE = re.compile(r"^(?:19|20)\d\d([-/.])[01]?\d\1[0-3]?\d$|^\d{1,2}:\d\d(?::\d\d)?$")
_EMAIL = re.compile(r"^[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.(?:com|cn|org|net|io|edu|dev)$", re.IGNORECASE)
_VERSION = re.compile(r"^v?\d+(?:\.\d+){1,3}(?:-[a-z0-9.]+)?$", re.IGNORECASE)
_DIGEST = re.compile(
    r"^(?:sha\d+|md5)[:\-$]|^\$2[aby]\$|^\$argon2|^\$pbkdf2|^\$scrypt|^\$[156]\$|^pbkdf2_", re.IGNORECASE
)
# Names of classes: Base64HighEntropyString.
_CAMEL = re.compile(r"(?:[A-Z][a-z]{2,}+[0-9]{0,3}+){2,}")
_RANDOM = re.compile(r"^[A-Za-z0-9_\-+/=.~:%!@#$^&*]+$")


def secret(value: str, family: Family, setting: Setting) -> bool:
    """Whether `value`, which stands after a word of `family`, is a secret: no prose, code or placeholder."""
    if len(value) > (_LONGEST_KEY if family == "key" else _LONGEST_PASSWORD):
        return False
    if family == "code":
        return bool(re.fullmatch(r"[A-Za-z0-9]{4,8}", value)) and not placeholder(value) and _is_code(value)
    if placeholder(value) or _EMAIL.match(value) or _DIGEST.match(value) or _DATE.match(value):
        return False
    if not setting.quoted and (_CALL.match(value) or _DOTTED.match(value)):
        return False
    if family == "key":
        return _key(value) and (setting.firm or not re.search(r"[:=]\w", value))
    return _password(value, family, setting)


def _is_code(value: str) -> bool:
    return any(c.isdigit() for c in value) or (len(value) == 4 and value.islower())


def _key(value: str) -> bool:
    """A key is made by a machine: long, of letters and several digits, not words with a version."""
    digits = sum(c.isdigit() for c in value)
    letters = sum(c.isalpha() for c in value)
    if len(value) < 8 or digits < 2 or letters < 2 or not _RANDOM.match(value) or _VERSION.match(value):
        return False
    if _CAMEL.fullmatch(value):
        return False
    words = re.split(r"[_\-./:]", value)
    if len(words) > 1 and all(re.fullmatch(r"[a-z]+|[A-Z]+|[A-Z][a-z]+|v?\d{1,4}", word) for word in words):
        return False
    return not re.fullmatch(r"[A-Z]?[a-z]+_?\d{1,4}", value)


def _password(value: str, family: Family, setting: Setting) -> bool:
    if len(value) < 4 or _VERSION.match(value):
        return False
    if value.isdigit():
        enough = 4 if setting.firm else 6
        enough = 6 if family == "pass" else enough
        return (setting.firm or setting.telling) and enough <= len(value) <= 16
    if _WORDS.match(value):
        return _word(value, setting)
    letters = any(c.isalpha() for c in value)
    digits = any(c.isdigit() for c in value)
    special = any(not c.isalnum() for c in value)
    if letters + digits + special < 2 or not (letters or digits):
        return False
    if not setting.firm or family == "pass":
        return len(value) >= 6 and letters and digits
    if not setting.quoted and special and not digits:  # user_password, e.g. and/or, a|b: words with marks
        return (
            setting.closed
            and bool(re.search(r"[!@#$%^&*?~]", value))
            and not re.search(r"[()\[\]{}=,]", value)
        )
    return True


def _word(value: str, setting: Setting) -> bool:
    """Letters alone: a password only where nothing else can be meant."""
    if _DICEWARE.match(value):
        return setting.firm or setting.telling
    if not value.isalpha() or len(value) < 6 or not setting.firm or not setting.closed:
        return False
    label = value[0].isupper() and value[1:].islower()
    return setting.telling or (setting.quoted and not label)
