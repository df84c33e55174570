"""Signatures are made once for each text, and their file is never trusted blindly."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.signatures import FILE, signatures
from rag.build import build_store
from rag.config import load_settings
from rag.health.copies import signature
from rag.protocols.stores import Store
from rag.types import Document


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = build_store(load_settings({"index": str(tmp_path)}), read_only=False)
    for name in ("a", "b"):
        store.replace(Document(name, f"text of {name}", digest=name * 64), [], [])
    yield store
    store.close()


def test_each_living_document_is_signed(store: Store, tmp_path: Path) -> None:
    expected = [(name, signature(f"text of {name}")) for name in ("a", "b")]
    assert signatures(store, tmp_path) == expected
    assert signatures(store, tmp_path) == expected


def test_what_was_signed_is_taken_from_the_file_and_what_is_gone_leaves_it(
    store: Store, tmp_path: Path
) -> None:
    signatures(store, tmp_path)
    before = (tmp_path / FILE).read_bytes()
    store.replace(Document("a", "a text that the file does not know", digest="a" * 64), [], [])
    assert signatures(store, tmp_path)[0] == ("a", signature("text of a"))
    assert (tmp_path / FILE).read_bytes() == before
    store.remove(["a"])
    assert [name for name, _ in signatures(store, tmp_path)] == ["b"]
    assert len((tmp_path / FILE).read_bytes()) < len(before)


@pytest.mark.parametrize("at", [0, 30, 100, -1])
def test_a_damaged_file_is_made_again(store: Store, tmp_path: Path, at: int) -> None:
    expected = signatures(store, tmp_path)
    whole = (tmp_path / FILE).read_bytes()
    damaged = bytearray(whole)
    damaged[at] ^= 1
    for content in (bytes(damaged), whole[:-7], b""):
        (tmp_path / FILE).write_bytes(content)
        assert signatures(store, tmp_path) == expected
        assert (tmp_path / FILE).read_bytes() == whole
