"""`make demo`: ingest this project's guide, ask it one question in each language, show the answers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INDEX = ".demo/index"
QUESTIONS = ("What happens when an ingest is killed half way?", "没有显卡也能用吗？")


def main() -> int:
    """Run the commands a user would type, printing each before its output."""
    _show("ingest", "docs/guide", "--index", INDEX)
    for question in QUESTIONS:
        _show("rag", "ask", question, "--index", INDEX)
    print("\nNow your own folder:\n")
    print("    .venv/bin/python -m ingest PATH/TO/YOUR/FOLDER")
    print("    make serve        and open http://127.0.0.1:8000\n")
    return 0


def _show(*words: str) -> None:
    shown = " ".join(f'"{word}"' if " " in word or not word.isascii() else word for word in words)
    print(f"\n$ python -m {shown}\n", flush=True)
    subprocess.run([sys.executable, "-m", *words], cwd=ROOT, check=True)  # noqa: S603 - our own commands


if __name__ == "__main__":
    sys.exit(main())
