"""The real default embedder, loaded once, and a small real index made with it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

import pytest

from rag.build import build_indexer
from rag.config import Settings, load_settings
from rag.models import build_embedder
from rag.protocols.models import Embedder
from rag.types import Chunk, Document

TEXTS = {
    "kitchen.md": "Bread dough rests for twelve hours in a cool room.\n\nRye needs less water than wheat.",
    "lighthouse.md": "The lighthouse of Varde was built in 1856.\n\nIts lamp burned rape oil until 1923.",
    "server.md": "The server needs CUDA 12.4.\n\nLogs are written to the folder `logs`, one file a day.",
    "部署.md": "量化后的模型可以部署在一台没有显卡的机器上。\n\n部署之前要检查内存。",
}

SettingsFor: TypeAlias = Callable[..., Settings]
Written: TypeAlias = Callable[[Settings, Mapping[str, str]], str]
MakeDocument: TypeAlias = Callable[[str, str], tuple[Document, list[Chunk]]]


@pytest.fixture(scope="session")
def settings_for(tmp_path_factory: pytest.TempPathFactory) -> SettingsFor:
    """Settings of an index folder and dotted names, whatever rag.toml lies in the working directory."""
    empty = tmp_path_factory.mktemp("settings") / "rag.toml"
    empty.touch()

    def make(folder: Path, /, **more: object) -> Settings:
        # Small batches: these texts are few, and a batch costs the same however empty it is. No dictionary:
        # whether one is installed changes nothing here.
        flags = {"index": str(folder), "embedder.batch_tokens": 64, "embedder.dictionary": "off", **more}
        return load_settings(flags, empty)

    return make


@pytest.fixture(scope="session")
def embedder(settings_for: SettingsFor) -> Embedder:
    """all-MiniLM-L6-v2 as it comes with the installation."""
    return build_embedder(settings_for(Path()))


@pytest.fixture(scope="session")
def make_document() -> MakeDocument:
    """A document and its chunks: one a paragraph."""

    def make(name: str, text: str) -> tuple[Document, list[Chunk]]:
        chunks = []
        at = 0
        for ordinal, part in enumerate(text.split("\n\n")):
            chunks.append(Chunk(name, ordinal, part, at, at + len(part), heading=("Notes",)))
            at += len(part) + 2
        return Document(name, text, hashlib.sha256(text.encode()).hexdigest()), chunks

    return make


@pytest.fixture(scope="session")
def write_index(make_document: MakeDocument) -> Written:
    """Adds texts to an index and publishes it; returns the generation."""

    def write(settings: Settings, texts: Mapping[str, str]) -> str:
        with build_indexer(settings) as indexer:
            for name, text in texts.items():
                indexer.add(*make_document(name, text))
            return indexer.publish()

    return write


@pytest.fixture(scope="session")
def texts() -> dict[str, str]:
    """The texts of `index` by document id."""
    return TEXTS


@pytest.fixture(scope="session")
def index(
    tmp_path_factory: pytest.TempPathFactory, settings_for: SettingsFor, write_index: Written
) -> Settings:
    """The settings of a published index over `texts`; tests only read it."""
    settings = settings_for(tmp_path_factory.mktemp("rag") / "index")
    write_index(settings, TEXTS)
    return settings
