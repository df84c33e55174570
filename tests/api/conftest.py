"""A real index over three small documents, made once, and the service over it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from rag.build import build_engine, build_indexer
from rag.config import Settings, load_settings
from rag.types import Chunk, Document

TEXTS = {
    "kitchen.md": "Bread dough rests for twelve hours in a cool room. Rye needs less water than wheat.",
    "lighthouse.md": "The lighthouse of Varde was built in 1856. Its lamp burned rape oil until 1923.",
    "部署.md": "量化后的模型可以部署在一台没有显卡的机器上。部署之前要检查内存。",
}


@pytest.fixture(scope="session")
def texts() -> dict[str, str]:
    """The indexed documents by id."""
    return TEXTS


@pytest.fixture(scope="session")
def make_index() -> Callable[[Path], Settings]:
    """Indexes the texts in a folder, one chunk a document."""

    def make(folder: Path) -> Settings:
        settings = load_settings({"index": str(folder)})
        with build_indexer(settings) as indexer:
            for name, text in TEXTS.items():
                chunk = Chunk(name, 0, text, 0, len(text), heading=("Notes",))
                indexer.add(Document(name, text, digest=name), [chunk])
            indexer.publish()
        return settings

    return make


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory, make_index: Callable[[Path], Settings]) -> Settings:
    return make_index(tmp_path_factory.mktemp("api") / "index")


@pytest.fixture(scope="session")
def client(settings: Settings) -> Iterator[TestClient]:
    """The whole service in this process; an unforeseen failure shows as the 500 that users would see."""
    app = create_app(build_engine(settings))
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        yield client
