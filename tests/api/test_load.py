"""Many clients, slow clients, silent clients and clients that leave, against a real server process."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path
from urllib.request import urlopen

import pytest

from rag.config import Settings

Serving = Callable[..., AbstractContextManager[tuple[subprocess.Popen[str], str]]]

QUESTION = json.dumps({"question": "When was the lighthouse of Varde built?"}).encode()
DELAY_S = 0.5


def request(body: bytes = QUESTION, path: str = "/ask", more: str = "") -> bytes:
    """One whole request that is the last of its connection."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n{more}\r\n"
    )
    return head.encode() + body


async def exchange(port: int, sent: bytes) -> tuple[int, bytes]:
    """Status and whole reply."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        reply = await reader.read()
        return int(reply[9:12]), reply
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


@contextmanager
def slow_model(delay_s: float = DELAY_S) -> Iterator[str]:
    """A server with OpenAI's protocol that takes `delay_s` for every answer; its base URL."""
    message = {"role": "assistant", "content": "It was built in 1856 [1]."}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    body = json.dumps(
        {"id": "1", "object": "chat.completion", "created": 0, "model": "slow", "choices": [choice]}
    ).encode()
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    )

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer), suppress(OSError, asyncio.IncompleteReadError):
            asked = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", asked.lower())
            await reader.readexactly(int(length[1]) if length else 0)
            await asyncio.sleep(delay_s)
            writer.write(head + body)
            await writer.drain()

    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(answer, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        loop.run_until_complete(_ended())
        loop.close()


async def _ended() -> None:
    """Stop what still answers, and let its connections close."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    await asyncio.sleep(0)


def flags(settings: Settings, address: str, **api: int) -> list[str]:
    """Those of a service over the model at `address`; searching by words alone, it loads none of its own."""
    pytest.importorskip("openai")
    named = {
        "generator.name": "openai", "generator.base_url": address, "generator.model": "slow",
        "retriever.mode": "sparse", "api.log": "off", **{f"api.{name}": value for name, value in api.items()},
    }  # fmt: skip
    words = [word for name, value in named.items() for word in ("--set", f"{name}={value}")]
    return ["--index", str(settings.index), *words]


@pytest.fixture(scope="module")
def slow(settings: Settings, serving: Serving) -> Iterator[tuple[int, int]]:
    """Port and process id of a service whose model is slow, warmed up."""
    narrow = {
        "silence_s": 2, "threads": 4, "queue": 8, "client_share": 10, "connections": 200,
        "connections_per_address": 200,
    }  # fmt: skip
    with slow_model() as address, serving(*flags(settings, address, **narrow)) as (process, base):
        port = int(base.rpartition(":")[2])
        assert asyncio.run(exchange(port, request()))[0] == 200
        yield port, process.pid
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=30)[1] == ""


@pytest.fixture(scope="module")
def endless(settings: Settings, serving: Serving) -> Iterator[int]:
    """Port of a service with twenty workers whose model takes an hour."""
    with slow_model(3600) as address, serving(*flags(settings, address, threads=20)) as (_, base):
        yield int(base.rpartition(":")[2])


def memory_mb(process: int) -> float:
    """Resident memory."""
    status = Path(f"/proc/{process}/status")
    if not status.exists():
        pytest.skip("no /proc here")
    found = re.search(r"VmRSS:\s+(\d+)", status.read_text())
    assert found
    return int(found[1]) / 1024


def figure(port: int, name: str) -> float:
    """One of the service's own figures."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as reply:
        found = re.search(rf"^{re.escape(name)} (\S+)$", reply.read().decode(), re.MULTILINE)
    assert found, f"there is no figure {name}"
    return float(found[1])


def test_of_many_at_once_each_is_answered_or_refused(slow: tuple[int, int]) -> None:
    """800 clients, 4 workers: 200, 429 or 503, each refusal with Retry-After; nobody is dropped."""
    port, process = slow
    before = memory_mb(process)

    async def main() -> list[tuple[int, bytes]]:
        return await asyncio.gather(*(exchange(port, request()) for _ in range(800)))

    replies = asyncio.run(main())
    statuses = Counter(status for status, _ in replies)
    assert set(statuses) <= {200, 429, 503}, statuses
    assert statuses[200] >= 4
    for status, reply in replies:
        assert (b"retry-after: " in reply.lower()) == (status != 200)
    assert memory_mb(process) - before < 50


def test_whoever_leaves_is_cancelled(slow: tuple[int, int]) -> None:
    """20 of 20: each gives its place back, waiting or running, and a later question is answered."""
    port, _ = slow
    name = "lectern_clients_left_total"
    before = figure(port, name)

    async def leave() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request())
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.transport.abort()
        del reader

    async def main() -> None:
        for _ in range(2):
            await asyncio.gather(*(leave() for _ in range(10)))
            while figure(port, 'lectern_waiting{lane="answers"}'):
                await asyncio.sleep(0.02)
            while figure(port, 'lectern_running{lane="answers"}'):
                await asyncio.sleep(0.02)
        assert (await exchange(port, request()))[0] == 200

    asyncio.run(asyncio.wait_for(main(), 60))
    assert figure(port, name) - before == 20


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_whoever_leaves_stops_the_model_long_before_it_would_end(endless: int, accept: str) -> None:
    """20 of 20, streaming or not: with a model of an hour, every worker is free again at once."""
    running = 'lectern_running{lane="answers"}'

    async def leave() -> None:
        writers = []
        for _ in range(20):
            _, writer = await asyncio.open_connection("127.0.0.1", endless)
            writer.write(request(more=f"Accept: {accept}\r\n"))
            writers.append(writer)
        while figure(endless, running) < 20:
            await asyncio.sleep(0.05)
        for writer in writers:
            writer.transport.abort()
        while figure(endless, running):
            await asyncio.sleep(0.05)

    asyncio.run(asyncio.wait_for(leave(), 60))


@contextmanager
def crowd(port: int, count: int, sent: bytes, drip: bytes) -> Iterator[None]:
    """So many connections that sent a part and then a byte now and then, or nothing at all."""
    stop, arrived = threading.Event(), itertools.count(1)
    all_there = threading.Event()

    async def one() -> None:
        while not stop.is_set():
            with suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                if next(arrived) == count:
                    all_there.set()
                writer.write(sent)
                while not stop.is_set() and not reader.at_eof():
                    await asyncio.sleep(0.3)
                    writer.write(drip)
                    await writer.drain()
                writer.close()
            await asyncio.sleep(0.05)

    async def all_of_them() -> None:
        await asyncio.gather(*(one() for _ in range(count)))

    thread = threading.Thread(target=lambda: asyncio.run(all_of_them()))
    thread.start()
    try:
        assert all_there.wait(30)
        yield
    finally:
        stop.set()
        thread.join()


CROWDS = {
    "silent": (b"", b""),
    "slow in the headers": (b"POST /ask HTTP/1.1\r\nHost: 127.0.0.1\r\n", b"X-A: b\r\n"),
    "slow in the body": (request(b" " * 5000)[:-4999], b" "),
    "slow in a body nobody reads": (
        b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5000\r\n\r\n",
        b" ",
    ),
}


@pytest.mark.parametrize(("sent", "drip"), CROWDS.values(), ids=CROWDS.keys())
def test_silent_and_slow_clients_hold_nobody_up(slow: tuple[int, int], sent: bytes, drip: bytes) -> None:
    """More of them than connections are allowed, and an honest client still gets its answer."""
    port, _ = slow

    async def honest() -> int:
        for _ in range(20):
            with suppress(OSError, ValueError):
                status, _ = await exchange(port, request())
                if status == 200:
                    return status
            await asyncio.sleep(0.2)
        return 0

    with crowd(port, 250, sent, drip):
        assert asyncio.run(asyncio.wait_for(honest(), 60)) == 200


def test_a_silent_connection_is_cut(slow: tuple[int, int]) -> None:
    port, _ = slow

    async def sent(part: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(part)
        reply = await reader.read()
        writer.close()
        return reply

    async def main() -> None:
        """All of them at once: each is cut by itself."""
        begun = [b"", b"GET / HTTP/1.1\r\nHost: a\r\n", request()[:-9]]
        told = await asyncio.gather(*(asyncio.wait_for(sent(each), 15) for each in begun))
        assert told[0] == b""
        assert [each[9:12] for each in told[1:]] == [b"408", b"408"]

    asyncio.run(main())


def test_a_body_of_two_megabytes_is_refused_and_kept_nowhere(slow: tuple[int, int]) -> None:
    port, process = slow
    body = json.dumps({"question": "x" * (2 << 20)}).encode()
    asyncio.run(exchange(port, request(body)))
    before = memory_mb(process)

    async def main() -> None:
        for _ in range(20):
            status, reply = await exchange(port, request(body))
            assert status == 413
            assert b"problem+json" in reply

    asyncio.run(main())
    assert memory_mb(process) - before < 10


def test_headers_beyond_their_limit_are_refused(slow: tuple[int, int]) -> None:
    port, _ = slow
    for length, refused in [(20_000, 431), (1_000_000, 400)]:
        sent = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: " + b"y" * length
        status, reply = asyncio.run(exchange(port, sent + b"\r\nConnection: close\r\n\r\n"))
        assert status == refused
        assert b"problem+json" in reply


def test_sigterm_lets_what_runs_finish(settings: Settings, serving: Serving) -> None:
    """The answer comes although the signal came first; then the process ends with status 0."""
    with slow_model() as address, serving(*flags(settings, address)) as (process, base):
        port = int(base.rpartition(":")[2])
        asyncio.run(exchange(port, request()))

        async def main() -> int:
            asked = asyncio.create_task(exchange(port, request()))
            await asyncio.sleep(DELAY_S / 2)
            process.send_signal(signal.SIGTERM)
            return (await asked)[0]

        assert asyncio.run(main()) == 200
        assert process.wait(timeout=30) == 0


def test_a_log_that_nobody_reads_holds_nobody_up(tmp_path: Path, serving: Serving) -> None:
    """More lines than the pipe takes: the service goes on."""
    with serving("--index", str(tmp_path / "none")) as (_, base):
        port = int(base.rpartition(":")[2])

        async def main() -> Counter[int]:
            found: Counter[int] = Counter()
            for _ in range(20):
                asked = [exchange(port, request(path="/search")) for _ in range(25)]
                found += Counter(status for status, _ in await asyncio.gather(*asked))
            return found

        assert asyncio.run(asyncio.wait_for(main(), 100)) == {503: 500}


def test_several_processes_share_port_jobs_and_figures(settings: Settings, serving: Serving) -> None:
    words = ("--set", "retriever.mode=sparse", "--set", "api.log=off")
    with serving("--index", str(settings.index), "--workers", "2", *words) as (process, base):
        port = int(base.rpartition(":")[2])

        async def main() -> Counter[int]:
            asked = [exchange(port, request(path="/search")) for _ in range(30)]
            return Counter(status for status, _ in await asyncio.gather(*asked))

        assert asyncio.run(main()) == {200: 30}
        assert figure(port, 'lectern_requests_total{route="/search",status="200"}') == 30
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
