"""The columns of TREC's files, which are split at white space, so that no id may hold any.

White space in an id is written as its percent-encoded UTF-8 ("a b" is "a%20b"), and so is a "%" that
would otherwise be read as the beginning of such a code ("a%20b" is "a%2520b"). Every other id, among
them "50%" and "a%2Fb", is written as it is: a file from elsewhere keeps its ids.
"""

from __future__ import annotations

import re
import sys
from functools import cache
from urllib.parse import quote, unquote

# What trec_eval splits at; other programs split at every kind of space, which is why all are encoded.
_GAP = re.compile(r"[ \t\v\f\r]+")


def columns(line: str) -> list[str]:
    """The line's columns, as they are written."""
    return _GAP.split(line.strip(" \t\v\f\r"))


def encode(identifier: str) -> str:
    """The id without white space; `decode` gives it back."""
    return _special().sub(lambda match: quote(match[0]), identifier)


def decode(column: str) -> str:
    """The id that `encode` wrote, or the id of a file from elsewhere."""
    return _codes().sub(lambda match: unquote(match[0]), column)


@cache
def _codes() -> re.Pattern[str]:
    """What `decode` reads: "%" and every white space character, percent-encoded in capitals."""
    spaces = [chr(code) for code in range(sys.maxunicode) if chr(code).isspace()]
    return re.compile("|".join(quote(character) for character in ["%", *spaces]))


@cache
def _special() -> re.Pattern[str]:
    return re.compile(rf"\s|%(?={'|'.join(code[1:] for code in _codes().pattern.split('|'))})")
