"""Secrets given away by the syntax around them: key blocks, addresses with a password, headers, commands."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.secrets.placeholders import placeholder
from ingest.secrets.spans import Span

_BLOCK = 32_000
_HEADER = re.compile(r"-----BEGIN ((?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?)-----")
# Without its last line, a block is as much of what follows as looks like one.
_BODY = re.compile(r"(?:[ \t>]{0,8}(?:\\n)?[A-Za-z0-9+/=:,.\- ]{16,160}(?:\\n|\n|$)|\s{1,4})*+")
_PUTTY = re.compile(
    r"PuTTY-User-Key-File-[23]:[^\n]{0,60}\n(?:[^\n]{0,200}\n){0,200}?Private-MAC: [0-9a-f]{20,64}"
)
_USERINFO = re.compile(r"://(?P<user>[^\s:/\"'<>`|]{0,64}+):(?P<password>[^\s\"'<>`|/]{1,128}+)")
_HOST = re.compile(r"(?:\[?[A-Za-z0-9][\w.\-]{0,100}|\[|[<{$(])")
_LOCAL = re.compile(r"localhost|127\.|0\.0\.0\.0|[a-z_\-]+(?=[:/]|$)|.*example")
_BEARER = re.compile(r"(?:bearer|Bearer|BEARER|Token) ([A-Za-z0-9_\-.=+/~]{16,4000}+)")
_BASIC = re.compile(r"asic ([A-Za-z0-9+/]{8,400}+={0,2})")
_QUOTED = r"""(?:"(?P<q2>[^"\n]{4,80})"|'(?P<q1>[^'\n]{4,80})'|(?P<q0>[^\s"'|;&]{4,80}))"""
# Commands that take a password as an argument, by a fixed string in them.
_COMMANDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("sshpass -p", re.compile(rf"sshpass -p ?{_QUOTED}")),
    ("mysql", re.compile(rf"mysql(?:dump|admin)?(?:\.exe)? (?:[^\s|]{{1,60}}+ ){{0,8}}?-p(?! ){_QUOTED}")),
    ("redis-cli", re.compile(rf"redis-cli (?:[^\s|]{{1,60}}+ ){{0,8}}?-a {_QUOTED}")),
    (" /user:", re.compile(rf" /user:\S{{1,60}} {_QUOTED}")),
    (
        "ftp ",
        re.compile(
            r"ftp [\w.\-]{3,60} [\w.@\-]{1,40} (?P<q0>(?=\S*\d)(?=\S*[A-Za-z])[^\s\"'|;&/]{6,80})(?=\s|$)"
        ),
    ),
    (" -u ", re.compile(rf" -u [\"']?[\w.@\-]{{1,40}}:{_QUOTED}")),
    ("ogin -u", re.compile(rf"ogin -u \S{{1,60}} -p {_QUOTED}")),
    ("DENTIFIED", re.compile(rf"DENTIFIED (?:WITH \w{{1,40}} )?(?:BY|AS) {_QUOTED}")),
    ("dentified", re.compile(r"dentified (?:with \w{1,40} )?by '(?P<q1>[^'\n ]{4,80})'")),
)


def connections(text: str) -> Iterator[Span]:
    """Private keys, passwords in addresses, authorisation headers and command lines."""
    yield from _keys(text)
    yield from _addresses(text)
    yield from _headers(text)
    for anchor, command in _COMMANDS:
        for at in _occurrences(text, anchor):
            if (match := command.match(text, at, at + 600)) is not None:
                group = str(match.lastgroup)
                word = match[group].rstrip(").,`")
                if not placeholder(word) and not (
                    group == "q0" and re.fullmatch(r"[a-z]{1,5}|[a-z]+_[a-z_]+|[a-z]+-[a-z]+", word)
                ):
                    yield Span("password", match.start(group), match.start(group) + len(word))


def _occurrences(text: str, anchor: str) -> Iterator[int]:
    at = text.find(anchor)
    while at >= 0:
        yield at
        at = text.find(anchor, at + len(anchor))


def _keys(text: str) -> Iterator[Span]:
    done = 0
    for at in _occurrences(text, "-----BEGIN "):
        if at < done or (header := _HEADER.match(text, at)) is None:
            continue
        footer = f"-----END {header[1]}-----"
        end = text.find(footer, header.end(), header.end() + _BLOCK)
        body = text[header.end() : end] if end >= 0 else ""
        if end < 0 or "-----BEGIN" in body:
            match = _BODY.match(text, header.end(), header.end() + _BLOCK)
            done = match.end() if match else header.end()
            body = text[header.end() : done]
        else:
            done = end + len(footer)
        if len(re.sub(r"[^A-Za-z0-9+/]", "", body)) >= 40:  # a header alone, or one around dots, is no key
            yield Span("private-key", at, done - (len(text[at:done]) - len(text[at:done].rstrip())))
    for at in _occurrences(text, "PuTTY-User-Key-File-"):
        if (putty := _PUTTY.match(text, at, at + _BLOCK)) is not None:
            yield Span("private-key", at, putty.end())


def _addresses(text: str) -> Iterator[Span]:
    """Passwords of `scheme://user:password@host`; the last @ before the host ends the password."""
    for at in _occurrences(text, "://"):
        match = _USERINFO.match(text, at, at + 260)
        if match is None or (cut := match["password"].rfind("@")) < 1:
            continue
        password = match["password"][:cut]
        start = match.start("password")
        if not _HOST.match(text, start + cut + 1) or placeholder(password) or not password.isascii():
            continue
        if not (
            _is_default(match["user"], password) and _LOCAL.match(text, start + cut + 1, start + cut + 80)
        ):
            yield Span("url-password", start, start + cut)


def _is_default(user: str, password: str) -> bool:
    """What an image or a tutorial sets, on the machine itself: postgres:postgres@localhost."""
    return password.lower() == user.lower() or password in (
        "postgres",
        "root",
        "admin",
        "mysql",
        "mongo",
        "redis",
    )


def _headers(text: str) -> Iterator[Span]:
    for anchor in ("earer ", "EARER ", " Token "):
        for at in _occurrences(text, anchor):
            match = _BEARER.match(text, max(0, at - 1)) or _BEARER.match(text, at + 1)
            if match and _random(match[1]) and not placeholder(match[1]):
                yield Span("bearer-token", match.start(1), match.end(1))
    for at in _occurrences(text, "asic "):
        match = _BASIC.match(text, at)
        if match and _pair_in_base64(match[1]):
            yield Span("basic-auth", match.start(1), match.end(1))


def _random(token: str) -> bool:
    return sum(c.isdigit() for c in token) > 1 and any(c.isalpha() for c in token)


def _pair_in_base64(word: str) -> bool:
    """Whether it decodes to `user:password`, as RFC 7617 has it; no ordinary word after `basic` does."""
    import base64
    import binascii

    try:
        user, colon, password = base64.b64decode(word, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return False
    return bool(user and colon) and user.isprintable() and not placeholder(password)
