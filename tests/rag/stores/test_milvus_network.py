"""The Milvus store when the network is cut between it and a server."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

from rag.errors import SettingError

pytest.importorskip("milvus_lite", reason="milvus-lite is not installed: pip install -e '.[milvus]'")


class _Cut:
    """A way to a server that can be cut, shut, or made to swallow what is sent."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.uri = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._open: list[socket.socket] = []
        self.silent = self.shut = False
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Every connection breaks now."""
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._open.clear()

    def close(self) -> None:
        self._listening.close()
        self.cut()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                if self.shut:
                    near.close()
                    continue
                far = socket.create_connection(("127.0.0.1", self._to))
                self._open += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while content := one.recv(65_536):
                if not self.silent:
                    other.sendall(content)


@pytest.fixture
def way(tmp_path: Path) -> Iterator[_Cut]:
    from milvus_lite.adapter.grpc.server import start_server_in_thread  # type: ignore[import-untyped]

    server, data, port = start_server_in_thread(str(tmp_path / "data"))
    made = _Cut(port)
    yield made
    made.close()
    server.stop(0).wait()
    data.close()


@pytest.mark.parametrize("call", [1, 7, 22])
def test_a_network_that_is_cut_for_a_moment_is_not_noticed(
    way: _Cut, call: int, over_wire: SimpleNamespace
) -> None:
    over_wire.ingest(way.uri, "old")
    with pytest.MonkeyPatch.context() as patched:
        over_wire.on_change(patched, call, way.cut)
        over_wire.ingest(way.uri, "new")
    assert over_wire.seen(way.uri) == {"new"}


@pytest.mark.parametrize("kind", ["shut", "silent"])
def test_a_network_that_stays_away_ends_the_command_with_the_address_and_loses_nothing(
    way: _Cut, kind: str, over_wire: SimpleNamespace
) -> None:
    over_wire.ingest(way.uri, "old")

    def go() -> None:
        setattr(way, kind, True)
        if kind == "shut":
            way.cut()

    with pytest.MonkeyPatch.context() as patched:
        over_wire.on_change(patched, 7, go)
        with pytest.raises(SettingError, match=r"cannot be reached within 0\.7 s") as error:
            over_wire.ingest(way.uri, "new", timeout=0.7)
    over_wire.check(error, way.uri)
    setattr(way, kind, False)
    way.cut()
    assert over_wire.seen(way.uri) == {"old"}
    over_wire.ingest(way.uri, "new")
    assert over_wire.seen(way.uri) == {"new"}
