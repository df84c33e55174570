"""Crowds at the service: `python docs/bench_crowd.py --index DIR [--requests N] [--clients N] [--json]`.

Without --requests, so many clients (default: 10,000) at once against a model that takes half a second:
what each gets, how long a refusal takes from the moment its client begins to connect, and what memory
that costs. With --requests N that many small requests of all kinds, one after the other over a few
connections: how much memory the service keeps of them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import selectors
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from bench_service import memory_mb, processor_s, service

from api.listener import allow_files

DELAY_S = 0.5
PATIENCE_S = 150.0  # after which whoever has no reply was dropped
WARM_UP = 0.1  # share of the requests before memory is first looked at, and at least so many:
SETTLED = 2500  # every worker thread has read every kind of page by then; measured, it grows no more
CONNECTIONS = 16


def request(path: str, body: bytes = b"", more: str = "") -> bytes:
    """A POST of JSON with a body, a GET without one."""
    head = (
        f"POST {path} HTTP/1.1\r\nContent-Type: application/json\r\n" if body else f"GET {path} HTTP/1.1\r\n"
    )
    return f"{head}Host: 127.0.0.1\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body


QUESTION = request("/ask", json.dumps({"question": "anything"}).encode(), "Connection: close\r\n")
KINDS = (
    request("/search", json.dumps({"question": "bread and water", "mode": "sparse", "k": 2}).encode()),
    request("/search", b'{"question": '),
    request("/search", json.dumps({"question": "x" * 3000}).encode()),
    request("/healthz"),
    request("/documents?limit=1"),
    request("/nothing"),
    request("/readyz"),
    request("/metrics"),
)


@dataclass
class Client:
    """One connection of the crowd; times in seconds."""

    connection: socket.socket
    began: float
    reply: bytearray = field(default_factory=bytearray)
    answered: float = 0.0


class Crowd:
    """Clients that connect all at once, without a thread or task for each: the service is to be measured."""

    def __init__(self, port: int) -> None:
        self._address = ("127.0.0.1", port)
        self._selector = selectors.DefaultSelector()
        self.statuses: Counter[str] = Counter()
        self.refusals: list[float] = []

    def come(self, count: int) -> None:
        """Connect so many and see every one of them through."""
        until = time.perf_counter() + PATIENCE_S
        for number in range(count):
            self._connect()
            if number % 50 == 0:
                self._attend(0)
        while self._selector.get_map() and time.perf_counter() < until:
            self._attend(1.0)
        self.statuses["no reply"] += len(self._selector.get_map())
        self.statuses += Counter()  # drops what is zero
        self._selector.close()

    def _connect(self) -> None:
        connection = socket.socket()
        connection.setblocking(False)
        client = Client(connection, time.perf_counter())
        connection.connect_ex(self._address)
        self._selector.register(connection, selectors.EVENT_WRITE, client)

    def _attend(self, wait_s: float) -> None:
        for key, ready in self._selector.select(wait_s):
            client: Client = key.data
            try:
                if ready & selectors.EVENT_WRITE:
                    client.connection.send(QUESTION)
                    self._selector.modify(client.connection, selectors.EVENT_READ, client)
                elif self._read(client):
                    self._leave(client, str(int(client.reply[9:12])))
            except (OSError, ValueError) as error:
                self._leave(client, type(error).__name__)

    def _read(self, client: Client) -> bool:
        piece = client.connection.recv(65536)
        client.answered = client.answered or time.perf_counter()
        client.reply += piece
        return not piece

    def _leave(self, client: Client, outcome: str) -> None:
        self._selector.unregister(client.connection)
        client.connection.close()
        self.statuses[outcome] += 1
        if outcome != "200":
            self.refusals.append(client.answered - client.began)


@contextmanager
def slow_model(delay_s: float) -> Iterator[str]:
    """A server with OpenAI's protocol that takes `delay_s` for every answer; its base URL."""
    message = {"role": "assistant", "content": "It says so [1]."}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    whole = {"id": "1", "object": "chat.completion", "created": 0, "model": "slow", "choices": [choice]}
    body = json.dumps(whole).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            asked = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", asked.lower())
            await reader.readexactly(int(length[1]) if length else 0)
            await asyncio.sleep(delay_s)
            writer.write(head.encode() + body)
            await writer.drain()
        writer.close()

    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(answer, "127.0.0.1", 0))
    threading.Thread(target=loop.run_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    loop.call_soon_threadsafe(loop.stop)


def crowd(index: str, clients: int) -> dict[str, Any]:
    """What becomes of so many clients at once."""
    allow_files(1 << 16)
    with slow_model(DELAY_S) as address:
        model = ["generator.name=openai", f"generator.base_url={address}", "generator.model=slow"]
        flags = [word for each in model for word in ("--set", each)]
        with service("--index", index, *flags) as (port, process):
            Crowd(port).come(1)
            before, began = memory_mb(process), time.perf_counter()
            used, own = processor_s(process), time.process_time()
            found = Crowd(port)
            found.come(clients)
            seconds = time.perf_counter() - began
            after = memory_mb(process)
            used, own = processor_s(process) - used, time.process_time() - own
    late = sorted(found.refusals) or [0.0]
    return {
        "clients": clients,
        "seconds": round(seconds, 2),
        "statuses": dict(found.statuses),
        "refusal_p50_ms": round(late[len(late) // 2] * 1000),
        "refusal_p99_ms": round(late[int(len(late) * 0.99)] * 1000),
        "refusal_most_ms": round(late[-1] * 1000),
        "processor_s": {"service": round(used, 2), "clients": round(own, 2)},
        "memory_mb": [round(before, 1), round(after, 1)],
    }


async def _many(port: int, count: int) -> Counter[int]:
    """Requests of every kind in turn, over a few kept connections."""
    left = iter(range(count))
    statuses: Counter[int] = Counter()

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in left:
            writer.write(KINDS[number % len(KINDS)])
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head)
            await reader.readexactly(int(length[1]) if length else 0)
            statuses[int(head[9:12])] += 1
        writer.close()

    await asyncio.gather(*(client() for _ in range(CONNECTIONS)))
    return statuses


def requests(index: str, count: int) -> dict[str, Any]:
    """How memory grows over so many requests, after a tenth as many, and at least `SETTLED`."""
    with service("--index", index) as (port, process):
        Crowd(port).come(CONNECTIONS)  # once the models are loaded
        asyncio.run(_many(port, max(SETTLED, int(count * WARM_UP))))
        before = memory_mb(process)
        began = time.perf_counter()
        statuses = asyncio.run(_many(port, count))
        seconds = time.perf_counter() - began
        after = memory_mb(process)
    return {
        "requests": count,
        "seconds": round(seconds, 1),
        "statuses": {str(status): number for status, number in sorted(statuses.items())},
        "memory_mb": [round(before, 1), round(after, 1)],
        "grown_mb": round(after - before, 1),
    }


def main() -> None:
    """Run what is asked for and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--index", required=True)
    parser.add_argument("--clients", type=int, default=10_000)
    parser.add_argument("--requests", type=int)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = (
        requests(options.index, options.requests)
        if options.requests
        else crowd(options.index, options.clients)
    )
    if options.json:
        json.dump(found, sys.stdout)
    else:
        print("\n".join(f"{name}: {value}" for name, value in found.items()))


if __name__ == "__main__":
    main()
