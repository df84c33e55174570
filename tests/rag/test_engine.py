"""The engine follows what is published, and every question is answered from exactly one generation."""

from __future__ import annotations

import itertools
import os
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from rag.build import build_engine, build_indexer
from rag.config import Settings
from rag.engine import Defaults, Engine
from rag.errors import Cancelled, IndexDamaged, IndexMissing, QuestionError, SettingError
from rag.generators._calibrated import Calibrated
from rag.indexes.generation import FolderWatch, segment_folder
from rag.retrieve import Retriever
from rag.types import Chunk, Document, Hit, Mode

SettingsFor = Callable[..., Settings]
Written = Callable[[Settings, Mapping[str, str]], str]
MakeDocument = Callable[[str, str], tuple[Document, list[Chunk]]]


def test_what_the_generator_writes_is_handed_on_while_it_writes_it(index: Settings) -> None:
    pieces: list[str] = []
    answer = build_engine(index).ask("What did the lamp of the lighthouse burn?", on_text=pieces.append)
    assert "".join(pieces) == answer.text


def test_an_answer_nobody_waits_for_any_more_is_given_up(index: Settings) -> None:
    cancelled = threading.Event()
    cancelled.set()
    with pytest.raises(Cancelled):
        build_engine(index).ask("What did the lamp of the lighthouse burn?", cancelled=cancelled)


def test_the_same_question_finds_the_same(index: Settings) -> None:
    engine = build_engine(index)
    first = engine.search("Where are the logs written?")
    again = build_engine(index).search("Where are the logs written?")
    assert (first.generation, first.hits) == (again.generation, again.hits)


def test_a_question_may_say_how_many_passages_and_by_which_search(index: Settings) -> None:
    engine = build_engine(index)
    assert len(engine.search("the server and the lamp", k=1).hits) == 1
    [hit] = engine.search("lamp", k=1, mode="sparse").hits
    assert hit.dense is None
    [hit] = engine.search("lamp", k=1, mode="dense").hits
    assert hit.sparse is None


def test_without_an_index_the_way_to_one_is_said_and_then_taken(
    tmp_path: Path, settings_for: SettingsFor, write_index: Written
) -> None:
    settings = settings_for(tmp_path / "index")
    engine = build_engine(settings)
    assert build_engine(settings).generation is None
    for ask in (lambda: engine.search("lamp"), lambda: engine.ask("lamp"), engine.warm):
        with pytest.raises(IndexMissing, match="python -m ingest"):
            ask()
    generation = write_index(settings, {"a.md": "The lamp burned oil."})
    assert engine.generation == generation
    assert engine.search("lamp").generation == generation


def test_a_new_generation_is_followed_without_a_restart(
    tmp_path: Path, settings_for: SettingsFor, write_index: Written
) -> None:
    settings = settings_for(tmp_path / "index")
    engine = build_engine(settings)
    for version in range(4):
        generation = write_index(settings, {"a.md": f"The lamp of version {version}."})
        found = engine.search("lamp")
        assert found.generation == generation == engine.generation
        assert [hit.chunk.text for hit in found.hits] == [f"The lamp of version {version}."]


def test_an_index_that_was_deleted_is_missing_again(
    tmp_path: Path, settings_for: SettingsFor, write_index: Written
) -> None:
    settings = settings_for(tmp_path / "index")
    write_index(settings, {"a.md": "The lamp."})
    engine = build_engine(settings)
    assert engine.search("lamp", mode="sparse").hits
    shutil.rmtree(settings.index)
    with pytest.raises(IndexMissing):
        engine.search("lamp", mode="sparse")


def test_a_damaged_index_is_refused_until_it_is_published_again(
    tmp_path: Path, index: Settings, settings_for: SettingsFor
) -> None:
    settings = settings_for(tmp_path / "index")
    shutil.copytree(index.index, settings.index)
    file = segment_folder(settings.index, 1) / "dense-rows.npy"
    file.write_bytes(file.read_bytes()[:-1])
    engine = build_engine(settings)
    for _ in range(2):
        with pytest.raises(IndexDamaged, match=r"dense-rows\.npy is damaged.*python -m ingest"):
            engine.search("lamp")
    with build_indexer(settings) as indexer:
        indexer.publish()
    assert engine.search("lamp").hits


def _loaves(settings: Settings, make_document: MakeDocument) -> None:
    """What stays: a segment beside those of the versions."""
    with build_indexer(settings) as indexer:
        for number in range(30):
            indexer.add(*make_document(f"still {number}.md", f"Bread dough rests, loaf {number}."))


def _publish_lamps(settings: Settings, make_document: MakeDocument, version: int) -> str:
    """Each of the six holds the word "versionN"; the generation's name."""
    with build_indexer(settings) as indexer:
        for number in range(6):
            text = f"The lamp number {number}, version{version}."
            indexer.add(*make_document(f"{number}.md", text))
        indexer.flush()
        return indexer.publish()


class _Asking:
    """Two threads that ask for the lamps until told to stop, and what they saw."""

    def __init__(self, engine: Engine, mode: Mode) -> None:
        self.seen: set[tuple[str, str]] = set()
        self.failures: list[BaseException] = []
        self._ask = partial(engine.search, "lamp number", k=6, mode=mode)
        self._asked = itertools.count(1)
        self.questions = 0
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(2)]

    def __enter__(self) -> _Asking:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def until(self, questions: int) -> None:
        """Wait for so many questions in all."""
        while self.questions < questions and not self.failures:
            time.sleep(0.01)

    def _run(self) -> None:
        while not self._done.is_set():
            try:
                found = self._ask()
                self.questions = next(self._asked)
                assert len(found.hits) == 6
                words = {hit.chunk.text.split(", ")[1].rstrip(".") for hit in found.hits}
                self.seen.update((found.generation, word) for word in words)
            except BaseException as error:  # noqa: BLE001 - shown by the thread that can fail
                self.failures.append(error)


@pytest.mark.parametrize("mode", ["sparse", "hybrid"])
def test_questions_during_publishes_are_each_answered_from_one_generation(
    mode: Mode, tmp_path: Path, settings_for: SettingsFor, make_document: MakeDocument
) -> None:
    """Every lamp of generation n holds the word "versionN", so a mixture would show.

    LECTERN_FAULTS=all asks 1,000 questions during 50 publishes.
    """
    whole = os.environ.get("LECTERN_FAULTS") == "all"
    settings = settings_for(tmp_path / "index")
    _loaves(settings, make_document)
    versions = {_publish_lamps(settings, make_document, 0): "version0"}
    with _Asking(build_engine(settings), mode) as asking:
        for version in range(1, 11 + 40 * whole):
            versions[_publish_lamps(settings, make_document, version)] = f"version{version}"
        asking.until(1000 * whole)
    assert asking.failures == []
    assert asking.seen <= set(versions.items())
    assert len(asking.seen) > 3


def test_a_reader_that_is_overtaken_twice_asks_the_newest_generation(
    tmp_path: Path, settings_for: SettingsFor, write_index: Written
) -> None:
    """Two publishes fall between opening a generation and reading its chunks."""
    settings = settings_for(tmp_path / "index")
    write_index(settings, {"a.md": "The lamp of version 0."})
    real = build_engine(settings)
    version = 0

    class _Overtaken:
        def __init__(self) -> None:
            self._retriever = real._open_retriever()
            self.generation = self._retriever.generation

        def search(self, question: str, **asked: Any) -> list[Hit]:
            nonlocal version
            if version < 4:
                for _ in range(2):
                    version += 1
                    write_index(settings, {"a.md": f"The lamp of version {version}."})
            return self._retriever.search(question, **asked)

    defaults = Defaults(3, "sparse", 100)
    engine = Engine(FolderWatch(settings.index), _Overtaken, real._open_generator, defaults)  # type: ignore[arg-type]
    found = engine.search("lamp")
    assert [hit.chunk.text for hit in found.hits] == ["The lamp of version 4."]
    assert found.generation == engine.generation


def test_a_generator_that_cannot_be_built_leaves_search_working(index: Settings) -> None:
    settings = index.model_copy(update={"generator": index.generator.model_copy(update={"name": "nobody"})})
    engine = build_engine(settings)
    assert engine.search("lamp").hits
    with pytest.raises(SettingError, match=r"generator\.name"):
        engine.ask("lamp")


def _noting(monkeypatch: pytest.MonkeyPatch, owner: type[Any], warmed: list[str]) -> None:
    """Let whatever is warmed say so."""
    warm = owner.warm

    def noted(self: Any) -> None:
        warmed.append(owner.__name__)
        warm(self)

    monkeypatch.setattr(owner, "warm", noted)


def test_warming_loads_everything_a_question_needs(index: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Index, vectors, the reader's kernel and the generator: the question after it opens nothing more."""
    warmed: list[str] = []
    for owner in (Retriever, Calibrated):
        _noting(monkeypatch, owner, warmed)
    engine = build_engine(index)
    engine.warm()
    assert warmed == ["Retriever", "Calibrated"]
    opened, generator = engine._opened, engine._generator
    assert opened is not None
    engine.ask("What oil did the lamp burn?")
    assert engine._opened is opened
    assert engine._generator is generator


def test_a_file_lost_while_the_engine_runs_is_named(
    tmp_path: Path, index: Settings, settings_for: SettingsFor
) -> None:
    settings = settings_for(tmp_path / "index")
    shutil.copytree(index.index, settings.index)
    engine = build_engine(settings)
    assert engine.search("lamp", mode="sparse").hits
    (segment_folder(settings.index, 1) / "dense-vectors.npy").unlink()
    with pytest.raises(IndexDamaged, match=r"dense-vectors\.npy is missing.*python -m ingest"):
        engine.search("lamp", mode="dense")


def test_warming_meets_a_model_that_is_not_there_before_the_first_question_does(index: Settings) -> None:
    generator = index.generator.model_validate({"name": "transformers"})
    with pytest.raises(SettingError, match=r"generator\.model"):
        build_engine(index.model_copy(update={"generator": generator})).warm()


def test_a_slip_in_the_question_costs_neither_the_answer_nor_its_confidence(index: Settings) -> None:
    engine = build_engine(index)
    right = engine.ask("Where was the lighthouse built?")
    slip = engine.ask("Where was the lighthuose built?")
    assert (slip.text, slip.confidence) == (right.text, right.confidence)
    assert slip.question == "Where was the lighthuose built?"
    assert slip.notes == ('searched for "lighthouse" instead of "lighthuose"',)


def test_a_follow_up_is_asked_as_a_question_of_its_own(index: Settings) -> None:
    engine = build_engine(index)
    first = engine.ask("What oil did the lamp burn?")
    assert first.standing_question == ""
    answer = engine.ask("And the server?", history=[(first.question, first.text)])
    assert answer.question == "And the server?"
    assert "server" in answer.standing_question
    assert answer.standing_question != "And the server?"
    for turn in (("\ud800", ""), ("What oil?", "\ud800")):
        with pytest.raises(QuestionError, match="half a character"):
            engine.ask("And?", history=[turn])


def test_another_generator_answers_where_the_one_that_is_set_cannot(index: Settings) -> None:
    settings = index.model_copy(
        update={
            "generator": index.generator.model_validate(
                {"name": "openai", "base_url": "http://127.0.0.1:9", "retries": 0, "timeout_s": 1}
            ),
            "fallback": "extractive",
        }
    )
    answer = build_engine(settings).ask("What oil did the lamp burn?")
    assert answer.citations
    assert answer.usage["fallback"] == 1
    assert answer.generator == "extractive"
    assert "127.0.0.1:9" in (answer.reason or "")
