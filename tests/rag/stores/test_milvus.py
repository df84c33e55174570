"""The Milvus store beyond the contract: its own searches, and what a killed writer leaves behind."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from rag import text
from rag.build import build_indexer, build_retriever
from rag.config import Settings
from rag.errors import IndexBusy, IndexMissing, RagError, SettingError
from rag.health.doctor import examine
from rag.indexes.within import publish_within
from rag.protocols.stores import Index
from rag.sections import Backend
from rag.sparse import bmx
from rag.types import EVERYTHING, Chunk, Document, Filter, Segment, Vectors

pytest.importorskip("pymilvus", reason="pymilvus is not installed: pip install -e '.[milvus]'")

from rag.stores import milvus
from rag.stores._milvus import legs
from rag.stores._milvus.client import Connection
from rag.stores._milvus.schema import CHUNK, TERM
from rag.stores.milvus import MilvusStore

_WORDS = ["alpha", "beta", "gamma", "delta", "部署", "模型", "torch.compile", "v0.6.3", "rare"]


class _Embedder:
    """As much of an embedder as publishing asks for."""

    fingerprint = "three"
    dimension = 3


class _Stopped(BaseException):
    """The process ends here."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[MilvusStore]:
    opened = _open(tmp_path)
    yield opened
    opened.close()


def _open(folder: Path, *, read_only: bool = False) -> MilvusStore:
    opened = milvus.build(folder=folder, read_only=read_only)
    assert isinstance(opened, MilvusStore)
    return opened


def _publish(store: MilvusStore) -> str:
    return publish_within(store, _Embedder())  # type: ignore[arg-type]


def _unit(seed: int) -> Vectors:
    vector = np.random.default_rng(seed).standard_normal(3).astype(np.float32)
    return vector / np.linalg.norm(vector)


def _put(store: MilvusStore, name: str, *contents: str, page: int | None = None, **metadata: str) -> None:
    whole = "\n".join(contents)
    chunks, start = [], 0
    for ordinal, content in enumerate(contents):
        chunks.append(Chunk(name, ordinal, content, start, start + len(content), (), page))
        start += len(content) + 1
    vectors = [np.stack([_unit(len(each)), _unit(len(each) + 1)]) for each in contents]
    store.replace(Document(name, whole, str(hash(whole)), metadata), chunks, vectors)


def _texts(index: Index, rows: Sequence[int]) -> list[str]:
    return [chunk.text for chunk in index.chunks(list(rows))]


def _state(store: MilvusStore) -> list[tuple[str, str]]:
    return [(each.chunk.document_id, each.chunk.text) for each in store.chunks()]


def test_the_sparse_leg_scores_as_the_embedded_engine_does(store: MilvusStore, tmp_path: Path) -> None:
    draw = random.Random(7)  # noqa: S311 - words, no secrets
    contents = [" ".join(draw.choices(_WORDS, k=draw.randint(1, 40))) for _ in range(60)]
    for number, content in enumerate(contents):
        _put(store, f"{number:02d}.md", content)
    _publish(store)
    _put(store, "05.md", "alpha beta replaced")
    store.remove(["06.md"])
    _publish(store)
    index = store.open_index()
    living = [each.chunk for each in store.chunks()]
    (folder := tmp_path / "segment").mkdir()
    embedded = bmx.build()
    embedded.write(folder, [text.document_terms(chunk) for chunk in living])
    reader = embedded.open([Segment(folder, len(living))])
    for question in ("alpha", "rare 部署", "torch.compile v0.6.3 gamma gamma", "alpha beta gamma delta"):
        expected = reader.search(text.query_terms(question), 60)
        found = index.sparse.search(text.query_terms(question), 60)
        by_text = dict(zip(_texts(index, found.rows.tolist()), found.scores.tolist(), strict=True))
        wanted = {living[row].text: score for row, score in zip(expected.rows, expected.scores, strict=True)}
        assert by_text == pytest.approx(wanted, rel=1e-6)
        rows = sorted(found.rows.tolist())
        assert index.sparse.score(text.query_terms(question), rows).tolist() == pytest.approx(
            [wanted[each] for each in _texts(index, rows)], rel=1e-6
        )


def test_terms_known_to_one_question_stay_known_to_it_while_others_begin_anew(
    store: MilvusStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a reader remembers of terms is bounded, and it answers several questions at once."""
    for number, content in enumerate(("alpha beta", "beta gamma", "alpha gamma delta")):
        _put(store, f"{number}.md", content)
    _publish(store)
    expected = store.open_index().sparse.search(["alpha", "delta"], 5)
    leg = store.open_index().sparse
    leg.search(["alpha"], 5)
    real = vars(legs)["known_terms"]

    def meanwhile(*asked: Any) -> Any:
        found = real(*asked)
        monkeypatch.setattr(legs, "known_terms", real)
        monkeypatch.setattr(legs, "_KEPT_TERMS", 0)
        leg.frequencies(["gamma"])
        return found

    monkeypatch.setattr(legs, "known_terms", meanwhile)
    found = leg.search(["alpha", "delta"], 5)
    assert found.rows.tolist() == expected.rows.tolist()
    assert found.scores.tolist() == expected.scores.tolist()


def test_the_dense_leg_takes_the_best_of_a_passages_vectors(store: MilvusStore) -> None:
    for number in range(30):
        _put(store, f"{number:02d}.md", "x" * (number + 1))
    _publish(store)
    index, question = store.open_index(), _unit(99)
    expected = {each.chunk.text: float((each.vectors @ question).max()) for each in store.chunks()}
    found = index.dense.search(question, 10)
    best = sorted(expected.values(), reverse=True)[:10]
    assert found.scores.tolist() == pytest.approx(best, abs=1e-6)
    scored = index.dense.score(question, found.rows.tolist())
    assert scored.tolist() == pytest.approx(found.scores.tolist(), abs=1e-6)
    assert index.dense.score(question, [10**12]).tolist() == [0.0]


def test_filters_are_pushed_down_into_both_legs(store: MilvusStore) -> None:
    _put(store, "notes/a.md", "alpha one", tag="x")
    _put(store, "notes/b_c.pdf", "alpha two", page=3, tag='say "hi"\\')
    _put(store, "notesy.md", "alpha three")
    _put(store, "notes/bxc.pdf", "alpha four", page=9)
    _publish(store)
    index = store.open_index()

    def found(chosen: Filter) -> set[str]:
        among = index.among(chosen)
        sparse = _texts(index, index.sparse.search(["alpha"], 9, among).rows.tolist())
        dense = _texts(index, index.dense.search(_unit(1), 9, among).rows.tolist())
        assert set(sparse) == set(dense)
        return set(sparse)

    assert index.among(EVERYTHING) is None
    assert found(Filter(paths=("notes",))) == {"alpha one", "alpha two", "alpha four"}
    assert found(Filter(paths=("*b_c.pdf",))) == {"alpha two"}
    assert found(Filter(pages=(1, 5))) == {"alpha two"}
    assert found(Filter(metadata=(("tag", 'say "hi"\\'),))) == {"alpha two"}
    assert found(Filter(paths=("notes/*.md", "notesy.md"))) == {"alpha one", "alpha three"}
    assert found(Filter(paths=('" or key > 0 or "',))) == set()


def test_a_reader_sees_one_generation_while_the_next_is_being_made(
    store: MilvusStore, tmp_path: Path
) -> None:
    _put(store, "a.md", "alpha old", "alpha older")
    first = _publish(store)
    reader = _open(tmp_path, read_only=True)
    index = reader.open_index()
    before = index.sparse.search(["alpha", "new"], 9)
    _put(store, "a.md", "alpha new")
    _put(store, "b.md", "new")
    again = index.sparse.search(["alpha", "new"], 9)
    assert again.rows.tolist() == before.rows.tolist()
    assert again.scores.tolist() == before.scores.tolist()
    assert index.generation == first
    second = _publish(store)
    assert second != first
    assert index.sparse.search(["alpha"], 9).rows.tolist() == before.rows.tolist(), "it is still the first"
    newer = reader.open_index()
    assert _texts(newer, newer.sparse.search(["new"], 9).rows.tolist()) == ["new", "alpha new"]
    reader.close()


def test_equal_content_has_the_same_generation_whatever_its_history(tmp_path: Path) -> None:
    names = []
    for home in ("one", "two"):
        store = _open(tmp_path / home)
        if home == "two":
            _put(store, "gone.md", "gone")
            _put(store, "a.md", "before")
            _publish(store)
            store.remove(["gone.md"])
        _put(store, "a.md", "alpha")
        names.append(_publish(store))
        assert _publish(store) == names[-1], "nothing changed"
        store.close()
    assert names[0] == names[1]


def _stop_at(monkeypatch: pytest.MonkeyPatch, call: int) -> None:
    """The writer's `call`-th change does not take place, and nothing after it."""
    left = call

    def counted(real: object) -> object:
        def change(self: Connection, name: str, *rest: object, **more: object) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise _Stopped
            real(self, name, *rest, **more)  # type: ignore[operator]

        return change

    for name in ("put", "delete"):
        monkeypatch.setattr(Connection, name, counted(getattr(Connection, name)))


@pytest.mark.parametrize("call", [*range(8), *range(8, 24, 3)])
def test_a_writer_killed_anywhere_leaves_whole_documents_and_the_next_one_finishes(
    tmp_path: Path, call: int
) -> None:
    store = _open(tmp_path)
    _put(store, "a.md", "alpha one", "alpha two")
    _put(store, "b.md", "beta")
    _publish(store)
    before = _state(store)
    with pytest.MonkeyPatch.context() as patched:
        _stop_at(patched, call)
        try:
            _put(store, "a.md", "gamma one", "gamma two")
            store.remove(["b.md"])
            _publish(store)
        except _Stopped:
            pass
    store.close()
    again = _open(tmp_path)
    index = again.open_index()
    seen = sorted(_texts(index, index.dense.search(_unit(1), 9).rows.tolist()))
    assert seen in (sorted(each for _, each in before), ["gamma one", "gamma two"])
    assert _state(again) in (
        before,
        [("a.md", "gamma one"), ("a.md", "gamma two"), ("b.md", "beta")],
        [("a.md", "gamma one"), ("a.md", "gamma two")],
    )
    _put(again, "a.md", "gamma one", "gamma two")
    again.remove(["b.md"])
    _publish(again)
    _assert_as_if_new(again, tmp_path / "clean")
    again.close()


@pytest.mark.parametrize("call", range(16))
def test_a_change_that_failed_is_undone_or_finished_before_the_same_writer_publishes(
    tmp_path: Path, call: int
) -> None:
    store = _open(tmp_path)
    _put(store, "a.md", "alpha one", "alpha two")
    _put(store, "b.md", "beta")
    _publish(store)
    with pytest.MonkeyPatch.context() as patched:
        _stop_at(patched, call)
        with suppress(_Stopped):
            _put(store, "a.md", "gamma one", "gamma two")
            store.remove(["b.md"])
    _publish(store)
    index = store.open_index()
    found = sorted(_texts(index, index.dense.search(_unit(1), 9).rows.tolist()))
    assert found == sorted(text for _, text in _state(store)), "what is found is what lives"
    assert [text for name, text in _state(store) if name == "a.md"] in (
        ["alpha one", "alpha two"],
        ["gamma one", "gamma two"],
    )
    _put(store, "a.md", "gamma one", "gamma two")
    store.remove(["b.md"])
    _publish(store)
    _assert_as_if_new(store, tmp_path / "clean")
    store.close()


def _assert_as_if_new(store: MilvusStore, folder: Path) -> None:
    clean = _open(folder)
    _put(clean, "a.md", "gamma one", "gamma two")
    _publish(clean)
    assert _state(store) == _state(clean)
    for question in (["gamma"], ["alpha"], ["beta"], ["one", "gamma"]):
        ours, theirs = (each.open_index().sparse.search(question, 9) for each in (store, clean))
        assert ours.scores.tolist() == pytest.approx(theirs.scores.tolist(), rel=1e-6)
    seen = [
        sorted(_texts(index, index.dense.search(_unit(1), 9).rows.tolist()))
        for index in (store.open_index(), clean.open_index())
    ]
    assert seen[0] == seen[1], "a vector without its passage would be found as well"
    assert store.faults() == []
    clean.close()


def test_what_nobody_sees_any_more_is_removed(store: MilvusStore) -> None:
    for content in ("one", "two", "three", "four"):
        _put(store, "a.md", content)
        _publish(store)
    connection = store._connection
    assert connection.count(CHUNK, "key > 0") == 2, "those of the published and of the one before"
    assert connection.count("vector_3", "key > 0") == 4
    assert connection.count(TERM, "df > 0") == 1


@pytest.mark.usefixtures("store")
def test_a_second_writer_is_refused_and_told_who_holds_the_record(tmp_path: Path) -> None:
    with pytest.raises(IndexBusy, match=r"being written by process \d+"):
        _open(tmp_path)


def test_the_lease_of_a_process_that_is_no_more_is_taken_over(store: MilvusStore, tmp_path: Path) -> None:
    assert store._lease is not None
    held = store._lease._read()
    store.remember("lease", json.dumps({**held, "pid": 2**22 + 1}))
    _open(tmp_path).close()


@pytest.mark.parametrize(("seconds", "steady"), [(-3600, 0), (3600, 0), (0, 20)])
def test_a_lease_is_renewed_in_time_whichever_clock_jumps_or_stands_still(
    seconds: int, steady: int, store: MilvusStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else another host's writer, whose clock goes on, would find it run out."""
    assert store._lease is not None
    before = store._lease._read()["until"]
    store._lease.renew()
    assert store._lease._read()["until"] == before
    moved = SimpleNamespace(time=lambda: time.time() + seconds, monotonic=lambda: time.monotonic() + steady)
    monkeypatch.setattr("rag.stores._milvus.lease.time", moved)
    store._lease.renew()
    assert store._lease._read()["until"] != before


@pytest.mark.parametrize("ended", [False, True])
def test_a_writer_that_stood_still_while_another_wrote_writes_no_more(
    ended: bool, store: MilvusStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it knows of the record, and the numbers it would give, are out of date."""
    _put(store, "a.md", "alpha")
    assert store._lease is not None
    if ended:
        store._lease._end()
    else:
        other = {**store._lease._read(), "name": "another's", "until": 0.0}
        store.remember("lease", json.dumps(other))
    monkeypatch.setattr("rag.stores._milvus.lease._RENEWED", 0.0)
    with pytest.raises(IndexBusy, match="another process while this one stood still: run this again"):
        _put(store, "b.md", "beta")
    assert [name for name, _ in _state(store)] == ["a.md"]


def test_a_file_is_free_for_another_process_once_the_last_of_its_connections_is_closed(
    store: MilvusStore, tmp_path: Path
) -> None:
    read = (
        "import pathlib, sys; from rag.stores.milvus import build;"
        "print(len(build(folder=pathlib.Path(sys.argv[1]), read_only=True).documents()))"
    )

    def another() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", read, str(tmp_path)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    _put(store, "a.md", "alpha")
    reader = _open(tmp_path, read_only=True)
    store.close()
    assert [document.id for document in reader.documents()] == ["a.md"]
    assert "is open in another process" in another().stderr
    reader.close()
    reader.close()
    assert another().stdout == "1\n"


def test_doctor_compares_the_files_with_an_index_in_milvus_lite(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "gate.md").write_text("# Gate\n\nThe gate opens at seven.\n")
    settings = Settings(index=tmp_path / "index", store=Backend(name="milvus"))
    options = ["--index", str(settings.index), "--set", "store.name=milvus", "--no-calibrate"]
    subprocess.run([sys.executable, "-m", "ingest", str(notes), *options], capture_output=True, check=True)
    assert examine(settings).findings == ()
    (notes / "gate.md").write_text("# Gate\n\nThe gate opens at eight.\n")
    [finding] = examine(settings).findings
    assert (finding.kind, finding.document) == ("stale", None)
    assert "1 new or changed" in finding.detail


def test_a_reader_of_an_empty_place_is_told_to_ingest_first(tmp_path: Path) -> None:
    with pytest.raises(IndexMissing, match="python -m ingest"):
        _open(tmp_path, read_only=True)


def test_a_server_that_is_not_there_is_named_with_the_setting() -> None:
    with pytest.raises(SettingError, match=r"store\.uri: Milvus at http://127\.0\.0\.1:9 cannot be reached"):
        milvus.build(folder=Path(), uri="http://127.0.0.1:9", timeout=1.0)


def test_a_name_that_cannot_begin_collections_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"store\.collection"):
        milvus.build(folder=tmp_path, collection="a-b")


@pytest.mark.parametrize("uri", ["localhost:19530", "milvus", "ftp://milvus"])
def test_an_address_that_is_none_is_refused_with_what_to_write(tmp_path: Path, uri: str) -> None:
    with pytest.raises(SettingError, match=r"store\.uri = .*http://HOST:19530"):
        milvus.build(folder=tmp_path, uri=uri)


def test_a_place_that_can_hold_no_file_is_named_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(SettingError, match=r"store\.uri: Milvus at .*taken.*: correct it"):
        milvus.build(folder=tmp_path, uri=str(tmp_path / "taken" / "milvus.db"))
    (tmp_path / "milvus.db").write_text("no folder of milvus-lite's")
    with pytest.raises(RagError, match="it cannot be opened: "):
        milvus.build(folder=tmp_path)


def test_collections_of_another_layout_are_refused_and_made_anew_by_a_rebuild_alone(tmp_path: Path) -> None:
    beside = milvus.build(folder=tmp_path, collection="lectern_2")
    assert isinstance(beside, MilvusStore)
    _put(beside, "a.md", "alpha beside")
    store = _open(tmp_path)
    _put(store, "a.md", "alpha")
    store.remember("format", "0")
    store.close()
    for read_only in (False, True):
        with pytest.raises(SettingError, match=r"lectern_\* .*milvus\.db .*format 0, .*--rebuild"):
            _open(tmp_path, read_only=read_only)
    again = milvus.build(folder=tmp_path, start_over=True)
    assert again.documents() == []
    assert again.settings()["format"] == "1"
    assert [document.id for document in beside.documents()] == ["a.md"], "another index in the same place"
    again.close()
    beside.close()


def test_an_index_of_another_embedder_is_neither_written_nor_read(tmp_path: Path) -> None:
    settings = Settings(index=tmp_path, store=Backend(name="milvus"))
    with build_indexer(settings) as indexer:
        indexer.store.remember("embedder", "another model")
        _put(indexer.store, "a.md", "alpha")  # type: ignore[arg-type]
    with pytest.raises(SettingError, match=r"another model.*--rebuild"), build_indexer(settings):
        pass
    store = _open(tmp_path)
    assert [each.chunk.text for each in store.chunks()] == ["alpha"]
    _publish(store)
    store.close()
    with pytest.raises(SettingError, match=r"embedder three.*--rebuild"):
        build_retriever(settings)


def test_places_are_told_by_what_scoring_has_read(
    store: MilvusStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    _put(store, "b.md", "alpha one", "alpha two")
    _put(store, "a.md", "alpha three")
    _publish(store)
    index = store.open_index()
    rows = index.sparse.search(["alpha"], 9).rows
    with monkeypatch.context() as patched:
        patched.setattr(Connection, "_query", _refuse)
        first = index.first(rows, 2)
        documents = index.documents(rows)
    assert _texts(index, first.tolist()) == ["alpha three", "alpha one"]
    assert sorted(np.unique(documents, return_counts=True)[1].tolist()) == [1, 2]


def _refuse(*_: object) -> None:
    raise AssertionError("the server was asked")


def test_long_headings_and_texts_beyond_a_field_come_back_whole(store: MilvusStore) -> None:
    body = "部" * 50_000
    heading = ("标题" * 20_000,)
    chunk = Chunk("a.md", 0, body, 0, len(body), heading, 1, "embedded " + "x" * 70_000)
    store.replace(Document("a.md", body, "1", {"long": "y" * 80_000}), [chunk], [np.stack([_unit(1)])])
    assert [each.chunk for each in store.chunks()] == [chunk]
    found = store.document("a.md")
    assert found is not None
    assert (found.text, found.metadata["long"]) == (body, "y" * 80_000)


def test_a_lease_that_was_lost_while_vectors_were_made_writes_nothing(store: MilvusStore) -> None:
    assert store._lease is not None
    lease = store._lease

    def made() -> Iterator[Vectors]:
        lease._written = (0.0, 0.0)
        store.remember("lease", json.dumps({**lease._read(), "name": "another's"}))
        yield np.ones((1, 3), np.float32)

    with pytest.raises(IndexBusy, match="another process"):
        store.replace(Document("a.md", "alpha", "1"), [Chunk("a.md", 0, "alpha", 0, 5)], made())
    assert store.documents() == []
