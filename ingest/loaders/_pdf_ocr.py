"""The process that reads pictures of pages (OCR): English and Chinese, with models that need no network.

Run as a script by `ingest.loaders._pdf_process`; it sees pixels that the parser's process drew,
never the file.
"""

from __future__ import annotations

import base64
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ingest.loaders._pdf_words import Word

PACKAGES = ("rapidocr", "onnxruntime")


def main(memory_mb: int) -> None:
    """Serve requests {"width", "height", "scale", "grey", "start", "end"} until stdin ends."""
    sys.path.insert(0, str(Path(__file__).parents[2]))
    from ingest.loaders._pdf_child import serve

    engine: list[Any] = []

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        try:
            if not engine:
                engine.append(_engine())
            return recognised(engine[0], request)
        except MemoryError:
            return {"error": "memory"}

    serve(answer, memory_mb)


def available() -> bool:
    """Whether the extra `ocr` is installed."""
    from importlib.util import find_spec

    return all(find_spec(name) is not None for name in PACKAGES)


def recognised(engine: Callable[[Any], Any], request: dict[str, Any]) -> dict[str, Any]:
    """{"text", "confidence", "rectangles"} of a picture.

    The confidence is the mean over the text's characters, in [0, 1]; the rectangles are those of
    `text[start:end]` in points from the page's top left, one for each line.
    """
    import numpy as np

    from ingest.loaders._pdf_flow import flow, shown_by
    from ingest.loaders._pdf_layout import rows
    from ingest.loaders._pdf_read import merged

    size = (request["height"], request["width"])
    grey = np.frombuffer(base64.b64decode(request["grey"]), dtype=np.uint8).reshape(size)
    if grey.min() == grey.max():
        return {"text": "", "confidence": 0.0, "rectangles": []}
    words, scores = _words(engine(np.repeat(grey[:, :, None], 3, axis=2)), request["scale"])
    found = flow(rows(words))
    weights = [len(word.text) for word in words]
    mean = sum(s * w for s, w in zip(scores, weights, strict=True)) / max(1, sum(weights))
    shown = [(_part(*each), False) for each in shown_by(found, request["start"], request["end"])]
    return {"text": found.text, "confidence": mean, "rectangles": merged(shown)}


def _words(result: Any, scale: float) -> tuple[list[Word], list[float]]:
    """Each line found as one word, in points."""
    from ingest.loaders._pdf_words import NEWLINE, Word
    from rag.text import normalise

    words, scores = [], []
    if result.boxes is None:
        return [], []
    for number, (box, line, score) in enumerate(zip(result.boxes, result.txts, result.scores, strict=True)):
        if text := normalise(" ".join(line.split())):
            xs, ys = [float(x) / scale for x, _ in box], [float(y) / scale for _, y in box]
            words.append(Word(number, number + 1, text, min(xs), min(ys), max(xs), max(ys), NEWLINE))
            scores.append(float(score))
    return words, scores


def _part(word: Word, first: int, last: int) -> tuple[float, float, float, float]:
    """The share of a line's box that some of its characters take."""
    width = (word.x1 - word.x0) / len(word.text)
    return word.x0 + first * width, word.y0, word.x0 + last * width, word.y1


def _engine() -> Any:
    logging.disable(logging.WARNING)
    from rapidocr import RapidOCR

    threads = os.cpu_count() or 1
    return RapidOCR(
        params={
            "Global.log_level": "error",
            "EngineConfig.onnxruntime.intra_op_num_threads": threads,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
