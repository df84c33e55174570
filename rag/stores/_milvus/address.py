"""Where Milvus is, and how values are written in its expressions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar
from urllib.parse import urlsplit

from rag.errors import SettingError

T = TypeVar("T")
Row: TypeAlias = dict[str, Any]

_SLICE = 1000  # rows or keys in one call: a call may weigh 64 MiB
_SCHEMES = ("http", "https", "tcp", "grpc", "unix")


@dataclass(frozen=True, slots=True)
class Address:
    """Where the collections are: `uri` a file or an address, `prefix` begins their names, `timeout` in
    seconds.
    """

    uri: str
    prefix: str
    token: str
    database: str
    consistency: str
    timeout: float

    def __post_init__(self) -> None:
        """Raises SettingError for a uri that pymilvus would take for nothing."""
        known = self.uri.endswith(".db") if self.is_file else self.uri.split("://")[0] in _SCHEMES
        if not known:
            raise SettingError(
                f"store.uri = {self.uri!r}: write a file whose name ends in .db, or an address such as "
                "http://HOST:19530"
            )

    @property
    def is_file(self) -> bool:
        return "://" not in self.uri

    def __str__(self) -> str:
        """Without what may be secret."""
        if self.is_file or self.uri.startswith("unix:"):
            return self.uri
        parts = urlsplit(self.uri)
        return f"{parts.scheme}://{parts.hostname}:{parts.port or 19530}"


def quoted(value: str) -> str:
    """A string as Milvus's filter expressions write it."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'


def listed(values: Sequence[object]) -> str:
    """A list as Milvus's filter expressions write it."""
    return f"[{', '.join(quoted(each) if isinstance(each, str) else str(each) for each in values)}]"


def parts(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Slices that one call carries."""
    for start in range(0, len(values), _SLICE):
        yield values[start : start + _SLICE]
