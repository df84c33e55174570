"""The address the service listens on, shared by as many sockets as a crowd needs to wait."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from api import binding
from rag.errors import SettingError


def waiting(listener: socket.socket) -> int:
    """Connections that were not yet taken up; takes them up."""
    listener.setblocking(False)
    found = 0
    while True:
        try:
            listener.accept()[0].close()
        except BlockingIOError:
            return found
        found += 1


def test_a_crowd_may_wait_however_short_the_system_s_queues_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel spreads connections over the sockets of one address."""
    limit = tmp_path / "somaxconn"
    limit.write_text("4096\n")
    monkeypatch.setattr(binding, "_LIMIT", limit)
    listeners = binding.listen("127.0.0.1", 0)
    assert len({listener.getsockname() for listener in listeners}) == 1
    clients = [socket.create_connection(listeners[0].getsockname()) for _ in range(100)]
    found = [waiting(listener) for listener in listeners]
    for each in (*clients, *listeners):
        each.close()
    assert len(found) == 4
    assert sum(found) == 100
    assert min(found) > 0


def test_an_address_that_another_service_has_is_not_shared_with_it() -> None:
    first = binding.listen("127.0.0.1", 0)
    port = first[0].getsockname()[1]
    with pytest.raises(SettingError, match=f"cannot listen on 127.0.0.1 port {port}"):
        binding.listen("127.0.0.1", port)
    for each in first:
        each.close()
    for each in binding.listen("127.0.0.1", port):
        each.close()


def test_where_queues_are_long_enough_or_unknown_there_is_one_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = tmp_path / "somaxconn"
    monkeypatch.setattr(binding, "_LIMIT", limit)
    for written in (None, "65536\n", "unknown\n"):
        if written:
            limit.write_text(written)
        [only] = binding.listen("127.0.0.1", 0)
        assert binding.is_loopback(only)
        assert binding.address(only) == f"http://127.0.0.1:{only.getsockname()[1]}"
        only.close()
