"""What was finished before a stop is not done again, and a torn line is."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from eval.journal import Journal


def _written(path: Path, records: dict[str, object]) -> None:
    with Journal(path) as journal:
        for query, record in records.items():
            journal.add(query, record)


def _kept(path: Path) -> dict[str, object]:
    with Journal(path) as journal:
        return journal.done


def test_records_of_any_text_are_found_again(tmp_path: Path) -> None:
    records: dict[str, object] = {"问 1": [1.5, [["a\nb", 0, 3, 0.25]]], 'q"2': {"right": None}}
    _written(tmp_path / "new" / "run.jsonl", records)
    assert _kept(tmp_path / "new" / "run.jsonl") == records


@given(st.integers(0, 120))
def test_a_file_cut_anywhere_gives_its_whole_lines_and_takes_more(cut: int) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "run.jsonl"
        records: dict[str, object] = {f"q{number}": {"text": "中文 and more"} for number in range(4)}
        _written(path, records)
        whole = path.read_bytes()
        path.write_bytes(whole[: min(cut, len(whole))])
        left = dict(list(records.items())[: whole[:cut].count(b"\n")])
        assert left.items() <= _kept(path).items() <= records.items()
        _written(path, {"more": 1})
        assert {**left, "more": 1}.items() <= _kept(path).items()


def test_a_record_is_on_disk_before_the_journal_is_closed(tmp_path: Path) -> None:
    """Whoever is killed closes nothing."""
    with Journal(tmp_path / "run.jsonl") as journal:
        journal.add("q1", 1)
        assert (tmp_path / "run.jsonl").read_text(encoding="utf-8") == '["q1", 1]\n'


def test_without_a_path_nothing_is_kept() -> None:
    with Journal(None) as journal:
        journal.add("q", 1)
    assert journal.done == {"q": 1}
