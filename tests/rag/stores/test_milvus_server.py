"""The Milvus store over the wire: a real server process, which is killed and comes back."""

from __future__ import annotations

import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from rag.errors import IndexBusy, RagError, SettingError
from rag.indexes.within import publish_within
from rag.stores import milvus
from rag.stores.milvus import MilvusStore
from rag.types import Chunk, Document

pytest.importorskip("milvus_lite", reason="milvus-lite is not installed: pip install -e '.[milvus]'")


class _Embedder:
    """As much of an embedder as publishing asks for."""

    fingerprint = "three"
    dimension = 3


class _Server:
    """A server of its own process, on the same data whenever it is started."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = int(found.getsockname()[1])
        self._folder = folder
        self.uri = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = ["server", "--data-dir", str(self._folder), "--host", "127.0.0.1", "--port", str(self.port)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "milvus_lite", *command],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise AssertionError("the server did not start")

    def limit_files(self, size: int) -> None:
        """No file of the server's may grow beyond so many bytes: its disk is full."""
        assert self._process is not None
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@pytest.fixture
def server(tmp_path: Path) -> Iterator[_Server]:
    made = _Server(tmp_path / "data")
    made.start()
    yield made
    made.kill()


def _open(server: _Server, *, read_only: bool = False, timeout: float = 10.0) -> MilvusStore:
    opened = milvus.build(folder=Path(), uri=server.uri, read_only=read_only, timeout=timeout)
    assert isinstance(opened, MilvusStore)
    return opened


def _put(store: MilvusStore, name: str, content: str) -> None:
    vector = np.array([[1.0, float(len(content)), 0.0]], dtype=np.float32)
    vector /= np.linalg.norm(vector)
    chunk = Chunk(name, 0, content, 0, len(content))
    store.replace(Document(name, content, str(len(content))), [chunk], [vector])


def _publish(store: MilvusStore) -> str:
    return publish_within(store, _Embedder())  # type: ignore[arg-type]


def _found(store: MilvusStore, term: str) -> list[str]:
    index = store.open_index()
    return [chunk.text for chunk in index.chunks(index.sparse.search([term], 9).rows.tolist())]


def test_a_writer_and_readers_share_a_server(server: _Server) -> None:
    writer = _open(server)
    _put(writer, "a.md", "alpha one")
    _publish(writer)
    reader = _open(server, read_only=True)
    assert _found(reader, "alpha") == ["alpha one"]
    _put(writer, "a.md", "alpha two")
    assert _found(reader, "alpha") == ["alpha one"]
    _publish(writer)
    assert _found(reader, "alpha") == ["alpha two"]
    with pytest.raises(IndexBusy, match=r"being written by process \d+ on "):
        _open(server)
    reader.close()
    writer.close()


def test_a_server_that_comes_back_in_a_moment_is_waited_for(server: _Server) -> None:
    writer = _open(server)
    for number in range(10):
        _put(writer, f"{number}.md", f"alpha {number}")
    server.kill()
    back = threading.Timer(0.5, server.start)
    back.start()
    reached = False
    for _ in range(5):  # its collections may still be loading when it answers first
        try:
            _put(writer, "late.md", "alpha late")
            reached = True
            break
        except RagError:
            back.join()
    assert reached
    _publish(writer)
    assert len(_found(writer, "alpha")) == 11 - 2, "the ten and the late one, of which nine were asked for"
    writer.close()


def test_a_server_that_stays_away_is_named_and_nothing_stored_is_lost(
    server: _Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The claim of a writer that could not take leave ends by itself, here at once.
    monkeypatch.setattr("rag.stores._milvus.lease._SECONDS", 0.5)
    monkeypatch.setattr("rag.stores._milvus.lease._RENEWED", 0.4)
    writer = _open(server, timeout=2.0)
    _put(writer, "a.md", "alpha one")
    _publish(writer)
    server.kill()
    with pytest.raises(
        SettingError, match=r"store\.uri: Milvus at http://127\.0\.0\.1:\d+ cannot be reached"
    ):
        _put(writer, "b.md", "alpha two")
    writer.close()
    server.start()
    again = _open(server)
    assert _found(again, "alpha") == ["alpha one"]
    assert [document.id for document in again.documents()] == ["a.md"]
    _put(again, "b.md", "alpha two")
    _publish(again)
    assert sorted(_found(again, "alpha")) == ["alpha one", "alpha two"]
    again.close()


def test_a_server_whose_disk_is_full_loses_nothing(server: _Server, over_wire: SimpleNamespace) -> None:
    over_wire.ingest(server.uri, "old")
    server.limit_files(2_000)
    with pytest.raises(RagError, match=r"takes no more: .*File too large.*: make room there") as error:
        over_wire.ingest(server.uri, "new")
    over_wire.check(error, server.uri)
    server.limit_files(resource.RLIM_INFINITY)
    assert over_wire.seen(server.uri) == {"old"}
    server.kill()
    server.start()
    assert over_wire.seen(server.uri) == {"old"}
    over_wire.ingest(server.uri, "new")
    assert over_wire.seen(server.uri) == {"new"}


@pytest.mark.parametrize("call", [0, 2])
def test_a_server_that_goes_away_in_the_middle_of_a_publish_is_named_and_the_publish_can_be_repeated(
    server: _Server, call: int, over_wire: SimpleNamespace
) -> None:
    over_wire.ingest(server.uri, "old")
    store = over_wire.open(server.uri, timeout=1.0)
    for name in over_wire.names:
        over_wire.put(store, name, f"new in {name}")
    with pytest.MonkeyPatch.context() as patched:
        over_wire.on_change(patched, call, server.kill)
        with pytest.raises(SettingError, match="cannot be reached within 1 s: start it") as error:
            over_wire.publish(store)
    over_wire.check(error, server.uri)
    store.close()
    server.start()
    assert over_wire.seen(server.uri) in ({"old"}, {"new"})
    over_wire.ingest(server.uri, "new")
    assert over_wire.seen(server.uri) == {"new"}
