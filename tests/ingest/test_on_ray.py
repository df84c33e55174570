"""Ingest on a real Ray cluster of several nodes on this host."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ingest.on_ray import read_on
from ingest.pipeline import ingest
from ingest.report import Report
from rag.build import build_store, published
from rag.config import Settings
from rag.errors import SettingError

ray = pytest.importorskip("ray", reason="ray is not installed: pip install -e '.[ray]'")
pytestmark = pytest.mark.filterwarnings("ignore")  # Ray's own, of which there are many

_FILES = 24


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    notes = tmp_path / "notes"
    notes.mkdir()
    for number in range(_FILES):
        lines = [f"# Note {number}", f"The gate of section {number} opens at {number} o'clock.", "大门开着。"]
        (notes / f"{number:02d}.md").write_text("\n\n".join(lines * 3), "utf-8")
    (notes / "broken.pdf").write_bytes(b"%PDF-1.4 nothing more")
    return notes


class _Nodes:
    """A cluster with a head that computes nothing and nodes that come and go."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster

        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        self.cluster: Any = Cluster(
            initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False}
        )
        self.nodes: list[Any] = []

    def add(self) -> None:
        node = self.cluster.add_node(num_cpus=1)
        self.nodes.append(node)

    def kill_node(self) -> None:
        self.cluster.remove_node(self.nodes.pop(), allow_graceful=False)

    def kill_worker(self) -> None:
        listed = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
        found = [int(line.split()[0]) for line in listed.splitlines() if "ray::Worker" in line]
        if found:
            os.kill(found[0], signal.SIGKILL)

    def close(self) -> None:
        self.cluster.shutdown()


@pytest.fixture
def nodes(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Nodes]:
    # Ray listens on the loopback address alone where it thinks that it may not form clusters.
    monkeypatch.setattr("ray._private.ray_constants.ENABLE_RAY_CLUSTER", False)
    made = _Nodes()
    made.add()
    made.add()
    monkeypatch.setenv("RAY_ADDRESS", made.cluster.address)
    yield made
    made.close()


def _index(home: Path, folder: Path, cluster: str | None = None) -> tuple[Settings, Report]:
    settings = Settings(index=home)
    return settings, ingest(settings, [folder], quiet=True, cluster=cluster)


def _held(settings: Settings) -> list[object]:
    store = build_store(settings, read_only=True)
    held: list[object] = [(each.chunk, each.vectors.tobytes()) for each in store.chunks()]
    held += store.documents()
    store.close()
    return held


def test_a_cluster_makes_the_index_that_one_machine_makes_though_worker_and_node_are_killed(
    folder: Path, tmp_path: Path, nodes: _Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone, said = _index(tmp_path / "alone", folder)
    seen = 0

    def disturbed(*given: Any) -> Iterator[Any]:
        nonlocal seen
        for each in read_on(*given):
            seen += 1
            if seen == 4:
                nodes.kill_worker()
            if seen == 8:
                nodes.add()
                nodes.kill_node()
            yield each

    monkeypatch.setattr("ingest.on_ray.read_on", disturbed)
    spread, told = _index(tmp_path / "spread", folder, "ray")
    assert seen == _FILES + 1
    assert _held(spread) == _held(alone), "nothing lost, nothing doubled, the same bits"
    assert published(spread).generation == published(alone).generation
    assert [path for path, _ in told.failed] == [path for path, _ in said.failed] == ["broken.pdf"]
    assert (told.written, told.chunks) == (said.written, said.chunks)


def test_what_did_not_change_is_not_sent_out_again(folder: Path, tmp_path: Path, nodes: _Nodes) -> None:
    assert nodes.nodes
    (folder / "broken.pdf").unlink()
    settings, _ = _index(tmp_path / "index", folder, "ray")
    (folder / "00.md").write_text("# Changed\n\nThe gate is shut.", "utf-8")
    (folder / "01.md").rename(folder / "moved.md")
    _, told = _index(settings.index, folder, "ray")
    assert (told.written, told.moved, told.unchanged) == (1, 1, _FILES - 2)


def test_a_file_that_kills_every_worker_is_reported_and_the_others_are_read(
    folder: Path, tmp_path: Path, nodes: _Nodes
) -> None:
    assert nodes.nodes
    script = (
        "import os, sys, json\n"
        "from ray._private import ray_constants\n"
        "ray_constants.ENABLE_RAY_CLUSTER = False\n"
        "from pathlib import Path\n"
        "from ingest.reading import Reader\n"
        "from ingest import on_ray\n"
        "class Deadly(on_ray.Worker):\n"
        "    def read(self, planned, embed):\n"
        "        if planned.id == '03.md': os._exit(1)\n"
        "        return super().read(planned, embed)\n"
        "on_ray.Worker = Deadly\n"
        "from ingest.pipeline import ingest\n"
        "from rag.config import Settings\n"
        "report = ingest(Settings(index=Path(sys.argv[1])), [Path(sys.argv[2])], quiet=True, cluster='ray')\n"
        "print(json.dumps(report.as_json()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "index"), str(folder)],
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    report = json.loads(done.stdout.splitlines()[-1])
    assert [each["path"] for each in report["failed"]] == ["03.md", "broken.pdf"]
    assert "workers died" in report["failed"][0]["reason"]
    assert report["written"] == _FILES - 1


def test_a_cluster_that_is_not_there_is_named(folder: Path, tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(SettingError, match=r"--on ray://127\.0\.0\.1:9: the cluster cannot be reached"):
        _index(tmp_path / "index", folder, "ray://127.0.0.1:9")
    assert time.monotonic() - began < 120
    with pytest.raises(SettingError, match="write `ray`"):
        _index(tmp_path / "index", folder, "spark")
