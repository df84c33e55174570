"""A publish: term statistics of the coming generation first, then the one row that lets it be seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from rag.errors import SettingError
from rag.protocols.stores import Changes, Published
from rag.stores._milvus.address import parts
from rag.stores._milvus.client import Connection
from rag.stores._milvus.schema import CHUNK, collections
from rag.stores._milvus.settings import published, write_published
from rag.stores._milvus.terms import Changed
from rag.stores._milvus.versions import Versions, keys_of


def publish(
    connection: Connection,
    versions: Versions,
    coming: Published,
    changes: Changes,
    renew: Callable[[], None],
) -> None:
    """Make `coming` what readers see; `renew` keeps the writer's claim, just before they do.

    Raises SettingError for documents that were indexed in another manner, RagError.
    """
    base = published(connection)
    _check(connection, versions, base, coming)
    _settle(connection)
    changed = Changed()
    since = base.mark if base else 0
    added = [row for row in versions.living().values() if row["version"] > since]
    for sign, keys in ((1, [key for row in added for key in keys_of(row)]), (-1, changes.removed_keys)):
        for part in parts(keys):
            changed.count(connection.get(CHUNK, "key", part, ["terms", "length"]), sign)
    changed.write(connection, coming.number)
    renew()
    write_published(connection, replace(coming, terms=(base.terms if base else 0) + changed.length))
    versions.collect(coming.number)
    _settle(connection)


def _settle(connection: Connection) -> None:
    for name in collections(connection):
        connection.settle(name)


def _check(connection: Connection, versions: Versions, base: Published | None, coming: Published) -> None:
    if (
        base
        and base.made_with != coming.made_with
        and any(row["version"] <= base.mark for row in versions.living().values())
    ):
        raise SettingError(
            f"the index in Milvus at {connection.address} was made with other settings "
            f"({_difference(base.made_with, coming.made_with)}): run `python -m ingest PATH --rebuild`"
        )


def _difference(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    names = sorted({name for name in {*old, *new} if old.get(name) != new.get(name)})
    return ", ".join(f"{name}: {old.get(name)} then, {new.get(name)} now" for name in names)
