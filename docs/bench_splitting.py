"""How long it takes to cut one large file into passages: `python docs/bench_splitting.py [MEGABYTES ...]`.

Three texts of each size: paragraphs, the same on one line, and Markdown with headings, lists and tables.
`MB` is the most that reading and cutting held above what stood before, passages included. Linux only.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from ingest.loading import build_loaders, build_splitter
from rag.build import build_embedder
from rag.config import load_settings
from rag.types import Document

_WORDS = 20_000


def main() -> None:
    """Print a line a text."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("megabytes", nargs="*", type=int, default=[5, 20])
    print("text          MB of it  passages  seconds     MB")
    for size in parser.parse_args().megabytes:
        for name, suffix in (("paragraphs", ".txt"), ("one line", ".txt"), ("Markdown", ".md")):
            passages, seconds, held = _cut(name, suffix, size * 1_000_000)
            print(f"{name:12} {size:9} {passages:9} {seconds:8.1f} {held:6}", flush=True)


def _cut(name: str, suffix: str, size: int) -> tuple[int, float, int]:
    with TemporaryDirectory() as folder, ExitStack() as stack:
        settings = load_settings({"index": str(Path(folder) / "index")})
        file = Path(folder) / f"text{suffix}"
        with file.open("w", encoding="utf-8") as out:
            pieces = _pieces(name)
            while out.tell() < size:
                out.write(next(pieces))
        splitter = build_splitter(settings, build_embedder(settings))
        loaders = build_loaders(settings, stack)
        Path("/proc/self/clear_refs").write_text("5", "ascii")  # the most that was held begins anew
        stood, began = _held("VmRSS"), time.perf_counter()
        loaded = loaders[suffix].load(file)
        document = Document("text", loaded.text, "", loaded.metadata, loaded.pages, loaded.headings)
        passages = splitter.split(document)
        return len(passages), time.perf_counter() - began, _held("VmHWM") - stood


def _pieces(name: str) -> Iterator[str]:
    rng = np.random.default_rng(0)
    letters = list("abcdefghijklmnopqrstuvwxyz")
    words = ["".join(rng.choice(letters, rng.integers(2, 10))) for _ in range(_WORDS)]

    def sentence() -> str:
        return " ".join(words[at] for at in rng.integers(_WORDS, size=12)).capitalize() + "."

    while True:
        paragraph = " ".join(sentence() for _ in range(5))
        if name == "Markdown":
            rows = "".join(f"| {words[a]} | {words[b]} |\n" for a, b in rng.integers(_WORDS, size=(5, 2)))
            yield f"## {sentence()}\n\n{paragraph}\n\n- {sentence()}\n- {sentence()}\n\n"
            yield f"| a | b |\n|---|---|\n{rows}\n"
        else:
            yield paragraph + (" " if name == "one line" else "\n\n")


def _held(name: str) -> int:
    """MB."""
    found = re.search(rf"{name}:\s+(\d+)", Path("/proc/self/status").read_text("ascii"))
    return int(found[1]) // 1024 if found else 0


if __name__ == "__main__":
    main()
