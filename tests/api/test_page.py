"""The page and its files: safe by construction, whole without any other server, in two languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

STATIC = Path(__file__).parents[2] / "api" / "static"
FILES = sorted(STATIC.iterdir())
SCRIPTS = [file for file in FILES if file.suffix == ".js"]


@pytest.mark.parametrize(
    "path", ["/", "/static/app.js", "/static/signs.svg", "/healthz", "/nothing", "/openapi.json"]
)
def test_every_reply_carries_the_security_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = dict(rule.split(" ", 1) for rule in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_the_page_is_served_with_what_it_links(client: TestClient) -> None:
    page = client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    linked = re.findall(r'(?:src|href)="(static/[^"]+)"', page.text)
    assert len(linked) >= 7
    for path in linked:
        assert client.get(f"/{path.partition('#')[0]}").status_code == 200
    assert client.head("/").status_code == 200


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: str(file.name))
def test_scripts_have_a_type_browsers_run(client: TestClient, file: Path) -> None:
    assert client.get(f"/static/{file.name}").headers["content-type"].startswith("text/javascript")


def test_every_module_is_imported_and_every_import_is_there() -> None:
    """Without a build step nothing else would notice."""
    names = {file.name for file in SCRIPTS}
    found = {"app.js"}
    for file in SCRIPTS:
        imported = re.findall(r'^import [^;]*?"\./([\w-]+\.js)";$', file.read_text("utf-8"), re.MULTILINE)
        found.update(imported)
        for name in imported:
            exported = re.findall(
                r"^export (?:async )?(?:function\*?|const|class) (\w+)",
                (STATIC / name).read_text("utf-8"),
                re.MULTILINE,
            )
            wanted = re.search(rf'import {{([^}}]*)}} from "\./{name}"', file.read_text("utf-8"))
            if wanted:
                assert set(wanted[1].replace(" ", "").split(",")) <= set(exported), (file.name, name)
    assert found == names


def test_the_page_has_nothing_inline() -> None:
    """The policy would block it: no script text, no style attribute, no event attribute."""
    html = (STATIC / "index.html").read_text(encoding="utf-8")
    assert all(not text.strip() for text in re.findall(r"<script[^>]*>(.*?)</script>", html, re.DOTALL))
    assert "<style" not in html
    assert not re.search(r"\s(style|on\w+)\s*=", html)


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: str(file.name))
def test_documents_only_ever_become_text(file: Path) -> None:
    """Nothing that a document or a model wrote is parsed as HTML or run."""
    script = file.read_text(encoding="utf-8")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|eval\(", script)
    assert not re.search(r"createContextualFragment|srcdoc|javascript:|new Function|setHTML", script)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.name))
def test_the_page_asks_nothing_of_other_servers(file: Path) -> None:
    text = file.read_text(encoding="utf-8").replace('"http://www.w3.org/2000/svg"', "")
    assert not re.search(r"https?://|url\(|@import|//[a-z0-9-]+\.[a-z]", text)


def _keys(name: str) -> list[str]:
    source = (STATIC / name).read_text(encoding="utf-8")
    return re.findall(r'^ {2,4}"?([\w-]+)"?:', source, re.MULTILINE)


def test_both_languages_say_the_same_things() -> None:
    """Each key of the English words is there in Chinese, in the same order."""
    assert len(_keys("english.js")) > 100
    assert _keys("english.js") == _keys("chinese.js")


def test_the_page_says_nothing_that_has_no_words() -> None:
    """Each word that a script or the page asks for is in the lists, and each in the lists is asked for."""
    known = set(re.findall(r'^ {2}"?([\w-]+)"?:', (STATIC / "english.js").read_text("utf-8"), re.MULTILINE))
    page = (STATIC / "index.html").read_text("utf-8")
    asked = set(re.findall(r'data-(?:word|label)="(\w+)"', page))
    for file in SCRIPTS:
        asked.update(re.findall(r"(?:say\(\)|words)\??\.(\w+)", file.read_text("utf-8")))
    assert asked - {"js"} == known


def test_what_has_words_of_the_page_has_a_title() -> None:
    """The page would otherwise show a title of the server's over words in the reader's language."""
    english = (STATIC / "english.js").read_text(encoding="utf-8")
    keys = r'^ {4}"?([\w-]+)"?:'
    problems, details = english.split("  problems: {")[1].split("\n  details: {")
    explained = set(re.findall(keys, details, re.MULTILINE))
    assert {"key-wanted", "key-unknown", "index-missing"} <= explained
    assert explained <= set(re.findall(keys, problems, re.MULTILINE))


def test_no_file_of_the_page_is_long() -> None:
    assert all(len(file.read_text("utf-8").splitlines()) <= 250 for file in FILES)


def test_the_key_is_kept_for_the_tab_alone() -> None:
    script = (STATIC / "key.js").read_text(encoding="utf-8")
    assert "sessionStorage" in script
    assert not re.search(r"localStorage|cookie|location", script)
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    assert re.search(r'<input id="key" type="password"[^>]* autocomplete="off"', page)
