"""Measures answering over HTTP: `python docs/bench_service.py --index DIR [--workers N] [--profile]`.

Throughput and latency of 32 clients that ask one question after the other, over the given index with
the extractive generator, and the processor time of an answer, which a busy machine distorts least; with
--profile how much of it each step takes. The questions are words from the index's own passages, so that
nothing is cached and nothing is invented. Crowds are docs/bench_crowd.py's business.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

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


def processor_s(process: int) -> float:
    """Processor seconds that a process and its own children in the service have taken, from /proc."""
    ticks = 0
    for number in [process, *_children(process)]:
        with suppress(OSError):
            fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _children(process: int) -> list[int]:
    with suppress(OSError):
        return [int(each) for each in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    return []


def throughput(index: str, count: int, workers: int, flags: list[str]) -> None:
    """Print answers a second, latencies, processor time and memory."""
    asked = questions(index, count + 20 * workers)
    share = ["--set", f"api.client_share={2 * CLIENTS}", "--workers", str(workers)]
    with service("--index", index, *share, *flags) as (port, process):
        asyncio.run(sustained(port, asked[count:]))
        used = processor_s(process)
        took, statuses, seconds = asyncio.run(sustained(port, asked[:count]))
        used = (processor_s(process) - used) / count
    took.sort()
    cores, load = os.cpu_count(), os.getloadavg()[0]
    print(f"{CLIENTS} clients, {workers} processes, {cores} processors with a load of {load:.1f}")
    print(f"{count} questions: {count / seconds:.1f} answers/s, statuses {dict(statuses)}")
    print(
        f"latency p50 {took[len(took) // 2] * 1000:.0f} ms, p99 {took[int(len(took) * 0.99)] * 1000:.0f} ms"
    )
    print(
        f"an answer takes {used * 1000:.1f} ms of processor time: {1 / used:.0f} answers/s for each processor"
    )


def steps() -> list[tuple[str, object, str]]:
    """What is measured: a name, and the class or module whose function of that name it is."""
    from rag import answer, retrieve
    from rag.embedders.sentence_transformers import SentenceTransformersEmbedder
    from rag.generators import extractive
    from rag.indexes.reader import OpenIndex
    from rag.retrieve import Retriever
    from rag.search.legs import LegSearch

    return [
        ("embed the question", SentenceTransformersEmbedder, "encode_query"),
        ("embed sentences of passages", SentenceTransformersEmbedder, "encode_few"),
        ("understand the question", retrieve, "word"),
        ("search words", LegSearch, "_sparse"),
        ("search vectors", LegSearch, "_dense"),
        ("read passages", OpenIndex, "chunks"),
        ("retrieve, in all", Retriever, "search"),
        ("write, in all", extractive.ExtractiveGenerator, "generate"),
        ("verify", answer, "verified"),
    ]


def profile(index: str, count: int) -> None:
    """Print the processor time of each step, one question after the other."""
    from api.replies import to_json
    from rag.wire import answer_json

    engine = build_engine(load_settings({"index": index}))
    engine.warm()
    asked = questions(index, count + 20)
    for question in asked[count:]:
        engine.ask(question)
    spent: Counter[str] = Counter()

    def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            began = time.process_time()
            try:
                return function(*arguments, **named)
            finally:
                spent[name] += time.process_time() - began  # type: ignore[assignment]

        return call

    for name, owner, function in steps():
        setattr(owner, function, timed(name, getattr(owner, function)))
    encode = timed("write JSON", lambda answer: to_json(answer_json(answer)))
    began = time.process_time()
    for question in asked[:count]:
        encode(engine.ask(question))
    whole = time.process_time() - began
    for name, seconds in [*spent.most_common(), ("everything", whole)]:
        print(f"{name:30}{seconds / count * 1000:8.2f} ms{seconds / whole:8.1%}")


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--index", required=True)
    parser.add_argument("--count", type=int, default=2000, help="questions (default: 2000)")
    parser.add_argument("--workers", type=int, default=1, help="processes (default: 1)")
    parser.add_argument("--set", dest="flags", action="append", default=[], help="a setting of the service")
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    if options.profile:
        profile(options.index, options.count)
    else:
        flags = [word for each in options.flags for word in ("--set", each)]
        throughput(options.index, options.count, options.workers, flags)


if __name__ == "__main__":
    main()
