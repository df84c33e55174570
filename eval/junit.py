"""A verdict as JUnit XML, which CI servers show as tests.

One test suite a test set, one test case a case of the verdict, the changes as properties. The elements
are those that Jenkins' and GitLab's readers share: testsuites, testsuite, properties, testcase, failure,
system-out.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from eval.verdict import Case, Verdict, case_text

# Everything but the characters that XML 1.0, section 2.2, allows in a document.
_FORBIDDEN = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(verdict: Verdict) -> str:
    """The whole document, to be written as UTF-8; characters that XML forbids become U+FFFD."""
    root = ET.Element("testsuites", _counts(verdict.cases) | {"name": "evaluation"})
    for dataset in verdict.datasets:
        _add_suite(root, dataset, verdict)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _add_suite(root: ET.Element, dataset: str, verdict: Verdict) -> None:
    cases = [case for case in verdict.cases if case.dataset == dataset]
    suite = ET.SubElement(root, "testsuite", {"name": _legal(dataset)} | _counts(cases))
    properties = ET.SubElement(suite, "properties")
    noted = {"threshold": f"{verdict.threshold:g}", "alpha": f"{verdict.alpha:g}"}
    for change in verdict.changes:
        if change.dataset == dataset:
            noted[f"changed: {change.name}"] = f"{change.before} -> {change.now}"
    for name, value in noted.items():
        ET.SubElement(properties, "property", {"name": _legal(name), "value": _legal(value)})
    for case in cases:
        _add_case(suite, case, verdict)


def _add_case(suite: ET.Element, case: Case, verdict: Verdict) -> None:
    label = {"classname": _legal(case.dataset), "name": _legal(f"{case.label}: {case.measure}")}
    element = ET.SubElement(suite, "testcase", label)
    numbers = _legal(case_text(case))
    if case.fell:
        failure = ET.SubElement(element, "failure", {"message": numbers, "type": "loss"})
        failure.text = (
            f"{numbers}\nlost more than {verdict.threshold:g}, with Holm's p at most {verdict.alpha:g}"
        )
    else:
        ET.SubElement(element, "system-out").text = numbers


def _counts(cases: list[Case] | tuple[Case, ...]) -> dict[str, str]:
    fell = sum(case.fell for case in cases)
    return {"tests": str(len(cases)), "failures": str(fell), "errors": "0", "skipped": "0"}


def _legal(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
