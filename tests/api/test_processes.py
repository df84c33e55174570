import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from api import processes
from api.metrics import SHARED
from rag.config import load_settings

_DEAF = """
import signal, sys, time
from api.processes import end_with_parent
signal.signal(signal.SIGTERM, signal.SIG_IGN)
end_with_parent(grace_s=0.0)
print("up", flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_worker_that_lost_its_sigterm_ends_all_the_same_after_its_grace() -> None:
    worker = subprocess.Popen([sys.executable, "-c", _DEAF], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert worker.stdin
    assert worker.stdout
    with worker:
        assert worker.stdout.readline() == b"up\n"
        worker.stdin.close()
        assert worker.wait(timeout=50) == -signal.SIGKILL


_BUSY = """
from types import SimpleNamespace
from api.metrics import Metrics
metrics = Metrics()
metrics.lanes(answer=SimpleNamespace(running=3, waiting=2))
metrics.request("/ask", 200, 1.0)
"""
_SCRAPE = "from api.metrics import Metrics; print(Metrics().render(0).decode())"


def test_a_worker_that_died_has_no_calls_any_more_but_its_requests_still_count(tmp_path: Path) -> None:
    figures = os.environ | {SHARED: str(tmp_path)}

    def scrape() -> str:
        return subprocess.check_output([sys.executable, "-c", _SCRAPE], env=figures, text=True)

    with subprocess.Popen([sys.executable, "-c", _BUSY], env=figures) as dead:
        assert dead.wait(60) == 0
    assert 'lectern_running{lane="answer"} 3.0' in scrape()
    living = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with living:
        workers = [dead, living]
        processes._fill(workers, load_settings({"api.processes": 1}), [], str(tmp_path))
        assert workers == [living]
    after = scrape()
    assert "lectern_running{" not in after
    assert 'lectern_requests_total{route="/ask",status="200"} 1.0' in after
