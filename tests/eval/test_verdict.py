"""A verdict is printed with what changed at the top, a table, and one line of conclusion."""

from __future__ import annotations

from eval.changes import Change
from eval.stats import paired
from eval.verdict import Case, Verdict, case_text, verdict_text

FELL = Case(
    "scifact", "hybrid", "hybrid", "ndcg@10", paired([0.5] * 20, [1.0] * 20, seed=0, trials=99), 0, 0.02, True
)
WIDE = paired([0.0, 1.0, 0.5], [1.0, 0.0, 0.5], seed=0, trials=99)
HELD = Case("fiqa", "dense", "sparse", "f1", WIDE, 2, 1.0, False)


def _verdict(*cases: Case, changes: tuple[Change, ...] = (), missing: tuple[str, ...] = ()) -> Verdict:
    return Verdict(cases, changes, missing, 0.01, 0.05)


def test_changes_come_first_those_of_all_test_sets_without_their_names() -> None:
    changes = (
        Change("scifact", "k", "10", "100"),
        Change("scifact", "device", "cpu", "cuda"),
        Change("fiqa", "k", "10", "100"),
    )
    lines = verdict_text(_verdict(FELL, HELD, changes=changes, missing=("fiqa: dense, only now",)))
    assert lines[:4] == [
        "Changed since the baseline:",
        "  k: 10 -> 100",
        "  scifact: device: cpu -> cuda",
        "Not compared: fiqa: dense, only now",
    ]


def test_no_change_is_said() -> None:
    assert verdict_text(_verdict(HELD))[0] == "Changed since the baseline: nothing that is recorded"


def test_a_fall_is_marked_in_the_table_and_counted_in_the_conclusion() -> None:
    lines = verdict_text(_verdict(FELL, HELD))
    assert [line.endswith("FELL") for line in lines if line.startswith(("scifact", "fiqa"))] == [True, False]
    assert lines[-1] == "1 of 2 cases fell: a loss above 0.01 with Holm's p at most 0.05."
    assert _verdict(FELL, HELD).fell == (FELL,)


def test_a_set_too_small_to_show_such_a_loss_is_told() -> None:
    assert verdict_text(_verdict(HELD))[-1] == (
        "None of 1 cases fell: a loss above 0.01 with Holm's p at most 0.05; "
        "1 of them need a larger loss than that to show: see detectable."
    )


def test_a_case_says_who_is_compared_and_which_queries_are_left_out() -> None:
    assert "dense against sparse" in verdict_text(_verdict(HELD))[3]
    assert case_text(HELD).endswith(
        "1 better, 1 equal, 1 worse of 3 queries; left out 2 measured on one side only"
    )
    assert case_text(FELL).startswith(
        "ndcg@10 1.0000 -> 0.5000, difference -0.5000 [-0.5000, -0.5000], p 0.01"
    )
