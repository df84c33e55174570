"""What was set otherwise when the baseline was made is found, whichever way it was set."""

from __future__ import annotations

from typing import Any

from eval.changes import changes

SYSTEM = {
    "mode": "hybrid",
    "embedder": "minilm@1",
    "device": "cpu",
    "set": {},
    "generation": "g1",
    "chunks": 5,
}


def _evaluation(systems: dict[str, dict[str, Any]] | None = None, **more: Any) -> dict[str, Any]:
    return {
        "settings": {"retriever": {"depth": 100}, "splitter": {"name": "markdown"}},
        "systems": systems or {"hybrid": SYSTEM},
        "versions": {"python": "3.11.7", "torch": None},
        "machine": {"system": "Linux x86_64", "cpus": 2},
        "code": "c" * 64,
        "k": 100,
        "generation": "g1",
    } | more


def _changes(now: dict[str, Any], before: dict[str, Any], *systems: tuple[str, str]) -> list[str]:
    return [str(each) for each in changes("set", now, before, systems or [("hybrid", "hybrid")])]


def test_nothing_changed_is_nothing() -> None:
    assert _changes(_evaluation(), _evaluation()) == []


def test_settings_versions_machine_and_code_are_named_by_their_dotted_names() -> None:
    now = _evaluation(
        settings={"retriever": {"depth": 50, "dense_weight": 0.5}, "splitter": {"name": "markdown"}},
        versions={"python": "3.12.0", "torch": "2.13.0"},
        machine={"system": "Linux x86_64", "cpus": 16},
        code="d" * 64,
        k=1000,
    )
    assert _changes(now, _evaluation()) == [
        "retriever.depth: 100 -> 50",
        "retriever.dense_weight: absent -> 0.5",
        "k: 100 -> 1000",
        "code: cccccccccccc -> dddddddddddd",
        "versions.python: 3.11.7 -> 3.12.0",
        "versions.torch: null -> 2.13.0",
        "machine.cpus: 2 -> 16",
    ]
    assert "retriever.dense_weight: 0.5 -> absent" in _changes(_evaluation(), now)


def test_what_differs_between_runs_of_the_same_setting_is_no_change() -> None:
    other = {"hybrid": SYSTEM | {"generation": "g2", "chunks": 6, "index_seconds": 3.0}}
    assert _changes(_evaluation(other, generation="g2", index_seconds=1.0, seed=4), _evaluation()) == []


def test_two_systems_of_different_names_differ_in_mode_embedder_and_device() -> None:
    sparse = {"sparse": SYSTEM | {"mode": "sparse", "embedder": "bge@2", "device": "cuda"}}
    assert _changes(_evaluation(sparse), _evaluation(), ("sparse", "hybrid")) == [
        "mode: hybrid -> sparse",
        "embedder: minilm@1 -> bge@2",
        "device: cpu -> cuda",
    ]


def test_a_swept_setting_is_the_same_as_one_given_once() -> None:
    swept = {"hybrid retriever.depth=50": SYSTEM | {"set": {"retriever.depth": "50"}}}
    pair = ("hybrid retriever.depth=50", "hybrid")
    assert _changes(_evaluation(swept), _evaluation(), pair) == ["retriever.depth: 100 -> 50"]
    once = _evaluation(settings={"retriever": {"depth": 50}, "splitter": {"name": "markdown"}})
    assert _changes(_evaluation(swept), once, pair) == []


def test_a_change_of_one_system_names_it_and_one_of_all_does_not() -> None:
    before = _evaluation({"a": SYSTEM, "b": SYSTEM})
    pairs = [("a", "a"), ("b", "b")]
    one = _evaluation({"a": SYSTEM, "b": SYSTEM | {"device": "cuda"}})
    assert _changes(one, before, *pairs) == ["device (b): cpu -> cuda"]
    both = _evaluation({"a": SYSTEM | {"device": "cuda"}, "b": SYSTEM | {"device": "cuda"}})
    assert _changes(both, before, *pairs) == ["device: cpu -> cuda"]


def test_a_run_that_was_only_read_has_no_facts_of_its_own() -> None:
    assert _changes({}, {}, ("bm25", "bm25")) == []
    assert _changes({}, {"systems": {"x": SYSTEM}}, ("bm25", "x"))[0] == "mode: hybrid -> absent"


def test_an_empty_value_can_be_seen() -> None:
    now, before = ({"settings": {"pdf": {"password": value}}} for value in ("", "(not shown)"))
    assert _changes(now, before) == ['pdf.password: (not shown) -> ""']
