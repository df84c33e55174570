"""POST /search says why, where it is asked to."""

from __future__ import annotations

from starlette.testclient import TestClient

LIGHTHOUSE = "When was the lighthouse of Varde built?"


def test_a_search_says_why_only_where_it_is_asked_to(client: TestClient) -> None:
    plain = client.post("/search", json={"question": LIGHTHOUSE}).json()
    assert plain["explanation"] is None
    reply = client.post("/search", json={"question": LIGHTHOUSE, "explain": True}).json()
    assert reply["hits"] == plain["hits"]
    why = reply["explanation"]
    assert [hit["document"] for hit in why["hits"]] == [hit["document"] for hit in reply["hits"]]
    assert [hit["score"] for hit in why["hits"]] == [hit["score"] for hit in reply["hits"]]
    assert {term["term"] for term in why["terms"]} >= {"lighthous", "vard"}


def test_an_expected_passage_that_did_not_come_is_told_with_what_would_bring_it(client: TestClient) -> None:
    asked = {"question": LIGHTHOUSE, "k": 1, "explain": True, "expect": ["kitchen.md:Rye", "none.md"]}
    kitchen, none = client.post("/search", json=asked).json()["explanation"]["expected"]
    assert (kitchen["came"], kitchen["path"], kitchen["quote"]) == (False, "kitchen.md", "Rye")
    assert "retriever.k" in {change["setting"] for change in kitchen["changes"]}
    assert (none["came"], none["stage"], none["changes"]) == (False, "index", [])


def test_expectations_without_explain_and_empty_ones_are_refused(client: TestClient) -> None:
    for asked in ({"expect": ["a.md"]}, {"explain": True, "expect": [" "]}, {"explain": "yes"}):
        reply = client.post("/search", json={"question": LIGHTHOUSE, **asked})
        assert reply.status_code in (400, 422)
        assert reply.headers["content-type"] == "application/problem+json"
