"""The page by keyboard, for screen readers, on a phone, dark and light."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Open = Callable[..., Any]
Ask = Callable[[Any, str], None]
Seen = Callable[[Any, str], bool]
ENGLISH = "When was the lighthouse of Varde built?"
FOREIGN = "Who won the chess match?"
CONTRAST = """() => {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 1;
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    const over = colours => {
        pen.clearRect(0, 0, 1, 1);
        for (const colour of colours) { pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1); }
        return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3).map(each => {
            const share = each / 255;
            return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        });
    };
    const light = ([red, green, blue]) => 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    const faint = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
        if (element.closest("[disabled]")) continue;
        const behind = [];
        for (let each = element; each; each = each.parentElement) {
            behind.unshift(getComputedStyle(each).backgroundColor);
        }
        const [a, b] = [light(over(behind)), light(over([...behind, getComputedStyle(element).color]))];
        const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (contrast < 4.5) faint.push([walker.currentNode.data.trim().slice(0, 40), contrast.toFixed(2)]);
    }
    return faint;
}"""


def test_everything_is_done_by_keyboard_and_the_focus_comes_back(visit: Open) -> None:
    page = visit()
    page.keyboard.type(ENGLISH)
    page.keyboard.press("Enter")
    page.wait_for_selector("#thread:not([aria-busy]) .print")
    for _ in range(40):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.matches('.marker a')"):
            break
    assert page.evaluate("document.activeElement.matches('.marker a')")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid", "where the focus is can be seen"
    href = page.evaluate("document.activeElement.href")
    page.keyboard.press("Enter")
    page.wait_for_selector("aside mark")
    assert page.evaluate("document.activeElement.id") == "source-title"
    page.keyboard.press("Escape")
    page.wait_for_selector("aside", state="hidden")
    assert page.evaluate("document.activeElement.href") == href
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "question"
    page.keyboard.press("ArrowUp")
    assert page.input_value("#question") == ENGLISH
    page.focus("#skip")
    assert page.locator("#skip").bounding_box()["width"] > 50, "it shows when it has the focus"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "question"


def test_from_a_document_the_focus_goes_back_to_its_place_in_the_list(visit: Open) -> None:
    page = visit(at="#documents")
    page.focus("#documents li:nth-child(2) a")
    name = page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Enter")
    page.wait_for_selector("aside .markdown, aside canvas")
    page.click("#language")
    page.wait_for_selector("aside .markdown, aside canvas")
    page.keyboard.press("Escape")
    page.wait_for_selector("aside", state="hidden")
    assert page.evaluate("document.activeElement.textContent") == name


def test_a_screen_reader_finds_landmarks_and_a_name_for_each_control(visit: Open, ask: Ask) -> None:
    page = visit()
    ask(page, ENGLISH)
    page.click(".marker a")
    page.wait_for_selector("aside mark")
    for view in ("#to-ask", "#to-documents"):
        page.click(view)
        page.wait_for_selector(f"{view}[aria-current=page]")
        nameless = page.evaluate(
            """() => [...document.querySelectorAll("button, a, input, textarea, canvas, progress")]
                .filter(element => !element.closest("[hidden]"))
                .filter(element => !(element.getAttribute("aria-label") || element.innerText))
                .filter(element => !element.labels?.[0]?.textContent)
                .map(element => element.outerHTML)"""
        )
        assert nameless == []
    for landmark in (
        "header",
        "nav[aria-label]",
        "main",
        "aside[aria-labelledby]",
        "[role=status][aria-live=polite]",
    ):
        assert page.locator(landmark).count() == 1, landmark
    assert page.locator("h1").count() == 2, "one in each view, the other view hidden"


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_on_a_phone_nothing_is_wider_than_the_screen(visit: Open, ask: Ask, seen: Seen, locale: str) -> None:
    page = visit(view={"width": 390, "height": 844}, locale=locale)

    def check(what: str) -> None:
        wide = page.evaluate("document.scrollingElement.scrollWidth")
        assert wide <= 390, what

    check("the question")
    ask(page, ENGLISH)
    check("the answer")
    page.click(".marker a")
    page.wait_for_selector("aside mark")
    check("the source")
    assert seen(page, "aside mark")
    assert page.evaluate("document.getElementById('main').inert"), "what is covered is out of reach"
    box = page.locator("aside").bounding_box()
    assert (box["width"], box["height"]) == (390, 844)
    page.go_back()
    page.wait_for_selector("aside", state="hidden")
    page.click("#to-documents")
    page.wait_for_selector("#documents li a")
    check("the documents")
    small = page.evaluate(
        """() => [...document.querySelectorAll("button, nav a")].filter(each => each.offsetParent)
            .filter(each => each.getBoundingClientRect().height < 32).map(each => each.outerHTML)"""
    )
    assert small == [], "too small for a finger"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_stands_out_from_what_is_behind_it(visit: Open, ask: Ask, scheme: str) -> None:
    """WCAG 2.2, 1.4.3: a contrast of 4.5 to 1, in the answer, the source, a refusal and the documents."""
    page = visit(scheme=scheme)
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (dark == "rgb(23, 22, 20)") == (scheme == "dark")
    ask(page, ENGLISH)
    ask(page, FOREIGN)
    page.click(".marker a")
    page.wait_for_selector("aside mark")
    assert page.evaluate(CONTRAST) == []
    page.click("#to-documents")
    page.wait_for_selector("#documents li a")
    assert page.evaluate(CONTRAST) == []
    page.click("#theme")
    turned = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert turned != dark
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == turned
    page.wait_for_selector("#documents li a")
    assert page.evaluate(CONTRAST) == []
