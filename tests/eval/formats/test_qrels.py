"""Judgements are read in three forms, and a line that fits none is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from eval.formats.lines import lines
from eval.formats.qrels import collect, read_judgements, within
from rag.errors import DocumentError

PATH = Path("judged.txt")


def _read(text: str) -> dict[str, dict[str, int]]:
    known = within({"q 1": None, "q2": None}, {"d", "e"}, ("queries.jsonl", "corpus.jsonl"))
    return collect(read_judgements(PATH, lines(PATH, text.encode(), "")), known)


@pytest.mark.parametrize(
    "text",
    [
        "query-id\tcorpus-id\tscore\nq 1\td\t2\nq2\te\t0\n",
        '"query-id"\t"corpus-id"\t"score"\r\n"q 1"\t"d"\t"2"\r\nq2\te\t"0"\r\n',
        "q%201 0 d 2\n\nq2\t0  e\t0\n",
        '{"query_id": "q 1", "corpus_id": "d", "score": 2}\n{"query_id": "q2", "corpus_id": "e", "score": 0}',
    ],
)
def test_every_form_gives_the_same_judgements(text: str) -> None:
    assert _read(text) == {"q 1": {"d": 2}, "q2": {"e": 0}}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("q2 d 1\n", "judged.txt:1: the header must be query-id<TAB>corpus-id<TAB>score"),
        ("q2 0 d 1\nq2 0 e\n", "judged.txt:2: 3 columns; must be query 0 document relevance"),
        ("q2 0 d yes\n", "judged.txt:1: the score must be an integer such as 1 (it is 'yes')"),
        ("q2 0 d 1\nq3 0 d 1\n", "judged.txt:2: no query 'q3' in queries.jsonl"),
        ("q2 0 f 1\n", "judged.txt:1: no document 'f' in corpus.jsonl"),
        ("q2 0 d 1\n\nq2 0 d 0\n", "judged.txt:3: 'q2' and 'd' are judged twice"),
        ('{"query_id": "q2", "corpus_id": "d", "score": 1.5}', '"score" must be an integer (it is 1.5)'),
        ('{"query_id": "q2", "corpus_id": "d", "score": true}', '"score" must be an integer (it is True)'),
        ('{"query_id": 2, "corpus_id": "d", "score": 1}', '(it is 2); write {"query_id": "1",'),
        ('{"query_id": "q2", "score": 1}', '"corpus_id" must be a string (it is None)'),
        ('{"query_id": "q2"', "judged.txt:1: not JSON"),
    ],
)
def test_a_bad_line_is_refused_by_file_and_number(text: str, says: str) -> None:
    with pytest.raises(DocumentError) as caught:
        _read(text)
    assert says in str(caught.value)


@pytest.mark.parametrize("score", ["1001", "-1001", "9" * 5000, "1_0", "1.0"])
def test_a_grade_that_no_judge_gives_is_refused_with_its_line(tmp_path: Path, score: str) -> None:
    """trec_eval's code keeps a counter for each grade: 3000000000 of them end the process."""
    path = tmp_path / "qrels.tsv"
    path.write_text(f"query-id\tcorpus-id\tscore\nq\td\t{score}\n", encoding="utf-8")
    with pytest.raises(DocumentError, match=rf"{re.escape(str(path))}:2: the score must"):
        list(read_judgements(path, lines(path, path.read_bytes(), "")))


def test_a_huge_grade_is_not_printed_whole() -> None:
    with pytest.raises(DocumentError) as caught:
        _read('{"query_id": "q2", "corpus_id": "d", "score": ' + "9" * 4000 + "}")
    assert len(str(caught.value)) < 150
