"""The dense index beside FAISS's own: build, recall, latency, memory.

    python docs/bench_dense.py --vectors 20000
    python docs/bench_dense.py --vectors 1000000 --corpus FOLDER --real 50000 --systems ours,flat

The vectors are mixtures of real ones, and the questions real ones set aside: see `bench_dense_vectors`.
Each system builds in one process and answers in another; compare within a table, not across tables.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from bench_dense_vectors import BLOCK, DEPTHS, make_vectors

from rag.types import Rows, Segment, Vectors

Search: TypeAlias = Callable[[Vectors, int], Rows]
Figures: TypeAlias = dict[str, float]
SYSTEMS = ("ours", "flat", "sq8", "ivf-sq8", "hnsw")


def main() -> None:
    """Measure the systems asked for and print one table."""
    arguments = _arguments()
    if arguments.child:
        stage, system, folder = arguments.child
        print(json.dumps({"build": _build, "answer": _answer}[stage](system, Path(folder))))
        return
    with tempfile.TemporaryDirectory(prefix="bench-dense-", dir=arguments.scratch) as place:
        folder = Path(place)
        make_vectors(folder, arguments.corpus, arguments.real, arguments.vectors, arguments.keep)
        found: dict[str, Figures] = {}
        for system in arguments.systems.split(","):
            (folder / system).mkdir()
            found[system] = _child("build", system, folder) | _child("answer", system, folder)
            print(f"{system}: {found[system]}", file=sys.stderr)
    print(_table(found, arguments.vectors))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the dense index beside FAISS's own.")
    parser.add_argument("--vectors", type=int, default=20_000)
    parser.add_argument("--corpus", type=Path, default=Path(__file__).parent / "guide")
    parser.add_argument("--real", type=int, default=2_000, help="sentences embedded at most")
    parser.add_argument(
        "--keep", type=Path, help="the real vectors' .npy file: read if it is there, else written"
    )
    parser.add_argument("--systems", default=",".join(SYSTEMS))
    parser.add_argument("--scratch", help="where the vectors and the indexes are put meanwhile")
    parser.add_argument("--child", nargs=3, metavar=("STAGE", "SYSTEM", "FOLDER"), help=argparse.SUPPRESS)
    return parser.parse_args()


def _child(stage: str, system: str, folder: Path) -> Figures:
    command = [sys.executable, __file__, "--child", stage, system, str(folder)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 - ourselves
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def _build(system: str, folder: Path) -> Figures:
    vectors = np.load(folder / "vectors.npy", mmap_mode="r")
    started, worked = time.perf_counter(), time.process_time()
    if system == "ours":
        from rag.dense.faiss import build

        build().write(folder / system, vectors, range(len(vectors)))
    else:
        import faiss

        kind = faiss.index_factory(
            vectors.shape[1], _factory(system, len(vectors)), faiss.METRIC_INNER_PRODUCT
        )
        kind.train(np.ascontiguousarray(vectors[:: max(1, len(vectors) // 131_072)]))
        for start in range(0, len(vectors), BLOCK):
            kind.add(np.ascontiguousarray(vectors[start : start + BLOCK]))
        faiss.write_index(kind, str(folder / system / "index"))
    return {"build_s": time.perf_counter() - started, "build_cpu_s": time.process_time() - worked}


def _factory(system: str, count: int) -> str:
    lists = round(4 * count**0.5)
    return {"flat": "Flat", "sq8": "SQ8", "ivf-sq8": f"IVF{lists},SQ8", "hnsw": "HNSW16,Flat"}[system]


def _answer(system: str, folder: Path) -> Figures:
    questions, truth = np.load(folder / "questions.npy"), np.load(folder / "truth.npy")
    _warm()
    before = _resident()
    started = time.perf_counter()
    search, count = _opened(system, folder)
    figures = {"open_ms": 1000 * (time.perf_counter() - started)}
    for depth in DEPTHS:
        wall, work, kept = [], [], 0.0
        search(questions[0], depth)
        for question, best in zip(questions, truth, strict=True):
            began, worked = time.perf_counter(), time.thread_time()
            rows = search(question, depth)
            work.append(1000 * (time.thread_time() - worked))
            wall.append(1000 * (time.perf_counter() - began))
            kept += len(np.intersect1d(rows, best[:depth])) / depth / len(questions)
        figures |= {f"recall@{depth}": kept, f"p50@{depth}": float(np.median(wall))}
        figures |= {f"p95@{depth}": float(np.percentile(wall, 95)), f"cpu@{depth}": float(np.median(work))}
        figures[f"bytes@{depth}"] = (_resident() - before) / count
    return figures


def _warm() -> None:
    """Load the libraries and compile: what they take is not the vectors'."""
    import faiss

    from rag.dense.faiss import build

    faiss.omp_set_num_threads(1)
    vectors = np.eye(64, dtype=np.float32)
    with tempfile.TemporaryDirectory() as place:
        index = build(exact_below=0)
        index.write(Path(place), vectors, range(len(vectors)))
        index.open([Segment(Path(place), len(vectors))]).search(vectors[0], 1)


def _opened(system: str, folder: Path) -> tuple[Search, int]:
    """A search that gives rows, on one core, and the number of vectors."""
    import faiss

    count = len(np.load(folder / "vectors.npy", mmap_mode="r"))
    if system == "ours":
        from rag.dense.faiss import build

        reader = build().open([Segment(folder / system, count)])
        return lambda vector, depth: reader.search(vector, depth).rows, count
    index: Any = faiss.read_index(str(folder / system / "index"))
    if system == "hnsw":
        index.hnsw.efSearch = 256
    if system == "ivf-sq8":
        index.nprobe = max(1, index.nlist // 16)
    return lambda vector, depth: index.search(vector[None, :], depth)[1][0], count


def _resident() -> int:
    """Bytes of this process in memory, mapped files included; 0 where the system does not say."""
    try:
        lines = Path("/proc/self/status").read_text("ascii").splitlines()
    except OSError:
        return 0
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def _table(found: dict[str, Figures], count: int) -> str:
    lines = [
        f"{count} vectors; ms: median / 95 of 100, in brackets the processor's own median",
        "",
        "| system | build s (cpu) | open ms | "
        + " | ".join(f"recall@{depth} | ms | bytes a vector" for depth in DEPTHS)
        + " |",
        "|" + "---|" * (3 + 3 * len(DEPTHS)),
    ]
    for system, own in found.items():
        cells = [system, f"{own['build_s']:.0f} ({own['build_cpu_s']:.0f})", f"{own['open_ms']:.0f}"]
        for depth in DEPTHS:
            times = f"{own[f'p50@{depth}']:.1f} / {own[f'p95@{depth}']:.1f} [{own[f'cpu@{depth}']:.1f}]"
            cells += [f"{own[f'recall@{depth}']:.4f}", times, f"{own[f'bytes@{depth}']:.0f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
