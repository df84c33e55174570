"""Uploaded files: kept only once they were read, and deleted with their document."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from api import endings, upload_folder, uploads
from rag.config import Settings, load_settings
from rag.errors import SettingError

Serve = Callable[[dict[str, object]], TestClient]
Outcome = Callable[[TestClient, Any], dict[str, Any]]


def given(home: Path, **more: object) -> dict[str, object]:
    flags = {"index": str(home / "index"), "api.uploads": str(home / "uploads")}
    return {**flags, "api.keys_file": str(home / "keys.json"), **more}


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


@pytest.mark.parametrize("uploads", ["index", "index/jobs", "."])
def test_uploads_and_index_may_not_lie_in_each_other(tmp_path: Path, uploads: str) -> None:
    settings = load_settings(given(tmp_path) | {"api.uploads": str(tmp_path / uploads)})
    with pytest.raises(SettingError, match=r"api\.uploads .* lie in each other"):
        upload_folder.check(settings)


def test_a_link_to_the_index_is_no_folder_for_uploads(tmp_path: Path) -> None:
    (tmp_path / "index").mkdir()
    (tmp_path / "uploads").symlink_to(tmp_path / "index")
    with pytest.raises(SettingError, match="lie in each other"):
        upload_folder.check(load_settings(given(tmp_path)))


def test_the_keys_may_not_lie_where_an_upload_could_replace_them(tmp_path: Path) -> None:
    settings = load_settings(given(tmp_path) | {"api.keys_file": str(tmp_path / "uploads" / "keys.json")})
    with pytest.raises(SettingError, match=r"api\.keys_file"):
        upload_folder.check(settings)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings = load_settings(given(tmp_path) | {"api.uploads": str(tmp_path / "file" / "uploads")})
    with pytest.raises(SettingError, match="cannot be written"):
        upload_folder.check(settings)


def test_a_good_folder_is_made_and_left_empty(tmp_path: Path) -> None:
    upload_folder.check(load_settings(given(tmp_path)))
    assert names(tmp_path / "uploads") == []


def test_an_unread_upload_has_failed_and_is_not_kept(tmp_path: Path, serve: Serve, outcome: Outcome) -> None:
    """An unknown kind, and a damaged file; then a good one, whose result says nothing of them."""
    with serve(given(tmp_path)) as client:
        job = outcome(client, client.post("/documents?name=a.xyz", content=b"text"))
        assert (job["state"], job["result"]) == ("failed", None)
        assert "not a kind of file that is read here" in job["error"]
        job = outcome(client, client.post("/documents?name=a.pdf", content=b"no pdf"))
        assert (job["state"], job["result"]) == ("failed", None)
        assert "PDF" in job["error"] or "pdf" in job["error"]
        assert names(tmp_path / "uploads") == []
        (tmp_path / "uploads" / "stray.pdf").write_bytes(b"no pdf")
        job = outcome(client, client.post("/documents?name=good.md", content=b"Rye needs less water."))
        assert job["state"] == "done"
        assert job["result"]["documents"] == ["good.md"]
        assert "stray" not in str(job)
        job = outcome(client, client.post("/documents?name=good.md&replace=true", content=b"\0\1\2" * 99))
        assert job["state"] == "failed", job
        assert (tmp_path / "uploads" / "good.md").read_bytes() == b"Rye needs less water."
        assert names(tmp_path / "uploads") == ["good.md", "stray.pdf"]


def test_an_index_folder_that_takes_no_files_keeps_no_upload(tmp_path: Path, serve: Serve) -> None:
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "jobs").touch()  # fails for root, too, whom permissions do not stop
    with serve(given(tmp_path)) as client:
        reply = client.post("/documents?name=a.md", content=b"text")
    assert reply.status_code == 503
    assert reply.json()["type"] == "urn:lectern:problem:read-only"
    assert str(tmp_path) not in reply.text
    assert not (tmp_path / "uploads").exists()


@pytest.mark.parametrize(
    ("source", "stays"),
    [
        ("uploads/a.md", False),
        ("docs/a.md", True),
        ("uploads/../docs/a.md", True),
        ("uploads/out/a.md", True),
        ("uploads/link.md", True),
    ],
)
def test_only_a_plain_file_among_the_uploads_goes_with_its_document(
    tmp_path: Path, source: str, stays: bool
) -> None:
    for folder in ("uploads", "docs"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.md").touch()
    (tmp_path / "uploads" / "out").symlink_to(tmp_path / "docs")
    (tmp_path / "uploads" / "link.md").symlink_to(tmp_path / "docs" / "a.md")
    job = {"state": "done"}
    endings.deleted(load_settings(given(tmp_path)), f"{tmp_path}/{source}")(job)
    assert job == {"state": "done"}
    assert (tmp_path / source).exists() == stays
    assert (tmp_path / "docs" / "a.md").exists()


@pytest.mark.parametrize("state", ["failed", "queued"])
def test_a_job_that_did_not_end_well_leaves_the_file_before(
    tmp_path: Path, settings: Settings, state: str
) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"new"

    (tmp_path / "a.md").write_text("old")
    saving = uploads.save(tmp_path, "a.md", body(), limit=9, folder_limit=99, replace=True)
    saved = asyncio.run(saving)
    assert (tmp_path / "a.md").read_text() == "new"
    endings.uploaded(settings, saved)({"state": state})
    assert (tmp_path / "a.md").read_text() == "old"
    assert names(tmp_path) == ["a.md"]
