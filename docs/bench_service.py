"""Measures the service: `python docs/bench_service.py --index DIR [--crowd]`.

Throughput and latency of 32 clients that ask one question after the other, over the given index with
the extractive generator; with --profile where the time of a question goes, function by function; with
--crowd 10,000 requests at once against a model that takes half a second. The questions are words from
the index's own passages, so that nothing is cached and nothing is invented.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import json
import pstats
import random
import re
import resource
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rag import text
from rag.build import build_engine, build_store
from rag.config import load_settings

CLIENTS = 32
SEED = 0


def questions(index: str, count: int) -> list[str]:
    """Six words of a passage, each; seeded."""
    store = build_store(load_settings({"index": index}), read_only=True)
    passages = [stored.chunk.text for stored, _ in zip(store.chunks(), range(5000), strict=False)]
    store.close()
    draw = random.Random(SEED)  # noqa: S311 - for repeatable questions
    found: list[str] = []
    while len(found) < count:
        words = [word for word in draw.choice(passages).split() if text.terms(word)]
        begin = draw.randrange(max(1, len(words) - 6))
        found.append(" ".join(words[begin : begin + 6]) or "what")
    return found


@contextmanager
def service(*flags: str) -> Iterator[tuple[int, int]]:
    """Port and process id of a running service."""
    command = [sys.executable, "-m", "api", "--port", "0", "--set", "api.log=off", *flags]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own program
    try:
        assert process.stdout is not None  # noqa: S101
        yield int(process.stdout.readline().rpartition(":")[2]), process.pid
    finally:
        process.terminate()
        process.wait()


async def ask(streams: tuple[asyncio.StreamReader, asyncio.StreamWriter], question: str) -> int:
    """The status of one question over a kept connection."""
    reader, writer = streams
    body = json.dumps({"question": question}).encode()
    head = "POST /ask HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    reply = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", reply)
    if length:
        await reader.readexactly(int(length[1]))
    return int(reply[9:12])


async def sustained(port: int, asked: list[str]) -> tuple[list[float], Counter[int], float]:
    """Seconds of each question, statuses, and seconds in all."""
    waiting = iter(asked)
    took: list[float] = []
    statuses: Counter[int] = Counter()

    async def client() -> None:
        streams = await asyncio.open_connection("127.0.0.1", port)
        for question in waiting:
            began = time.perf_counter()
            statuses[await ask(streams, question)] += 1
            took.append(time.perf_counter() - began)
        streams[1].close()

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return took, statuses, time.perf_counter() - began


def memory_mb(process: int) -> float:
    """Resident memory, where /proc tells it."""
    with suppress(OSError, TypeError):
        found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{process}/status").read_text())
        return int(found[1]) / 1024 if found else 0.0
    return 0.0


def throughput(index: str, count: int, flags: list[str]) -> None:
    """Print answers a second, latencies and memory."""
    asked = questions(index, count)
    with service("--index", index, *flags) as (port, process):
        asyncio.run(sustained(port, asked[:200]))
        before = memory_mb(process)
        took, statuses, seconds = asyncio.run(sustained(port, asked))
        after = memory_mb(process)
    took.sort()
    p50, p99 = took[len(took) // 2] * 1000, took[int(len(took) * 0.99)] * 1000
    print(f"{CLIENTS} clients, {count} questions: {count / seconds:.1f} answers/s, statuses {dict(statuses)}")
    print(f"latency p50 {p50:.0f} ms, p99 {p99:.0f} ms; memory {before:.0f} MB, afterwards {after:.0f} MB")


def profile(index: str, count: int) -> None:
    """Print where the time of answering goes, one question after the other in one thread."""
    engine = build_engine(load_settings({"index": index}))
    engine.warm()
    asked = questions(index, count)
    profiler = cProfile.Profile()
    profiler.enable()
    for question in asked:
        engine.ask(question)
    profiler.disable()
    pstats.Stats(profiler).sort_stats("cumulative").print_stats(45)


@contextmanager
def slow_model(delay_s: float) -> Iterator[str]:
    """A server with OpenAI's protocol that takes `delay_s` for every answer; its base URL."""
    message = {"role": "assistant", "content": "It says so [1]."}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    whole = {"id": "1", "object": "chat.completion", "created": 0, "model": "slow", "choices": [choice]}
    body = json.dumps(whole).encode()
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    )

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            asked = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", asked.lower())
            await reader.readexactly(int(length[1]) if length else 0)
            await asyncio.sleep(delay_s)
            writer.write(head + body)
            await writer.drain()
        writer.close()

    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(answer, "127.0.0.1", 0))
    threading.Thread(target=loop.run_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    loop.call_soon_threadsafe(loop.stop)


def crowd(index: str, count: int) -> None:
    """Print what becomes of `count` requests at once against a model that takes half a second."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65_536), hard))
    refused: list[float] = []
    statuses: Counter[str] = Counter()

    async def one(port: int) -> None:
        try:
            streams = await asyncio.open_connection("127.0.0.1", port)
            began = time.perf_counter()
            status = await ask(streams, "anything")
            statuses[str(status)] += 1
            if status != 200:
                refused.append(time.perf_counter() - began)
            streams[1].close()
        except (OSError, asyncio.IncompleteReadError, ValueError) as error:
            statuses[type(error).__name__] += 1

    async def main(port: int) -> None:
        await asyncio.gather(*(one(port) for _ in range(count)))

    with slow_model(0.5) as address:
        model = ["generator.name=openai", f"generator.base_url={address}", "generator.model=slow"]
        flags = [word for each in model for word in ("--set", each)]
        with service("--index", index, *flags) as (port, process):
            asyncio.run(one(port))
            statuses.clear()
            before, began = memory_mb(process), time.perf_counter()
            asyncio.run(main(port))
            seconds, after = time.perf_counter() - began, memory_mb(process)
    refused.sort()
    print(f"{count} at once, {seconds:.1f} s: {dict(statuses)}; memory {before:.0f} MB, then {after:.0f} MB")
    if refused:
        print(
            f"a refusal took {refused[len(refused) // 2] * 1000:.0f} ms, at most {refused[-1] * 1000:.0f} ms"
        )


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--index", required=True)
    parser.add_argument("--count", type=int, default=2000, help="questions (default: 2000)")
    parser.add_argument("--set", dest="flags", action="append", default=[], help="a setting of the service")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--crowd", type=int, nargs="?", const=10_000, metavar="N")
    options = parser.parse_args()
    if options.profile:
        profile(options.index, options.count)
    elif options.crowd:
        crowd(options.index, options.crowd)
    else:
        throughput(options.index, options.count, [word for each in options.flags for word in ("--set", each)])


if __name__ == "__main__":
    main()
