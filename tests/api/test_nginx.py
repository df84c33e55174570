"""Several service processes behind a real nginx, with the configuration that docs/deploy shows."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest

from rag.config import Settings

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
CONFIGURATION = Path(__file__).resolve().parents[2] / "docs/deploy/nginx.conf"
QUESTION = json.dumps({"question": "When was the lighthouse of Varde built?"}).encode()
pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed: apt install nginx-light")

Serving = Callable[..., AbstractContextManager[tuple[subprocess.Popen[str], str]]]


@pytest.fixture(scope="module")
def front(
    settings: Settings, serving: Serving, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, list[subprocess.Popen[str]]]]:
    """The address of nginx, and the processes behind it."""
    home = tmp_path_factory.mktemp("nginx")
    with ExitStack() as stack:
        started = [stack.enter_context(serving("--index", str(settings.index))) for _ in range(3)]
        address = f"127.0.0.1:{_free_port()}"
        ports = iter([url.rsplit(":", 1)[1] for _, url in started])
        written = CONFIGURATION.read_text("utf-8").replace("127.0.0.1:8000", address)
        written = re.sub(r"server 127\.0\.0\.1:\d+ ", lambda _: f"server 127.0.0.1:{next(ports)} ", written)
        (home / "nginx.conf").write_text(written.replace("/run/lectern-nginx.pid", f"{home}/pid"))
        assert NGINX is not None
        command = [NGINX, "-p", str(home), "-c", str(home / "nginx.conf"), "-e", "stderr"]
        nginx = subprocess.Popen([*command, "-g", "daemon off;"], stderr=subprocess.DEVNULL)
        stack.callback(nginx.wait)
        stack.callback(nginx.terminate)
        _wait_for(address)
        yield f"http://{address}", [process for process, _ in started]


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _wait_for(address: str) -> None:
    host, port = address.split(":")
    for _ in range(100):
        try:
            socket.create_connection((host, int(port)), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("nginx did not start")


def _ask(address: str) -> str:
    """The status, or the generation that answered."""
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{address}/ask", QUESTION, headers)  # noqa: S310 - of this host
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:  # noqa: S310
            answer = json.load(reply)
    except urllib.error.HTTPError as error:
        return str(error.code)
    except OSError as error:
        return type(error).__name__
    assert "1856" in answer["answer"]
    return str(answer["generation"])


def test_one_process_killed_under_load_fails_no_question(
    front: tuple[str, list[subprocess.Popen[str]]],
) -> None:
    address, processes = front
    generation = _ask(address)
    assert re.fullmatch("[0-9a-f]{12}", generation)
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(_ask, address) for _ in range(200)]
        while sum(each.done() for each in asked) < 40:
            time.sleep(0.01)
        processes[0].kill()
        found = Counter(each.result() for each in asked)
    assert found == Counter({generation: 200})
    assert processes[0].wait() < 0
    assert [process.poll() for process in processes[1:]] == [None, None]


def test_the_page_and_the_state_come_through(
    front: tuple[str, list[subprocess.Popen[str]]],
) -> None:
    address, _ = front
    with urllib.request.urlopen(f"{address}/", timeout=60) as reply:  # noqa: S310
        assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
    with urllib.request.urlopen(f"{address}/readyz", timeout=60) as reply:  # noqa: S310
        assert json.load(reply)["ready"] is True
