"""The page in a real Chromium over the real service, whose documents are partly hostile."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

Serving = Callable[..., AbstractContextManager[tuple[subprocess.Popen[str], str]]]
Open = Callable[..., Any]
WAIT_MS = 60_000
DESKTOP = {"width": 1280, "height": 900}
NOTES = f"""---
title: Notes
---
# Lights of the coast

{"A paragraph about the weather at sea. " * 60}

## Varde

It stands on a *rock* 𝄞. **The lighthouse** of Varde was built in 1856. See `keeper.log` and [the log](https://example.invalid/).

| Lamp | Oil |
|---|---|
| first | rape |

```python
def light() -> None: ...
```

{"Another paragraph about the harbour and its boats. " * 60}
"""
# What a hostile document, file name, address or question may try: each would set window.taken.
ATTACKS: list[str] = json.loads(Path(__file__).with_name("attacks.json").read_text("utf-8"))
HOSTILE_NAME = "a <img src=x onerror=window.taken=1> & \"quoted\" 'name' #1 ?x=y%20.md"


@pytest.fixture(scope="session")
def attacks() -> list[str]:
    return ATTACKS


@pytest.fixture(scope="session")
def hostile_name() -> str:
    """The name of the document that holds the attacks."""
    return HOSTILE_NAME


@pytest.fixture(scope="session")
def page_home(tmp_path_factory: pytest.TempPathFactory, ingest: Callable[..., None]) -> Path:
    from reportlab.pdfgen.canvas import Canvas

    home = tmp_path_factory.mktemp("page here")
    docs = home / "docs"
    docs.mkdir()
    (docs / "lights.md").write_text(NOTES, "utf-8")
    (docs / "部署.md").write_text(
        "# 部署\n\n量化后的模型可以部署在一台没有显卡的机器上。部署之前要检查内存。\n", "utf-8"
    )
    attacks = "\n\n".join(
        f"## Porcelain {n} {each}\n\nPorcelain attack {n}: {each}" for n, each in enumerate(ATTACKS)
    )
    (docs / HOSTILE_NAME).write_text(
        attacks + "\n\n| Porcelain | cell |\n|---|---|\n| " + ATTACKS[1] + " | x |\n", "utf-8"
    )
    canvas = Canvas(str(docs / "lamp.pdf"), pagesize=(300, 400))
    canvas.drawString(30, 350, "A first page without the answer.")
    canvas.showPage()
    canvas.drawString(30, 200, "Its lamp burned rape oil until 1923.")
    canvas.save()
    ingest(home / "index", docs)
    return home


@pytest.fixture(scope="session")
def address(page_home: Path, serving: Serving) -> Iterator[str]:
    flags = {
        "uploads": page_home / "uploads",
        "allow_delete": "true",
        "allow_ingest": "true",
        "keys_file": page_home / "keys",
    }
    settings = [word for name, value in flags.items() for word in ("--set", f"api.{name}={value}")]
    with serving("--index", str(page_home / "index"), "--set", "api.log=off", *settings) as (_, address):
        yield address


# No longer than a module: while it is there, no other test of this process could start an event loop.
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="the package playwright is not installed")
    programs = map(shutil.which, ("chromium", "google-chrome", "chromium-browser"))
    program = next(filter(None, programs), None)
    if program is None:
        pytest.skip("no Chromium on this machine")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Any, address: str) -> Iterator[Open]:
    """Opens the page; at the end nothing may have gone wrong in it and nothing have left for another host."""
    contexts: list[Any] = []
    wrong: list[str] = []

    def visit(
        *,
        locale: str = "en-US",
        scheme: str = "light",
        view: dict[str, int] = DESKTOP,
        at: str = "",
        base: str = address,
    ) -> Any:
        context = browser.new_context(
            locale=locale, color_scheme=scheme, viewport=view, reduced_motion="reduce"
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(WAIT_MS)
        page.on("console", lambda told: wrong.append(told.text) if _is_wrong(told) else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: wrong.append(f"dialog {dialog.message}"))
        page.on("request", lambda asked: None if asked.url.startswith(base) else wrong.append(asked.url))
        page.goto(f"{base}/{at}")
        page.wait_for_selector("#state:not(:empty)", state="attached")
        return page

    yield visit
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture(scope="session")
def ask() -> Callable[[Any, str], None]:
    """Asks a question and waits until the answer is whole."""

    def ask(page: Any, question: str) -> None:
        page.fill("#question", question)
        page.keyboard.press("Enter")
        page.wait_for_selector("#thread:not([aria-busy]) .turn:last-child .print")

    return ask


@pytest.fixture(scope="session")
def seen() -> Callable[[Any, str], bool]:
    """Whether the middle of the first such element is on the screen and not covered."""

    def seen(page: Any, selector: str) -> bool:
        script = """selector => {
            const element = document.querySelector(selector);
            const box = element.getClientRects()[0];
            const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
            return element.contains(document.elementFromPoint(x, y));
        }"""
        return bool(page.evaluate(script, selector))

    return seen


def _is_wrong(told: Any) -> bool:
    """A refusal of the service is no fault of the page; a blocked script is."""
    return told.type in ("error", "warning") and "the server responded with a status of" not in told.text
