"""How fast answers come: the extractive generator over many chunks, and the first words of a language model.

    python docs/bench_answers.py
    python docs/bench_answers.py --chunks 10000 --questions 200
    python docs/bench_answers.py --no-generated        the first half alone, a minute or two
    python docs/bench_answers.py --model FOLDER        a model of your own instead of a random one

Every figure comes twice: by the clock, which also measures what else the machine does, and as processor
time over all cores, which does not. Extractive: whole questions, embedding and retrieval included, over
chunks of four sentences each that are drawn from the guide in docs/guide/en; a question is a sentence of
the guide with a third of its words left out. Refusals are calibrated, on the guide's sentences, since
that costs an answer time, too. Generated: a Qwen2 model with random weights, made on the spot, is given
the prompt that a question leads to, and then asked the question; both times end with the first token
that can be shown.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from bench_answers_model import Bare, Figures, now, random_model

from rag.command import prepare_environment
from rag.embedders import _memory
from rag.types import Chunk, Document

_GUIDE = Path(__file__).with_name("guide") / "en"
_SENTENCES = 4  # a chunk has
_PER_DOCUMENT = 20
_AN_ANSWERS = 7  # vectors of short texts that one answer needs
_FIRST_WORDS = 8  # questions asked of a language model


def main() -> None:
    """Measure and print the figures."""
    parser = argparse.ArgumentParser(description="Measure how fast answers come.")
    parser.add_argument("--chunks", type=int, default=10_000)
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--model", help="a language model's folder")
    parser.add_argument("--generated", action=argparse.BooleanOptionalAction, default=True)
    arguments = parser.parse_args()
    prepare_environment()
    # The guide's few sentences stand in all chunks: remembered, they would cost nothing.
    _memory._MOST = _AN_ANSWERS  # noqa: SLF001
    sentences = _sentences()
    questions = _questions(sentences, arguments.questions)
    with tempfile.TemporaryDirectory(prefix="bench-answers-") as made:
        folder = Path(made)
        drawn = random.Random(0)  # noqa: S311 - the same chunks every time
        places = range(len(sentences))
        _publish(
            folder / "index", sentences, [drawn.sample(places, _SENTENCES) for _ in range(arguments.chunks)]
        )
        _calibrate(folder / "index", folder / "guide", sentences)
        print("| measure | figure |\n|---|---|")
        _row(f"load average on {os.cpu_count()} cores before", os.getloadavg()[0])
        _extractive(folder / "index", questions, arguments.chunks)
        if arguments.generated:
            model = arguments.model or str(random_model(folder / "model", sentences))
            _generated(folder / "index", questions[:_FIRST_WORDS], model)


def _row(name: str, value: float) -> None:
    print(f"| {name} | {value:.3g} |", flush=True)


def _settings(index: Path, **more: Any) -> Any:
    from rag.config import load_settings

    return load_settings({"index": str(index), **more})


def _sentences() -> list[str]:
    from rag import text

    pages = [text.normalise(page.read_text(encoding="utf-8")) for page in sorted(_GUIDE.glob("*.md"))]
    found = [page[slice(*each)] for page in pages for each in text.sentences(page)]
    return [each for each in found if 40 < len(each) < 300 and each[0].isupper() and each[-1] == "."]


def _questions(sentences: list[str], number: int) -> list[str]:
    drawn = random.Random(1)  # noqa: S311 - the same questions every time
    asked = []
    for sentence in drawn.choices(sentences, k=number):
        words = sentence.rstrip(".").split()
        kept = sorted(drawn.sample(range(len(words)), max(3, 2 * len(words) // 3)))[:12]
        asked.append("What of " + " ".join(words[at] for at in kept) + "?")
    return asked


def _publish(index: Path, sentences: list[str], chunks: Sequence[Sequence[int]]) -> None:
    """Record and publish chunks of these sentences; a chunk's vector is the mean of its sentences'."""
    from rag.build import build_indexer
    from rag.models import build_embedder

    settings = _settings(index)
    vectors = build_embedder(settings).encode(sentences)
    with build_indexer(settings) as indexer:
        for first in range(0, len(chunks), _PER_DOCUMENT):
            name, text = f"{first}.md", ""
            own: list[Chunk] = []
            means = []
            for ordinal, chosen in enumerate(chunks[first : first + _PER_DOCUMENT]):
                passage = " ".join(sentences[at] for at in chosen)
                own.append(Chunk(name, ordinal, passage, len(text), len(text) + len(passage)))
                text += f"{passage}\n\n"
                mean = vectors[list(chosen)].mean(axis=0, keepdims=True)
                means.append((mean / np.linalg.norm(mean)).astype(np.float32))
            indexer.store.replace(Document(name, text, name), own, means)
        indexer.publish()


def _calibrate(index: Path, guide: Path, sentences: list[str]) -> None:
    """Give the index the calibration of the guide: in its own, every sentence stands in many documents."""
    from rag.calibration.stored import FILE
    from rag.recalibrate import recalibrate

    places = range(0, len(sentences), _SENTENCES)
    _publish(guide, sentences, [range(at, min(at + _SENTENCES, len(sentences))) for at in places])
    made = recalibrate(_settings(guide, calibration={"seconds": 60}))
    if made is None or not made.groups:
        raise SystemExit(f"the guide could not be calibrated: {made and dict(made.short)}")
    shutil.copy(guide / FILE, index / FILE)


def _extractive(index: Path, questions: list[str], chunks: int) -> None:
    from rag.build import build_engine

    engine = build_engine(_settings(index))
    engine.warm()
    for question in questions[:10]:
        engine.ask(f"Again: {question}")
    took, writing = [], []
    for question in questions:
        began = now()
        answer = engine.ask(question)
        took.append(now() - began)
        writing.append(answer.timings["generation"])
    for at, kind in enumerate(("by the clock", "processor time")):
        figures = [float(each[at]) for each in took]
        _row(f"extractive answer over {chunks:,} chunks, {kind}, p50 ms", statistics.median(figures))
        _row(f"extractive answer, {kind}, p95 ms", float(np.percentile(figures, 95)))
    _row("of which choosing the sentences, by the clock, p50 ms", statistics.median(writing))


def _generated(index: Path, questions: list[str], model: str) -> None:
    from rag.build import build_engine

    engine = build_engine(
        _settings(index, generator={"name": "transformers", "model": model, "max_new_tokens": 8})
    )
    engine.warm()
    bare = Bare(model)
    ours, own, sizes = [], [], []
    for number, question in enumerate([questions[0], *questions]):
        heard: list[Figures] = []
        began = now()
        answer = engine.ask(question, on_text=lambda _, heard=heard: heard.append(now()))  # type: ignore[misc]
        took = (heard[0] if heard else now()) - began
        alone = bare.first_token(question, answer)
        if number:  # the first one warms up
            ours.append(took)
            own.append(alone)
            sizes.append(answer.usage["prompt_tokens"])
    _row("prompt of a generated answer, median tokens", statistics.median(sizes))
    for at, kind in enumerate(("", ", processor time")):
        alone_ms, ours_ms = ([float(each[at]) for each in times] for times in (own, ours))
        _row(f"first token of the model alone{kind}, p50 ms", statistics.median(alone_ms))
        _row(f"first token of the answer, retrieval included{kind}, p50 ms", statistics.median(ours_ms))
        more = statistics.median(mine / its - 1 for mine, its in zip(ours_ms, alone_ms, strict=True))
        _row(f"more than the model alone{kind}, median %", 100 * more)


if __name__ == "__main__":
    main()
