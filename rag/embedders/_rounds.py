"""Batches made ahead by a thread of its own and handed round to the devices that compute them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, Protocol, TypeAlias

from rag.types import Vectors

# Rows of the result and the tokenised texts that belong there.
Batch: TypeAlias = tuple[list[int], list[Any]]


class Network(Protocol):
    """One copy of a model on one device, used by one thread at a time.

    `threads` is how many processor threads it computes with; None leaves that to torch.
    """

    threads: int | None

    def start(self, texts: Sequence[Any]) -> Callable[[], Vectors]:
        """Begin to compute a batch; what is returned waits for its vectors, (len(texts), dimension)."""
        ...


def compute(batches: Iterator[Batch], networks: Sequence[Network], result: Vectors) -> None:
    """Put the vectors of every batch into the rows of `result` they belong to.

    Each network takes the next batch when it is free, and begins it before it fetches the vectors of the
    one before, so that a GPU computes while they are copied. The first error ends the work and is raised.
    """
    source = _Source(_ahead(batches, 2 * len(networks)))
    ready = threading.Barrier(len(networks) + 1)
    with ThreadPoolExecutor(len(networks)) as pool:
        try:
            running = [pool.submit(_work, network, source, result, ready) for network in networks]
            with _threads_kept():
                ready.wait()
            for each in running:
                each.result()
        finally:  # nobody goes on, or waits for a thread that could not be started
            source.close()
            ready.abort()


def one_threaded(count: int) -> ThreadPoolExecutor:
    """A pool of `count` threads in each of which torch computes with that thread alone.

    Raises RuntimeError where the system has no room for so many.
    """
    started = threading.Barrier(count)
    pool = ThreadPoolExecutor(count, initializer=_use_threads, initargs=(1,))
    try:
        with _threads_kept():
            wait([pool.submit(started.wait) for _ in range(count)])
    except BaseException:  # those that were started would wait for the others for ever
        started.abort()
        pool.shutdown()
        raise
    return pool


def _ahead(batches: Iterator[Batch], depth: int) -> Iterator[Batch]:
    """The same batches, `depth` of them made before they are asked for."""
    with ThreadPoolExecutor(1) as producer:
        pending = deque(producer.submit(next, batches, None) for _ in range(depth))
        while (batch := pending.popleft().result()) is not None:
            pending.append(producer.submit(next, batches, None))
            yield batch


class _Source:
    """Lets several threads take batches from one iterator."""

    def __init__(self, batches: Iterator[Batch]) -> None:
        self._batches = batches
        self._taking = threading.Lock()
        self._closed = False

    def take(self) -> Batch | None:
        with self._taking:
            return None if self._closed else next(self._batches, None)

    def close(self) -> None:
        self._closed = True


def _work(network: Network, source: _Source, result: Vectors, ready: threading.Barrier) -> None:
    if network.threads is not None:
        _use_threads(network.threads)
    ready.wait()
    before: tuple[list[int], Callable[[], Vectors]] | None = None
    try:
        while batch := source.take():
            rows, texts = batch
            begun = rows, network.start(texts)
            if before:
                result[before[0]] = before[1]()
            before = begun
        if before:
            result[before[0]] = before[1]()
    finally:
        source.close()


def _use_threads(count: int) -> None:
    """Have this thread compute with so many, whatever is set for the others afterwards.

    In a thread that has not asked yet, torch's first parallel step takes over what was set last anywhere;
    hence the question. Two threads that wait for each other in every layer cost a third of the processor.
    """
    import torch

    torch.get_num_threads()
    torch.set_num_threads(count)


class _threads_kept:  # noqa: N801 - reads as a with statement
    """torch.set_num_threads in one thread also changes what threads started later begin with: undo that."""

    def __enter__(self) -> None:
        import torch

        self._count = torch.get_num_threads()

    def __exit__(self, *error: object) -> None:
        import torch

        torch.set_num_threads(self._count)
