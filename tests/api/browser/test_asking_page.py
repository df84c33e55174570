"""Asked in both languages, the page shows the answer as it comes, its refusals, its history."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

Open = Callable[..., Any]
Serving = Callable[..., AbstractContextManager[tuple[subprocess.Popen[str], str]]]
Ask = Callable[[Any, str], None]
ENGLISH = "When was the lighthouse of Varde built?"
CHINESE = "部署之前要检查什么？"
FOREIGN = "Who won the chess match?"
SLOW = """() => {
    const real = window.fetch;
    window.fetch = (path, options) => path !== "ask" ? real(path, options) : Promise.resolve(new Response(
        new ReadableStream({ start(controller) {
            window.send = bytes => controller.enqueue(new Uint8Array(bytes));
            const gone = () => controller.error(new DOMException("", "AbortError"));
            options.signal.addEventListener("abort", gone);
        } })
    ));
}"""


def test_a_chinese_browser_is_spoken_to_in_chinese_and_may_switch(visit: Open, ask: Ask) -> None:
    page = visit(locale="zh-CN")
    assert page.get_attribute("html", "lang") == "zh-Hans"
    assert page.inner_text("#ask") == "提问"
    ask(page, CHINESE)
    assert "内存" in page.inner_text(".prose")
    page.click(".marker a")
    page.wait_for_selector("aside mark")
    assert "部署之前要检查内存" in page.inner_text("aside mark")
    page.click("#language")
    assert page.get_attribute("html", "lang") == "en"
    assert page.inner_text(".sources h3") == "Sources"
    page.reload()
    assert page.inner_text("#ask") == "Ask", "the choice is remembered"


# The coloured pixels of a drawn page, in shares of it, and where on the screen the first rectangle is.


def test_an_answer_is_shown_as_it_comes_and_can_be_stopped(visit: Open) -> None:
    """However the bytes are cut: in the middle of an event, and of a character."""
    page = visit()
    page.evaluate(SLOW)
    page.fill("#question", "慢慢说？")
    page.keyboard.press("Enter")
    page.wait_for_selector(".doing:has-text('Searching')")
    passages = 'event: retrieval\ndata: {"passages": [1, 2]}\n\n: still working\n\n'
    sent = f'{passages}event: token\ndata: {{"text": "灯塔 <b>"}}\n\n'.encode()
    for cut in (sent[:31], sent[31:-9], sent[-9:]):
        page.evaluate("bytes => send(bytes)", list(cut))
    page.wait_for_selector(".doing:has-text('Found 2 passages')")
    page.wait_for_selector(".coming:has-text('灯塔 <b>')")
    assert page.inner_text("#ask") == "Stop"
    page.click("#ask")
    page.wait_for_selector(".turn:has-text('Stopped.')")
    assert page.inner_text("#ask") == "Ask"
    assert page.input_value("#question") == "慢慢说？"
    assert "灯塔" in page.inner_text(".coming")


def test_the_checked_answer_takes_the_drafts_place(visit: Open) -> None:
    """What the check dropped or marked is gone from the page; markers become links only then."""
    page = visit()
    page.evaluate(SLOW)
    page.fill("#question", ENGLISH)
    page.keyboard.press("Enter")
    draft = [("retrieval", {"passages": [1]}), ("token", {"text": "Rye. [1] It is blue. [7]"})]
    send(page, draft)
    page.wait_for_selector(".coming:has-text('It is blue. [7]')")
    assert page.locator(".marker").count() == 0
    place = {"document": "a.md", "start": 0, "end": 4, "page": None, "heading": ""}
    answer: dict[str, Any] = {
        "question": ENGLISH, "answer": "Rye. [1]", "abstained": False, "reason": None, "passages": [],
        "citations": [{**place, "marker": 1, "quote": "Rye."}], "timings": {}, "generator": "g",
        "generation": "1", "standing_question": "When was the rye cut?", "notes": [],
    }  # fmt: skip
    send(page, [("citation", answer["citations"][0]), ("done", answer)])
    page.wait_for_selector(".marker a")
    assert page.locator(".coming").count() == 0
    assert "blue" not in page.inner_text("#thread")
    assert "When was the rye cut?" in page.inner_text("#thread")


def send(page: Any, events: list[tuple[str, Any]]) -> None:
    """Events as the service writes them."""
    told = "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in events)
    page.evaluate("bytes => send(bytes)", list(told.encode()))


def test_what_a_reranker_and_other_places_add_is_shown(visit: Open) -> None:
    page = visit()
    place = {"document": "b.md", "start": 1, "end": 2, "page": 3, "heading": "Twin"}
    passage = {
        "document": "a.md", "start": 0, "end": 4, "page": None, "heading": "", "text": "Rye.", "score": 0.75,
        "sparse": None, "dense": {"rank": 2, "score": 0.5}, "fused": {"rank": 4, "score": 1.5},
        "reranked": 0.75, "also": [place],
    }  # fmt: skip
    answer = {
        "question": "?", "answer": "Rye. [1] So it is. [?] [9]", "abstained": False, "reason": None,
        "citations": [{**passage, "marker": 1, "quote": "Rye."}], "passages": [passage], "timings": {},
        "generator": "g", "generation": "1", "standing_question": None, "notes": ["the reranker is away"],
    }  # fmt: skip
    page.evaluate(
        """async answer => {
            const { turn } = await import("./static/answer.js");
            document.getElementById("thread").replaceChildren(turn({ question: "?", answer }));
        }""",
        answer,
    )
    assert page.locator(".found thead th").all_inner_texts() == [
        *("Passage", "Words", "Meaning", "Joined", "Reread")
    ]
    assert page.locator(".found td").all_inner_texts() == ["not found", "#2 0.500", "#4 1.50", "0.750"]
    assert page.inner_text(".also a") == "b.mdTwinpage 3"
    assert page.inner_text(".note") == "the reranker is away"
    assert page.locator(".marker").count() == 1, "a number without a citation stays text"
    assert "not borne out" in page.inner_text(".doubt")


def test_a_refusal_looks_like_one(visit: Open, ask: Ask) -> None:
    page = visit()
    ask(page, FOREIGN)
    assert page.inner_text(".refusal .label") == "Not answered"
    assert page.locator(".prose, .sources").count() == 0
    assert page.locator(".passages tbody tr").count() > 0
    style = page.eval_on_selector(".refusal", "e => getComputedStyle(e).borderTopStyle")
    assert style == "dashed"
    assert "Not answered" in page.inner_text("#status")


def test_history_stays_in_the_browser_and_goes_with_follow_ups_until_it_is_cleared(
    visit: Open, ask: Ask
) -> None:
    page = visit()
    ask(page, ENGLISH)
    with page.expect_request("**/ask") as asked:
        ask(page, "And until when did its lamp burn oil?")
    sent = json.loads(asked.value.post_data)
    assert [turn["question"] for turn in sent["history"]] == [ENGLISH]
    assert "1856" in sent["history"][0]["answer"]
    page.reload()
    page.wait_for_selector(".turn >> nth=1")
    page.click("#fresh")
    assert page.locator(".turn").count() == 0
    page.click(".talk")
    assert page.locator(".turn").count() == 2
    page.click("#fresh")
    page.click("#earlier > .twice button")
    page.click("#earlier > .twice .danger")
    assert page.locator(".talk").count() == 0
    assert page.evaluate("localStorage.getItem('lectern-conversations')") is None


def test_a_key_is_asked_for_and_the_question_then_goes_through(
    visit: Open, page_home: Path, serving: Serving
) -> None:
    flags = ["--index", str(page_home / "index"), "--set", f"api.keys_file={page_home / 'own keys'}"]
    command = [sys.executable, "-m", "api", "keys", "add", "anna", *flags]
    key = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    with serving(*flags, "--set", "api.log=off") as (_, address):
        page = visit(base=address)
        page.fill("#question", ENGLISH)
        page.keyboard.press("Enter")
        page.wait_for_selector("#key-form:not([hidden])")
        assert page.inner_text(".notice h2") == "An API key is needed"
        page.fill("#key", "wrong")
        page.keyboard.press("Enter")
        page.wait_for_selector(".notice:has-text('not known')")
        page.fill("#key", key)
        page.keyboard.press("Enter")
        page.wait_for_selector("#thread:not([aria-busy]) .print")
        page.click(".marker a")
        page.wait_for_selector("aside mark")
        assert page.locator("aside a[target]").count() == 0, "a link cannot carry the key"
        assert key not in page.evaluate("JSON.stringify(localStorage)")
