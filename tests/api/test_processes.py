import signal
import subprocess
import sys

import pytest

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
