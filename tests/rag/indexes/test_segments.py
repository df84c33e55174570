"""Publishes that cost what changed: whatever the history, the segments hold exactly the living chunks."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.dense import faiss
from rag.errors import RagError
from rag.indexes import segments
from rag.indexes.generation import Manifest, SegmentFiles, publish, verify
from rag.indexes.reader import OpenIndex
from rag.indexes.segments import Writer
from rag.protocols.stores import Store
from rag.sparse import bmx
from rag.stores import sqlite
from rag.text import terms
from rag.types import Chunk, Document, Vectors

DIMENSION = 8
WORDS = "lamp oil bread dough harbour window gale 部署 模型 torch.compile".split()


class Folder:
    """An index folder with its record, published step by step."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.store: Store = sqlite.build(home)
        self.store.remember("record", "r")
        self.manifest: Manifest | None = None

    def put(self, name: str, version: int) -> None:
        text = f"{' '.join(WORDS[(version + at) % len(WORDS)] for at in range(1 + version % 5))} v{version}"
        chunks = [Chunk(name, n, text, 0, len(text)) for n in range(1 + version % 3)]
        own = [_vectors(f"{name} {version} {n}") for n in range(len(chunks))]
        self.store.replace(Document(name, text, str(version)), chunks, own)

    def publish(self) -> Manifest:
        base, number = self.manifest, self.manifest.number + 1 if self.manifest else 1
        changes = self.store.changes(base.mark if base else 0, base.number if base else 0)
        writer = Writer(self.home, DIMENSION, bmx.build(), faiss.build())
        chunks = self.store.chunks(base.mark if base else 0)
        found = writer.write(
            number,
            base,
            chunks,
            sum(document.chunks for document in changes.added),
            changes.removed_keys if base else (),
        )
        living = sum(each.living for each in found)
        manifest = Manifest(
            number, f"g{number}", "", "", {}, 0, living, found, record="r", mark=self.store.mark()
        )
        publish(self.home, manifest, base)
        self.store.collect(number)
        self.manifest = manifest
        return manifest

    def opened(self) -> OpenIndex:
        assert self.manifest is not None
        return OpenIndex(self.home, self.manifest, self.store, bmx.build(), faiss.build())

    def found(self) -> list[object]:
        """Every row that any question finds, by the chunk it stands for, with its scores."""
        index = self.opened()
        results: list[object] = []
        for word in WORDS:
            for ranking in (
                index.sparse.search(terms(word), 999),
                index.dense.search(_vectors(word)[0], 999),
            ):
                chunks = index.chunks(ranking.rows.tolist())
                pairs = zip(chunks, ranking.scores.tolist(), strict=True)
                results.append(sorted((chunk.document_id, chunk.ordinal, score) for chunk, score in pairs))
        return results


def _vectors(seed: str) -> Vectors:
    drawn = np.random.default_rng(list(seed.encode())).normal(size=(1 + len(seed) % 2, DIMENSION))
    unit: Vectors = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
    return unit


STEPS = st.lists(
    st.tuples(st.sampled_from(["put", "put", "put", "remove", "publish"]), st.integers(0, 9)), max_size=40
)


@settings(max_examples=40, deadline=None)
@given(steps=STEPS)
def test_any_history_of_publishes_finds_what_one_clean_publish_finds(
    steps: list[tuple[str, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    here, clean = (Folder(tmp_path_factory.mktemp(name)) for name in ("history", "clean"))
    living: dict[str, int] = {}
    for number, (step, which) in enumerate(steps):
        if step == "put":
            living[f"{which}.md"] = number
            here.put(f"{which}.md", number)
        elif step == "remove":
            living.pop(f"{which}.md", None)
            here.store.remove([f"{which}.md"])
        else:
            here.publish()
    manifest = here.publish()
    verify(here.home, manifest)
    for name, number in living.items():
        clean.put(name, number)
    assert manifest.chunks == clean.publish().chunks
    assert here.found() == clean.found()


def test_a_publish_writes_one_segment_and_sizes_fall_geometrically(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    for number in range(64):
        folder.put(f"{number}.md", 3 * number)  # a chunk each
        manifest = folder.publish()
        sizes = [each.living for each in manifest.segments]
        assert sum(sizes) == number + 1
        assert all(earlier >= 2 * later for earlier, later in pairwise(sizes))
        assert len(sizes) <= 7


def test_what_did_not_change_is_not_written_again(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    for number in range(20):
        folder.put(f"{number}.md", 3 * number)
    [before] = folder.publish().segments
    folder.put("new.md", 3)
    folder.store.remove(["7.md"])
    kept, added = folder.publish().segments
    assert (kept.number, kept.rows, kept.living, kept.deleted) == (1, 20, 19, "deleted-00000002.npy")
    assert {name: kept.files[name] for name in before.files} == before.files
    assert (added.number, added.rows) == (2, 1)


def test_a_removal_alone_writes_no_segment(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    for number in range(5):
        folder.put(f"{number}.md", 3 * number)
    folder.publish()
    folder.store.remove(["1.md"])
    assert [each.number for each in folder.publish().segments] == [1]
    assert not (tmp_path / "segments" / "00000002").exists()


def test_a_segment_of_which_most_is_deleted_is_written_anew(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    for number in range(9):
        folder.put(f"{number}.md", 3 * number)
    folder.publish()
    folder.store.remove([f"{number}.md" for number in range(5)])
    [segment] = folder.publish().segments
    assert (segment.number, segment.rows, segment.living, segment.deleted) == (2, 4, 4, "")


def test_when_everything_is_deleted_no_segment_is_left(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.put("a.md", 1)
    folder.publish()
    folder.store.remove(["a.md"])
    assert folder.publish().segments == ()
    assert not any(folder.found())


def test_a_disk_that_is_full_leaves_the_segments_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fault comes from the system call that puts the files on the disk."""
    folder = Folder(tmp_path)
    folder.put("a.md", 3)
    folder.put("b.md", 3)
    before = folder.publish()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    folder.store.remove(["a.md"])
    folder.put("c.md", 3)
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(RagError, match=r"No space left.*free space"):
            folder.publish()
    verify(tmp_path, before)
    assert folder.publish().chunks == 2


@pytest.mark.parametrize(
    ("living", "rows", "added", "merged"),
    [
        ([], [], 5, []),
        ([100], [100], 1, []),
        ([100, 2], [100, 2], 1, []),
        ([100, 1], [100, 1], 1, [1]),
        ([4, 2, 1], [4, 2, 1], 1, [0, 1, 2]),
        ([110, 49, 3], [110, 100, 3], 0, [1, 2]),
        ([100, 50], [100, 100], 0, []),
    ],
)
def test_small_and_half_empty_segments_are_taken_in(
    living: list[int], rows: list[int], added: int, merged: list[int]
) -> None:
    one = SegmentFiles(1, 0, 0, "", {})
    given_ = [replace(one, living=own, rows=whole) for own, whole in zip(living, rows, strict=True)]
    assert segments._to_merge(given_, added) == merged
