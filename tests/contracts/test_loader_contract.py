"""What every loader promises, run over every module of `ingest/loaders`."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag import backends
from rag.errors import DocumentError
from rag.text import normalise

WORDS = "Latency fell by half"


def _modules() -> list[ModuleType]:
    return [import_module(f"ingest.loaders.{name}") for name in backends.names("ingest.loaders")]


def _pdf(path: Path, text: str) -> None:
    from reportlab.pdfgen.canvas import Canvas

    canvas = Canvas(str(path))
    canvas.drawString(72, 700, text)
    canvas.save()


def _text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _html(path: Path, text: str) -> None:
    path.write_text(f"<title>T</title><p>{text}</p>", encoding="utf-8")


def _docx(path: Path, text: str) -> None:
    from docx import Document

    document = Document()
    document.add_paragraph(text)
    document.save(str(path))


def _notebook(path: Path, text: str) -> None:
    path.write_text(json.dumps({"cells": [{"cell_type": "markdown", "source": [text]}]}), encoding="utf-8")


# How to write a file with these words, by suffix, where the file is not simply text.
WRITERS: dict[str, Callable[[Path, str], None]] = {
    ".pdf": _pdf,
    ".html": _html,
    ".htm": _html,
    ".xhtml": _html,
    ".docx": _docx,
    ".ipynb": _notebook,
}


def _write(path: Path, text: str) -> None:
    WRITERS.get(path.suffix, _text)(path, text)


CASES = [pytest.param(m, s, id=f"{m.__name__.rpartition('.')[2]}{s}") for m in _modules() for s in m.SUFFIXES]


def test_no_two_loaders_claim_a_suffix() -> None:
    suffixes = [suffix for module in _modules() for suffix in module.SUFFIXES]
    assert len(suffixes) == len(set(suffixes)) > 0
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in suffixes)


@pytest.mark.parametrize("module", _modules(), ids=lambda module: module.__name__.rpartition(".")[2])
def test_every_option_is_typed_and_has_a_default(module: ModuleType) -> None:
    for option in inspect.signature(module.build).parameters.values():
        assert option.default is not inspect.Parameter.empty
        assert option.annotation is not inspect.Parameter.empty


@pytest.mark.parametrize(("module", "suffix"), CASES)
def test_what_is_read_is_normal_text_with_pages_inside_it(
    module: ModuleType, suffix: str, tmp_path: Path
) -> None:
    path = tmp_path / f"file{suffix}"
    _write(path, WORDS)
    loaded = module.build().load(path)
    assert WORDS in loaded.text
    assert normalise(loaded.text) == loaded.text
    # `type` says what the text is, `format` what the file was where that is another thing.
    assert loaded.metadata["type"] in ("markdown", "text", "pdf")
    name = module.__name__.rpartition(".")[2]
    assert loaded.metadata.get("format", loaded.metadata["type"]) == name
    position = 0
    for number, page in enumerate(loaded.pages, start=1):
        assert page.number == number
        assert position <= page.start <= page.end <= len(loaded.text)
        position = page.end
    assert module.build().load(path) == loaded


@pytest.mark.parametrize(("module", "suffix"), CASES)
def test_what_cannot_be_read_is_one_clear_line(module: ModuleType, suffix: str, tmp_path: Path) -> None:
    broken, absent = tmp_path / f"broken{suffix}", tmp_path / f"absent{suffix}"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n\x00\x01\x02")
    loader = module.build()
    for path in (broken, absent, tmp_path):
        with pytest.raises(DocumentError) as caught:
            loader.load(path)
        assert str(caught.value)
        assert "\n" not in str(caught.value)
    good = tmp_path / f"good{suffix}"
    _write(good, WORDS)
    assert WORDS in loader.load(good).text


@pytest.mark.parametrize("module", _modules(), ids=lambda module: module.__name__.rpartition(".")[2])
def test_any_bytes_are_normal_text_or_one_clear_line(
    module: ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if module.__name__.endswith(".pdf"):
        pytest.skip("tests/ingest/loaders/test_pdf.py does this with mutated files")
    path = tmp_path_factory.mktemp("bytes") / f"file{module.SUFFIXES[0]}"
    loader = module.build()

    @given(data=st.one_of(st.binary(max_size=300), st.text(max_size=200).map(_encoded)))
    def read(data: bytes) -> None:
        path.write_bytes(data)
        text, reason = "", "read"
        try:
            text = loader.load(path).text
        except DocumentError as error:
            reason = str(error)
        assert normalise(text) == text
        assert reason
        assert "\n" not in reason

    read()


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
