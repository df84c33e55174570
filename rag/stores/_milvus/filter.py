"""A filter as a condition on rows, which Milvus searches within."""

from __future__ import annotations

import json

from rag.stores._milvus.address import quoted
from rag.stores._milvus.schema import FIELD
from rag.types import Document, Filter

_PRIVATE = {ord(character): 0xE000 + ord(character) for character in "%_\\"}


def condition(chosen: Filter) -> str:
    """A filter over chunk or vector rows; empty where it lets everything through."""
    said: list[str] = []
    if chosen.paths:
        either = [
            f"path == {quoted(filtered(each))} or path like {quoted(_like(each))}" for each in chosen.paths
        ]
        said.append(f"({' or '.join(either)})")
    if chosen.pages:
        said.append(f"(page >= {chosen.pages[0]} and page <= {chosen.pages[1]})")
    said += [f"metadata[{quoted(name)}] == {quoted(value)}" for name, value in chosen.metadata]
    return " and ".join(said)


def filtered(path: str) -> str:
    """A path without the characters that mean something in a pattern, since not every Milvus lets them be
    escaped: private ones stand for them.
    """
    return path.translate(_PRIVATE)


def filterable(document: Document) -> dict[str, str]:
    """The metadata as a filter sees it, as far as a field holds it."""
    kept: dict[str, str] = {}
    left = FIELD
    for name, value in document.metadata.items():
        left -= len(json.dumps({name: value}))
        if left > 0:
            kept[name] = value
    return kept


def _like(path: str) -> str:
    """* is any run of characters; a path without one stands for the folder."""
    return filtered(path if "*" in path else path.rstrip("/") + "/*").replace("*", "%")
