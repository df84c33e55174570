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
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, TypeVar
from urllib.parse import urlsplit

from rag.errors import IndexBusy, RagError, SettingError

T = TypeVar("T")
Row: TypeAlias = dict[str, Any]

OLDEST_SERVER = (2, 6)  # the first that changes single fields of a row
_SLICE = 1000  # rows or keys in one call: a call may weigh 64 MiB
_MOST = 16_384  # rows that a query or search may return
_PAUSES = (0.5, 1.0, 2.0)  # seconds before a failed call is repeated
_UNREACHABLE = ("UNAVAILABLE", "DEADLINE_EXCEEDED", "Connection", "connect", "timeout")
_FULL = ("quota", "disk full", "No space left", "memory limit", "MemoryQuota", "DiskQuota", "limit exceeded")


@dataclass(frozen=True, slots=True)
class Address:
    """Where the collections are: `uri` a file or http(s) address, `prefix` begins their names."""

    uri: str
    prefix: str
    token: str
    database: str
    consistency: str
    timeout: float

    @property
    def is_file(self) -> bool:
        return "://" not in self.uri

    def __str__(self) -> str:
        """Without what may be secret."""
        parts = urlsplit(self.uri)
        return self.uri if self.is_file else f"{parts.scheme}://{parts.hostname}:{parts.port or 19530}"


def require() -> None:
    """Raise ModuleNotFoundError if pymilvus is missing; quiet what it stands on, which must come first."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # it tells the terminal of each server that ends
    import pymilvus  # noqa: F401 - only whether it is there


class Connection:
    """Rows of the collections that begin with the address's prefix. Safe to share between threads."""

    def __init__(self, address: Address) -> None:
        """Raises SettingError for a server that cannot be reached, is too old or refuses the token,
        IndexBusy for a file that another process has open.
        """
        require()
        from pymilvus import MilvusClient

        logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # it logs each error with its traceback
        self.address = address
        if address.is_file:
            Path(address.uri).parent.mkdir(parents=True, exist_ok=True)
        self._loaded: set[str] = set()
        self._client = self._tried(
            lambda: MilvusClient(
                uri=str(Path(address.uri).absolute()) if address.is_file else address.uri,
                token=address.token,
                db_name="" if address.is_file else address.database,
                timeout=address.timeout,
            )
        )
        self._check_version()

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
        if not self._tried(lambda: self._client.has_collection(full, timeout=self._timeout)):
            self._tried(
                lambda: self._client.create_collection(
                    full, schema=schema, consistency_level=self.address.consistency, timeout=self._timeout
                )
            )
        if len(self._tried(lambda: self._client.list_indexes(full))) < len(indexes):
            # Not waited for: an empty collection is indexed at once, and waiting polls twice a second.
            self._tried(lambda: self._client.create_index(full, indexes, timeout=self._timeout, sync=False))
        self.has(name)

    def drop(self, name: str) -> None:
        """Remove a collection with all its rows."""
        self._tried(lambda: self._client.drop_collection(self._full(name), timeout=self._timeout))
        self._loaded.discard(name)

    def collections(self, beginning: str) -> list[str]:
        """Names of the collections that begin so, without the prefix."""
        names = self._tried(lambda: self._client.list_collections(timeout=self._timeout))
        start = self._full(beginning)
        return sorted(name[len(self._full("")) :] for name in names if name.startswith(start))

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
            yield from self._by_ranges(name, condition, fields, key)
        else:
            yield from sorted(found, key=lambda row: int(row[key]))

    def _by_ranges(self, name: str, condition: str, fields: Sequence[str], key: str) -> Iterator[Row]:
        """As `rows` where there are more than one call returns: each call asks for a range of keys that
        holds fewer, halved or doubled as it turns out.
        """
        start, width = 0, 1 << 40
        while self._query(name, f"({condition}) and {key} >= {start}", [key], 1):
            found = self._query(
                name, f"({condition}) and {key} >= {start} and {key} < {start + width}", [key, *fields], _MOST
            )
            if len(found) == _MOST:
                width = max(1, width // 2)
                continue
            yield from sorted(found, key=lambda row: int(row[key]))
            start += width
            if len(found) < _MOST // 4:
                width *= 2

    def some(self, name: str, condition: str, fields: Sequence[str], most: int) -> list[Row]:
        """At most `most` of the rows that fulfil a condition."""
        return self._query(name, condition, fields, min(most, _MOST))

    def get(
        self, name: str, key: str, keys: Sequence[int] | Sequence[str], fields: Sequence[str]
    ) -> list[Row]:
        """The rows with these keys, in no order; what is not there is left out."""
        found: list[Row] = []
        for part in parts(keys):
            listed = ", ".join(quoted(each) if isinstance(each, str) else str(each) for each in part)
            found += self._query(name, f"{key} in [{listed}]", [key, *fields], _MOST)
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

    def _check_version(self) -> None:
        version = str(self._tried(lambda: self._client.get_server_version(timeout=self._timeout)))
        numbers = [int(part) for part in version.lstrip("v").split("-")[0].split(".")[:2] if part.isdigit()]
        if numbers and tuple(numbers) < OLDEST_SERVER:  # milvus-lite counts otherwise, and names itself
            raise SettingError(
                f"store.uri: the Milvus server {self.address} has version {version}: "
                f"{'.'.join(map(str, OLDEST_SERVER))} or later is needed"
            )

    def _tried(self, call: Callable[[], T]) -> T:
        """What `call` returns. A server that is out of reach for a moment is asked again."""
        for pause in (*_PAUSES, None):
            try:
                return call()
            except Exception as error:
                passing = _is_unreachable(error) or _is_released(error)
                if pause is None or self.address.is_file or not passing:
                    raise self._translated(error) from error
                time.sleep(pause)
                if _is_released(error):
                    self._load_again()
        raise AssertionError("the last attempt returns or raises")

    def _load_again(self) -> None:
        """A server that was started anew may hold its collections unloaded."""
        for name in self._loaded:
            with suppress(Exception):  # the call that is repeated will tell
                self._client.load_collection(self._full(name), timeout=self._timeout)

    def _translated(self, error: Exception) -> Exception:
        from pymilvus import MilvusException

        if isinstance(error, RagError) or not isinstance(error, MilvusException | OSError | ValueError):
            return error
        text = str(getattr(error, "message", "") or error).strip().splitlines()
        said = text[0][:300] if text else type(error).__name__
        if self.address.is_file and "Open local milvus failed" in said:
            return IndexBusy(
                f"{self.address} is open in another process: milvus-lite serves one at a time; "
                "end that one, or set store.uri to a Milvus server"
            )
        if any(word in str(error) for word in _FULL):
            return RagError(f"Milvus at {self.address} takes no more: {said}: make room and run this again")
        if "auth" in said.lower() or "permission" in said.lower():
            return SettingError(f"store.token: Milvus at {self.address} refuses it: {said}")
        if _is_unreachable(error):
            return SettingError(
                f"store.uri: Milvus at {self.address} cannot be reached within {self._timeout:g} s: "
                "start it, or correct the address; what was stored is untouched, run this again"
            )
        return RagError(f"Milvus at {self.address}: {said}")


def _is_unreachable(error: Exception) -> bool:
    said = f"{type(error).__name__} {error}"
    return any(word in said for word in _UNREACHABLE)


def _is_released(error: Exception) -> bool:
    said = str(error)
    return "released" in said or "not loaded" in said


def quoted(value: str) -> str:
    """A string as Milvus's filter expressions write it."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'


def parts(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Slices that one call carries."""
    for start in range(0, len(values), _SLICE):
        yield values[start : start + _SLICE]
