"""Names the sources that made a figure: results of other code are no part of this run's."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

_SOURCES = Path(__file__).parents[1]
# What decides which chunks, terms and vectors an index holds; ranking and answering come after it.
INDEXING = (
    "eval/indexing.py",
    "ingest",
    "rag/compute.py",
    "rag/dense",
    "rag/embedders",
    "rag/expansion/dictionary.py",
    "rag/expansion/gloss.py",
    "rag/expansion/glossed.py",
    "rag/indexes",
    "rag/language",
    "rag/sparse",
    "rag/stores",
    "rag/text.py",
    "rag/tokens.py",
    "rag/types.py",
    "rag/word_counts.py",
)


@cache
def code_digest(places: tuple[str, ...] = ("rag", "ingest", "eval")) -> str:
    """Of every file below these places but compiled ones, 12 characters."""
    digest = hashlib.sha256()
    for file in sorted(file for place in places for file in _files(_SOURCES / place)):
        digest.update(file.relative_to(_SOURCES).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]


def _files(place: Path) -> list[Path]:
    found = place.rglob("*") if place.is_dir() else [place]
    return [file for file in found if file.is_file() and "__pycache__" not in file.parts]
