"""Reading, splitting and embedding spread over the nodes of a Ray cluster.

One worker a core, or a GPU where the cluster has any; each loads the model once. Files are read where the
worker runs, so every node must see the folder under the same path. Results come back in the order of the
files, and a bounded number is on the way: what is slow here slows the workers down. A worker that dies, or
its node, is started again elsewhere and its file read again; the index is the same as one machine makes.
"""

from __future__ import annotations

import os
import socket
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import numpy as np

from ingest.loading import build_loaders, build_splitter
from ingest.plan import Planned
from ingest.reading import Read, Reader
from rag.config import Settings
from rag.errors import SettingError
from rag.expansion.glossed import agreed
from rag.models import build_embedder

_AHEAD = 2  # files given to each worker at once: it reads one while the next is on its way
_TRIES = 3  # a file during which so many workers died is at fault itself
_MOST_WORKERS = 4096
_OWN = "ray"  # `--on ray`: the cluster that RAY_ADDRESS names, else one of this machine


class Worker:
    """What runs on a node: reads one file at a time. Ray keeps it and its model from file to file."""

    def __init__(self, settings: Settings, key: bytes, known: str, number: int, *, gpu: bool) -> None:
        """`key` is what placeholders of secrets hang on, `known` the fingerprint of the index's embedder;
        `number` tells the workers apart.
        """
        if not gpu:
            _keep_to_one_core(number)
        self._stack = ExitStack()
        loaders = build_loaders(settings, self._stack)
        self._embedder = build_embedder(settings)
        splitter = build_splitter(settings, self._embedder)
        self._wrong: SettingError | None = None
        try:
            self._embedder = agreed(settings.index, known, self._embedder)
        except SettingError as error:  # raised here, Ray would tell of a worker that died
            self._wrong = error
        self._reader = Reader(loaders, splitter, settings.ingest.secrets, key)

    def read(self, planned: Planned, embed: bool) -> Read:
        """The file, its chunks and, with `embed`, their vectors."""
        if self._wrong is not None:
            raise self._wrong
        path = planned.source.path
        if not path.is_file():
            where = f"it cannot be seen from the node {socket.gethostname()}"
            return Read(planned, failed=f"{where}: give every node the folder under this path")
        read = self._reader.read(planned)
        texts = list(dict.fromkeys(chunk.indexed_text for chunk in read.chunks)) if embed else []
        windows = [self._embedder.windows(text) for text in texts]
        encoded = iter(self._embedder.encode([each for own in windows for each in own]) if texts else ())
        vectors = {
            text: np.stack([next(encoded) for _ in own]) for text, own in zip(texts, windows, strict=True)
        }
        return replace(read, vectors=vectors)

    def where(self) -> tuple[str, int]:
        """Node and process."""
        return socket.gethostname(), os.getpid()


def read_on(
    cluster: str,
    todo: Sequence[Planned],
    moved: Mapping[str, str],
    settings: Settings,
    key: bytes,
    known: str,
) -> Iterator[Read]:
    """What the workers of `cluster` make of each file, in order. Files of `moved` are not embedded.

    `key` and `known` as a worker takes them.

    Raises SettingError for a cluster that cannot be reached.
    """
    ray = _connected(cluster)
    try:
        workers = _workers(ray, min(len(todo), _MOST_WORKERS), settings, key, known)
        free = deque(worker for worker in workers for _ in range(_AHEAD))
        ahead: deque[_Asked] = deque()
        for planned in todo:
            if not free:
                yield _taken(ray, ahead, free)
            ahead.append(_Asked(planned, planned.id not in moved, free.popleft()))
        while ahead:
            yield _taken(ray, ahead, free)
    finally:
        ray.shutdown()


class _Asked:
    """A file that a worker was given to read."""

    def __init__(self, planned: Planned, embed: bool, worker: Any) -> None:
        self.planned = planned
        self.worker = worker
        self._embed = embed
        self.ask()

    def ask(self) -> None:
        """Give it to the worker, once more if it was given before."""
        self.coming = self.worker.read.remote(self.planned, self._embed)


def _taken(ray: Any, ahead: deque[_Asked], free: deque[Any]) -> Read:
    """The first of the files on the way; its worker is free for another."""
    asked = ahead.popleft()
    try:
        return _read(ray, asked)
    except _deaths(ray):
        # A file given along with it may have killed the worker; that one has had its tries by now.
        asked.ask()
    finally:
        free.append(asked.worker)
    try:
        return _read(ray, asked)
    except _deaths(ray):
        return Read(asked.planned, failed=f"{_TRIES} workers died while they read it")


def _read(ray: Any, asked: _Asked) -> Read:
    try:
        found: Read = ray.get(asked.coming)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, SettingError):
            raise error.cause from error
        return Read(asked.planned, failed=f"a worker could not read it: {error.cause}")
    return found


def _deaths(ray: Any) -> tuple[type[Exception], ...]:
    """What Ray raises for a worker that died each time it was tried."""
    raised = ray.exceptions
    return raised.RayActorError, raised.WorkerCrashedError, raised.OutOfMemoryError


def _workers(ray: Any, most: int, settings: Settings, key: bytes, known: str) -> list[Any]:
    """One a GPU, or one a core where there is none; they start elsewhere when their node goes."""
    has = ray.cluster_resources()
    gpus, cores = int(has.get("GPU", 0)), int(has.get("CPU", 1))
    count = max(1, min(most, gpus or cores))
    made = ray.remote(Worker).options(
        num_cpus=1,
        num_gpus=1 if gpus else 0,
        max_restarts=-1,
        max_task_retries=_TRIES - 1,
        scheduling_strategy="SPREAD",
    )
    absolute = settings.model_copy(update={"index": settings.index.absolute()})
    return [made.remote(absolute, key, known, number, gpu=bool(gpus)) for number in range(count)]


def _connected(cluster: str) -> Any:
    try:
        import ray
    except ModuleNotFoundError as error:
        raise SettingError('--on needs the package ray: pip install -e ".[ray]"') from error
    if cluster != _OWN and not cluster.startswith("ray://"):
        raise SettingError(f"--on {cluster}: write `ray`, or `ray://HOST:PORT` of a cluster")
    address = None if cluster == _OWN else cluster
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to anybody
    try:
        if address is None and "RAY_ADDRESS" not in os.environ:
            ray.init(
                include_dashboard=False,
                log_to_driver=False,
                logging_level="ERROR",
                _node_ip_address="127.0.0.1",
            )
        else:
            ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        raise SettingError(
            f"--on {cluster}: the cluster cannot be reached ({str(error).splitlines()[0]}): start it with "
            "`ray start --head`, or correct the address"
        ) from error
    return ray


def _keep_to_one_core(number: int) -> None:
    """Workers share a node's cores; each computes on one of its own."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[number % len(cores)]})
