"""What every loader promises, run over every module of `ingest/loaders`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

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


# How to write a file with these words, by suffix: a new loader adds its own here.
WRITERS: dict[str, Callable[[Path, str], None]] = {
    ".txt": _text,
    ".md": _text,
    ".markdown": _text,
    ".pdf": _pdf,
}
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
    WRITERS[suffix](path, WORDS)
    loaded = module.build().load(path)
    assert WORDS in loaded.text
    assert normalise(loaded.text) == loaded.text
    assert loaded.metadata["type"] == module.__name__.rpartition(".")[2]
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
    WRITERS[suffix](good, WORDS)
    assert WORDS in loader.load(good).text
