"""The Markdown twin carries the figures of the page and of the JSON."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any, TypeAlias

from eval.reporting.markdown import markdown
from eval.reporting.page import page

Make: TypeAlias = Callable[..., dict[str, Any]]


# What the evaluation that `evaluation` makes says besides its measures.
_SHOWN = [
    *("+0.030", "−0.002 to +0.061", "0.012", "0.037", "31 / 52 / 17", "0.042", "12.3", "15.7", "45.7", "2.0"),
    *("0.412", "0.533", "0.507 to 0.561", "2.3", "21", "0.750", "0.217", "137", "9df66917", "3ef4cdd1", "11"),
    *("服务默认监听哪个地址？", "nowhere.md#0-7", "a sentence that went", "questions written by a program"),
]


def test_a_table_row_of_the_twin_keeps_its_columns_whatever_the_names_hold(hostile: dict[str, Any]) -> None:
    twin = markdown([hostile])
    for block in re.findall(r"(?:^\|.*\n?)+", twin, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1


def test_the_page_and_its_markdown_twin_carry_the_figures_of_the_json(evaluation: Make) -> None:
    kept = evaluation()
    source, twin = page([kept]), markdown([kept])
    shown = unescape(" ".join(re.sub(r"<.*?>", "", source).split()))
    figures = [
        f"{kept['modes'][mode][name]:.3f}"
        for mode in kept["modes"]
        for name in kept["modes"][mode]["intervals"]
    ]
    figures += [
        f"{bound:.3f}"
        for each in kept["modes"].values()
        for pair in each["intervals"].values()
        for bound in pair
    ]
    figures += _SHOWN
    plain = twin.replace("\\", "")
    assert [each for each in figures if each not in shown] == []
    assert [each for each in figures if each not in plain] == []
    assert "hybrid is better than sparse" in plain
    assert "0.346" in plain, "a plot's figures are in the twin"


def test_an_overview_of_several_datasets_marks_what_is_shown_to_be_lower(
    evaluation: Make,
) -> None:
    found = [evaluation(), {**evaluation("second"), "comparisons": []}]
    source, twin = page(found), markdown(found)
    assert "nDCG@10 at a glance" in source
    assert re.findall(r'<a href="#dataset-\d"><bdi>(.*?)</bdi>', source) == ["handbook", "second"]
    rows = [line for line in twin.splitlines() if line.startswith(("| handbook", "| second"))]
    assert rows == [
        "| handbook | 0.712 ↓ (0.681 to 0.741) | **0.742** (0.711 to 0.771) |",
        "| second | 0.712 (0.681 to 0.741) | **0.742** (0.711 to 0.771) |",
    ]


def test_text_from_data_is_never_taken_as_markdown_or_html(hostile: dict[str, Any]) -> None:
    twin = markdown([hostile])
    assert "script" in twin
    assert not re.search(r"(?<!\\)[<\[`]", twin)


def test_a_single_run_with_few_measures_has_no_empty_headings() -> None:
    twin = markdown([{"dataset": "run", "modes": {"theirs": {"ndcg@10": 0.5, "queries": 3}}}])
    assert [line for line in twin.splitlines() if line.startswith("### ")] == ["### Ranking"]
