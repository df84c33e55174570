"""What is right is found on the index at hand, whatever splitter made it."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from eval.datasets import read_test_set
from eval.indexing import prepare
from eval.judgements import Judgements, judgements
from eval.spans import chunk_id
from eval.types import Found, Label, Run, Span, SpanSet
from rag.build import build_store
from rag.config import Settings, load_settings
from rag.errors import DocumentError


def _indexed(folder: Path, index: Path, chunk_tokens: int = 250) -> tuple[SpanSet, Settings]:
    test_set = read_test_set(folder)
    assert isinstance(test_set, SpanSet)
    settings = load_settings({"index": index, "splitter.chunk_tokens": chunk_tokens})
    prepare(test_set, settings, ours=True)
    return test_set, settings


@pytest.fixture(scope="module")
def indexed(span_set: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[SpanSet, Settings]:
    return _indexed(span_set, tmp_path_factory.mktemp("index") / "index")


def _relabelled(test_set: SpanSet, quote: str, *queries: str) -> SpanSet:
    labels = {
        query: tuple(replace(label, quote=quote) for label in labelled) if query in queries else labelled
        for query, labelled in test_set.labels.items()
    }
    return replace(test_set, labels=labels)


def test_labels_are_found_in_other_chunks_of_another_splitter(
    indexed: tuple[SpanSet, Settings], span_set: Path, tmp_path: Path
) -> None:
    coarse, fine = judgements(*indexed), judgements(*_indexed(span_set, tmp_path / "index", 16))
    assert coarse.gold == fine.gold
    assert coarse.qrels != fine.qrels
    assert list(fine.queries) == ["q1", "q2", "q3"]
    [span] = fine.gold["q2"]
    text = (span_set / "docs" / "ops" / "backup.md").read_text(encoding="utf-8")
    assert text[span.start : span.end] == "A full backup runs on Sunday at 02:00."


def test_a_quote_that_no_longer_stands_there_is_stale_and_its_query_left_out(
    indexed: tuple[SpanSet, Settings],
) -> None:
    test_set, settings = indexed
    found = judgements(_relabelled(test_set, "Signing keys are rotated every 30 days.", "q1"), settings)
    assert found.labels is not None
    [stale] = found.labels["stale"]
    assert (stale["query"], stale["document"]) == ("q1", "ops/keys.md")
    assert stale["place"].endswith("queries.jsonl:1")
    assert list(found.queries) == ["q2", "q3"]


def test_a_file_that_could_not_be_read_is_a_miss_and_no_stale_label(
    indexed: tuple[SpanSet, Settings], tmp_path: Path
) -> None:
    test_set, settings = indexed
    folder = Path(shutil.copytree(test_set.folder, tmp_path / "docs"))
    (folder / "scan.pdf").write_bytes(b"not one word can be read")
    label = Label("scan.pdf", "The words that were scanned.", None, "queries.jsonl:1")
    judged = judgements(
        replace(test_set, folder=folder, labels={**test_set.labels, "q1": (label,)}), settings
    )
    assert judged.labels is not None
    assert (judged.labels["stale"], judged.labels["unread"]) == ([], ["scan.pdf"])
    everything = tuple(Found(each, Span(each, 0, 999), 1.0) for each in ("ops/keys.md", "ops/backup.md"))
    values = judged.values(Run(dict.fromkeys(judged.queries, everything)))
    assert set(values["q1"].values()) == {0.0}


def test_labels_that_all_are_stale_are_refused(indexed: tuple[SpanSet, Settings]) -> None:
    test_set, settings = indexed
    with pytest.raises(DocumentError, match=r"queries.jsonl:1: .* any other of the 3 quotes .*--corpus"):
        judgements(_relabelled(test_set, "Never written.", "q1", "q2", "q3"), settings)


def test_a_set_of_questions_without_an_answer_alone_is_refused(indexed: tuple[SpanSet, Settings]) -> None:
    test_set, settings = indexed
    with pytest.raises(DocumentError, match="no question has an answer; add some with their quotes"):
        judgements(replace(test_set, labels={}), settings)


def test_retrieved_text_is_measured_against_the_quotes(indexed: tuple[SpanSet, Settings]) -> None:
    judged = judgements(*indexed)
    [gold] = judged.gold["q3"]
    exact = {"q3": (Found("x", Span(gold.document, gold.start, gold.end), 1.0),)}
    values = judged.values(Run(exact))
    assert values["q3"]["span_recall@5"] == values["q3"]["span_iou@5"] == 1.0
    assert values["q1"]["span_recall@5"] == 0.0


def _hit(document: str, start: int, end: int) -> Found:
    return Found(chunk_id(Span(document, start, end)), Span(document, start, end), 1.0)


def test_a_result_shown_in_part_has_the_name_of_its_chunk() -> None:
    """A hit that overlaps a better one is shown without what both have: what is relevant is the chunk."""
    chunks = (Span("a.md", 0, 100), Span("a.md", 80, 200), Span("b.md", 0, 50))
    judged = Judgements({"q1": "?", "q2": "?"}, {}, chunks=chunks)
    run = Run(
        {
            "q1": (_hit("a.md", 0, 100), _hit("a.md", 100, 200), _hit("b.md", 0, 50)),
            "q2": (_hit("b.md", 10, 40), _hit("a.md", 85, 95)),
        },
        {"q1": 3.0, "q2": 4.0},
    )
    named = judged.by_chunk(run)
    assert named.ids == {"q1": ["a.md#0-100", "a.md#80-200", "b.md#0-50"], "q2": ["b.md#0-50", "a.md#80-200"]}
    assert named.milliseconds == run.milliseconds
    shown = [each.span for found in named.found.values() for each in found]
    assert shown == [each.span for found in run.found.values() for each in found]


def test_a_result_of_no_known_chunk_keeps_its_own_name() -> None:
    judged = Judgements({"q": "?"}, {}, chunks=(Span("a.md", 0, 100),))
    run = Run({"q": (_hit("a.md", 50, 150), _hit("else.md", 0, 9))})
    assert judged.by_chunk(run).ids == run.ids


def test_where_passages_are_judged_results_keep_their_names() -> None:
    run = Run({"q": (Found("doc7", Span("doc7", 3, 9), 1.0),)})
    assert Judgements({"q": "?"}, {"q": {"doc7": 1}}).by_chunk(run) is run


def test_every_chunk_of_the_index_is_its_own_name(indexed: tuple[SpanSet, Settings]) -> None:
    judged = judgements(*indexed)
    assert judged.chunks
    run = Run({"q1": tuple(_hit(each.document, each.start, each.end) for each in judged.chunks)})
    assert judged.by_chunk(run).ids == run.ids


@pytest.mark.parametrize("name", ["team/holiday.md", "team/*[1]? # !x.md"])
def test_withheld_files_are_not_indexed_and_all_others_are(span_set: Path, tmp_path: Path, name: str) -> None:
    """Of any name, and beside what an evaluation has no business with: pipes, another program's folder."""
    span_set = Path(shutil.copytree(span_set, tmp_path / "notes-set"))
    (span_set / "docs" / "team" / "holiday.md").rename(span_set / "docs" / name)
    os.mkfifo(span_set / "docs" / "pipe.md")
    (span_set / "docs" / ".gitignore").write_text("drafts/\n", encoding="utf-8")
    for folder in ("drafts", "holiday.md"):
        (span_set / "docs" / folder).mkdir()
        (span_set / "docs" / folder / "holiday.md").write_text("# Days off\n", encoding="utf-8")
    (span_set / "set.json").write_text(json.dumps({"withheld": [name]}), encoding="utf-8")
    lines = (span_set / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if "holiday.md" not in line]
    (span_set / "queries.jsonl").write_text("\n".join(kept), encoding="utf-8")
    test_set, settings = _indexed(span_set, tmp_path / "index")
    assert list(judgements(test_set, settings).queries) == ["q1", "q2"]
    store = build_store(settings, read_only=True)
    found = [document.id for document in store.documents()]
    assert found == ["holiday.md/holiday.md", "ops/backup.md", "ops/keys.md"]
    store.close()
