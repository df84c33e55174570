"""A set in BEIR layout is read whole and checked, or refused with the line that must be mended."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.formats.beir import CORPUS, QRELS, QUERIES, read_beir
from eval.types import Query
from rag.errors import DocumentError, RagError, SettingError

GOLDEN = Path(__file__).parents[2] / "golden" / "beir"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the golden dataset that a test may spoil."""
    return Path(shutil.copytree(GOLDEN, tmp_path / "beir"))


def test_reads_documents_queries_and_judgements() -> None:
    dataset = read_beir(GOLDEN)
    assert (dataset.name, len(dataset.corpus), len(dataset.queries)) == ("beir", 20, 12)
    assert dataset.qrels["q03"] == {"quill-ttl": 2, "quill-compaction": 1, "quill-snapshots": 0}
    assert sorted(dataset.qrels) == [f"q{number:02}" for number in range(1, 12)]


def test_the_digest_is_the_sha256_of_the_three_files_one_after_the_other() -> None:
    data = b"".join((GOLDEN / name).read_bytes() for name in (CORPUS, QUERIES, QRELS))
    assert read_beir(GOLDEN).digest == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("name", [CORPUS, QUERIES, QRELS])
def test_another_byte_in_any_file_gives_another_digest(folder: Path, name: str) -> None:
    before = read_beir(folder).digest
    with (folder / name).open("ab") as file:
        file.write(b"\n")
    assert read_beir(folder).digest != before


def test_a_byte_order_mark_carriage_returns_and_blank_lines_are_no_matter(folder: Path) -> None:
    plain = read_beir(folder)
    for name in (CORPUS, QUERIES, QRELS):
        data = (folder / name).read_bytes()
        (folder / name).write_bytes(b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n\r\n"))
    read = read_beir(folder)
    assert (read.corpus, read.queries, read.qrels) == (plain.corpus, plain.queries, plain.qrels)


def _append(name: str, line: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        with (folder / name).open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    return spoil


@pytest.mark.parametrize(
    ("name", "line", "says"),
    [
        (CORPUS, '{"_id": "x", "text": ', "corpus.jsonl:21: not JSON"),
        (CORPUS, "[" * 100_000, "corpus.jsonl:21: not JSON"),
        (CORPUS, '["x", "y"]', "corpus.jsonl:21: must be a JSON object"),
        (CORPUS, '{"text": "y"}', 'corpus.jsonl:21: "_id" must be a string that can be printed (it is None)'),
        (CORPUS, '{"_id": 7, "text": "y"}', '"_id" must be a string that can be printed (it is 7)'),
        (CORPUS, '{"_id": "a\\tb", "text": "y"}', "can be printed (it is 'a\\tb')"),
        (CORPUS, '{"_id": "\\ud800", "text": "y"}', "can be printed (it is '\\ud800')"),
        (CORPUS, '{"_id": "x"}', 'corpus.jsonl:21: "text" must be a string (it is None)'),
        (CORPUS, '{"_id": "x", "text": "y", "title": 3}', '"title" must be a string (it is 3)'),
        (CORPUS, '{"_id": "zh-rizhi", "text": "y"}', "the id 'zh-rizhi' is already on"),
        (QUERIES, '{"_id": "q01", "text": "y"}', "queries.jsonl:13: the id 'q01' is already on"),
        (QUERIES, '{"_id": "q99", "text": null}', 'queries.jsonl:13: "text" must be a string (it is None)'),
        (QUERIES, '{"_id": "q99", "text": "y", "answers": "z"}', '"answers" must be a list of strings'),
        (QUERIES, '{"_id": "q99", "text": "y", "answers": [3]}', "list of strings (it is [3])"),
        (
            QUERIES,
            '{"_id": "q99", "text": "y", "answers": ["z", " "]}',
            "queries.jsonl:13: an answer is empty",
        ),
        (QUERIES, '{"_id": "q99", "text": "y", "answerable": "no"}', '"answerable" must be true or false'),
        (QRELS, "q99\tzh-rizhi\t1", "test.tsv:18: no query 'q99' in queries.jsonl"),
        (QRELS, "q12\tnowhere\t1", "test.tsv:18: no document 'nowhere' in corpus.jsonl"),
        (QRELS, "q12\tzh-rizhi\t0.5", "test.tsv:18: the score must be an integer such as 1 (it is '0.5')"),
        (QRELS, 'q12\t"zh-rizhi\t1', "test.tsv:18: quoted in a way that cannot be read"),
        (QRELS, "q12 zh-rizhi 1", "test.tsv:18: 1 columns"),
        (QRELS, "q12\t0\tzh-rizhi\t1", "test.tsv:18: 4 columns"),
        (QRELS, "q01\tquill-error-e17\t1", "test.tsv:18: 'q01' and 'quill-error-e17' are judged twice"),
    ],
)
def test_a_bad_line_is_refused_by_file_and_number(folder: Path, name: str, line: str, says: str) -> None:
    _append(name, line)(folder)
    with pytest.raises(DocumentError) as caught:
        read_beir(folder)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", [CORPUS, QUERIES, QRELS])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(SettingError, match=f"{name}: no such file; a dataset is a folder in BEIR layout"):
        read_beir(folder)


def test_where_only_other_judgements_are_there_the_message_names_them(folder: Path) -> None:
    (folder / QRELS).rename(folder / "qrels" / "dev.tsv")
    with pytest.raises(SettingError, match=r"test\.tsv: no such file; take another with --qrels .*dev\.tsv$"):
        read_beir(folder)


@pytest.mark.parametrize("name", [CORPUS, QUERIES, QRELS])
def test_an_empty_file_is_named(folder: Path, name: str) -> None:
    (folder / name).write_text("\n \n")
    with pytest.raises(DocumentError, match=f"{name}: is empty"):
        read_beir(folder)


def test_judgements_need_a_header_and_something_below_it(folder: Path) -> None:
    (folder / QRELS).write_text("q01\tquill-error-e17\t1\n")
    with pytest.raises(
        DocumentError, match=r"test\.tsv:1: the header must be query-id<TAB>corpus-id<TAB>score"
    ):
        read_beir(folder)
    (folder / QRELS).write_text("query-id\tcorpus-id\tscore\n")
    with pytest.raises(DocumentError, match="no judgements under the header"):
        read_beir(folder)


def test_text_that_is_not_utf8_is_refused_by_line(folder: Path) -> None:
    with (folder / QUERIES).open("ab") as file:
        file.write('{"_id": "g", "text": "量化"}\n'.encode("gb18030"))
    with pytest.raises(DocumentError, match=r"queries.jsonl:13: not UTF-8"):
        read_beir(folder)


@pytest.mark.parametrize("path", [GOLDEN / CORPUS, GOLDEN / "nowhere"])
def test_a_dataset_is_a_folder(path: Path) -> None:
    with pytest.raises(SettingError, match=r"(not a|no such) folder; a dataset is a folder in BEIR layout"):
        read_beir(path)


@given(st.binary(max_size=200))
def test_whatever_the_bytes_it_reads_them_or_says_what_is_wrong(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    folder = tmp_path_factory.mktemp("set")
    shutil.copytree(GOLDEN, folder, dirs_exist_ok=True)
    with (folder / CORPUS).open("ab") as file:
        file.write(data)
    refusal = ""
    try:
        read_beir(folder)
    except RagError as error:
        refusal = str(error)
    assert not refusal or refusal.startswith(f"{folder / CORPUS}:")


def test_titles_are_one_line_and_may_be_null(folder: Path) -> None:
    _append(CORPUS, json.dumps({"_id": "t", "title": " two\nlines ", "text": "x"}))(folder)
    _append(CORPUS, json.dumps({"_id": "n", "title": None, "text": "x"}))(folder)
    assert [entry.title for entry in read_beir(folder).corpus[-2:]] == ["two lines", ""]


def test_answers_are_normalised_and_kept_once_and_other_keys_left_alone(folder: Path) -> None:
    _append(
        QUERIES, json.dumps({"_id": "a", "text": " who? ", "answers": ["Cafe\u0301 ", "Café"], "evidence": 1})
    )(folder)
    assert read_beir(folder).queries["a"] == Query("who?", ("Café",))


def test_an_unanswerable_question_accepts_no_answer(folder: Path) -> None:
    _append(QUERIES, json.dumps({"_id": "n", "text": "why?", "answers": [""], "answerable": False}))(folder)
    assert read_beir(folder).queries["n"] == Query("why?", (), answerable=False)


def test_other_queries_and_judgements_take_the_place_of_the_folders_own(folder: Path, tmp_path: Path) -> None:
    queries, qrels = tmp_path / "train.jsonl", tmp_path / "train.txt"
    queries.write_text('{"_id": "t1", "text": "how?"}\n')
    qrels.write_text("t1 0  zh-rizhi\t2\n")
    read = read_beir(folder, queries, qrels)
    assert (read.queries, read.qrels) == ({"t1": Query("how?")}, {"t1": {"zh-rizhi": 2}})
    data = (folder / CORPUS).read_bytes() + queries.read_bytes() + qrels.read_bytes()
    assert read.digest == hashlib.sha256(data).hexdigest()


def test_judgements_of_queries_that_were_replaced_name_the_file_that_lacks_them(
    folder: Path, tmp_path: Path
) -> None:
    queries = tmp_path / "train.jsonl"
    queries.write_text('{"_id": "t1", "text": "how?"}\n')
    with pytest.raises(DocumentError, match=r"test\.tsv:2: no query 'q01' in train\.jsonl"):
        read_beir(folder, queries)
