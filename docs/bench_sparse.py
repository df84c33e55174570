"""The sparse index beside the libraries: build, one query, a batch, one more document, opening.

    python docs/bench_sparse.py --documents 20000
    python docs/bench_sparse.py --documents 200000 --systems bmx,tantivy --json figures.json

Documents are 60 to 100 terms drawn from a Zipf distribution, questions six terms from the same. Every
system builds in a process of its own and answers in another, in the same run on the same machine:
compare within a table, not across tables. bm25s and tantivy are measured where they are installed
(`pip install bm25s tantivy`).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from bench_sparse_systems import ADDERS, BUILDERS, OPENERS, Documents, load

Figures: TypeAlias = dict[str, float]
SYSTEMS = ("bmx", "tantivy", "bm25s", "baguetter")
_VOCABULARY = 300_000
_EXPONENT = 1.07
_BATCH = 32
_REPEATS = 3


def main() -> None:
    """Measure the systems asked for and print one table."""
    arguments = _arguments()
    if arguments.child:
        stage, system, folder = arguments.child
        print(json.dumps(_STAGES[stage](system, Path(folder), arguments)))
        return
    found: dict[str, Figures] = {}
    for system in arguments.systems.split(","):
        if system in ("bm25s", "tantivy") and find_spec(system) is None:
            print(f"{system} is not installed: pip install {system}", file=sys.stderr)
            continue
        with tempfile.TemporaryDirectory(prefix="bench-sparse-") as folder:
            found[system] = {}
            for stage in arguments.stages.split(","):
                found[system] |= _child(stage, system, folder)
                print(f"{system}, {stage}: {found[system]}", file=sys.stderr)
    print(_table(found, arguments))
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(found, indent=1), "utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the sparse index beside the libraries.")
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--queries", type=int, default=1_000)
    parser.add_argument("--depth", type=int, default=10)
    parser.add_argument("--systems", default=",".join(SYSTEMS))
    parser.add_argument("--stages", default=",".join(_STAGES), help="build comes first: the others need it")
    parser.add_argument("--json", help="write the figures here as well")
    parser.add_argument("--child", nargs=3, metavar=("STAGE", "SYSTEM", "FOLDER"), help=argparse.SUPPRESS)
    return parser.parse_args()


def _child(stage: str, system: str, folder: str) -> Figures:
    command = [sys.executable, *sys.argv, "--child", stage, system, folder]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 - ourselves
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def _build(system: str, folder: Path, arguments: argparse.Namespace) -> Figures:
    documents = _documents(arguments.documents)
    before = time.perf_counter()
    BUILDERS[system](folder, documents)
    figures = {"build s": time.perf_counter() - before}
    figures["index MB"] = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6
    return figures


def _ask(system: str, folder: Path, arguments: argparse.Namespace) -> Figures:
    questions = _questions(arguments.queries)
    load(system)
    before = time.perf_counter()
    search, many = OPENERS[system](folder, arguments.depth)
    figures = {"open ms": 1000 * (time.perf_counter() - before), "opened MB": _resident()}
    before = time.perf_counter()
    search(questions[0])
    figures["first query ms"] = 1000 * (time.perf_counter() - before)
    for question in questions[: _BATCH * 4]:  # compilers and page cache; questions are all different
        search(question)
    if system == "bmx":
        search.__self__.warm()  # type: ignore[attr-defined]  # the method's reader
    runs = [[_milliseconds(search, question) for question in questions] for _ in range(_REPEATS)]
    times = np.median(runs, axis=0)  # of each question: what else runs on the machine hits one of them
    figures["p50 ms"], figures["p95 ms"] = (float(np.percentile(times, at)) for at in (50, 95))
    figures["asked MB"] = _resident()
    batches = [questions[at : at + _BATCH] for at in range(0, min(len(questions), 8 * _BATCH), _BATCH)]
    for name, answer in (
        ("32 in turn ms", lambda batch: [search(each) for each in batch]),
        ("32 at once ms", many),
    ):
        figures[name] = statistics.median(_milliseconds(answer, batch) for batch in batches)
    figures["32 at once x"] = figures["32 in turn ms"] / figures["32 at once ms"]
    return figures


def _add(system: str, folder: Path, _: argparse.Namespace) -> Figures:
    """One more document until a search can find it. Only what can add one without a rebuild is run."""
    if system not in ADDERS:
        return {}
    words = [f"new{at}" for at in range(80)]
    load(system)
    return {"add ms": statistics.median(ADDERS[system](folder, words, at) for at in range(_REPEATS))}


_STAGES = {"build": _build, "ask": _ask, "add": _add}


def _documents(count: int) -> Documents:
    source = np.random.default_rng(1)
    words = np.array([f"term{number}" for number in range(_VOCABULARY)], dtype=object)
    share = _shares()
    documents: Documents = []
    for first in range(0, count, 10_000):
        lengths = source.integers(60, 101, min(10_000, count - first))
        drawn = words[np.searchsorted(share, source.random(int(lengths.sum())))]
        ends = np.cumsum(lengths)
        documents += [drawn[end - length : end].tolist() for end, length in zip(ends, lengths, strict=True)]
    return documents


def _questions(count: int) -> Documents:
    drawn = np.searchsorted(_shares(), np.random.default_rng(2).random((count, 6)))
    return [[f"term{number}" for number in row] for row in drawn.tolist()]


def _shares() -> Any:
    weights = 1 / np.arange(1, _VOCABULARY + 1) ** _EXPONENT
    return np.cumsum(weights) / weights.sum()


def _milliseconds(work: Callable[[Any], Any], argument: Any) -> float:
    before = time.perf_counter()
    work(argument)
    return 1000 * (time.perf_counter() - before)


def _resident() -> float:
    """Resident memory of this process in MB, mapped pages of files included."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith("VmRSS"))) / 1024


def _table(found: dict[str, Figures], arguments: argparse.Namespace) -> str:
    """Figures of each system, behind those of the others how many times ours they are."""
    about = f"{arguments.documents:,} documents of 60-100 terms, {arguments.queries} questions of 6 terms"
    lines = [
        f"{about}, best {arguments.depth}, {os.cpu_count()} cores",
        "",
        "| measure | " + " | ".join(found) + " |",
        "|---|" + "---|" * len(found),
    ]
    for name in dict.fromkeys(name for figures in found.values() for name in figures):
        cells = list(_cells(name, found))
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cells(name: str, found: dict[str, Figures]) -> Iterator[str]:
    ours = found.get("bmx", {}).get(name)
    for system, figures in found.items():
        if name not in figures:
            yield "rebuilds" if name == "add ms" else "-"
        elif ours and system != "bmx":
            yield f"{figures[name]:.3g} ({figures[name] / ours:.3g}x)"
        else:
            yield f"{figures[name]:.3g}"


if __name__ == "__main__":
    main()
