"""Tables hold the columns that are known, and mark the best of each."""

from __future__ import annotations

from eval.reporting.tables import Table, cost_table, measure_tables


def _best(table: Table | None) -> dict[str, list[str]]:
    """{column: the rows marked in it}"""
    assert table is not None
    return {
        column: [name for name, cells in table.rows if cells[place].best]
        for place, column in enumerate(table.columns)
    }


def test_more_is_better_for_quality_and_less_for_time() -> None:
    modes = {
        "one": {"ndcg@10": 0.7, "latency_p50_ms": 20.0},
        "two": {"ndcg@10": 0.6, "latency_p50_ms": 5.0},
        "run": {"ndcg@10": None, "latency_p50_ms": None},
    }
    assert _best(measure_tables({"modes": modes})[0]) == {"nDCG@10": ["one"]}
    assert _best(cost_table({"modes": modes})) == {"p50 ms": ["two"]}


def test_what_is_written_alike_is_marked_alike() -> None:
    modes = {"one": {"ndcg@10": 0.70001}, "two": {"ndcg@10": 0.69999}, "three": {"ndcg@10": 0.5}}
    assert _best(measure_tables({"modes": modes})[0]) == {"nDCG@10": ["one", "two"]}


def test_nothing_is_marked_where_there_is_nothing_to_choose() -> None:
    assert _best(measure_tables({"modes": {"one": {"ndcg@10": 0.7}}})[0]) == {"nDCG@10": []}
    equal = {"one": {"ndcg@10": 0.7}, "two": {"ndcg@10": 0.7}}
    assert _best(measure_tables({"modes": equal})[0]) == {"nDCG@10": []}


def test_every_measure_finds_a_table_even_one_that_is_new() -> None:
    made = measure_tables(
        {"modes": {"one": {"ndcg@10": 0.7, "hit@5": 1.0, "span_iou@5": 0.1, "novel@3": 0.4}}}
    )
    assert {table.title: table.columns for table in made} == {
        "Ranking": ("nDCG@10",),
        "Precision and hits": ("hit@5",),
        "Spans": ("span IoU@5",),
        "Other measures": ("novel@3",),
    }


def test_without_times_and_costs_there_is_no_cost_table() -> None:
    assert cost_table({"modes": {"run": {"ndcg@10": 0.7, "latency_p50_ms": None}}}) is None
