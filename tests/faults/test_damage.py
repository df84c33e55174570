"""Any file of an index damaged in any way: it is refused by name or nothing changes, and what is derived
is made anew from the record. LECTERN_FAULTS=all (`make test-faults`) does it 100 times to every file.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from rag.build import build_indexer, build_retriever
from rag.config import Settings, load_settings
from rag.errors import RagError
from rag.indexes.generation import read_manifest
from rag.types import Chunk, Document

TIMES = 100 if os.environ.get("LECTERN_FAULTS") == "all" else 2
QUESTIONS = ("who trims the lamp at night", "fresh bread", "如何部署模型")
TEXTS = {
    "lighthouse.md": "The keeper trims the lamp at night.",
    "bakery.md": "The baker sells fresh bread before noon.",
    "部署.md": "使用脚本部署量化后的模型。",
    "harbour.md": "Boats wait in the harbour for the tide.",
    "gale.md": "A gale broke the window of the lamp room.",
}


def _truncated(file: Path, dice: random.Random, _: Path) -> None:
    os.truncate(file, dice.randrange(max(1, file.stat().st_size)))


def _flipped(file: Path, dice: random.Random, _: Path) -> None:
    content = bytearray(file.read_bytes())
    if content:
        content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    file.write_bytes(content)


def _zeroed(file: Path, dice: random.Random, _: Path) -> None:
    content = bytearray(file.read_bytes())
    start = dice.randrange(-(-len(content) // 4096) or 1) * 4096
    content[start : start + 4096] = bytes(len(content[start : start + 4096]))
    file.write_bytes(content)


def _swapped(file: Path, _: random.Random, other: Path) -> None:
    """With the file of the same name that another generation has."""
    if other.exists():
        shutil.copy(other, file)


def _deleted(file: Path, *_: object) -> None:
    file.unlink()


DAMAGES: list[Callable[[Path, random.Random, Path], None]] = [
    _truncated,
    _flipped,
    _zeroed,
    _swapped,
    _deleted,
]


def _put(settings: Settings, names: list[str], version: str, removed: str = "") -> None:
    with build_indexer(settings) as indexer:
        for name in names:
            text = f"{TEXTS[name]} {version}"
            indexer.add(Document(name, text, version), [Chunk(name, 0, text, 0, len(text), ("Top",), 1)])
        indexer.remove([removed] if removed else [])
        indexer.publish()


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """An index of two segments, one of them with deleted rows."""
    settings = load_settings({"index": str(tmp_path_factory.mktemp("whole") / "index")})
    _put(settings, list(TEXTS), "first")
    _put(settings, ["gale.md"], "second", removed="bakery.md")
    assert [bool(each.deleted) for each in read_manifest(settings.index).segments] == [True, False]
    return settings


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Files of the same names with other content."""
    settings = load_settings({"index": str(tmp_path_factory.mktemp("other") / "index")})
    _put(settings, list(reversed(TEXTS)), "third")
    _put(settings, ["harbour.md"], "fourth", removed="gale.md")
    return settings


def _answers(settings: Settings) -> list[tuple[str, str, str, float]]:
    retriever = build_retriever(settings)
    return [
        (retriever.generation, hit.chunk.document_id, hit.chunk.text, hit.score)
        for question in QUESTIONS
        for hit in retriever.search(question)
    ]


def _files(folder: Path) -> list[str]:
    return [
        str(file.relative_to(folder))
        for file in sorted(folder.rglob("*"))
        if file.is_file() and not file.name.startswith("lock") and not file.name.endswith("-shm")
    ]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_never_gives_another_answer(
    damage: Callable[[Path, random.Random, Path], None], index: Settings, other: Settings, tmp_path: Path
) -> None:
    expected = _answers(index)
    copy = index.model_copy(update={"index": tmp_path / "index"})
    refused = 0
    for name in _files(index.index):
        for time in range(TIMES):
            shutil.rmtree(copy.index, ignore_errors=True)
            shutil.copytree(index.index, copy.index)
            dice = random.Random(f"{damage.__name__} {name} {time}")  # noqa: S311 - no secret
            damage(copy.index / name, dice, other.index / name)
            try:
                assert _answers(copy) == expected, (name, time)
            except RagError as error:
                refused += 1
                # Another index's manifest is sound; then the files are not those it names.
                sought = "record" if "sqlite" in name else "" if "manifest" in name else Path(name).name
                assert sought in str(error), (name, time, error)  # noqa: PT017
            if "sqlite" not in name:
                with build_indexer(copy) as indexer:
                    indexer.publish()
                    assert indexer.embedded_chunks == 0
                assert _answers(copy) == expected, (name, time)
    assert refused > TIMES


def test_every_damage_changes_a_file(index: Settings, tmp_path: Path) -> None:
    """Else the test above would prove nothing."""
    for damage in (_truncated, _flipped, _deleted, partial(_zeroed)):
        file = tmp_path / "file"
        shutil.copy(index.index / "record.sqlite", file)
        before = file.read_bytes()
        damage(file, random.Random(1), file)  # noqa: S311 - no secret
        assert not file.exists() or file.read_bytes() != before
