"""Hostile and damaged PDF files end as text or as a clear refusal, and never take the reader with them.

`LECTERN_PDF_MUTANTS=1000` tries so many mutants instead of a few.
"""

from __future__ import annotations

import os
import random
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ingest.loaders.pdf import build
from rag.errors import DocumentError
from rag.protocols.documents import Loader
from rag.text import normalise

if TYPE_CHECKING:
    from tests.ingest.loaders.conftest import PdfBytes

SHARED = Path(__file__).parents[4] / "shared" / "data" / "pdf"
MUTANTS = int(os.environ.get("LECTERN_PDF_MUTANTS", "40"))
SEED = 20261123
SECONDS = 10.0
PAGES = b"<</Type/Pages/Kids[3 0 R]/Count 1>>"
PAGE = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</XObject<</X 5 0 R>>>>>>"
CATALOGUE = b"<</Type/Catalog/Pages 2 0 R>>"


def _flipped(data: bytes, chance: random.Random, _other: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randint(1, 40)):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _cut(data: bytes, chance: random.Random, _other: bytes) -> bytes:
    return data[: chance.randrange(1, len(data))]


def _spliced(data: bytes, chance: random.Random, other: bytes) -> bytes:
    """A stretch of another file, begun at one of its objects, in place of one of this file's."""
    objects = [at for at in range(len(other) - 4) if other[at : at + 4] == b" obj"] or [0]
    start = chance.choice(objects)
    at = chance.randrange(len(data))
    length = chance.randint(1, 2000)
    return data[:at] + other[start : start + length] + data[at + chance.choice([0, length]) :]


def _swollen(data: bytes, chance: random.Random, _other: bytes) -> bytes:
    """Some of the numbers made huge, negative or nought."""
    changed = bytearray(data)
    digits = [at for at, byte in enumerate(changed) if 48 <= byte <= 57]
    for at in chance.sample(digits, min(len(digits), 12)):
        changed[at : at + 1] = chance.choice([b"9", b"0", b"-", b"99999999", b"2147483648"])
    return bytes(changed)


KINDS: list[Callable[[bytes, random.Random, bytes], bytes]] = [_flipped, _cut, _spliced, _swollen]


def test_a_mutant_is_read_or_refused_in_time_and_the_next_file_is_read(
    tmp_path: Path, pdf_bytes: PdfBytes
) -> None:
    """Whatever is done to a file, the reader returns within its limit and goes on to the next."""
    sources = sorted(path for path in SHARED.rglob("*.pdf") if path.stat().st_size < 400_000)
    if not sources:
        pytest.skip("../shared/data/pdf is absent")
    contents = [path.read_bytes() for path in sources]
    sound = tmp_path / "sound.pdf"
    sound.write_bytes(pdf_bytes.pages([b"still here"]))
    loader = build(seconds=SECONDS, memory_mb=1024, ocr="off")
    path = tmp_path / "mutant.pdf"
    outcomes = {"read": 0, "refused": 0}
    for number in range(MUTANTS):
        chance = random.Random(SEED + number)  # noqa: S311
        mutant = KINDS[number % len(KINDS)](chance.choice(contents), chance, chance.choice(contents))
        path.write_bytes(mutant)
        began = time.monotonic()
        text, refusal = _outcome(loader, path)
        assert normalise(text) == text, number
        assert "\n" not in refusal, number
        outcomes["refused" if refusal else "read"] += 1
        assert time.monotonic() - began < SECONDS + 5, number
    print(outcomes)
    assert outcomes["read"], "mutants are too damaged to tell anything"
    assert outcomes["refused"], "mutants are too sound to tell anything"
    assert loader.load(sound).text == "still here"


def _deflated(pdf_bytes: PdfBytes, times: int) -> bytes:
    """One page whose content unpacks to 600 megabytes, packed so many times over."""
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(b"q " * 2**19) for _ in range(600)) + packer.flush()
    for _ in range(times - 1):
        data = zlib.compress(data, 9)
    filters = b"/Filter[%s]" % (b"/FlateDecode" * times)
    return pdf_bytes.file([CATALOGUE, PAGES, PAGE, pdf_bytes.stream(data, filters), b"<<>>"])


@pytest.mark.parametrize("times", [1, 3])
def test_a_stream_that_unpacks_without_end_is_refused_by_its_memory(
    tmp_path: Path, pdf_bytes: PdfBytes, times: int
) -> None:
    path = tmp_path / "bomb.pdf"
    path.write_bytes(_deflated(pdf_bytes, times))
    with pytest.raises(DocumentError, match=r"512 MB.*pdf\.memory_mb"):
        build(memory_mb=512, seconds=30, ocr="off").load(path)


def test_a_huge_page_count_is_refused(tmp_path: Path, pdf_bytes: PdfBytes) -> None:
    path = tmp_path / "long.pdf"
    path.write_bytes(pdf_bytes.pages([b"a"], count=1_000_000))
    with pytest.raises(DocumentError, match=r"1,000,000 pages, more than the limit.*pdf\.max_pages"):
        build(ocr="off").load(path)


def test_a_page_tree_that_runs_in_a_circle_ends(tmp_path: Path, pdf_bytes: PdfBytes) -> None:
    path = tmp_path / "circle.pdf"
    nodes = [
        CATALOGUE,
        b"<</Type/Pages/Kids[3 0 R 3 0 R]/Count 6/Parent 3 0 R>>",
        b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 6/Parent 2 0 R>>",
    ]
    path.write_bytes(pdf_bytes.file(nodes))
    _ends(path)


def test_a_drawing_that_draws_itself_ends(tmp_path: Path, pdf_bytes: PdfBytes) -> None:
    path = tmp_path / "self.pdf"
    form = b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 5 0 R>>>>"
    objects = [
        CATALOGUE,
        PAGES,
        PAGE,
        pdf_bytes.stream(b"/X Do " * 50),
        pdf_bytes.stream(b"/X Do /X Do", form),
    ]
    path.write_bytes(pdf_bytes.file(objects))
    _ends(path)


def test_arrays_nested_without_end_are_survived(tmp_path: Path, pdf_bytes: PdfBytes) -> None:
    path = tmp_path / "deep.pdf"
    deep = b"[" * 200_000 + b"]" * 200_000
    path.write_bytes(pdf_bytes.file([CATALOGUE, PAGES, PAGE, pdf_bytes.stream(b"q " + deep), deep]))
    _ends(path)


def _outcome(loader: Loader, path: Path) -> tuple[str, str]:
    """The text and "", or "" and why there is none."""
    try:
        return loader.load(path).text, ""
    except DocumentError as error:
        return "", str(error) or "no reason"


def _ends(path: Path) -> None:
    """Within its limit, as a text without words or as a refusal that says which setting it met."""
    began = time.monotonic()
    text, refusal = _outcome(build(seconds=10, memory_mb=512, ocr="off"), path)
    assert not text.strip()
    assert not refusal or "pdf." in refusal or "damaged" in refusal
    assert time.monotonic() - began < 12
