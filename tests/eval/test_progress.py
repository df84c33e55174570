"""Progress never mixes with results."""

from __future__ import annotations

import pytest

from eval.progress import progress


def test_away_from_a_terminal_progress_is_one_quiet_line_on_stderr(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert list(progress([1, 2, 3], 3, "documents")) == [1, 2, 3]
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "documents: 3\n")
