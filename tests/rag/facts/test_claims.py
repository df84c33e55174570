"""What a statement claims must stand in its sources, in whatever form it is written."""

from __future__ import annotations

import pytest

from rag.facts.claims import missing, sources


@pytest.mark.parametrize(
    ("statement", "source"),
    [
        ("It cost 35 thousand dollars.", "It cost 35,000 dollars."),
        ("它花了３．５万元。", "它花了35,000元。"),
        ("5% of them left.", "5 percent of them left."),
        ("百分之五的人离开了。", "5%的人离开了。"),
        ("It opened on 12 March 1856.", "It opened on March 12, 1856."),
        ("It opened in 1856.", "It opened on March 12, 1856."),
        ("1856年3月开放。", "1856年3月12日开放。"),
        ("According to the guide, Berlin won.", "Berlin won."),
        ("Run `make check`.", "Run make check first."),
        ("Set api.port to 80.", "Set `api.port` to 80."),
        ("He wrote “Red Lamp.”", "The book Red Lamp is his."),
        ("《红灯》是他写的。", "他写了《红灯》。"),
        ("1. The lamp burned oil.", "The lamp burned oil."),
        ("Muslim soldiers came.", "Other non-Muslim soldiers came."),
    ],
)
def test_the_same_content_in_another_form_is_borne_out(statement: str, source: str) -> None:
    assert missing(statement, sources([source])) == []


@pytest.mark.parametrize(
    ("statement", "source", "lacking"),
    [
        ("It cost 36,000 dollars.", "It cost 35,000 dollars.", "36,000"),
        ("6% of them left.", "5% of them left.", "6%"),
        ("It needs 16 MB of memory.", "It needs 16 GB of memory.", "16 MB"),
        ("It opened on 13 March 1856.", "It opened on March 12, 1856.", "13 March 1856"),
        ("1856年4月开放。", "1856年3月12日开放。", "1856年4月"),
        ("The city of Paris won.", "The city of Berlin won.", "Paris"),
        ("Set api.host to 80.", "Set api.port to 80.", "api.host"),
        ("Use the flag --fast.", "Use the flag --slow.", "--fast"),
        ("《绿灯》是他写的。", "他写了《红灯》。", "绿灯"),
        ("卡万·肖特来了。", "卡万·李来了。", "万·肖特"),
        ("Seven men came.", "Six men came.", "Seven"),
    ],
)
def test_what_the_source_does_not_hold_is_named(statement: str, source: str, lacking: str) -> None:
    assert lacking in missing(statement, sources([source]))


def test_names_are_not_compared_with_a_translation() -> None:
    assert missing("The lamp of Berlin burned.", sources(["柏林的灯亮着。"])) == []


def test_invisible_characters_hide_nothing() -> None:
    assert missing("It cost 3\u200b6 dollars.", sources(["It cost 35 dollars."])) == ["36"]
