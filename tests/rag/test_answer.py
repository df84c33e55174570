"""From a draft to an answer: what is shown can be checked, and a refusal states nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rag.answer import Found, answer_from
from rag.build import build_engine
from rag.config import Settings
from rag.engine import Engine
from rag.indexes.generation import FolderWatch
from rag.prompt import refusal
from rag.types import Chunk, Draft, Hit


def test_an_answer_says_where_it_stands(index: Settings, texts: dict[str, str]) -> None:
    answer = build_engine(index).ask("What did the lamp of the lighthouse burn?")
    assert "rape oil" in answer.text
    assert not answer.abstained
    assert answer.citations
    for citation in answer.citations:
        assert f"[{citation.marker}]" in answer.text
        assert texts[citation.document][citation.start : citation.end] == citation.quote
        assert answer.passages[citation.marker - 1].chunk.document_id == citation.document
    assert answer.question == "What did the lamp of the lighthouse burn?"
    assert answer.generator == "extractive"
    assert set(answer.timings) == {"retrieval", "generation", "total"}
    assert all(milliseconds >= 0 for milliseconds in answer.timings.values())


def test_a_refusal_cites_nothing(index: Settings) -> None:
    answer = build_engine(index).ask("Who won the chess championship of Reykjavik?")
    assert answer.abstained
    assert answer.reason
    assert answer.citations == ()
    assert "[" not in answer.text


class _Refusing:
    """A generator whose refusal carries a marker, as a language model's may."""

    name = "refusing"

    def warm(self) -> None:
        """Nothing to load."""

    def generate(self, question: str, hits: object, **_: object) -> Draft:  # noqa: ARG002 - the Protocol's
        return Draft("The documents do not say [1]. The oil lamp burned rape oil [1].", abstained=True)


def test_a_marker_in_a_refusal_points_nowhere_and_is_removed(index: Settings) -> None:
    real = build_engine(index)
    engine = Engine(FolderWatch(index.index), real._open_retriever, _Refusing, real._defaults)
    answer = engine.ask("What oil did the lamp burn?")
    assert answer.citations == ()
    assert "[1]" not in answer.text


LAMP = "The lamp burned rape oil until 1923."
FOUND = Found("g", (Hit(Chunk("a.md", 0, LAMP, 0, len(LAMP)), 1.0),), {})


@pytest.mark.parametrize(
    ("question", "untied", "unborne"),
    [
        (
            "What burned?",
            "no statement could be tied to a passage",
            "no statement was borne out by what it cites",
        ),
        ("烧什么？", "没有一句话能对应到原文", "没有一句话得到引文支持"),
    ],
)
def test_an_answer_without_a_citation_says_why(question: str, untied: str, unborne: str) -> None:
    """Kept, its statements cite nothing; dropped, nothing is left and it has become a refusal."""
    draft = Draft("Bread dough must rest.")
    kept = answer_from(question, draft, FOUND, FOUND.hits, "model", {}, "keep")
    assert (kept.text, kept.citations, kept.abstained, kept.reason) == (
        "Bread dough must rest.", (), False, untied,
    )  # fmt: skip
    dropped = answer_from(question, draft, FOUND, FOUND.hits, "model", {}, "drop")
    assert (dropped.text, dropped.abstained, dropped.reason) == (refusal(question), True, unborne)
    assert dropped.usage == {"unsupported": 1}


def test_a_cited_answer_has_no_reason_but_its_generators_own() -> None:
    draft = Draft(f"{LAMP[:-1]} [1].")
    assert answer_from("What burned?", draft, FOUND, FOUND.hits, "model", {}, "mark").reason is None
    told = replace(draft, reason="the prompt was cut")
    assert answer_from("What burned?", told, FOUND, FOUND.hits, "model", {}, "mark").reason == told.reason


def test_a_passage_that_the_model_was_not_given_is_not_cited() -> None:
    draft = Draft(f"{LAMP[:-1]} [1].", usage={"passages_left_out": 1})
    assert answer_from("What burned?", draft, FOUND, FOUND.hits, "model", {}, "keep").citations == ()
