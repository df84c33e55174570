"""A SQuAD-style file becomes passages and judged questions, or the path to its fault is named."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from eval.formats.squad import read_squad
from eval.types import Entry, Query
from rag.errors import DocumentError, SettingError


def _question(identifier: Any, text: str = "What?", **members: Any) -> dict[str, Any]:
    return {"id": identifier, "question": text, **members}


def _answers(*texts: str) -> list[dict[str, Any]]:
    return [{"text": text, "answer_start": 0} for text in texts]


def _set() -> dict[str, Any]:
    first = {
        "context": "Snow is white.",
        "qas": [_question("1", " Which colour? ", answers=_answers("white"))],
    }
    again = {"context": "Snow is white.", "qas": [_question(2, answers=_answers("Snow", "snow ", "Snow"))]}
    second = {
        "context": "Rain is wet.",
        "qas": [_question("3", is_impossible=True, answers=[], plausible_answers=_answers("wet"))],
    }
    return {
        "version": "v2.0",
        "data": [
            {"title": "Super_Bowl", "paragraphs": [first]},
            {"title": "Super_Bowl", "paragraphs": [again, second]},
            {"paragraphs": [{"context": "Hail is hard.", "qas": [_question("4")]}]},
        ],
    }


def _write(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")
    return path


def test_each_distinct_context_is_a_passage_and_each_question_is_judged_by_its_own(tmp_path: Path) -> None:
    path = _write(tmp_path / "dev.json", _set())
    read = read_squad(path)
    assert read.corpus == (
        Entry("Super_Bowl-1", "Super_Bowl", "Snow is white."),
        Entry("Super_Bowl-2", "Super_Bowl", "Rain is wet."),
        Entry("dev-1", "dev", "Hail is hard."),
    )
    assert read.queries == {
        "1": Query("Which colour?", ("white",)),
        "2": Query("What?", ("Snow", "snow")),
        "3": Query("What?", (), answerable=False),
        "4": Query("What?"),
    }
    assert read.qrels["2"] == {"Super_Bowl-1": 1}
    assert read.qrels["3"] == {"Super_Bowl-2": 1}
    assert (read.name, read.digest) == ("dev", hashlib.sha256(path.read_bytes()).hexdigest())


def test_cmrc_as_it_was_published_is_read_too(tmp_path: Path) -> None:
    question = {"query_id": "Q0", "query_text": "雪是什么颜色？", "answers": ["白色", "白"]}
    item = {"context_id": "C0", "context_text": "雪是白色的。", "qas": [question], "title": "雪"}
    read = read_squad(_write(tmp_path / "trial.json", [item]))
    assert read.corpus == (Entry("雪-1", "雪", "雪是白色的。"),)
    assert read.queries == {"Q0": Query("雪是什么颜色？", ("白色", "白"))}


def test_a_title_that_ends_like_a_number_gives_no_id_twice(tmp_path: Path) -> None:
    titles = ["a", "a-1", "a-1-1", "a"]
    paragraphs = [
        {"title": title, "paragraphs": [{"context": f"text {n}", "qas": [_question(str(n))]}]}
        for n, title in enumerate(titles)
    ]
    read = read_squad(_write(tmp_path / "x.json", {"data": paragraphs}))
    assert len({entry.id for entry in read.corpus}) == len(read.corpus) == 4


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("data",), {}, "x.json: data: must be a list (it is an object)"),
        (("data",), None, 'x.json: "data" is missing'),
        (("data", 1), 3, "data[1]: must be an object (it is 3)"),
        (("data", 1, "title"), 3, "data[1].title: must be a string (it is 3)"),
        (("data", 1, "paragraphs"), None, 'data[1]: "paragraphs" is missing'),
        (("data", 1, "paragraphs", 0, "context"), " ", "data[1].paragraphs[0].context: is empty"),
        (("data", 1, "paragraphs", 0, "qas"), None, 'data[1].paragraphs[0]: "qas" is missing'),
        (
            ("data", 1, "paragraphs", 1, "qas", 0, "id"),
            "1",
            "paragraphs[1].qas[0]: the id '1' is already at data[0]",
        ),
        (
            ("data", 1, "paragraphs", 1, "qas", 0, "id"),
            "\n",
            "qas[0].id: must be a string that can be printed",
        ),
        (("data", 1, "paragraphs", 1, "qas", 0, "question"), None, 'qas[0]: "question" is missing'),
        (
            ("data", 1, "paragraphs", 1, "qas", 0, "is_impossible"),
            1,
            "is_impossible: must be true or false (it is 1)",
        ),
        (
            ("data", 1, "paragraphs", 0, "qas", 0, "answers", 1, "text"),
            5,
            "answers[1].text: must be a string",
        ),
        (("data", 1, "paragraphs", 0, "qas", 0, "answers", 1, "text"), " ", "qas[0]: an answer is empty"),
        (("data",), [], "holds no question"),
    ],
)
def test_a_fault_is_named_by_the_path_to_it(
    tmp_path: Path, path: tuple[Any, ...], value: Any, says: str
) -> None:
    content = _set()
    inner: Any = content
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    with pytest.raises(DocumentError) as caught:
        read_squad(_write(tmp_path / "x.json", content))
    assert says in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path / 'x.json'}:")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b'{"data": [\n\n,]}', "x.json:3: not JSON"),
        (b'{"data":\n "\xff"}', "x.json:2: not UTF-8"),
        (b"[" * 100_000, "x.json: not JSON that can be read"),
        (b"", "x.json:1: not JSON"),
    ],
)
def test_a_file_that_is_no_json_is_named_by_line(tmp_path: Path, data: bytes, says: str) -> None:
    (tmp_path / "x.json").write_bytes(data)
    with pytest.raises(DocumentError) as caught:
        read_squad(tmp_path / "x.json")
    assert says in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"x\.json: no such file; a SQuAD-style file is JSON"):
        read_squad(tmp_path / "x.json")
