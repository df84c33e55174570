"""Uploaded files: kept only once they were read, and deleted with their document."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from api import endings, upload_folder, uploads
from api.errors import RefusedError
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


def put(folder: Path, name: str, text: bytes, *, replace: bool, folder_limit: int = 99) -> uploads.Saved:
    async def body() -> AsyncIterator[bytes]:
        yield text

    return asyncio.run(
        uploads.save(folder, name, body(), limit=50, folder_limit=folder_limit, replace=replace)
    )


@pytest.mark.parametrize("replaces", [True, False])
def test_a_name_takes_no_other_upload_until_the_one_before_is_kept_or_withdrawn(
    tmp_path: Path, replaces: bool
) -> None:
    """The first undone would take the second with it."""
    if replaces:
        (tmp_path / "a.md").write_text("old")
    first = put(tmp_path, "a.md", b"first", replace=replaces)
    with pytest.raises(RefusedError, match="still being read") as refused:
        put(tmp_path, "a.md", b"second", replace=True)
    assert refused.value.failure.status == 409
    put(tmp_path, "b.md", b"another name", replace=True).keep()
    first.withdraw()
    put(tmp_path, "a.md", b"second", replace=True).keep()
    put(tmp_path, "a.md", b"third", replace=True).keep()
    assert (tmp_path / "a.md").read_text() == "third"
    assert names(tmp_path) == ["a.md", "b.md"]


def test_files_that_go_while_the_folder_is_measured_stop_no_upload(tmp_path: Path) -> None:
    done = threading.Event()

    def come_and_go() -> None:
        passing = [tmp_path / f"passing{n}" for n in range(50)]
        while not done.is_set():
            for file in passing:
                file.touch()
            for file in passing:
                file.unlink()

    coming = threading.Thread(target=come_and_go)
    coming.start()
    try:
        for _ in range(200):
            put(tmp_path, "a.md", b"text", replace=True).keep()
    finally:
        done.set()
        coming.join()
    assert names(tmp_path) == ["a.md"]


def test_uploads_at_the_same_time_keep_the_limit_of_the_folder_together(tmp_path: Path) -> None:
    async def slow() -> AsyncIterator[bytes]:
        for _ in range(4):
            await asyncio.sleep(0.01)
            yield b"x" * 10

    async def at_once() -> list[uploads.Saved | BaseException]:
        each = (
            uploads.save(tmp_path, f"{n}.md", slow(), limit=50, folder_limit=99, replace=False)
            for n in range(5)
        )
        return await asyncio.gather(*each, return_exceptions=True)

    saved = [each for each in asyncio.run(at_once()) if not isinstance(each, RefusedError)]
    assert 1 <= len(saved) <= 2
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) == 40 * len(saved)


_CLAIMING = """
import sys, time
from pathlib import Path
from api.upload_folder import claim
assert claim(Path(sys.argv[1]), "a.md")
print("claimed", flush=True)
time.sleep(60)
"""


def test_a_name_is_claimed_among_processes_and_free_when_its_process_was_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _CLAIMING, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"claimed\n"
        with pytest.raises(RefusedError, match="still being read"):
            put(tmp_path, "a.md", b"text", replace=True)
        process.kill()
    put(tmp_path, "a.md", b"text", replace=True).keep()
    assert names(tmp_path) == ["a.md"]


@pytest.mark.parametrize("state", ["failed", "queued"])
def test_a_job_that_did_not_end_well_leaves_the_file_before(
    tmp_path: Path, settings: Settings, state: str
) -> None:
    (tmp_path / "a.md").write_text("old")
    saved = put(tmp_path, "a.md", b"new", replace=True)
    assert (tmp_path / "a.md").read_text() == "new"
    endings.uploaded(settings, saved)({"state": state})
    assert (tmp_path / "a.md").read_text() == "old"
    assert names(tmp_path) == ["a.md"]
