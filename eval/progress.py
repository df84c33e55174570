"""What the person watching sees while an evaluation works; results go to stdout, this does not."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

_Item = TypeVar("_Item")


def progress(items: Iterable[_Item], total: int, label: str) -> Iterator[_Item]:
    """The items, with a bar on a terminal and one line elsewhere; on stderr either way."""
    from tqdm import tqdm

    if not sys.stderr.isatty():
        say(f"{label}: {total}")
    yield from tqdm(items, total=total, desc=label, file=sys.stderr, disable=not sys.stderr.isatty())


def say(line: str) -> None:
    """One line on stderr."""
    print(line, file=sys.stderr, flush=True)
