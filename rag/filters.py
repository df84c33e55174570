"""The flags that say among which passages a command searches: --path, --pages and --meta."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rag.types import Filter

_HERE = re.compile(r"^(?:\./+)+")


def add_filters(verb: argparse.ArgumentParser) -> None:
    """Give a command the three flags."""
    group = verb.add_argument_group("only among")
    group.add_argument(
        "--path", action="append", default=[], type=as_called, metavar="PATTERN",
        help='documents: "notes/2024", "*.pdf"',
    )  # fmt: skip
    group.add_argument("--pages", type=_pages, metavar="A-B", help="pages of paged documents")
    group.add_argument(
        "--meta", action="append", default=[], type=_pair, metavar="NAME=VALUE", help="front matter"
    )


def chosen(options: argparse.Namespace) -> Filter:
    """What the flags let through."""
    from rag.types import Filter

    return Filter(tuple(options.path), options.pages, tuple(options.meta))


def as_called(value: str) -> str:
    """The path `./notes/` as documents are called: a shell completes it so."""
    return "*" if value in (".", "./") else _HERE.sub("", value)


def _pages(value: str) -> tuple[int, int]:
    """The argument `3` or `3-7`."""
    first, dash, last = value.partition("-")
    last = last if dash else first
    if not (first.isdecimal() and last.isdecimal() and int(first) <= int(last)):
        raise argparse.ArgumentTypeError(f"{value!r} is not a page or a range of pages, such as 3 or 3-7")
    return int(first), int(last)


def _pair(value: str) -> tuple[str, str]:
    """The argument `tag=draft`."""
    name, found, wanted = value.partition("=")
    if not found:
        raise argparse.ArgumentTypeError(f"{value!r} is not NAME=VALUE, such as tag=draft")
    return name, wanted
