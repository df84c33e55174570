"""A small folder of notes with labels, and the command as a function."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from eval.__main__ import main
from rag.command import run

Printed: TypeAlias = Callable[..., tuple[int, str, str]]

NOTES = {
    "ops/keys.md": "# Keys\n\nSigning keys are rotated every 90 days.\n\n## Loss\n\nReport it at once.\n",
    "ops/backup.md": "# Backup\n\nA full backup runs on Sunday at 02:00. It takes three hours.\n",
    "team/holiday.md": "# 假期\n\n每位员工每年有 25 天假期。假期需要提前两周申请。\n",
}
QUESTIONS: list[dict[str, Any]] = [
    {
        "_id": "q1",
        "text": "How often are signing keys rotated?",
        "spans": [{"path": "ops/keys.md", "quote": "Signing keys are rotated every 90 days."}],
        "answers": ["every 90 days"],
    },
    {
        "_id": "q2",
        "text": "When does the full backup run?",
        "spans": [{"path": "ops/backup.md", "quote": "A full backup runs on Sunday at 02:00."}],
    },
    {
        "_id": "q3",
        "text": "员工每年有多少天假期？",
        "spans": [{"path": "team/holiday.md", "quote": "每位员工每年有 25 天假期。"}],
    },
    {"_id": "q4", "text": "Who won the chess championship in 1972?", "answerable": False},
]


@pytest.fixture(scope="module")
def span_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A test set over three notes: questions with quotes, and one that has no answer. To be copied
    before it is changed.
    """
    folder = tmp_path_factory.mktemp("sets") / "notes-set"
    for name, text in NOTES.items():
        path = folder / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    lines = [json.dumps(question, ensure_ascii=False) + "\n" for question in QUESTIONS]
    (folder / "queries.jsonl").write_text("".join(lines), encoding="utf-8")
    return folder


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Printed:
    """Runs the command and gives its exit status, stdout and stderr."""

    def printed(*arguments: str | Path) -> tuple[int, str, str]:
        status = run(lambda: main([str(argument) for argument in arguments]))
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return printed
