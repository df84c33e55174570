"""The page stands alone, shows what it has, and takes no text from data as markup."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any, TypeAlias

import pytest

from eval.reporting.page import page

Make: TypeAlias = Callable[..., dict[str, Any]]
VOID = {"meta", "wbr"}


class _Page(HTMLParser):
    """What a browser sees: every tag with its attributes, closed in order, and the text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def all(self, attribute: str) -> list[str]:
        return [attributes[attribute] or "" for _, attributes in self.tags if attribute in attributes]


def test_the_page_is_balanced_its_ids_are_unique_and_its_links_lead_to_them(evaluation: Make) -> None:
    seen = _Page(page([evaluation(), evaluation()]))
    assert seen.open == []
    assert [id_ for id_, count in Counter(seen.all("id")).items() if count > 1] == []
    assert {f"#{id_}" for id_ in seen.all("id")} == set(seen.all("href"))


def test_the_page_asks_nothing_of_any_other_host(evaluation: Make) -> None:
    source = page([evaluation(), evaluation("second")])
    assert re.findall(r"https?://|@import|url\(|<script|<link|<img|<iframe", source) == []
    seen = _Page(source)
    assert seen.all("src") == []
    assert all(link.startswith("#") for link in seen.all("href"))


def test_text_from_data_is_never_taken_as_markup(hostile: dict[str, Any]) -> None:
    source = page([hostile, hostile])
    seen = _Page(source)
    assert seen.open == []
    assert "script" not in {tag for tag, _ in seen.tags}
    # The names that may come up as attributes are the template's own.
    allowed = {
        "class",
        "id",
        "href",
        "role",
        "aria-label",
        "aria-hidden",
        "scope",
        "tabindex",
        "lang",
        "title",
    }
    drawn = {
        "viewbox",
        "x",
        "y",
        "x1",
        "x2",
        "y1",
        "y2",
        "cx",
        "cy",
        "r",
        "d",
        "points",
        "transform",
        "text-anchor",
    }
    head = {"charset", "name", "content", "http-equiv"}
    assert {key for _, attributes in seen.tags for key in attributes} <= allowed | drawn | head
    assert 'alert("1")' in "".join(seen.text)


OPTIONAL = ("comparisons", "labels", "per_query", "systems", "settings", "versions", "machine", "synthetic")


@pytest.mark.parametrize(
    "key", [*OPTIONAL, "seed", "trials", "alpha", "documents", "index_seconds", "kind", "code"]
)
def test_a_part_that_is_absent_or_empty_is_left_out(key: str, evaluation: Make) -> None:
    bare = evaluation()
    del bare[key]
    source = page([bare])
    assert _Page(source).open == []
    if key in {"comparisons", "labels", "per_query", "systems", "settings", "versions", "machine"}:
        empty: Any = [] if key == "comparisons" else {}
        assert page([{**evaluation(), key: empty}]) == source
        assert page([{**evaluation(), key: None}]) == source


def test_an_evaluation_of_a_single_run_with_few_measures_has_no_empty_frame() -> None:
    source = page([{"dataset": "run", "modes": {"theirs": {"ndcg@10": 0.5, "queries": 3}}}])
    seen = _Page(source)
    headings = re.findall(r"<h[34]>(.*?)</h[34]>", source)
    assert headings == ["Ranking"]
    assert {"figure", "details", "dl", "nav"}.isdisjoint(tag for tag, _ in seen.tags)


@pytest.mark.parametrize(
    "key", ["intervals", "recall_by_k", "precision_at_recall", "answers", "latency_p50_ms"]
)
def test_a_system_may_lack_what_another_has(key: str, evaluation: Make) -> None:
    found = evaluation()
    found["modes"]["hybrid"].pop(key)
    assert _Page(page([found])).open == []
