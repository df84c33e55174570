"""An opened generation: its rows stand for chunks of the record it was made from, and of no other."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from rag.build import build_store
from rag.config import Settings
from rag.dense import faiss
from rag.errors import IndexDamaged, IndexReplaced
from rag.indexes.generation import read_manifest, segment_folder
from rag.indexes.reader import OpenIndex
from rag.sparse import bmx
from rag.types import Filter

Written = Callable[[Settings, Mapping[str, str]], str]


def opened(settings: Settings) -> OpenIndex:
    store = build_store(settings, read_only=True)
    return OpenIndex(settings.index, read_manifest(settings.index), store, bmx.build(), faiss.build())


def test_rows_are_the_chunks_by_document_and_position(index: Settings, texts: dict[str, str]) -> None:
    reader = opened(index)
    chunks = reader.chunks(range(reader.manifest.chunks))
    assert [(chunk.document_id, chunk.ordinal) for chunk in chunks] == sorted(
        (name, ordinal) for name, text in texts.items() for ordinal in range(len(text.split("\n\n")))
    )
    for chunk in chunks:
        assert texts[chunk.document_id][chunk.start : chunk.end] == chunk.text
    assert [chunk.ordinal for chunk in reader.chunks([3, 0, 3])] == [1, 0, 1]
    assert reader.chunks([]) == []


def test_rows_of_one_document_have_one_number(index: Settings) -> None:
    reader = opened(index)
    rows = np.arange(reader.manifest.chunks)
    ids = [chunk.document_id for chunk in reader.chunks(rows.tolist())]
    assert reader.documents(rows[::-1][:3]).tolist() == reader.documents(rows).tolist()[::-1][:3]
    numbers = reader.documents(rows).tolist()
    assert len(set(zip(ids, numbers, strict=True))) == len(set(ids)) == len(set(numbers)) > 1
    assert reader.documents(rows[:0]).tolist() == []


def test_each_structure_is_opened_only_when_it_is_asked_for(
    tmp_path: Path, settings_for: Callable[..., Settings], write_index: Written
) -> None:
    settings = settings_for(tmp_path / "index")
    write_index(settings, {"a.md": "Some text."})
    reader = opened(settings)
    home = segment_folder(settings.index, 1)
    (home / "dense-vectors.npy").unlink()
    assert len(reader.sparse.search(["text"], 5).rows) == 1
    with pytest.raises(IndexDamaged, match=r"dense-vectors\.npy is missing"):
        _ = reader.dense


@pytest.mark.parametrize(
    ("name", "leg"), [("keys.npy", "manifest"), ("sparse-rows.bin", "sparse"), ("dense-rows.npy", "dense")]
)
def test_a_damaged_file_is_refused_before_anything_is_read_from_it(
    name: str, leg: str, tmp_path: Path, index: Settings, settings_for: Callable[..., Settings]
) -> None:
    settings = settings_for(tmp_path / "index")
    shutil.copytree(index.index, settings.index)
    victim = segment_folder(settings.index, 1) / name
    victim.write_bytes(victim.read_bytes()[::-1])
    with pytest.raises(IndexDamaged, match=rf"{re.escape(name)} is damaged"):
        getattr(opened(settings), leg)


def test_a_filter_lets_rows_through(index: Settings) -> None:
    reader = opened(index)
    assert reader.among(Filter()) is None
    mask = reader.among(Filter(paths=("*.md",)))
    assert mask is not None
    rows = range(reader.manifest.chunks)
    names = [chunk.document_id for chunk in reader.chunks(rows)]
    assert mask.tolist() == [name.endswith(".md") for name in names]
    only = reader.among(Filter(paths=(names[0],)))
    assert only is not None
    assert only.tolist() == [name == names[0] for name in names]
    assert reader.among(Filter(paths=(names[0],))) is only


def test_a_generation_replaced_twice_says_so(
    tmp_path: Path, settings_for: Callable[..., Settings], write_index: Written
) -> None:
    settings = settings_for(tmp_path / "index")
    write_index(settings, {"a.md": "Version one."})
    first = opened(settings)
    write_index(settings, {"a.md": "Version two."})
    assert [chunk.text for chunk in first.chunks([0])] == ["Version one."]
    write_index(settings, {"a.md": "Version three."})
    with pytest.raises(IndexReplaced, match=f"{first.manifest.generation} was replaced.*ask again"):
        first.chunks([0])


def test_a_record_that_lost_passages_is_damaged_and_asking_again_is_not_advised(
    tmp_path: Path, settings_for: Callable[..., Settings], write_index: Written
) -> None:
    settings = settings_for(tmp_path / "index")
    write_index(settings, {"a.md": "The words."})
    reader = opened(settings)
    with closing(sqlite3.connect(settings.index / "record.sqlite")) as record:
        record.execute("DELETE FROM chunk")
        record.commit()
    for ask in (lambda: reader.chunks([0]), lambda: reader.documents(np.array([0]))):
        with pytest.raises(IndexDamaged, match=r"the record of the index has lost passages.*--rebuild"):
            ask()


def test_another_record_in_its_place_never_lends_its_words(
    tmp_path: Path, settings_for: Callable[..., Settings], write_index: Written
) -> None:
    """The keys of a generation exist in a new record as well, and mean other chunks there."""
    settings = settings_for(tmp_path / "index")
    other = settings_for(tmp_path / "other")
    write_index(settings, {"a.md": "What was indexed."})
    write_index(other, {"b.md": "Something else."})
    shutil.copy(other.index / "record.sqlite", settings.index / "record.sqlite")
    reader = opened(settings)
    with pytest.raises(IndexDamaged, match=r"record.*not the one.*python -m ingest"):
        reader.chunks([0])


def test_the_rows_of_so_many_filters_are_kept_and_no_more(
    index: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a small collection they take few bytes, and those who ask may send ever new ones."""
    monkeypatch.setattr("rag.indexes.reader._MASKS", 3)
    reader = opened(index)
    for number in range(10):
        chosen = Filter(paths=("kitchen.md", f"{number}.md"))
        mask = reader.among(chosen)
        assert mask is not None
        assert reader.among(chosen) is mask
        assert int(mask.sum()) == 2
        assert len(reader._masks) <= 3
