"""A real index over three small documents, made once, and the service over it."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

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
def ingest() -> Callable[..., None]:
    """Ingests folders into an index by the real command: `ingest(index, *folders)`."""

    def ingest(index: Path, *folders: Path) -> None:
        command = [sys.executable, "-m", "ingest", *map(str, folders), "--index", str(index), "--quiet"]
        subprocess.run(command, check=True, capture_output=True)

    return ingest


@pytest.fixture(scope="session")
def outcome() -> Callable[[TestClient, Any], dict[str, Any]]:
    """The job that a reply with status 202 started, once it has ended."""

    def outcome(client: TestClient, started: Any) -> dict[str, Any]:
        assert started.status_code == 202, started.text
        deadline = time.monotonic() + 120
        while True:
            job: dict[str, Any] = client.get(started.headers["location"]).json()
            if job["state"] in ("done", "failed"):
                return job
            assert time.monotonic() < deadline
            time.sleep(0.1)

    return outcome


@pytest.fixture
def answering() -> Iterator[Callable[[int, str], tuple[str, list[str]]]]:
    """Starts a server that answers every POST alike; its address, and the paths that were posted to."""
    started: list[tuple[ThreadingHTTPServer, threading.Thread]] = []

    def start(status: int, body: str) -> tuple[str, list[str]]:
        posted: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                posted.append(self.path)
                self.send_response(status)
                self.send_header("content-length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        started.append((server, thread))
        return f"http://127.0.0.1:{server.server_address[1]}", posted

    yield start
    for server, thread in started:
        server.shutdown()
        thread.join()
        server.server_close()


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
