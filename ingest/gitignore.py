"""The pattern language of gitignore, one entry at a time (https://git-scm.com/docs/gitignore).

A pattern names entries, not what lies below them: that a folder left out takes its content along is
the walk's doing, which does not go in. Only so can a later pattern, or a file further down, take back
one entry and not the next, exactly as in git.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_STARS = re.compile(r"\*+")
_CLASS = re.compile(r"\[([!^]?)(\]?(?:\[:\w+:\]|\\.|[^\]\\])*)\]")
_NAMED = {
    "[:alpha:]": "a-zA-Z",
    "[:digit:]": "0-9",
    "[:alnum:]": "a-zA-Z0-9",
    "[:upper:]": "A-Z",
    "[:lower:]": "a-z",
    "[:space:]": r"\s",
    "[:punct:]": r"!-.:-@\[-`{-~",
    "[:xdigit:]": "0-9a-fA-F",
}


@dataclass(frozen=True, slots=True)
class Pattern:
    """One line of an ignore file: `negated` takes back, `folders_only` ended in a slash."""

    text: str
    negated: bool
    folders_only: bool
    _regex: re.Pattern[str]

    def names(self, path: str, *, is_folder: bool) -> bool:
        """Whether it names the entry at `path`: relative to the pattern's folder, no slash at the end."""
        return (is_folder or not self.folders_only) and self._regex.fullmatch(path) is not None


def parse(line: str) -> Pattern | None:
    """The pattern of a line, None for a blank one or a comment.

    Raises ValueError for a pattern that would never name anything.
    """
    text = _trimmed(line)
    if not text or text.startswith("#"):
        return None
    body = text.removeprefix("!")
    negated = body != text
    folders_only = body.endswith("/")
    body = body.removesuffix("/")
    if not body:
        raise ValueError("nothing is named")
    anchored = "/" in body
    regex = ("" if anchored else "(?:.*/)?") + _regex(body.removeprefix("/"))
    try:
        return Pattern(text, negated, folders_only, re.compile(regex, re.DOTALL))
    except re.error as error:
        raise ValueError(str(error)) from error


def _trimmed(line: str) -> str:
    """Without the line's end and the spaces before it, unless the first of them is escaped."""
    line = line.rstrip("\r\n")
    bare = line.rstrip(" ")
    if bare != line and (len(bare) - len(bare.rstrip("\\"))) % 2:
        return bare + " "
    return bare


def _regex(body: str) -> str:
    parts = []
    at = 0
    while at < len(body):
        part, at = _next(body, at)
        parts.append(part)
    return "".join(parts)


def _next(body: str, at: int) -> tuple[str, int]:
    character = body[at]
    if character == "*":
        return _stars(body, at)
    if character == "?":
        return "[^/]", at + 1
    if character == "[":
        return _class(body, at)
    if character == "\\":
        if at + 1 == len(body):
            raise ValueError("a backslash ends the pattern")
        return re.escape(body[at + 1]), at + 2
    return re.escape(character), at + 1


def _stars(body: str, at: int) -> tuple[str, int]:
    """Two stars between slashes, or a slash and an end, stand for any number of folders."""
    match = _STARS.match(body, at)
    end = match.end() if match else at + 1
    opens = at == 0 or body[at - 1] == "/"
    if end - at == 2 and opens:
        if end == len(body):
            return ".+", end
        if body[end] == "/":
            return "(?:.*/)?", end + 1
    return "[^/]*", end


def _class(body: str, at: int) -> tuple[str, int]:
    match = _CLASS.match(body, at)
    if match is None:
        raise ValueError("a bracket is not closed")
    content = match[2]
    for name, members in _NAMED.items():
        content = content.replace(name, f"\0{members}\0")
    pieces = content.split("\0")
    # Every second piece is a named class, written as a regular expression already.
    shown = "".join(piece if odd % 2 else _members(piece) for odd, piece in enumerate(pieces))
    return f"(?!/)[{'^' if match[1] else ''}{shown}]", match.end()


def _members(text: str) -> str:
    """Characters and ranges of a class; a backslash makes the next one plain."""
    plain = re.sub(r"\\(.)", lambda match: "\0" + match[1], text)
    return re.sub(
        r"\0?(.)", lambda m: m[0] if m[0] == "-" else "\\" + m[1] if not m[1].isalnum() else m[1], plain
    )
