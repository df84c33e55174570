"""A connection to Milvus: a server, a cluster, or milvus-lite over a file in this process.

All calls are made here, with one consistency level, one timeout and errors that say what to do. Every
row has a key of ours, so that writing it again changes nothing and a call can be repeated.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from rag.errors import SettingError
from rag.stores._milvus import held
from rag.stores._milvus.address import Address, Row, listed, parts
from rag.stores._milvus.failures import is_passing, is_released, translated
from rag.stores._milvus.ranges import by_ranges

T = TypeVar("T")

OLDEST_SERVER = (2, 6)  # the first that changes single fields of a row
_LITE = "milvus_lite"  # how its version begins
_MOST = 16_384  # rows that a query or search may return
# Not to wait two minutes for a server that is back, nor share the waiting of other connections to it.
_CHANNEL = {"grpc.max_reconnect_backoff_ms": 2000, "grpc.use_local_subchannel_pool": 1}
_PAUSES = (0.5, 1.0, 2.0)  # seconds before a failed call is repeated


def require() -> None:
    """Raise ModuleNotFoundError if pymilvus is missing; quiet what it stands on, which must come first."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # it tells the terminal of each server that ends
    import pymilvus  # noqa: F401 - only whether it is there


class Connection:
    """Rows of the collections that begin with the address's prefix. Safe to share between threads."""

    def __init__(self, address: Address) -> None:
        """Raises SettingError for a server that cannot be reached, is too old or refuses the token,
        IndexBusy for a file that another process has open, RagError for one that cannot be opened.
        """
        require()
        from pymilvus import MilvusClient

        for name in ("pymilvus", "milvus_lite"):  # they log each error with its traceback
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self.address = address
        self._loaded: set[str] = set()
        if address.is_file:
            self._tried(lambda: Path(address.uri).parent.mkdir(parents=True, exist_ok=True))
        self._client = self._tried(
            lambda: MilvusClient(
                uri=str(Path(address.uri).absolute()) if address.is_file else address.uri,
                token=address.token,
                db_name="" if address.is_file else address.database,
                timeout=address.timeout,
                dedicated=True,
                grpc_options=_CHANNEL,
            )
        )
        self._file = str(Path(address.uri).absolute()) if address.is_file else ""
        if self._file:
            held.take(self._file)
        self._is_lite = self._checked_version().startswith(_LITE)

    def has(self, name: str) -> bool:
        """Whether there is such a collection; it is loaded if so."""
        if name in self._loaded:
            return True
        found = bool(
            self._tried(lambda: self._client.has_collection(self._full(name), timeout=self._timeout))
        )
        if found:
            self._tried(lambda: self._client.load_collection(self._full(name), timeout=self._timeout))
            self._loaded.add(name)
        return found

    def create(self, name: str, define: Callable[[Any, Any], None]) -> None:
        """A collection, if it is not there; `define` adds fields to a schema and indexes to their list."""
        if name in self._loaded:
            return
        schema = self._client.create_schema(auto_id=False, enable_dynamic_field=False)
        indexes = self._client.prepare_index_params()
        define(schema, indexes)
        full = self._full(name)

        def make() -> None:
            """Asks what is there each time: the reply to what was done may have been lost."""
            if not self._client.has_collection(full, timeout=self._timeout):
                self._client.create_collection(
                    full, schema=schema, consistency_level=self.address.consistency, timeout=self._timeout
                )
            if len(self._client.list_indexes(full)) < len(indexes):
                # Not waited for: an empty collection is indexed at once, and waiting polls twice a second.
                self._client.create_index(full, indexes, timeout=self._timeout, sync=False)

        self._tried(make)
        self.has(name)

    def drop(self, name: str) -> None:
        """Remove a collection with all its rows."""
        self._tried(lambda: self._client.drop_collection(self._full(name), timeout=self._timeout))
        self._loaded.discard(name)

    def settle(self, name: str) -> None:
        """Have what was written laid down as it is searched best.

        milvus-lite looks at fresh rows one by one, ten times as slowly as at those it has put into a
        segment, which it does after 128 MB of them. A server needs no telling: it searches fresh rows
        by indexes of their own, and allows a collection such a call only every ten seconds.
        """
        if self._is_lite:
            self._tried(lambda: self._client.flush(self._full(name), timeout=self._timeout))

    def collections(self) -> list[str]:
        """Names of the collections that begin with the prefix, without it; another's may be among them."""
        names = self._tried(lambda: self._client.list_collections(timeout=self._timeout))
        start = self._full("")
        return sorted(name[len(start) :] for name in names if name.startswith(start))

    def put(self, name: str, rows: Sequence[Row], *, changed_alone: bool = False) -> None:
        """Insert or replace rows by key; with `changed_alone` other fields stay what they are."""
        for part in parts(rows):
            self._tried(
                lambda part=part: self._client.upsert(  # type: ignore[misc]
                    self._full(name), list(part), partial_update=changed_alone, timeout=self._timeout
                )
            )

    def delete(self, name: str, condition: str) -> None:
        """Remove the rows that fulfil a condition."""
        self._tried(lambda: self._client.delete(self._full(name), filter=condition, timeout=self._timeout))

    def rows(self, name: str, condition: str, fields: Sequence[str], key: str) -> Iterator[Row]:
        """All rows that fulfil a condition, with these fields, by ascending integer `key`."""
        found = self._query(name, condition, [key, *fields], _MOST)
        if len(found) == _MOST:  # which of them these are is not said
            yield from by_ranges(partial(self._query, name), condition, [key, *fields], _MOST)
        else:
            yield from sorted(found, key=lambda row: int(row[key]))

    def some(self, name: str, condition: str, fields: Sequence[str], most: int) -> list[Row]:
        """At most `most` of the rows that fulfil a condition."""
        return self._query(name, condition, fields, min(most, _MOST))

    def get(
        self, name: str, key: str, keys: Sequence[int] | Sequence[str], fields: Sequence[str]
    ) -> list[Row]:
        """The rows with these keys, in no order; what is not there is left out."""
        found: list[Row] = []
        for part in parts(keys):
            found += self._query(name, f"{key} in {listed(part)}", [key, *fields], _MOST)
        return found

    def count(self, name: str, condition: str) -> int:
        """How many rows fulfil a condition."""
        [row] = self._query(name, condition, ["count(*)"], None)
        return int(row["count(*)"])

    def search(
        self,
        name: str,
        field: str,
        vector: object,
        condition: str,
        fields: Sequence[str],
        most: int,
        effort: Mapping[str, object],
    ) -> list[tuple[float, Row]]:
        """The best rows by inner product with `vector`, best first: score and fields."""
        if not self.has(name):
            return []
        [found] = self._tried(
            lambda: self._client.search(
                self._full(name),
                data=[vector],
                anns_field=field,
                filter=condition,
                limit=min(most, _MOST),
                output_fields=list(fields),
                search_params={"metric_type": "IP", "params": dict(effort)},
                consistency_level=self.address.consistency,
                timeout=self._timeout,
            )
        )
        return [(float(each["distance"]), each["entity"]) for each in found]

    def close(self) -> None:
        """Let the connection go."""
        with suppress(Exception):  # a server that is gone need not be told
            self._client.close()
        if self._file:
            held.let_go(self._file)
            self._file = ""

    @property
    def _timeout(self) -> float:
        return self.address.timeout

    def _full(self, name: str) -> str:
        return f"{self.address.prefix}_{name}"

    def _query(self, name: str, condition: str, fields: Sequence[str], most: int | None) -> list[Row]:
        if not self.has(name):
            return [{"count(*)": 0}] if list(fields) == ["count(*)"] else []
        limit = {} if most is None else {"limit": most}
        return [
            dict(row)
            for row in self._tried(
                lambda: self._client.query(
                    self._full(name),
                    filter=condition,
                    output_fields=list(fields),
                    consistency_level=self.address.consistency,
                    timeout=self._timeout,
                    **limit,
                )
            )
        ]

    def _checked_version(self) -> str:
        version = str(self._tried(lambda: self._client.get_server_version(timeout=self._timeout)))
        numbers = [int(part) for part in version.lstrip("v").split("-")[0].split(".")[:2] if part.isdigit()]
        if numbers and tuple(numbers) < OLDEST_SERVER:  # milvus-lite counts otherwise, and names itself
            raise SettingError(
                f"store.uri: the Milvus server {self.address} has version {version}: upgrade it to "
                f"{'.'.join(map(str, OLDEST_SERVER))} or later, or name another server"
            )
        return version

    def _tried(self, call: Callable[[], T]) -> T:
        """What `call` returns. A server that is out of reach for a moment is asked again."""
        began = time.monotonic()
        for pause in (*_PAUSES, None):
            try:
                return call()
            except Exception as error:
                # pymilvus itself has tried for as long as the timeout where nobody answers.
                late = pause is None or time.monotonic() - began > self._timeout
                if late or self.address.is_file or not is_passing(error):
                    raise translated(error, self.address) from error
                time.sleep(pause or 0.0)
                if is_released(error):
                    self._load_again()
        raise AssertionError("the last attempt returns or raises")

    def _load_again(self) -> None:
        """A server that was started anew may hold its collections unloaded."""
        for name in list(self._loaded):
            with suppress(Exception):  # the call that is repeated will tell
                self._client.load_collection(self._full(name), timeout=self._timeout)
