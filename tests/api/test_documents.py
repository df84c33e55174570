"""Documents: listed, read at a place, handed out as files, and changed where that is enabled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

Serve = Callable[[dict[str, object]], TestClient]
Outcome = Callable[[TestClient, Any], dict[str, Any]]

FILES = {
    "notes/bread.md": "# Bread\n\nRye needs less water than wheat. 黑麦需要的水更少。\n",
    "notes/ünï 码/a b?#%.md": "# Odd\n\nA name may hold anything that a file system takes.\n",
    "light.txt": "The lighthouse of Varde was built in 1856.\n",
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, ingest: Callable[..., None]) -> Path:
    """A folder with `docs`, ingested into `index` by the real command."""
    home = tmp_path_factory.mktemp("documents here")
    for name, text in FILES.items():
        file = home / "docs" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    ingest(home / "index", home / "docs")
    return home


@pytest.fixture
def reader(home: Path, serve: Serve) -> Iterator[TestClient]:
    with serve({"index": str(home / "index")}) as client:
        yield client


def test_documents_are_listed_in_parts(reader: TestClient) -> None:
    found: list[str] = []
    after: str | None = ""
    while after is not None:
        part = reader.get("/documents", params={"limit": 2, "after": after}).json()
        assert part["total"] == len(FILES)
        found += [document["id"] for document in part["documents"]]
        after = part["next"]
    assert found == sorted(FILES)


@pytest.mark.parametrize("name", FILES)
def test_any_id_leads_to_its_text_and_to_the_cited_part_of_it(reader: TestClient, name: str) -> None:
    from urllib.parse import quote

    address = f"/documents/{quote(name)}"
    whole = reader.get(address).json()
    assert whole["id"] == name
    assert whole["text"].strip() == FILES[name].strip()
    part = reader.get(address, params={"start": 2, "end": 9}).json()
    assert part["text"] == whole["text"][2:9]
    assert (part["start"], part["end"], part["length"]) == (2, 9, len(whole["text"]))


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/documents/none.md", 404),
        ("/documents/../../etc/passwd", 404),
        ("/documents/%2e%2e/%2e%2e/etc/passwd", 404),
        ("/documents//etc/passwd", 404),
        ("/documents/light.txt?start=9999", 416),
        ("/documents/light.txt?start=9&end=3", 416),
        ("/documents/light.txt?start=-1", 422),
        ("/documents/light.txt?start=1e9", 422),
        ("/documents?limit=0", 422),
        ("/documents?limit=x", 422),
    ],
)
def test_what_is_not_there_is_told(reader: TestClient, address: str, status: int, home: Path) -> None:
    reply = reader.get(address)
    assert reply.status_code == status
    assert reply.headers["content-type"] == "application/problem+json"
    assert str(home) not in reply.text


def test_an_original_is_handed_out_only_while_it_is_what_was_read(reader: TestClient, home: Path) -> None:
    file = home / "docs" / "light.txt"
    reply = reader.get("/documents/light.txt", params={"original": True})
    assert reply.content == file.read_bytes()
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"
    before, secret = file.read_bytes(), home / "secret.txt"
    try:
        file.write_text("The lighthouse of Varde was built in 1857.\n", "utf-8")
        assert reader.get("/documents/light.txt?original=true").status_code == 410
        file.unlink()
        assert reader.get("/documents/light.txt?original=true").status_code == 410
        secret.write_bytes(before)
        file.symlink_to(secret)
        reply = reader.get("/documents/light.txt?original=true")
        assert reply.status_code == 410
        assert str(home) not in reply.text
    finally:
        file.unlink(missing_ok=True)
        file.write_bytes(before)


def test_changes_are_off_as_it_comes(reader: TestClient) -> None:
    assert reader.get("/documents").json()["allowed"] == {"upload": 0, "delete": False, "ingest": False}
    for reply in (
        reader.post("/documents?name=a.md", content=b"text"),
        reader.post("/ingest", json={}),
        reader.delete("/documents/light.txt"),
    ):
        assert reply.status_code == 403
        assert reply.json()["type"] == "urn:lectern:problem:turned-off"


def test_an_upload_is_ingested_asked_and_deleted(tmp_path: Path, serve: Serve, outcome: Outcome) -> None:
    """Each as a job in a child process; the service follows without a restart."""
    flags: dict[str, object] = {
        "index": str(tmp_path / "index"),
        "api.uploads": str(tmp_path / "uploads"),
        "api.allow_delete": True,
        "api.allow_ingest": True,
    }
    question = {"question": "When was the lighthouse built?"}
    with serve(flags) as client:
        allowed = {"upload": 50 << 20, "delete": True, "ingest": True}
        started = client.post("/documents?name=灯塔.md", content=b"The lighthouse was built in 1856.")
        job = outcome(client, started)
        assert job["state"] == "done", job
        assert job["result"]["written"] == 1
        assert job["result"]["documents"] == ["灯塔.md"]
        assert str(tmp_path) not in str(job)
        assert client.post("/search", json=question).json()["hits"][0]["document"] == "灯塔.md"
        assert client.post("/documents?name=灯塔.md", content=b"x").status_code == 409
        deleted = outcome(client, client.delete("/documents/灯塔.md"))
        assert deleted["result"]["removed"] == 1
        left = client.get("/documents").json()
        assert (left["total"], left["allowed"]) == (0, allowed)
        assert not any((tmp_path / "uploads").iterdir()), "its file would be read again"
        assert client.post("/ingest", json={}).json()["type"] == "urn:lectern:problem:no-folders"
        started = client.post("/documents?name=b.md", content=b"Rye needs less water.")
        told = client.get(f"/jobs/{started.json()['id']}", headers={"Accept": "text/event-stream"}).text
        assert told.count("event: done") == 1
        assert [each["id"] for each in client.get("/documents").json()["documents"]] == ["b.md"]
        assert outcome(client, client.post("/ingest", json={}))["result"]["unchanged"] == 1


@pytest.mark.parametrize(
    "name",
    [
        "../a.md",
        "a/b.md",
        "a\\b.md",
        ".hidden.md",
        "a.md.",
        "",
        "con.md",
        "a\n.md",
        "x" * 300 + ".md",
        "..",
        "noend",
    ],
)
def test_a_name_that_is_no_plain_one_is_refused(tmp_path: Path, serve: Serve, name: str) -> None:
    uploads = tmp_path / "uploads"
    with serve({"index": str(tmp_path / "index"), "api.uploads": str(uploads)}) as client:
        reply = client.post("/documents", params={"name": name}, content=b"text")
        assert reply.status_code == 422
    assert not uploads.exists() or not any(uploads.iterdir())


def test_an_upload_goes_through_no_link_and_keeps_to_its_size(tmp_path: Path, serve: Serve) -> None:
    uploads, secret = tmp_path / "uploads", tmp_path / "secret.md"
    uploads.mkdir()
    secret.write_text("untouched", "utf-8")
    (uploads / "link.md").symlink_to(secret)
    flags: dict[str, object] = {
        "index": str(tmp_path / "index"),
        "api.uploads": str(uploads),
        "api.upload_mb": 1,
        "api.uploads_mb": 1,
    }
    with serve(flags) as client:
        assert client.post("/documents?name=link.md", content=b"x").status_code == 409
        assert client.post("/documents?name=big.md", content=b"x" * (1 << 21)).status_code == 413
        (uploads / "other.md").write_bytes(b"x" * (1 << 20))
        assert client.post("/documents?name=more.md", content=b"x").status_code == 507
    assert secret.read_text("utf-8") == "untouched"
    assert sorted(file.name for file in uploads.iterdir()) == ["link.md", "other.md"]
