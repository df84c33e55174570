"""The service keeps to its own description, docs/openapi.json."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from rag.config import Settings

COMMITTED = Path(__file__).parents[2] / "docs" / "openapi.json"
# What counts as refusing a bad request; the tool does not count too large a body (413) or header (431).
REFUSED = ["400", "401", "403", "404", "405", "409", "411", "413", "415", "416", "421", "422", "431"]
Serving = Callable[..., AbstractContextManager[tuple[subprocess.Popen[str], str]]]


def test_the_committed_description_is_what_the_service_says() -> None:
    """Made anew with `python -m api openapi > docs/openapi.json`."""
    told = subprocess.run([sys.executable, "-m", "api", "openapi"], capture_output=True, check=True)
    assert json.loads(told.stdout) == json.loads(COMMITTED.read_bytes())


def test_every_operation_says_how_it_fails() -> None:
    """No status stands for a range, and each failure has a schema."""
    described = json.loads(COMMITTED.read_bytes())
    for path, operations in described["paths"].items():
        for operation in operations.values():
            statuses = operation["responses"]
            assert {"401", "403", "421", "500"} <= set(statuses), path
            assert all(status.isdigit() for status in statuses)
            for status, response in statuses.items():
                if status in ("429", "503") and path != "/readyz":
                    assert "Retry-After" in response["headers"]
                assert response["content"] is not None


@pytest.mark.parametrize(
    ("enabled", "phases"),
    [(False, "examples,coverage,fuzzing,stateful"), (True, "fuzzing,stateful")],
    ids=["as it comes", "with a key"],
)
def test_schemathesis_finds_nothing(
    settings: Settings, serving: Serving, tmp_path: Path, enabled: bool, phases: str
) -> None:
    """All of its phases and checks over the real server, with few examples."""
    pytest.importorskip("schemathesis")
    flags = ["--index", str(settings.index), "--set", f"api.keys_file={tmp_path / 'keys.json'}"]
    header = []
    if enabled:
        command = [sys.executable, "-m", "api", "keys", "add", "anna", *flags]
        key = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        header = ["--header", f"Authorization: Bearer {key}"]
    (tmp_path / "schemathesis.toml").write_text(
        f"checks.negative_data_rejection.expected-statuses = {REFUSED}"
    )
    with serving(*flags, "--set", "api.log=off") as (process, address):
        program = Path(sys.executable).with_name("st")
        command = [
            *(str(program), "run", str(COMMITTED), "--url", address, "--checks", "all", "--seed", "1"),
            *("--phases", phases, "--max-examples", "2", "--no-color"),
            *("--warnings", "off", "--continue-on-failure", *header),
        ]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
        process.terminate()
        _, log = process.communicate(timeout=30)
    told = "\n".join(line[:300] for line in done.stdout.splitlines())
    assert done.returncode == 0, told[-6000:]
    assert '"failure"' not in log
