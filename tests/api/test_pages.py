"""GET /pages: the cited place on the page of the original file."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.errors import RefusedError
from api.pages.draw import Pictures, Wanted
from rag.config import load_settings

Serve = Callable[[dict[str, object]], TestClient]
LINES = {
    "first/light.pdf": ["The lighthouse of Varde was built in 1856.", "Its lamp burned rape oil until 1923."],
    "second/sub folder/rye #1.pdf": ["Rye needs less water than wheat."],
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, ingest: Callable[..., None]) -> Path:
    """Two ingested folders with a PDF file each, and a file that is no PDF; a line a page."""
    from reportlab.pdfgen.canvas import Canvas

    home = tmp_path_factory.mktemp("pages here")
    for name, lines in LINES.items():
        file = home / name
        file.parent.mkdir(parents=True)
        canvas = Canvas(str(file), pagesize=(300, 400))
        for line in lines:
            canvas.drawString(30, 350, line)
            canvas.showPage()
        canvas.save()
    (home / "first" / "notes.md").write_text("# Notes\n\nNo pages here.\n", "utf-8")
    ingest(home / "index", home / "first", home / "second")
    return home


@pytest.fixture
def reader(home: Path, serve: Serve) -> Iterator[TestClient]:
    with serve({"index": str(home / "index")}) as client:
        yield client


@pytest.mark.parametrize(
    ("address", "number", "line"),
    [
        ("light.pdf", 2, LINES["first/light.pdf"][1]),
        ("sub%20folder/rye%20%231.pdf", 1, LINES["second/sub folder/rye #1.pdf"][0]),
    ],
)
def test_a_cited_line_is_marked_whichever_folder_the_file_is_in(
    reader: TestClient, address: str, number: int, line: str
) -> None:
    start = reader.get(f"/documents/{address}").json()["text"].index(line)
    at = f"{start}-{start + len(line)}"
    reply = reader.get(f"/pages/{address}", params={"number": number, "at": [at, "0-0"], "width": 300})
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "image/png"
    assert reply.content.startswith(b"\x89PNG")
    assert reply.headers["lectern-pages"] == str(number)
    ((x0, y0, x1, y1),) = json.loads(reply.headers["lectern-rectangles"])
    assert 0.07 < x0 < 0.11 < 0.5 < x1 < 1
    assert 0.09 < y0 < y1 < 0.15
    if number == 2:
        other = reader.get(f"/pages/{address}", params={"number": 1, "at": at})
        assert json.loads(other.headers["lectern-rectangles"]) == []


@pytest.mark.parametrize(
    ("address", "status", "kind"),
    [
        ("/pages/none.pdf", 404, "no-document"),
        ("/pages/notes.md", 404, "no-page"),
        ("/pages/light.pdf?number=3", 404, "no-page"),
        ("/pages/light.pdf?number=0", 422, "request"),
        ("/pages/light.pdf?number=1e9", 422, "request"),
        ("/pages/light.pdf?number=99999999999999999999999", 422, "request"),
        ("/pages/light.pdf?width=99", 422, "request"),
        ("/pages/light.pdf?width=2001", 422, "request"),
        ("/pages/light.pdf?width=NaN", 422, "request"),
        ("/pages/light.pdf?at=-1-5", 422, "request"),
        ("/pages/light.pdf?at=5", 422, "request"),
        ("/pages/light.pdf?at=1-9999999999999", 422, "request"),
        ("/pages/light.pdf?at=%D9%A1-%D9%A2", 422, "request"),
        ("/pages/light.pdf?at=1-2%0A", 422, "request"),
        ("/pages/light.pdf?" + "&".join(["at=1-2"] * 21), 422, "request"),
        ("/pages/../../etc/passwd", 404, None),
        ("/pages/%2e%2e/%2e%2e/etc/passwd", 404, None),
        ("/pages//etc/passwd", 404, "no-document"),
        ("/pages/light.pdf%00", 404, "no-document"),
        ("/pages/%ff%fe", 404, "no-document"),
        ("/pages/", 404, "no-document"),
    ],
)
def test_hostile_addresses_are_told_and_show_no_folder(
    reader: TestClient, address: str, status: int, kind: str | None, home: Path
) -> None:
    reply = reader.get(address)
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    assert str(home) not in reply.text
    if kind:
        assert reply.json()["type"] == f"urn:lectern:problem:{kind}"


@pytest.mark.parametrize("at", ["0-999999999999", "999999999998-999999999999", "5-1", "0-0"])
def test_ranges_beyond_the_text_mark_what_there_is(reader: TestClient, at: str) -> None:
    reply = reader.get("/pages/light.pdf", params={"at": at, "width": 100})
    assert reply.status_code == 200
    marked = json.loads(reply.headers["lectern-rectangles"])
    assert len(marked) == (1 if at == "0-999999999999" else 0)


def test_a_file_that_has_changed_is_not_shown_though_it_was_drawn_before(
    reader: TestClient, home: Path
) -> None:
    file = home / "first" / "light.pdf"
    before = file.read_bytes()
    assert reader.get("/pages/light.pdf").status_code == 200
    try:
        file.write_bytes(before.replace(b"%PDF-1.4", b"%PDF-1.5") + b"\n% changed\n")
        reply = reader.get("/pages/light.pdf")
        assert reply.status_code == 410
        assert reply.json()["type"] == "urn:lectern:problem:no-original"
        assert str(home) not in reply.text
        file.unlink()
        assert reader.get("/pages/light.pdf").status_code == 410
        assert reader.get("/documents/light.pdf").status_code == 200
    finally:
        file.write_bytes(before)


def test_a_page_is_drawn_once_and_its_refusals_are_not_kept(home: Path) -> None:
    pictures = Pictures(load_settings({"index": str(home / "index")}))
    wanted = Wanted("light.pdf", 1, ((0, 10),), 200)
    assert pictures.picture(wanted) is pictures.picture(wanted)
    with pytest.raises(RefusedError, match="2 pages"):
        pictures.picture(Wanted("light.pdf", 9, (), 200))


def test_where_keys_are_wanted_a_page_wants_one(home: Path, tmp_path: Path, serve: Serve) -> None:
    flags = ["--set", f"api.keys_file={tmp_path / 'keys.json'}"]
    command = [sys.executable, "-m", "api", "keys", "add", "anna", *flags]
    key = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    with serve({"index": str(home / "index")}) as client:
        assert client.get("/pages/light.pdf").status_code == 401
        allowed = client.get("/pages/light.pdf", headers={"Authorization": f"Bearer {key}"})
        assert allowed.status_code == 200
