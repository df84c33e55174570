"""How well and how fast a PDF file is read: `python docs/bench_pdf.py FILE.pdf REFERENCE.txt`.

Compares the text the loader gives, and that of plain pypdfium2 (every page's `get_text_range`,
joined by line feeds), with a reference text in UTF-8. White space is made equal first, so that line
breaks count for neither side. Two measures, 1 = equal:

    accuracy    1 - CER; CER is the Levenshtein distance over the reference's length
    similarity  rapidfuzz's Indel ratio: 2 * matches / (length of one + length of the other)

Two rows are ours: as the default setting reads, and with running heads dropped
(pdf.running_heads), which costs accuracy against a reference that has them. Speed is in pages a
second; that of plain pypdfium2 is measured without a process of its own. Needs the package
rapidfuzz (`pip install rapidfuzz`).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from ingest.loaders.pdf import build


def main(arguments: list[str]) -> int:
    """Print one line a reader; exit status 2 where the arguments are wrong."""
    if len(arguments) != 2 or not all(Path(name).is_file() for name in arguments):
        print("usage: python docs/bench_pdf.py FILE.pdf REFERENCE.txt", file=sys.stderr)
        return 2
    file, reference = Path(arguments[0]), Path(arguments[1])
    expected = _even(reference.read_text(encoding="utf-8"))
    print(f"{'reader':14} {'accuracy':>9} {'similarity':>11} {'characters':>11} {'pages/s':>8}")
    readers = {
        "pypdfium2": _plain,
        "lectern": _loader(running_heads="keep"),
        "heads dropped": _loader(running_heads="drop"),
    }
    for name, read in readers.items():
        read(file)  # once unmeasured: starting the parser is no part of reading a page
        began = time.perf_counter()
        text, pages = read(file)
        seconds = time.perf_counter() - began
        text = _even(text)
        accuracy, similarity = scores(text, expected)
        print(f"{name:14} {accuracy:9.4f} {similarity:11.4f} {len(text):11,} {pages / seconds:8.0f}")
    return 0


def scores(text: str, expected: str) -> tuple[float, float]:
    """(1 - CER, Indel ratio) of a text against the expected one."""
    from rapidfuzz.distance import Indel, Levenshtein

    cer = Levenshtein.distance(text, expected) / max(1, len(expected))
    return 1 - cer, Indel.normalized_similarity(text, expected)


def _plain(file: Path) -> tuple[str, int]:
    import pypdfium2

    texts = []
    with pypdfium2.PdfDocument(file) as document:
        for page in document:
            texts.append(page.get_textpage().get_text_range())
            page.close()
    return "\n".join(texts), len(texts)


def _loader(running_heads: Literal["keep", "drop"]) -> Callable[[Path], tuple[str, int]]:
    loader = build(running_heads=running_heads)

    def read(file: Path) -> tuple[str, int]:
        loaded = loader.load(file)
        return loaded.text, len(loaded.pages)

    return read


def _even(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
