"""What publishing takes of memory: `python docs/bench_memory.py [PASSAGES ...] [--documents-of N]`.

For each number of passages a process of its own fills a record with documents of generated text, about a
thousand characters a passage, with random unit vectors, then publishes them, and looks at itself a
hundred times a second. Printed are MB above what stood when the record was full: `anonymous` is what the
process holds itself (RssAnon), `resident` has the mapped pages of files as well (VmRSS), which the
system takes back at need. `duplicates` is the last step, in which documents that say the same are found.
Linux only, for it reads /proc/self/status.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from ingest.signatures import signatures
from rag.build import build_indexer
from rag.config import load_settings
from rag.health.copies import duplicates
from rag.indexes.publish import Indexer
from rag.types import Chunk, Document

_DIMENSION = 384
_WORDS = 170  # of a passage
_VOCABULARY = 200_000


class Watch:
    """The most this process held since `start`, in MB above what it held then."""

    def start(self) -> None:
        """Begin to look."""
        self._from, self._most, self._on = _held(), _held(), True
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> tuple[int, int]:
        """Anonymous and resident."""
        self._on = False
        self._thread.join()
        return self._most[0] - self._from[0], self._most[1] - self._from[1]

    def _look(self) -> None:
        while self._on:
            now = _held()
            self._most = max(self._most[0], now[0]), max(self._most[1], now[1])
            time.sleep(0.01)


def main() -> int:
    """Print one line a size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("passages", nargs="*", type=int, default=[50_000, 100_000, 200_000])
    parser.add_argument("--documents-of", type=int, default=100, help="passages of a document")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        return _measure(asked.passages[0], asked.documents_of)
    print(f"{'passages':>9} {'documents':>9} {'publishing':>22} {'duplicates':>22} {'s':>6}")
    print(f"{'':19} {'anonymous':>11}{'resident':>11} {'anonymous':>11}{'resident':>11}", flush=True)
    for passages in asked.passages:
        command = [sys.executable, __file__, str(passages), "--documents-of", str(asked.documents_of)]
        subprocess.run([*command, "--one"], check=True)  # noqa: S603 - this very program
    return 0


def _measure(passages: int, size: int) -> int:
    with TemporaryDirectory() as folder:
        settings = load_settings({"index": folder})
        with build_indexer(settings) as indexer:
            _fill(indexer, passages, size)
            watch, began = Watch(), time.perf_counter()
            watch.start()
            indexer.publish()
            published = watch.stop()
            seconds = time.perf_counter() - began
            watch.start()
            sum(1 for _ in duplicates(signatures(indexer.store, Path(folder))))
            found = watch.stop()
        print(
            f"{passages:9,} {-(-passages // size):9,} {published[0]:11,}{published[1]:11,} "
            f"{found[0]:11,}{found[1]:11,} {seconds:6.0f}",
            flush=True,
        )
    return 0


def _fill(indexer: Indexer, passages: int, size: int) -> None:
    rng = np.random.default_rng(0)
    names = [_name(word) for word in range(_VOCABULARY + 1)]
    for number, first in enumerate(range(0, passages, size)):
        texts = list(_texts(rng, names, min(size, passages - first)))
        document = Document(f"folder/{number:07}.md", "\n".join(texts), f"{number:064x}", {}, ())
        chunks, at = [], 0
        for ordinal, text in enumerate(texts):
            chunks.append(Chunk(document.id, ordinal, text, at, at + len(text)))
            at += len(text) + 1
        vectors = rng.standard_normal((len(texts), 1, _DIMENSION), np.float32)
        vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
        indexer.store.replace(document, chunks, list(vectors))
    indexer.store.remember("embedder", indexer.embedder_fingerprint)


def _texts(rng: np.random.Generator, names: Sequence[str], count: int) -> Iterator[str]:
    """Words as often as words are (Zipf), with a number now and then that stands nowhere else."""
    for _ in range(count):
        words = np.minimum(rng.zipf(1.2, _WORDS), _VOCABULARY)
        yield " ".join(map(names.__getitem__, words.tolist())) + f" {rng.integers(1 << 40)}"


def _name(word: int) -> str:
    letters = ""
    while word:
        word, letter = divmod(word, 20)
        letters += "bcdfghklmnprstvwaeio"[letter]
    return letters + "ax"


def _held() -> tuple[int, int]:
    found = {"RssAnon": 0, "VmRSS": 0}
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        name, _, value = line.partition(":")
        if name in found:
            found[name] = int(value.split()[0]) // 1024
    return found["RssAnon"], found["VmRSS"]


if __name__ == "__main__":
    sys.exit(main())
