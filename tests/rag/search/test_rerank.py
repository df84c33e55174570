"""The stage after fusion, and a whole search with a reranker, variants, or both."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from rag.build import build_engine, build_retriever, check_settings
from rag.config import Settings
from rag.errors import GeneratorError, SettingError
from rag.expansion.variants import Expander, joined, mean_vector
from rag.protocols.models import Embedder
from rag.rerankers.cross_encoder import build as build_cross_encoder
from rag.retrieve import Retriever
from rag.search.rerank import Reranking
from rag.search.trace import Trace
from rag.types import MODES, Chunk, Hit, Leg, Variants, Vectors

SettingsFor = Callable[..., Settings]
Written = Callable[[Settings, Mapping[str, str]], str]

NOTES = {
    "rest.md": "Bread dough rests in a cool room.",
    "oil.md": "Oil oil oil: nothing but oil.",
    "lamp.md": "The lamp of the lighthouse burned rape oil.",
    "window.md": "A gale broke the window of the lantern room.",
    "bread.md": "The keeper bakes bread on Sundays.",
}
QUESTION = "What rests in a cool room?"


def hit(name: str, score: float, text: str = "") -> Hit:
    return Hit(Chunk(name, 0, text or name, 0, len(text or name), ("Notes",)), score, sparse=Leg(1, score))


class Lengths:
    """Scores a passage by its length."""

    name = "lengths"

    def __init__(self) -> None:
        self.read: list[str] = []

    def warm(self) -> None:
        """Nothing to load."""

    def score(self, question: str, passages: Sequence[str]) -> Vectors:
        self.read = [question, *passages]
        return np.array([len(passage) for passage in passages], dtype=np.float32)


class Failing(Lengths):
    """Never answers."""

    def score(self, question: str, passages: Sequence[str]) -> Vectors:  # noqa: ARG002
        raise GeneratorError("no server answers; set reranker.base_url")


@pytest.fixture(scope="module")
def notes(
    tmp_path_factory: pytest.TempPathFactory, settings_for: SettingsFor, write_index: Written
) -> Settings:
    settings = settings_for(tmp_path_factory.mktemp("rerank") / "index")
    write_index(settings, NOTES)
    return settings


@pytest.fixture(scope="module")
def reranked(notes: Settings, counting_cross_encoder: Path, settings_for: SettingsFor) -> Settings:
    options = {
        "name": "cross_encoder",
        "model": str(counting_cross_encoder),
        "device": "cpu",
        "dtype": "float32",
    }
    return settings_for(notes.index, **{f"reranker.{name}": value for name, value in options.items()})


def names(hits: Sequence[Hit]) -> list[str]:
    return [each.chunk.document_id for each in hits]


def test_hits_come_in_the_rerankers_order_and_keep_what_they_were() -> None:
    before = [hit("a", 3.0, "long"), hit("b", 2.0, "longer"), hit("c", 2.0, "l"), hit("d", 1.0, "wide")]
    reranker = Lengths()
    found, note = Reranking(reranker).rerank("which?", before)
    assert names(found) == ["b", "a", "d", "c"]
    assert reranker.read == ["which?", *[each.chunk.indexed_text for each in before]]
    assert [each.fused for each in found] == [Leg(2, 2.0), Leg(1, 3.0), Leg(4, 1.0), Leg(2, 2.0)]
    assert [each.score for each in found] == [each.reranked for each in found] == [12.0, 10.0, 10.0, 7.0]
    assert all(each.sparse is not None for each in found)
    assert note == ""


def test_a_reranker_that_fails_is_an_error_or_where_set_so_a_note() -> None:
    before = [hit("a", 3.0), hit("b", 2.0)]
    with pytest.raises(GeneratorError, match=r"reranker\.base_url"):
        Reranking(Failing()).rerank("which?", before)
    found, note = Reranking(Failing(), on_failure="skip").rerank("which?", before)
    assert found == before
    assert note == "not reranked: no server answers; set reranker.base_url"


def test_a_weight_below_1_adds_the_rerankers_word_to_the_fused_score() -> None:
    before = [hit("a", 3.0, "long"), hit("b", 2.0, "longer"), hit("c", 1.0, "l"), hit("d", 0.0, "wide")]
    fused = np.array([each.score for each in before])
    lengths = np.array([len(each.chunk.indexed_text) for each in before], dtype=float)
    for weight in (0.1, 0.5, 0.9):
        found, _ = Reranking(Lengths(), weight=weight).rerank("which?", before)
        summed = (1 - weight) * fused / fused.std() + weight * (lengths - lengths.mean()) / lengths.std()
        assert names(found) == [before[at].chunk.document_id for at in np.argsort(-summed)]
        by_name = {each.chunk.document_id: each for each in found}
        assert [by_name[name].score for name in "abcd"] == pytest.approx(
            (summed * fused.std() / (1 - weight)).tolist(), abs=1e-4
        )
        assert [by_name[name].reranked for name in "abcd"] == lengths.tolist()
    assert names(Reranking(Lengths(), weight=0.01).rerank("which?", before)[0]) == ["a", "b", "c", "d"]


def test_a_reranker_without_a_difference_to_tell_changes_no_score_in_a_sum() -> None:
    before = [hit("a", 3.0, "same"), hit("b", 2.5, "same"), hit("c", 2.5, "same")]
    found, _ = Reranking(Lengths(), weight=0.5).rerank("which?", before)
    assert [(each.chunk.document_id, each.score) for each in found] == [("a", 3.0), ("b", 2.5), ("c", 2.5)]
    assert Reranking(Lengths(), weight=0.5).rerank("which?", []) == ([], "")


def test_in_a_sum_a_document_speaks_for_its_hits() -> None:
    before = [hit("a#1", 1.0, "short"), hit("b#1", 1.0, "brief"), hit("a#2", 0.5, "much longer than those")]
    apart, _ = Reranking(Lengths(), weight=0.3).rerank("which?", before)
    scores = {each.chunk.document_id: each.score for each in apart}
    assert scores["a#1"] == scores["b#1"]
    together, _ = Reranking(Lengths(), weight=0.3, document_weight=0.7).rerank("which?", before)
    scores = {each.chunk.document_id: each.score for each in together}
    assert scores["a#1"] > scores["b#1"]


class Beside(Lengths):
    """Wants to count for half."""

    weight = 0.5


def test_without_a_weight_the_reranker_says_how_much_it_counts() -> None:
    before = [hit("a", 3.0, "l"), hit("b", 2.0, "longer"), hit("c", 1.0, "long")]

    def scores(stage: Reranking) -> list[float]:
        return [each.score for each in stage.rerank("which?", before)[0]]

    assert scores(Reranking(Beside())) == scores(Reranking(Lengths(), weight=0.5))
    assert scores(Reranking(Beside())) != scores(Reranking(Lengths()))
    assert scores(Reranking(Beside(), weight=1.0)) == scores(Reranking(Lengths()))


@pytest.mark.parametrize("mode", MODES)
def test_a_real_cross_encoder_orders_what_was_found(
    mode: str, reranked: Settings, notes: Settings, counting_cross_encoder: Path
) -> None:
    plain = build_retriever(notes).search("oil in the room", k=5, mode=mode)  # type: ignore[arg-type]
    found = build_retriever(reranked).search("oil in the room", k=5, mode=mode)  # type: ignore[arg-type]
    scores = build_cross_encoder(str(counting_cross_encoder), "cpu", "float32").score(
        "oil in the room", [each.chunk.indexed_text for each in plain]
    )
    assert found[0].chunk.document_id == "oil.md"
    assert names(found) == [names(plain)[at] for at in np.argsort(-scores, kind="stable")]
    assert {name: each.fused.score for name, each in zip(names(found), found, strict=True) if each.fused} == {
        name: each.score for name, each in zip(names(plain), plain, strict=True)
    }


def test_more_hits_are_read_than_are_wanted(reranked: Settings, notes: Settings) -> None:
    assert names(build_retriever(notes).search(QUESTION, k=1)) == ["rest.md"]
    assert names(build_retriever(reranked).search(QUESTION, k=1)) == ["oil.md"]
    shallow = reranked.model_copy(update={"reranker": reranked.reranker.model_copy(update={"depth": 1})})
    assert names(build_retriever(shallow).search(QUESTION, k=1)) == ["rest.md"]
    assert len(build_retriever(shallow).search(QUESTION, k=5)) == 5


def test_a_trace_tells_what_the_reranker_made_of_it(reranked: Settings) -> None:
    trace = Trace()
    hits = build_retriever(reranked).search(QUESTION, k=2, trace=trace)
    assert list(trace.reranked[:2]) == hits
    assert len(trace.reranked) == len(NOTES)
    assert trace.notes == []


def test_the_reply_says_that_the_reranker_was_skipped(notes: Settings, settings_for: SettingsFor) -> None:
    away = {"reranker.name": "http", "reranker.base_url": "http://127.0.0.1:9", "reranker.on_failure": "skip"}
    engine = build_engine(settings_for(notes.index, **away))
    found = engine.search(QUESTION)
    assert names(found.hits) == names(build_engine(notes).search(QUESTION).hits)
    assert found.notes == engine.ask(QUESTION).notes
    assert found.notes[0].startswith("not reranked: no server answers at http://127.0.0.1:9/v1/rerank")
    refusing = settings_for(notes.index, **{**away, "reranker.on_failure": "refuse"})
    with pytest.raises(GeneratorError, match=r"reranker\.base_url"):
        build_engine(refusing).ask(QUESTION)


def test_the_terminal_shows_it(
    reranked: Settings, notes: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    from rag.__main__ import main

    away = ["--set", "reranker.name=http", "--set", "reranker.on_failure=skip"]
    address = ["--set", "reranker.base_url=http://127.0.0.1:9"]
    assert main(["search", QUESTION, "--index", str(notes.index), *away, *address]) == 0
    assert "\nnote: not reranked: no server answers" in capsys.readouterr().out
    here = [f"reranker.{name}={value}" for name, value in reranked.reranker.options.items()]
    sets = [part for each in ["reranker.name=cross_encoder", *here] for part in ("--set", each)]
    assert main(["search", QUESTION, "--index", str(notes.index), "--json", *sets]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["hits"][0]["document"] == "oil.md"
    assert found["hits"][0]["reranked"] == found["hits"][0]["score"]
    assert found["notes"] == found["variants"]["questions"] == []
    assert main(["search", QUESTION, "--index", str(notes.index), *sets]) == 0
    assert "fused #" in capsys.readouterr().out


def test_late_interaction_reads_with_the_embedder_of_the_index(
    notes: Settings, settings_for: SettingsFor
) -> None:
    plain = build_retriever(notes)
    here = settings_for(notes.index, **{"reranker.name": "late_interaction", "reranker.cache_mb": 1})
    found = build_retriever(here).search(QUESTION, k=5)
    assert names(found)[0] == "rest.md"
    assert all(each.reranked is not None and each.fused is not None for each in found)
    assert [each.score for each in found] != [each.reranked for each in found]
    alone = settings_for(notes.index, **{"reranker.name": "late_interaction", "reranker.weight": 1})
    assert all(each.score == each.reranked for each in build_retriever(alone).search(QUESTION, k=5))
    unread = "量化后的模型可以部署在没有显卡的机器上 dough"
    kept = [(each.chunk.document_id, each.score) for each in build_retriever(here).search(unread, k=5)]
    assert kept == [(each.chunk.document_id, each.score) for each in plain.search(unread, k=5)]


def test_a_reranker_that_is_not_there_is_told_before_anything_is_loaded(settings_for: SettingsFor) -> None:
    with pytest.raises(
        SettingError, match=r"reranker\.name: there is no 'nobody'; valid: causal, cross_encoder"
    ):
        check_settings(settings_for(Path("index"), **{"reranker.name": "nobody"}))
    with pytest.raises(SettingError, match=r"reranker\.modell: cross_encoder has no such option"):
        check_settings(
            settings_for(Path("index"), **{"reranker.name": "cross_encoder", "reranker.modell": "x"})
        )


def test_other_wordings_find_what_the_question_alone_does_not(notes: Settings, embedder: Embedder) -> None:
    plain = build_retriever(notes)
    other = Expander("multi-query", 1, lambda *_: "lighthouse lamp rape oil")
    expanded = Retriever(plain._index, embedder, depth=100, dense_weight=0.5, expander=other)
    trace = Trace()
    hits = expanded.search(QUESTION, k=5, trace=trace)
    assert trace.variants == Variants(questions=("lighthouse lamp rape oil",))
    whole = Retriever(plain._index, embedder, depth=100, dense_weight=0.5)
    lists = [whole.search(each, k=100) for each in (QUESTION, "lighthouse lamp rape oil")]
    assert hits == joined(lists)[:5]
    assert names(hits)[:2] == ["rest.md", "lamp.md"] or names(hits)[:2] == ["lamp.md", "rest.md"]


def test_a_possible_answer_moves_the_vector_and_nothing_else(notes: Settings, embedder: Embedder) -> None:
    index = build_retriever(notes)._index
    passage = "The lamp of the lighthouse burned rape oil."
    expander = Expander("hyde", 1, lambda *_: passage)
    expanded = Retriever(index, embedder, depth=100, dense_weight=0.5, expander=expander)
    plain = Retriever(index, embedder, depth=100, dense_weight=0.5)
    trace = Trace()
    hits = expanded.search(QUESTION, k=5, mode="dense", trace=trace)
    wanted = mean_vector(embedder.encode_query(QUESTION), embedder.encode_few([passage]))
    assert trace.vector == pytest.approx(wanted)
    assert [each.dense for each in hits] != [each.dense for each in plain.search(QUESTION, k=5, mode="dense")]
    hybrid = expanded.search(QUESTION, k=5)
    assert [each.sparse for each in sorted(hybrid, key=lambda each: each.chunk.document_id)] == [
        each.sparse for each in sorted(plain.search(QUESTION, k=5), key=lambda each: each.chunk.document_id)
    ]
    assert expanded.search(QUESTION, k=5, mode="sparse") == plain.search(QUESTION, k=5, mode="sparse")


def test_a_possible_answer_that_the_embedder_cannot_read_changes_nothing(
    notes: Settings, embedder: Embedder
) -> None:
    index = build_retriever(notes)._index
    expander = Expander("hyde", 1, lambda *_: "量化后的模型可以部署在没有显卡的机器上")
    expanded = Retriever(index, embedder, depth=100, dense_weight=0.5, expander=expander)
    plain = Retriever(index, embedder, depth=100, dense_weight=0.5)
    assert expanded.search(QUESTION) == plain.search(QUESTION)


def test_variants_need_a_language_model(notes: Settings, settings_for: SettingsFor) -> None:
    settings = settings_for(notes.index, **{"retriever.variants": "hyde"})
    with pytest.raises(
        SettingError, match=r"retriever\.variants = 'hyde' needs a language model.*'extractive'"
    ):
        build_engine(settings).search(QUESTION)


@pytest.mark.parametrize("kind", ["multi-query", "hyde"])
def test_the_reply_shows_what_was_searched_for_beside_the_question(
    kind: str, notes: Settings, settings_for: SettingsFor, model_server: str
) -> None:
    here = {"generator.name": "openai", "generator.base_url": model_server, "retriever.variants": kind}
    engine = build_engine(settings_for(notes.index, **here))
    answer = engine.ask(QUESTION)
    assert answer.variants != Variants() or answer.notes
    assert len(answer.variants.questions) <= 3
    assert names(answer.passages)
    away = {
        **here,
        "generator.base_url": "http://127.0.0.1:9",
        "generator.retries": 0,
        "fallback": "extractive",
    }
    found = build_engine(settings_for(notes.index, **away)).ask(QUESTION)
    assert found.variants == Variants()
    assert found.notes[0].startswith("searched for the question as it stands: no server answers at")
    assert names(found.passages) == names(build_engine(notes).search(QUESTION).hits)
