"""The JSON that scripts rely on, field by field."""

from __future__ import annotations

import json
from dataclasses import replace

from rag.types import Answer, Chunk, Citation, Hit, Leg
from rag.wire import answer_json, citation_json, heading_path, hit_json

CHUNK = Chunk("docs/灯塔.md", 2, "The lamp.", 10, 19, ("Tower", "Lamp room"), 4)
HIT = Hit(CHUNK, 1.25, sparse=Leg(1, 7.5), dense=None)
CITATION = Citation(1, "docs/灯塔.md", 4, ("Tower", "Lamp room"), 14, 18, "lamp")
ANSWER = Answer(
    id="abc",
    question="What?",
    text="A lamp [1].",
    abstained=False,
    reason=None,
    confidence=0.5,
    citations=(CITATION,),
    passages=(HIT,),
    generator="extractive",
    timings={"total": 1.5},
    usage={"prompt_tokens": 3},
    generation="0123",
)


def test_a_passage_says_where_it_stands_and_what_each_leg_said() -> None:
    assert hit_json(HIT) == {
        "document": "docs/灯塔.md",
        "start": 10,
        "end": 19,
        "page": 4,
        "heading": "Tower > Lamp room",
        "text": "The lamp.",
        "score": 1.25,
        "sparse": {"rank": 1, "score": 7.5},
        "dense": None,
        "also": [],
        "reranked": None,
        "fused": None,
    }


def test_a_reranked_passage_says_what_it_was_before() -> None:
    reranked = hit_json(replace(HIT, score=0.75, reranked=0.75, fused=Leg(3, 1.25)))
    assert reranked["score"] == reranked["reranked"] == 0.75
    assert reranked["fused"] == {"rank": 3, "score": 1.25}


def test_a_citation_says_where_its_words_stand() -> None:
    assert citation_json(CITATION) == {
        "marker": 1,
        "document": "docs/灯塔.md",
        "page": 4,
        "heading": "Tower > Lamp room",
        "start": 14,
        "end": 18,
        "quote": "lamp",
    }


def test_an_answer_holds_all_that_is_promised_and_is_plain_json() -> None:
    result = answer_json(ANSWER)
    assert result == {
        "id": "abc",
        "question": "What?",
        "answer": "A lamp [1].",
        "abstained": False,
        "reason": None,
        "confidence": 0.5,
        "citations": [citation_json(CITATION)],
        "passages": [hit_json(HIT)],
        "generator": "extractive",
        "timings": {"total": 1.5},
        "usage": {"prompt_tokens": 3},
        "generation": "0123",
        "standing_question": None,
        "variants": {"questions": [], "passages": []},
        "notes": [],
    }
    assert json.loads(json.dumps(result, allow_nan=False)) == result


def test_a_heading_path_reads_from_the_outside_in() -> None:
    assert heading_path(()) == ""
    assert heading_path(("Tower",)) == "Tower"
    assert heading_path(("Tower", "Lamp room")) == "Tower > Lamp room"
