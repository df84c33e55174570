"""A real index over three small documents, made once, and the service over it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
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
    app = create_app(settings, build_engine(settings))
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def serve(tmp_path: Path) -> Callable[[dict[str, object]], TestClient]:
    """A client of the service with these settings, to be used as a context manager."""

    def make(flags: dict[str, object]) -> TestClient:
        settings = load_settings({"api.keys_file": str(tmp_path / "keys.json"), **flags})
        app = create_app(settings, build_engine(settings))
        return TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False)

    return make


@pytest.fixture(scope="session")
def serving() -> Callable[..., AbstractContextManager[tuple[subprocess.Popen[str], str]]]:
    """Starts `python -m api` with flags: the process and its address, as its one line on stdout says it."""

    @contextmanager
    def start(*flags: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
        command = [sys.executable, "-m", "api", "--port", "0", *flags]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        with process:
            try:
                assert process.stdout is not None
                line = process.stdout.readline()
                found = re.fullmatch(r"listening on (http://127\.0\.0\.1:\d+)\n", line)
                assert found, line
                yield process, found[1]
            finally:
                process.terminate()

    return start
