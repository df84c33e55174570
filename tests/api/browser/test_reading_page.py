"""A citation opens its source beside the answer, at the place and marked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Open = Callable[..., Any]
Ask = Callable[[Any, str], None]
Seen = Callable[[Any, str], bool]
ENGLISH = "When was the lighthouse of Varde built?"
LAMP = "Its lamp burned rape oil until 1923."
# The coloured pixels of a drawn page, in shares of it, and where on the screen the first rectangle is.
COLOURED = """() => {
    const canvas = document.querySelector("aside canvas");
    const copy = document.createElement("canvas");
    [copy.width, copy.height] = [canvas.width, canvas.height];
    const pen = copy.getContext("2d", { willReadFrequently: true });
    pen.drawImage(canvas, 0, 0);
    const { data } = pen.getImageData(0, 0, copy.width, copy.height);
    const found = { count: 0, first: [1, 1], last: [0, 0] };
    for (let at = 0; at < data.length; at += 4) {
        if (data[at] < 230 || data[at + 1] < 200 || data[at + 2] > 140) continue;
        const place = [at / 4 % copy.width / copy.width, Math.floor(at / 4 / copy.width) / copy.height];
        found.count += 1;
        found.first = found.first.map((each, axis) => Math.min(each, place[axis]));
        found.last = found.last.map((each, axis) => Math.max(each, place[axis]));
    }
    found.rectangle = JSON.parse(canvas.dataset.rectangles)[0];
    const box = canvas.getBoundingClientRect();
    found.seen = [1, 3].map(side => box.top + found.rectangle[side] * box.height);
    return found;
}"""


def test_an_english_question_is_answered_and_its_source_opens_beside_at_the_place(
    visit: Open, ask: Ask, seen: Seen
) -> None:
    page = visit()
    assert page.locator("h1").first.inner_text() == "Ask your documents"
    ask(page, ENGLISH)
    assert "1856" in page.inner_text(".prose")
    assert page.inner_text(".found tbody tr:first-child td").startswith("#")
    page.click(".marker a")
    page.wait_for_selector("aside mark")
    assert page.inner_text("#source-title") == "lights.md"
    assert "".join(page.locator("aside mark").all_inner_texts()).startswith("The lighthouse")
    assert "1856." in "".join(page.locator("aside mark").all_inner_texts())
    assert seen(page, "aside mark")
    assert seen(page, ".prose"), "the answer is still there beside it"
    assert page.locator("aside strong mark").count() == 1, "the mark keeps to the text under Markdown"
    assert page.inner_text("aside .markdown td >> nth=0") == "first"
    fonts = [
        page.eval_on_selector(f"aside {tag}", "e => getComputedStyle(e).fontFamily")
        for tag in ("pre code", "td")
    ]
    assert all("mono" in font for font in fonts)
    assert page.locator("aside a[href*='example.invalid']").count() == 0


def test_a_pdf_page_is_drawn_with_the_quoted_line_coloured_and_in_sight(visit: Open, ask: Ask) -> None:
    page = visit()
    ask(page, "Until when did the lamp burn rape oil?")
    page.click(".sources a:has-text('lamp.pdf')")
    page.wait_for_selector("aside canvas")
    page.wait_for_selector("aside .page-text mark", state="attached")
    assert page.inner_text("aside .toolbar span") == "Page 2 of 2"
    found = page.evaluate(COLOURED)
    (left, top), (right, bottom) = found["first"], found["last"]
    x0, y0, x1, y1 = found["rectangle"]
    assert found["count"] > 1000
    assert x0 - 0.01 <= left < right <= x1 + 0.01
    assert 0.46 < y0 - 0.01 <= top < bottom <= y1 + 0.01 < 0.54, "nothing else on the page is coloured"
    assert 0 < found["seen"][0] < found["seen"][1] < 900
    page.click("aside .previous")
    page.wait_for_selector("aside canvas[data-rectangles='[]']")
    page.click("aside .larger")
    page.wait_for_selector("aside canvas.zoom-1")


def test_a_changed_file_is_said_and_its_text_is_shown(visit: Open, ask: Ask, page_home: Path) -> None:
    file = page_home / "docs" / "lamp.pdf"
    before = file.read_bytes()
    file.write_bytes(before + b"\n% changed\n")
    try:
        page = visit()
        ask(page, "Until when did the lamp burn rape oil?")
        page.click(".sources a:has-text('lamp.pdf')")
        page.wait_for_selector("aside .notice:has-text('has changed')")
        page.wait_for_selector("aside .page-text[open] mark")
        assert page.inner_text("aside mark") == LAMP
        assert page.locator("aside canvas").count() == 0
    finally:
        file.write_bytes(before)


@pytest.mark.parametrize(("language", "part"), [("en-GB", "Rename the file"), ("zh-CN", "请先改名")])
def test_a_name_that_cannot_be_kept_is_told_in_the_readers_language(
    visit: Open, tmp_path: Path, language: str, part: str
) -> None:
    page = visit(at="#documents", locale=language)
    page.wait_for_selector("#drop")
    odd = tmp_path / 'what "is" this.md'
    odd.write_text("# Odd\n", "utf-8")
    page.set_input_files("#files", str(odd))
    page.wait_for_selector(f"#uploads .job.failed:has-text('{part}')")


def test_files_are_dropped_ingested_opened_and_deleted(visit: Open, ask: Ask, tmp_path: Path) -> None:
    page = visit(at="#documents")
    page.wait_for_selector("#drop")
    count = page.locator("#documents li a").count()
    page.evaluate(
        """() => {
            const given = new DataTransfer();
            given.items.add(new File(["# Tar\\n\\nThe tar of Hollen smells of birch."], "tar.md"));
            const view = document.getElementById("documents-view");
            const set = { dataTransfer: given, bubbles: true, cancelable: true };
            for (const kind of ["dragenter", "drop"]) view.dispatchEvent(new DragEvent(kind, set));
        }"""
    )
    page.wait_for_selector("#jobs .job.done:has-text('tar.md')")
    page.wait_for_selector("#documents a:has-text('tar.md')")
    again = tmp_path / "tar.md"
    again.write_text("# Tar\n\nThe tar of Hollen smells of pine.\n", "utf-8")
    page.set_input_files("#files", str(again))
    page.wait_for_selector("#uploads .job.failed:has-text('already')")
    page.click("#uploads button:has-text('Replace it')")
    page.wait_for_selector("#jobs .job.done >> nth=1")
    page.click("#to-ask")
    ask(page, "What does the tar of Hollen smell of?")
    assert "pine" in page.inner_text(".prose")
    page.click("#to-documents")
    row = page.locator("#documents > li", has_text="tar.md")
    row.locator(".twice button").click()
    assert page.evaluate("document.activeElement.textContent") == "No, keep"
    row.locator(".danger").click()
    page.wait_for_selector("#documents a:has-text('tar.md')", state="detached")
    assert page.locator("#documents li a").count() == count
    page.set_input_files(
        "#files", files=[{"name": "x.zzz", "mimeType": "text/plain", "buffer": b"no such kind"}]
    )
    page.wait_for_selector("#jobs .job.failed .wrong")
