"""Whether the collections that are there are laid out as this version of Lectern reads them."""

from __future__ import annotations

from rag.errors import IndexMissing, SettingError
from rag.stores._milvus.address import Address
from rag.stores._milvus.client import Connection
from rag.stores._milvus.schema import SETTING, collections, create
from rag.stores._milvus.settings import remember, setting

_LAYOUT = "1"  # of schema.py, and of what rows.py and terms.py write
_NAME = "format"


def prepare(connection: Connection, *, writing: bool, start_over: bool) -> None:
    """Make sure that the collections are there: a writer gets those that are missing.

    With `start_over` those of another version are dropped first. Raises SettingError for such otherwise,
    IndexMissing for a reader without any.
    """
    at = connection.address
    found = (setting(connection, _NAME) or _LAYOUT) if connection.has(SETTING) else None
    if found not in (None, _LAYOUT):
        if not start_over:
            raise SettingError(
                f"the collections {at.prefix}_* in Milvus at {at} were made by another version of Lectern "
                f"(format {found}, this one reads {_LAYOUT}): set store.collection to another name, or run "
                "`python -m ingest PATH --rebuild`"
            )
        for name in collections(connection):
            connection.drop(name)
    if writing:
        create(connection)
        if setting(connection, _NAME) != _LAYOUT:
            remember(connection, _NAME, _LAYOUT)
    elif found is None:
        raise missing(at)


def missing(address: Address) -> IndexMissing:
    """What a reader of nothing is told."""
    return IndexMissing(f"there is no index in Milvus at {address}: run `python -m ingest FOLDER` first")
