"""Links of Markdown documents to files that are not there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

# A scheme as "https:" or "mailto:", another host, the site's root, a place in the same document, or a
# variable of a site generator: nothing that lies beside the file.
_ELSEWHERE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|[/\\#?]|.*[{}]|$", re.DOTALL)
# All that may be the target of a link or an image, and more: code as well, which the parser tells apart.
_PERHAPS = re.compile(r"\](?:\(|:)\s*(?:<([^<>\n]*)|([^\s)]*))")
# Site generators let the ending of a page be left out, or be that of the page they make.
_PAGE_ENDINGS = (".md", ".markdown", ".mdx")
_MADE_ENDINGS = ("", ".html", ".htm")
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class BrokenLink:
    """A link to a file that is not there: its path (200 characters at most), and its line, from 1."""

    line: int
    path: str


def broken_links(text: str, source: Path) -> list[BrokenLink]:
    """The relative links and images of a Markdown text, CommonMark, whose files are not there.

    `source` is the file that holds the text; targets are relative to its folder. Links in raw HTML are
    not looked at.
    """
    folder = source.parent
    # The parser takes a second for a megabyte: it is asked only where something may be broken.
    rough = (match[1] or match[2] or "" for match in _PERHAPS.finditer(text))
    if all(_is_there(folder, target) for target in rough):
        return []
    found = _links(_parser().parse(text))
    return [
        BrokenLink(line, _path(target)[:_SHOWN]) for line, target in found if not _is_there(folder, target)
    ]


def _is_there(folder: Path, target: str) -> bool:
    """Whether a target is none of ours, or a file or folder."""
    if _ELSEWHERE.match(target):
        return True
    candidate = folder / _path(target)
    if _exists(candidate):
        return True
    page = candidate.suffix.lower() in _MADE_ENDINGS
    return page and any(_exists(candidate.with_suffix(ending)) for ending in _PAGE_ENDINGS)


def _path(target: str) -> str:
    """A target without its query and its place in the file, which may hold what nobody should read."""
    return unquote(target.partition("#")[0].partition("?")[0])


def _exists(path: Path) -> bool:
    try:
        path.stat()
    except PermissionError:
        return True  # nobody can tell
    except (OSError, ValueError):  # too long for a name, or a NUL in it
        return False
    return True


def _links(tokens: Sequence[Token]) -> Iterator[tuple[int, str]]:
    """Line and target, percent-encoded, of every link and image."""
    for token in tokens:
        if token.type != "inline" or not token.map:
            continue
        line = token.map[0] + 1
        for child in token.children or ():
            if child.type in ("softbreak", "hardbreak"):
                line += 1
            elif child.type == "link_open":
                yield line, str(child.attrGet("href"))
            elif child.type == "image":
                yield line, str(child.attrGet("src"))


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table")
