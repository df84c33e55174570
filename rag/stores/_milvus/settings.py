"""What is remembered by name: others' settings, and what the store notes for itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict

from rag.protocols.stores import Published
from rag.stores._milvus.client import Connection
from rag.stores._milvus.schema import NOTHING, SETTING

LEASE, NUMBERS = "lease", "numbers"
_GENERATION = "generation"  # what readers see
_COLLECTED = "published"  # the last publish after which what nobody sees was removed
_MOST = 16_384


def setting(connection: Connection, name: str) -> str | None:
    """The value, None without one."""
    found = connection.get(SETTING, "name", [name], ["value"])
    return str(found[0]["value"]) if found else None


def remember(connection: Connection, name: str, value: str) -> None:
    """Keep a value under a name."""
    connection.put(SETTING, [{"name": name, "value": value, "nothing": NOTHING}])


def settings(connection: Connection) -> Mapping[str, str]:
    """All but what the store notes for itself alone."""
    rows = connection.some(SETTING, 'name != ""', ["name", "value"], _MOST)
    own = (_GENERATION, LEASE, NUMBERS)
    return {row["name"]: row["value"] for row in rows if row["name"] not in own}


def published(connection: Connection) -> Published | None:
    """What readers see, None before the first publish."""
    found = setting(connection, _GENERATION)
    return Published(**json.loads(found)) if found else None


def write_published(connection: Connection, coming: Published) -> None:
    """Let readers see it: the moment of a publish."""
    remember(connection, _GENERATION, json.dumps(asdict(coming)))


def collected(connection: Connection) -> int:
    """The number of the last publish that was ended, 0 before the first."""
    return int(setting(connection, _COLLECTED) or 0)


def write_collected(connection: Connection, number: int) -> None:
    """The publish of this number has been ended."""
    remember(connection, _COLLECTED, str(number))
