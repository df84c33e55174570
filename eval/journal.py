"""Unfinished work, kept line by line so that the same command goes on where it was stopped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from eval.files import replace_file


class Journal:
    """Finished records by query; use as a context manager. Without a path nothing is kept."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self.done: dict[str, Any] = _read(path) if path else {}
        self._file = _opened(path, self.done) if path else None

    def add(self, query: str, record: Any) -> None:
        """Keep a record; it is on disk for the next process as soon as this returns."""
        self.done[query] = record
        if self._file:
            self._file.write(_line(query, record))
            self._file.flush()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()


def _read(path: Path) -> dict[str, Any]:
    """What whole lines say; the last one may be torn, and is then done again."""
    found: dict[str, Any] = {}
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    except FileNotFoundError:
        return found
    for line in lines:
        try:
            query, record = json.loads(line)
        except (ValueError, TypeError):
            continue
        found[query] = record
    return found


def _opened(path: Path, done: dict[str, Any]) -> Any:
    """The file with whole lines only, open for more: a torn line must not swallow the next one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, "".join(_line(query, record) for query, record in done.items()))
    return path.open("a", encoding="utf-8")


def _line(query: str, record: Any) -> str:
    return json.dumps([query, record], ensure_ascii=False) + "\n"
