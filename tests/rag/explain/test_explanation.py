"""An explanation adds up, and tells where an expected passage was lost and what would bring it back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag.__main__ import main
from rag.build import build_engine, build_retriever
from rag.config import Settings
from rag.errors import QuestionError
from rag.explain.expected import Found, Lost
from rag.explain.explanation import Expected, Explanation, explain
from rag.explain.report import explanation_lines
from rag.explain.wire import explained_json
from rag.hits.shape import Shape
from rag.retrieve import Retriever
from rag.search.rerank import Reranking
from rag.types import MODES, Filter, Mode, Variants, Vectors

SettingsFor = Callable[..., Settings]
Written = Callable[[Settings, Mapping[str, str]], str]

TEXTS = {
    "lamp.md": "The lamp of the lighthouse burned rape oil.\n\nIt was lit at dusk by the keeper.",
    "oil.md": "Oil is brought to the harbour twice a year.\n\nThe barrels of oil stand in the cellar.",
    "copy.md": "The lamp of the lighthouse burned rape oil.",
    "bread.md": "Bread dough rests in a cool room.\n\nThe keeper bakes bread on Sundays.",
    "gale.md": "A gale broke the window of the lantern room.",
    "tower.md": "Visitors may climb the tower in summer.",
    "部署.md": "量化后的模型可以部署在一台没有显卡的机器上。\n\n部署之前要检查内存。",
}
WORDS = ["lamp", "oil", "bread", "keeper", "window", "tower", "unknownword", "部署", "内存", "the"]


@pytest.fixture(scope="module", params=["bmx", "baguetter"])
def retriever(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    settings_for: SettingsFor,
    write_index: Written,
) -> Retriever:
    """Over both sparse backends that can take their scores apart."""
    chosen = settings_for(tmp_path_factory.mktemp("explain") / "index", **{"sparse.name": request.param})
    write_index(chosen, TEXTS)
    return build_retriever(chosen)


@pytest.fixture(scope="module")
def notes(
    tmp_path_factory: pytest.TempPathFactory, settings_for: SettingsFor, write_index: Written
) -> Settings:
    chosen = settings_for(tmp_path_factory.mktemp("explain") / "index")
    write_index(chosen, TEXTS)
    return chosen


def explained(retriever: Retriever, question: str, *expected: str, **more: Any) -> Explanation:
    asked: dict[str, Any] = {"k": 8, "mode": "hybrid", **more}
    return explain(retriever, question, expected=expected, **asked)


def outcome(retriever: Retriever, question: str, expected: str, **more: Any) -> Expected:
    return explained(retriever, question, expected, **more).expected[0]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=5),
    mode=st.sampled_from(MODES),
    fusion=st.sampled_from(["standardised", "minmax", "rrf"]),
    weight=st.sampled_from([0.0, 0.3, 1.0]),
    document_weight=st.sampled_from([0.0, 0.7]),
    feedback=st.sampled_from([0, 0, 2]),
)
def test_the_parts_add_up_to_the_score(
    retriever: Retriever,
    words: list[str],
    mode: Mode,
    fusion: Any,
    weight: float,
    document_weight: float,
    feedback: int,
) -> None:
    """Terms to the sparse score, legs to the fused one, and with what a document adds to the hit's."""
    tuning = replace(retriever.tuning, fusion=fusion, dense_weight=weight, document_weight=document_weight)
    other = retriever.varied(replace(tuning, feedback=feedback))
    question = " ".join(words)
    found = explained(other, question, mode=mode)
    assert [each.hit for each in found.hits] == other.search(question, mode=mode)
    for each in found.hits:
        assert sum(leg.part for leg in each.legs) == pytest.approx(each.fused, abs=1e-5)
        assert each.fused + each.support == pytest.approx(each.found, abs=1e-5)
        assert each.found == each.final == each.hit.score
        assert sum(leg.weight for leg in each.legs) == pytest.approx(1.0)
        for leg in each.legs:
            assert leg.part == pytest.approx(leg.weight * leg.comparable, abs=1e-6)
            if leg.mean is not None and leg.unit and fusion == "standardised":
                assert (leg.score - leg.mean) / leg.unit == pytest.approx(leg.comparable, abs=1e-5)
            if leg.leg == "sparse":
                assert sum(part.score for part in each.terms or ()) == pytest.approx(leg.score, abs=1e-5)


def test_terms_are_told_by_where_they_come_from_and_whether_a_passage_holds_them(
    retriever: Retriever,
) -> None:
    asked = explained(retriever, "unknownword lamp").asked
    assert asked.terms == (("unknownword", "question", False), ("lamp", "question", True))
    assert asked.weight == asked.dense_weight * asked.trusted == 0.5
    slip = explained(retriever, "lighthuose lamp").asked
    assert slip.read_as == "lighthouse lamp"
    assert slip.terms == (("lighthous", "spelling", True), ("lamp", "question", True))
    chinese = explained(retriever, "部署之前要检查什么？").asked
    assert chinese.weight == 0.0 == chinese.trusted
    assert chinese.readable is not None
    assert chinese.readable <= 0.5


def test_terms_of_the_glossary_and_of_feedback_are_told_with_their_weight(
    tmp_path: Path, settings_for: SettingsFor, write_index: Written
) -> None:
    chosen = settings_for(tmp_path / "index")
    texts = {"en.md": "The KV cache grows.\n\nA KV cache is kept.", "zh.md": "术语：键值缓存（KV cache）。"}
    write_index(chosen, texts)
    paired = build_retriever(chosen)
    found = explained(paired, "键值缓存怎么清空", mode="sparse")
    assert ("cach", "glossary", True) in found.asked.terms
    [added] = found.asked.added
    assert added.weight == 0.5 * 7 / 2  # half of three pairs and four characters, by two words
    english = next(each for each in found.hits if each.hit.chunk.document_id == "en.md")
    assert {part.term for part in english.terms or ()} == {"kv", "cach"}
    assert sum(part.score for part in english.terms or ()) == pytest.approx(english.final, abs=1e-5)
    lines = explanation_lines(found)
    assert any("kv (glossary), cach (glossary)" in line for line in lines)
    assert any(line.startswith("added:    kv, cach, counting 1.75") for line in lines)
    fed = paired.varied(replace(paired.tuning, feedback=1))
    assert ("grow", "feedback", True) in explained(fed, "cache", mode="sparse").asked.terms


def test_a_passage_that_came_is_told_with_its_number(retriever: Retriever) -> None:
    assert outcome(retriever, "When was it lit at dusk?", "lamp.md:lit at  dusk").outcome == Found(1)


@pytest.mark.parametrize(
    ("named", "stage"),
    [("nowhere.md", "index"), ("lamp.md:no such words", "quote"), ("nowhere.md:lamp", "index")],
)
def test_what_is_not_in_the_index_is_said_first(retriever: Retriever, named: str, stage: str) -> None:
    found = outcome(retriever, "lamp oil", named)
    assert isinstance(found.outcome, Lost)
    assert found.outcome.stage == stage
    assert found.changes == ()


def test_a_document_of_the_same_file_name_elsewhere_is_told(retriever: Retriever) -> None:
    found = outcome(retriever, "lamp oil", "notes/bread.md")
    assert isinstance(found.outcome, Lost)
    assert "there is bread.md" in found.outcome.detail


def test_a_filter_that_left_it_out_is_named_and_taking_it_away_brings_it(retriever: Retriever) -> None:
    found = outcome(retriever, "Who bakes bread?", "bread.md", chosen=Filter(paths=("lamp.md",)))
    assert isinstance(found.outcome, Lost)
    assert found.outcome.stage == "filter"
    assert "lamp.md" in found.outcome.detail
    assert [change.setting for change in found.changes] == ["filter"]


def test_words_alone_do_not_find_what_shares_none_and_the_mode_that_does_is_named(
    retriever: Retriever,
) -> None:
    found = outcome(retriever, "bread", "gale.md", mode="sparse")
    assert isinstance(found.outcome, Lost)
    assert found.outcome.stage == "legs"
    assert "shares no term" in found.outcome.detail
    assert {change.after for change in found.changes} <= {"hybrid", "dense", "5"}  # 5: of feedback


def test_what_neither_leg_had_among_its_best_is_brought_by_more_depth(retriever: Retriever) -> None:
    shallow = retriever.varied(replace(retriever.tuning, depth=1, document_weight=0.0))
    found = outcome(shallow, "Who bakes bread on Sundays?", "tower.md", k=1)
    assert isinstance(found.outcome, Lost)
    assert found.outcome.stage == "legs"
    assert "the best 1 of each" in found.outcome.detail


def test_below_the_cut_the_least_k_is_found_by_trying(retriever: Retriever) -> None:
    question = "Who bakes bread on Sundays?"
    found = outcome(retriever, question, "tower.md", k=2)
    assert isinstance(found.outcome, Lost)
    assert found.outcome.stage == "cut"
    change = next(each for each in found.changes if each.setting == "retriever.k")
    least = int(change.after)
    assert least > 2
    came = [each.chunk.document_id for each in retriever.search(question, k=least)]
    assert came[change.rank - 1] == "tower.md"
    assert "tower.md" not in [hit.chunk.document_id for hit in retriever.search(question, k=least - 1)]
    assert list(found.changes) == sorted(found.changes, key=lambda each: each.size)


def test_a_repetition_is_told_from_a_passage_that_was_cut(retriever: Retriever) -> None:
    question = "What did the lamp of the lighthouse burn?"
    first = retriever.search(question, k=1)[0]
    other = "lamp.md" if first.chunk.document_id == "copy.md" else "copy.md"
    found = outcome(retriever, question, f"{other}:rape oil", k=3)
    assert isinstance(found.outcome, Lost)
    assert found.outcome.stage == "folded"
    assert first.chunk.document_id in found.outcome.detail
    assert "retriever.duplicates" in {change.setting for change in found.changes}


def test_a_document_that_had_its_share_is_told(retriever: Retriever) -> None:
    """Two passages of oil.md match, one may come, and others can take the second's place."""
    shared = retriever.varied(replace(retriever.tuning, shape=Shape("fold", 1)))
    question = "What did the lamp of the lighthouse burn: oil from the harbour, oil in barrels?"
    free = [hit.chunk for hit in retriever.search(question, k=3)]
    assert [chunk.document_id == "oil.md" for chunk in free] == [False, True, True]
    found = outcome(shared, question, f"oil.md:{free[2].text}", k=3)
    assert isinstance(found.outcome, Lost)
    assert found.outcome.stage == "capped"
    assert "retriever.per_document" in {change.setting for change in found.changes}


class Shortest:
    """A reranker that puts short passages first."""

    @property
    def name(self) -> str:
        return "shortest"

    def warm(self) -> None:
        """Nothing to load."""

    def score(self, question: str, passages: Sequence[str]) -> Vectors:  # noqa: ARG002
        return np.array([-len(text) for text in passages], dtype=np.float32)


def test_a_passage_that_the_reranker_put_lower_is_brought_by_leaving_it_out(retriever: Retriever) -> None:
    question = "Oil is brought to the harbour twice a year"
    reranked = retriever.varied(replace(retriever.tuning, reranking=Reranking(Shortest(), 10)))
    found = outcome(reranked, question, "oil.md:twice a year", k=1)
    assert isinstance(found.outcome, Lost)
    assert found.outcome.stage == "reranker"
    assert "reranker.name" in {change.setting for change in found.changes}
    shallow = retriever.varied(replace(retriever.tuning, reranking=Reranking(Shortest(), 1)))
    cut = outcome(shallow, question, "部署.md:内存", k=1)
    assert isinstance(cut.outcome, Lost)
    assert "reranker is given the best 1" in cut.outcome.detail
    assert "reranker.depth" in {change.setting for change in cut.changes}
    hit = explained(reranked, question, k=1).hits[0]
    assert hit.final == hit.hit.reranked != hit.found
    assert hit.hit.fused is not None
    assert hit.found == hit.hit.fused.score


def test_what_another_wording_found_alone_has_no_parts_and_says_so(retriever: Retriever) -> None:
    """Words alone: the question finds bread, its other wording finds the tower."""
    varied = retriever.varied(retriever.tuning, Variants(questions=("climb the tower in summer",)))
    found = explained(varied, "bread dough", mode="sparse")
    parts = {each.hit.chunk.document_id: each.legs for each in found.hits}
    assert parts["tower.md"] == ()
    assert parts["bread.md"] != ()
    assert any("another wording" in line for line in explanation_lines(found))
    lost = outcome(varied, "oil barrels", "oil.md:twice a year", k=1, mode="sparse").outcome
    assert isinstance(lost, Lost)


def test_a_quote_that_runs_over_two_passages_is_found_in_both(retriever: Retriever) -> None:
    found = outcome(retriever, "The keeper bakes bread", "bread.md:cool room. The keeper")
    assert isinstance(found.outcome, Found)


def test_an_explanation_is_one_json_object_and_lines_for_a_terminal(retriever: Retriever) -> None:
    found = explained(retriever, "lamp oil", "tower.md", k=1)
    said = json.loads(json.dumps(explained_json(found)))
    assert said["hits"][0]["score"] == said["explanation"]["hits"][0]["score"]
    assert said["explanation"]["expected"][0]["came"] is False
    assert said["explanation"]["hits"][0]["terms"][0].keys() == {"term", "frequency", "similarity", "score"}
    lines = explanation_lines(found)
    assert any("lamp" in line and "frequency" in line for line in lines)
    assert any("smallest change" in line or "no change" in line for line in lines)


def test_the_command_ends_with_1_where_an_expected_passage_did_not_come(
    notes: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    index = ["--index", str(notes.index)]
    assert main(["explain", "Who bakes bread?", *index]) == 0
    assert main(["explain", "Who bakes bread?", "--expect", "bread.md:Sundays", *index]) == 0
    assert main(["explain", "Who bakes bread?", "-k", "1", "--expect", "gale.md", *index]) == 1
    assert "expected gale.md: did not come" in capsys.readouterr().out
    assert main(["explain", "Who bakes bread?", "--json", *index]) == 0
    assert json.loads(capsys.readouterr().out)["explanation"]["candidates"] > 0


def test_an_empty_expectation_is_refused(notes: Settings) -> None:
    with pytest.raises(QuestionError, match="PATH:quote"):
        build_engine(notes).explain("bread", expected=[" "])


def test_explaining_changes_no_result(retriever: Retriever) -> None:
    before = retriever.search("lamp oil")
    explained(retriever, "lamp oil", "tower.md")
    assert retriever.search("lamp oil") == before
