"""Nothing that a document, a file name, an address or a question says becomes active."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

Open = Callable[..., Any]
Ask = Callable[[Any, str], None]
ENGLISH = "When was the lighthouse of Varde built?"
ACTIVE = """() => {
    const own = new Set([...document.head.querySelectorAll("*")]);
    const odd = [...document.querySelectorAll(
        "script, iframe, frame, object, embed, base, meta, link, style, form, img, video, audio, math"
    )].filter(each => !own.has(each) && !["form", "key-form"].includes(each.id)).map(each => each.outerHTML);
    for (const element of document.querySelectorAll("*")) {
        for (const { name, value } of element.attributes) {
            const link = ["href", "src", "action", "data", "formaction"].includes(name);
            const styled = name === "style" && element.id !== "question"; // its height follows its text
            if (name.startsWith("on") || styled || name === "srcdoc") odd.push(`${name}=${value}`);
            if (link && !/^(#|static\\/|\\.\\/|documents\\/)/.test(value)) odd.push(`${name}=${value}`);
        }
    }
    return { odd, taken: window.taken ?? null };
}"""
HARMLESS: dict[str, Any] = {"odd": [], "taken": None}


def test_nothing_that_a_document_its_name_or_a_question_says_becomes_active(
    visit: Open, ask: Ask, attacks: list[str], hostile_name: str
) -> None:
    page = visit()
    for question in ("What is porcelain attack 12?", *attacks[:3]):
        ask(page, question)
        assert page.evaluate(ACTIVE) == HARMLESS
    ask(page, "porcelain attack 1 window.taken")
    for link in page.locator(".turn:last-child .open").all()[:4]:
        link.click()
        page.wait_for_selector("aside .markdown, aside canvas")
        assert page.evaluate(ACTIVE) == HARMLESS
    page.click("#to-documents")
    page.click(f"#documents a:has-text({json.dumps(hostile_name[:30])})")
    page.wait_for_selector("aside .markdown")
    assert page.inner_text("#source-title") == hostile_name
    text = page.inner_text("aside .markdown")
    assert "<script>window.taken=1</script>" in text, "it is shown as the text it is"
    assert page.evaluate(ACTIVE) == HARMLESS
    for element in page.locator("aside .markdown :is(.link, .image)").all():
        element.click(force=True)
    page.keyboard.press("Escape")
    assert page.evaluate(ACTIVE) == HARMLESS


def test_an_address_that_was_made_up_shows_text_alone(visit: Open, attacks: list[str]) -> None:
    page = visit()
    for attack in attacks:
        text = quote(attack)
        page.goto(page.url.partition("#")[0] + f"#ask?document={text}&page={text}&at={text}&at=0-99999")
        page.wait_for_selector("aside .notice")
        assert page.inner_text("#source-title").split() == attack.split()
        assert page.evaluate(ACTIVE) == HARMLESS


def test_poisoned_history_shows_text_alone(visit: Open, ask: Ask, attacks: list[str]) -> None:
    page = visit()
    ask(page, ENGLISH)
    kept = page.evaluate("localStorage.getItem('lectern-conversations')")
    attack = attacks[1]
    poisoned = json.dumps(json.loads(kept.replace("lights.md", attack).replace("1856", attack)))
    page.evaluate("text => localStorage.setItem('lectern-conversations', text)", poisoned)
    page.reload()
    page.wait_for_selector(".turn")
    assert attack in page.inner_text(".turn")
    assert page.evaluate(ACTIVE) == HARMLESS
