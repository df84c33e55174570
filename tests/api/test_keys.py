"""API keys: shown once, kept hashed, revocable; and where one is asked for."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api import keys
from api.__main__ import main
from rag.config import Settings
from rag.errors import SettingError

Serve = Callable[[dict[str, object]], TestClient]


def test_a_key_is_kept_as_its_digest_alone(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    text = keys.add(file, "anna")
    assert text not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    known = keys.Keys(file)
    assert known.holder(text) == "anna"
    assert known.holder(text[:-1]) is None
    assert known.holder("") is None


def test_keys_are_many_and_each_is_revoked_alone_without_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    anna, bert = keys.add(file, "anna"), keys.add(file, "bert")
    known = keys.Keys(file)
    keys.revoke(file, "anna")
    assert (known.holder(anna), known.holder(bert)) == (None, "bert")
    assert known.holder(keys.add(file, "cara")) == "cara"


@pytest.mark.parametrize("harm", ["gone", "damaged", "empty"])
def test_a_lost_keys_file_opens_nothing(tmp_path: Path, harm: str) -> None:
    file = tmp_path / "keys.json"
    text = keys.add(file, "anna")
    known = keys.Keys(file)
    if harm == "gone":
        file.unlink()
    else:
        file.write_text("[]" if harm == "empty" else "{")
    assert known.required
    assert known.holder(text) is None


def test_a_damaged_keys_file_stops_the_start(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text('[{"name": 1}]')
    with pytest.raises(SettingError, match="damaged"):
        keys.Keys(file)


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 65])
def test_a_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingError):
        keys.add(tmp_path / "keys.json", name)


def test_the_command_adds_lists_and_revokes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--set", f"api.keys_file={tmp_path / 'keys.json'}"]
    assert main(["keys", "list", *flags]) == 0
    assert capsys.readouterr() == (
        "",
        f"there is no key in {tmp_path / 'keys.json'}: only this machine may ask\n",
    )
    assert main(["keys", "add", "anna", *flags]) == 0
    text = capsys.readouterr().out.strip()
    assert text.startswith("lectern-")
    assert main(["keys", "list", *flags]) == 0
    listed = capsys.readouterr().out
    assert "anna" in listed
    assert text not in listed
    assert main(["keys", "revoke", "anna", *flags]) == 0
    with pytest.raises(SettingError, match="anna"):
        main(["keys", "revoke", "anna", *flags])


def test_with_a_key_everything_but_page_and_health_asks_for_one(
    tmp_path: Path, settings: Settings, serve: Serve
) -> None:
    text = keys.add(tmp_path / "keys.json", "anna")
    right, wrong = {"Authorization": f"Bearer {text}"}, {"Authorization": "Bearer lectern-wrong"}
    with serve({"index": str(settings.index)}) as client:
        for path in ("/documents", "/metrics", "/openapi.json", "/v1/models", "/jobs/x", "/nothing"):
            for headers in ({}, wrong, {"Authorization": f"Basic {text}"}):
                reply = client.get(path, headers=headers)
                assert reply.status_code == 401
                assert reply.headers["www-authenticate"] == "Bearer"
            assert client.get(path, headers=right).status_code in {200, 404}
        refused = client.get("/v1/models", headers=wrong).json()
        assert refused["error"]["type"] == "authentication_error"
        for path in ("/", "/healthz", "/readyz", "/static/app.js"):
            assert client.get(path).status_code in {200, 503}
