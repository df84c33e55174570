"""The collections, as a table.

    setting    name -> value; the row "generation" is what readers see as published
    document   a version of a document, without its text
    part       its text in pieces that a field holds, and after them what else is long
    chunk      a passage: its place, its terms as a sparse vector
    vector_D   one window's vector of D dimensions
    term       a term's number and its statistics over the living passages

A row of chunk and vector_D is seen by the generations `born` to `retired`. The first column is the key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any, Literal, TypeAlias

from rag.stores._milvus.client import Connection

IndexName: TypeAlias = Literal["HNSW", "IVF_FLAT", "DISKANN", "FLAT", "AUTOINDEX"]
Kind: TypeAlias = Literal["number", "word", "json"]

SETTING, DOCUMENT, PART, CHUNK, TERM = "setting", "document", "part", "chunk", "term"
LIVING = 1 << 62  # the last generation that sees a row of which nobody knows yet when it goes
FIELD = 65_535  # bytes of the longest field
NOTHING = [0.0, 0.0]  # Milvus wants a vector in every collection

_COLUMNS: Mapping[str, Mapping[str, Kind]] = {
    SETTING: {"name": "word", "value": "word"},
    DOCUMENT: {
        "version": "number",
        "id": "word",
        "source": "word",
        "digest": "word",
        "chunks": "number",
        "first_chunk": "number",
        "empty_pages": "number",
        "warnings": "word",
        "born": "number",
        "retired": "number",
        "seal": "word",
    },
    PART: {"piece": "number", "content": "word"},
    TERM: {
        "digest": "word",
        "term": "number",
        "since": "number",
        "df": "number",
        "entropy": "word",
        "old_df": "number",
        "old_entropy": "word",
    },
    CHUNK: {
        "key": "number",
        "version": "number",
        "document": "word",
        "path": "word",
        "ordinal": "number",
        "start_at": "number",
        "end_at": "number",
        "page": "number",
        "more": "word",
        "text_digest": "word",
        "length": "number",
        "metadata": "json",
        "born": "number",
        "retired": "number",
        "seal": "word",
    },
}
_VECTOR_COLUMNS: Mapping[str, Kind] = {
    "window": "number",
    "key": "number",
    "path": "word",
    "page": "number",
    "metadata": "json",
    "born": "number",
    "retired": "number",
}
_VECTORS = re.compile(r"vector_\d+")
# By which rows are looked up, besides the key. In small collections a scan is as quick.
_LOOKED_UP = {"id", "key", "version", "path", "text_digest", "term"}
# How each index of vectors is built and searched.
_BUILT: Mapping[IndexName, dict[str, int]] = {
    "HNSW": {"M": 16, "efConstruction": 200},
    "IVF_FLAT": {"nlist": 1024},
    "DISKANN": {},
    "FLAT": {},
    "AUTOINDEX": {},
}
SEARCHED: Mapping[IndexName, dict[str, int]] = {
    "HNSW": {"ef": 128},
    "IVF_FLAT": {"nprobe": 64},
    "DISKANN": {"search_list": 128},
    "FLAT": {},
    "AUTOINDEX": {},
}


def vectors_name(dimension: int) -> str:
    """The collection of vectors of so many dimensions."""
    return f"vector_{dimension}"


def collections(connection: Connection) -> list[str]:
    """Those there are; not those of another index whose prefix begins with this one's. Raises RagError."""
    return [name for name in connection.collections() if name in _COLUMNS or _VECTORS.fullmatch(name)]


def vector_collections(connection: Connection) -> list[str]:
    """Those there are of vectors. Raises RagError."""
    return [name for name in connection.collections() if _VECTORS.fullmatch(name)]


def create(connection: Connection) -> None:
    """Make the collections that are not there, but those of vectors. Raises RagError."""
    for name, columns in _COLUMNS.items():
        connection.create(name, partial(_define, name, columns))


def create_vectors(connection: Connection, dimension: int, index: IndexName) -> None:
    """The collection of vectors of so many dimensions, with this index. Raises RagError."""

    def define(schema: Any, indexes: Any) -> None:
        from pymilvus import DataType

        _define_columns(schema, indexes, _VECTOR_COLUMNS)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dimension)
        indexes.add_index("vector", index_type=index, metric_type="IP", params=_BUILT[index])

    connection.create(vectors_name(dimension), define)


def _define(name: str, columns: Mapping[str, Kind], schema: Any, indexes: Any) -> None:
    from pymilvus import DataType

    _define_columns(schema, indexes, columns)
    if name == CHUNK:
        schema.add_field("terms", DataType.SPARSE_FLOAT_VECTOR)
        indexes.add_index("terms", index_type="SPARSE_INVERTED_INDEX", metric_type="IP")
    else:
        schema.add_field("nothing", DataType.FLOAT_VECTOR, dim=len(NOTHING))
        indexes.add_index("nothing", index_type="FLAT", metric_type="L2")


def _define_columns(schema: Any, indexes: Any, columns: Mapping[str, Kind]) -> None:
    from pymilvus import DataType

    kinds = {"number": DataType.INT64, "word": DataType.VARCHAR, "json": DataType.JSON}
    for at, (name, kind) in enumerate(columns.items()):
        size = {"max_length": FIELD} if kind == "word" else {}
        schema.add_field(name, kinds[kind], is_primary=at == 0, **size)
        if at and name in _LOOKED_UP:
            indexes.add_index(name, index_type="INVERTED")
