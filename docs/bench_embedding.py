"""`make bench`: how fast passages are embedded, by precision, and beside other busy processes.

Prints passages a second over the project's own guide, each the median of several runs. On a machine that
others use as well, believe the ratios.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

GUIDE = Path(__file__).parent / "guide"
ROUNDS = 5


def main() -> int:
    """Compare precisions in this process, then waiting policies in processes side by side."""
    if sys.argv[1:] == ["one"]:
        print(_rate("auto", _passages(), rounds=3)[0])
        return 0
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    passages = _passages()
    rates = {dtype: _rate(dtype, passages, ROUNDS) for dtype in ("float32", "auto")}
    for dtype, (rate, device) in rates.items():
        print(f"{dtype:<8} {rate:6.0f} passages/s on {device}")
    print(f"auto / float32: {rates['auto'][0] / rates['float32'][0]:.1f}")
    for policy in ("active", "passive"):
        print(f"three processes at once, OMP_WAIT_POLICY={policy}: {_side_by_side(policy):.0f} passages/s")
    return 0


def _passages() -> list[str]:
    files = sorted(GUIDE.rglob("*.md"))
    return [part for file in files for part in file.read_text("utf-8").split("\n\n") if len(part) > 80]


def _rate(dtype: str, passages: list[str], rounds: int) -> tuple[float, str]:
    from rag.embedders.sentence_transformers import build

    embedder = build(dtype=dtype)
    embedder.encode(passages[:8])
    seconds = []
    for _ in range(rounds):
        began = time.perf_counter()
        embedder.encode(passages)
        seconds.append(time.perf_counter() - began)
    return len(passages) / statistics.median(seconds), embedder.device


def _side_by_side(policy: str) -> float:
    command = [sys.executable, __file__, "one"]
    environment = {**os.environ, "OMP_WAIT_POLICY": policy}
    running = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)  # noqa: S603 - ourselves
        for _ in range(3)
    ]
    return sum(float(process.communicate()[0].split(",")[0]) for process in running)


if __name__ == "__main__":
    sys.exit(main())
