"""/readyz says what is wrong with the index's files, and whether keys lie where they may."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api import keys
from api.__main__ import main
from rag.build import build_indexer
from rag.config import Settings, load_settings
from rag.errors import SettingError

Serve = Callable[[dict[str, object]], TestClient]
MakeIndex = Callable[[Path], Settings]


def ready(client: TestClient) -> TestClient:
    deadline = time.monotonic() + 60
    while client.get("/readyz").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return client


def gone(file: Path) -> None:
    file.unlink()


def torn(file: Path) -> None:
    """Put beside and moved there, as a copy tool does: what is mapped into memory must not be cut."""
    draft = file.with_name("torn")
    draft.write_bytes(file.read_bytes()[:-1] + b"\xff")
    draft.replace(file)


@pytest.mark.parametrize("harm", [gone, torn])
@pytest.mark.parametrize("prefix", ["sparse-", "dense-", "keys"])
def test_a_file_of_the_index_that_is_gone_or_damaged_is_named_until_it_is_mended(
    tmp_path: Path, make_index: MakeIndex, serve: Serve, harm: Callable[[Path], None], prefix: str
) -> None:
    settings = make_index(tmp_path / "index")
    with serve({"index": str(settings.index)}) as client:
        generation = ready(client).get("/readyz").json()["generation"]
        file = min(settings.index.glob(f"segments/*/{prefix}*"))
        harm(file)
        unready = client.get("/readyz")
        assert unready.status_code == 503
        assert unready.json()["problem"] == "index-damaged"
        assert file.name in unready.json()["reason"]
        assert "python -m ingest" in unready.json()["reason"]
        assert str(tmp_path) not in unready.text
        assert client.get("/healthz").status_code == 200
        with build_indexer(settings) as indexer:
            indexer.publish()
        mended = ready(client).get("/readyz")
        assert (mended.status_code, mended.json()["generation"]) == (200, generation)


def test_a_record_that_is_gone_is_told(tmp_path: Path, make_index: MakeIndex, serve: Serve) -> None:
    settings = make_index(tmp_path / "index")
    with serve({"index": str(settings.index)}) as client:
        ready(client)
        for file in settings.index.glob("record.sqlite*"):
            file.unlink()
        unready = client.get("/readyz")
        assert unready.status_code == 503
        assert unready.json()["problem"].startswith("index-")


def test_keys_are_not_made_in_the_index_folder(tmp_path: Path) -> None:
    """It is copied, shared and thrown away; a service does not start with keys that lie there either."""
    index = tmp_path / "index"
    index.mkdir()
    flags = {"index": str(index), "api.keys_file": str(index / "sub" / ".." / "keys.json")}
    with pytest.raises(SettingError, match=r"api\.keys_file .* lies in the index"):
        main(
            ["keys", "add", "anna", *(word for name in flags for word in ("--set", f"{name}={flags[name]}"))]
        )
    assert not list(index.iterdir())
    (tmp_path / "link").symlink_to(index)
    linked = load_settings({"index": str(index), "api.keys_file": str(tmp_path / "link" / "keys.json")})
    with pytest.raises(SettingError, match="lies in the index"):
        keys.check_place(linked)
    keys.check_place(load_settings({"index": str(index), "api.keys_file": str(tmp_path / "keys.json")}))
