"""A verdict becomes JUnit XML that any reader can parse, whatever the names hold."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from eval.changes import Change
from eval.junit import junit_xml
from eval.stats import paired
from eval.verdict import Case, Verdict, case_text

NUMBERS = paired([0.5, 0.25, 0.5], [0.5, 0.75, 1.0], seed=0, trials=99)
FELL = Case("scifact", "hybrid", "hybrid", "ndcg@10", NUMBERS, 0, 0.02, fell=True)
HELD = replace(FELL, measure="recall@5", fell=False)
OTHER = replace(HELD, dataset="fiqa", system="dense")
VERDICT = Verdict((FELL, HELD, OTHER), (Change("scifact", "retriever.depth", "50", "100"),), (), 0.01, 0.05)


def _parsed(text: str) -> ET.Element:
    return ET.fromstring(text.encode("utf-8"))  # noqa: S314 - it is our own


def test_each_test_set_is_a_suite_and_each_case_a_test() -> None:
    root = _parsed(junit_xml(VERDICT))
    assert root.tag == "testsuites"
    assert (root.get("tests"), root.get("failures")) == ("3", "1")
    assert [(suite.get("name"), suite.get("tests"), suite.get("failures")) for suite in root] == [
        ("scifact", "2", "1"),
        ("fiqa", "1", "0"),
    ]
    assert [(case.get("classname"), case.get("name")) for case in root.iter("testcase")] == [
        ("scifact", "hybrid: ndcg@10"),
        ("scifact", "hybrid: recall@5"),
        ("fiqa", "dense against hybrid: recall@5"),
    ]


def test_a_fall_is_a_failure_with_its_numbers_and_the_rule() -> None:
    (failure,) = _parsed(junit_xml(VERDICT)).iter("failure")
    assert failure.get("message") == case_text(FELL)
    assert "lost more than 0.01, with Holm's p at most 0.05" in (failure.text or "")


def test_a_case_that_held_has_its_numbers_too() -> None:
    said = [element.text for element in _parsed(junit_xml(VERDICT)).iter("system-out")]
    assert said == [case_text(HELD), case_text(OTHER)]


def test_changes_are_properties_of_their_suite() -> None:
    suites = {
        suite.get("name"): {each.get("name"): each.get("value") for each in suite.iter("property")}
        for suite in _parsed(junit_xml(VERDICT))
    }
    rule = {"threshold": "0.01", "alpha": "0.05"}
    assert suites == {"scifact": rule | {"changed: retriever.depth": "50 -> 100"}, "fiqa": rule}


@given(name=st.text(), value=st.text(alphabet=st.characters(), min_size=1))
def test_no_name_or_value_breaks_the_document(name: str, value: str) -> None:
    verdict = Verdict(
        (replace(FELL, dataset=name, system=value),), (Change(name, value, value, name),), (), 0, 0.05
    )
    text = junit_xml(verdict)
    (case,) = _parsed(text).iter("testcase")
    assert (case.get("name") or "").endswith("ndcg@10")


def test_characters_that_xml_forbids_are_replaced() -> None:
    verdict = replace(VERDICT, cases=(replace(FELL, dataset='a\x00\x0b\x1f\ufffe\ud800<&>"b'),))
    root = _parsed(junit_xml(verdict))
    assert root[0].get("name") == 'a\ufffd\ufffd\ufffd\ufffd\ufffd<&>"b'


def test_the_same_verdict_gives_the_same_bytes() -> None:
    assert junit_xml(VERDICT) == junit_xml(VERDICT)
    assert junit_xml(VERDICT).startswith('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites ')
