"""What the collections hold, and how documents and chunks become their rows.

    setting    name -> value; the row "generation" is what readers see as published
    document   a version of a document, without its text
    part       its text in pieces that a field holds, and after them what else is long
    chunk      a passage: its place, its terms as a sparse vector
    vector_D   one window's vector of D dimensions
    term       a term's number and its statistics over the living passages

A row of chunk and vector_D is seen by the generations `born` to `retired`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from rag.protocols import StoredDocument
from rag.stores._milvus_client import Connection, Row, quoted
from rag.stores._seals import BrokenSeal, chunk_seal, document_seal, text_digest
from rag.types import Chunk, Document, Filter, Page, Vectors, Warned

SETTING, DOCUMENT, PART, CHUNK, TERM = "setting", "document", "part", "chunk", "term"
LIVING = 1 << 62  # the last generation that sees a row of which nobody knows yet when it goes
_FIELD = 65_535  # bytes of the longest field
_PIECE = 16_000  # characters of a piece: four bytes each at most
_PIECES = 24  # bits: a version's pieces are numbered below 2^24
_LONG = 1 << 23  # from this number on they hold what is not text
_WINDOWS = 16  # bits: a chunk's windows are numbered below 2^16
_PRIVATE = {ord(character): 0xE000 + ord(character) for character in "%_\\"}
_NOTHING = [0.0, 0.0]  # Milvus wants a vector in every collection

CHUNK_FIELDS = ("version", "document", "ordinal", "start_at", "end_at", "page", "more", "seal")
DOCUMENT_FIELDS = (
    "version",
    "id",
    "source",
    "digest",
    "chunks",
    "first_chunk",
    "empty_pages",
    "warnings",
    "retired",
    "seal",
)


def vectors_name(dimension: int) -> str:
    """The collection of vectors of so many dimensions."""
    return f"vector_{dimension}"


def vector_key(chunk: int, window: int) -> int:
    """The key of a chunk's vector."""
    return chunk << _WINDOWS | window


def create(connection: Connection) -> None:
    """Make the collections that are not there."""
    from pymilvus import DataType

    def plain(*fields: tuple[str, Any]) -> Any:
        def define(schema: Any, indexes: Any) -> None:
            _fields(schema, fields)
            schema.add_field("nothing", DataType.FLOAT_VECTOR, dim=2)
            indexes.add_index("nothing", index_type="FLAT", metric_type="L2")
            _lookups(indexes, fields)

        return define

    number, word = DataType.INT64, DataType.VARCHAR
    connection.create(SETTING, plain(("name", word), ("value", word)))
    connection.create(
        DOCUMENT,
        plain(
            ("version", number),
            ("id", word),
            ("source", word),
            ("digest", word),
            ("chunks", number),
            ("first_chunk", number),
            ("empty_pages", number),
            ("warnings", word),
            ("born", number),
            ("retired", number),
            ("seal", word),
        ),
    )
    connection.create(PART, plain(("piece", number), ("content", word)))
    connection.create(
        TERM,
        plain(
            ("digest", word),
            ("term", number),
            ("since", number),
            ("df", number),
            ("entropy", word),
            ("old_df", number),
            ("old_entropy", word),
        ),
    )

    def chunks(schema: Any, indexes: Any) -> None:
        fields = (
            ("key", number),
            ("version", number),
            ("document", word),
            ("path", word),
            ("ordinal", number),
            ("start_at", number),
            ("end_at", number),
            ("page", number),
            ("more", word),
            ("text_digest", word),
            ("length", number),
            ("metadata", DataType.JSON),
            ("born", number),
            ("retired", number),
            ("seal", word),
        )
        _fields(schema, fields)
        _lookups(indexes, fields)
        schema.add_field("terms", DataType.SPARSE_FLOAT_VECTOR)
        indexes.add_index("terms", index_type="SPARSE_INVERTED_INDEX", metric_type="IP")

    connection.create(CHUNK, chunks)


def create_vectors(connection: Connection, dimension: int, index: str, options: dict[str, Any]) -> None:
    """The collection of vectors of so many dimensions, with this index."""
    from pymilvus import DataType

    def define(schema: Any, indexes: Any) -> None:
        number, word = DataType.INT64, DataType.VARCHAR
        fields = (
            ("window", number),
            ("key", number),
            ("path", word),
            ("page", number),
            ("metadata", DataType.JSON),
            ("born", number),
            ("retired", number),
        )
        _fields(schema, fields)
        _lookups(indexes, fields)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dimension)
        indexes.add_index("vector", index_type=index, metric_type="IP", params=options)

    connection.create(vectors_name(dimension), define)


# Fields by which rows are looked up, besides the key.
_LOOKED_UP = {"id", "key", "version", "path", "text_digest"}


def _fields(schema: Any, fields: Sequence[tuple[str, Any]]) -> None:
    from pymilvus import DataType

    for at, (name, kind) in enumerate(fields):
        size = {"max_length": _FIELD} if kind == DataType.VARCHAR else {}
        schema.add_field(name, kind, is_primary=at == 0, **size)


def _lookups(indexes: Any, fields: Sequence[tuple[str, Any]]) -> None:
    for name, _ in fields[1:]:
        if name in _LOOKED_UP:
            indexes.add_index(name, index_type="INVERTED")


def setting_row(name: str, value: str) -> Row:
    """A row of `setting`."""
    return {"name": name, "value": value, "nothing": _NOTHING}


def document_rows(
    version: int,
    first: int,
    document: Document,
    chunks: Sequence[Chunk],
    source: str,
    empty_pages: int,
    warnings: Sequence[Warned],
    born: int,
) -> tuple[Row, list[Row]]:
    """The row of a document's version and those of its pieces."""
    # Escaped: a name in a detail need not be valid UTF-8, and a field must be.
    said = json.dumps([(each.kind, each.detail) for each in warnings])
    long = {
        "metadata": dict(document.metadata),
        "pages": [(page.number, page.start, page.end) for page in document.pages],
        "warnings": said if len(said) > _FIELD else "",
        "more": {chunk.ordinal: _more(chunk) for chunk in chunks if _is_long(_more(chunk))},
    }
    row = {
        "version": version,
        "id": document.id,
        "source": json.dumps(source),
        "digest": document.digest,
        "chunks": len(chunks),
        "first_chunk": first,
        "empty_pages": empty_pages,
        "warnings": "" if len(said) > _FIELD else said,
        "born": born,
        "retired": LIVING,
        "seal": document_seal(document),
        "nothing": _NOTHING,
    }
    pieces = [*_pieces(version, 0, document.text), *_pieces(version, _LONG, json.dumps(long))]
    return row, pieces


def chunk_row(
    key: int, version: int, chunk: Chunk, document: Document, terms: dict[int, float], length: int, born: int
) -> Row:
    """The row of a chunk without its text, which its document's pieces hold."""
    more = _more(chunk)
    return {
        "key": key,
        "version": version,
        "document": chunk.document_id,
        "path": _filtered(chunk.document_id),
        "ordinal": chunk.ordinal,
        "start_at": chunk.start,
        "end_at": chunk.end,
        "page": -1 if chunk.page is None else chunk.page,
        "more": "" if _is_long(more) else more,
        "text_digest": text_digest(chunk.indexed_text).hex(),
        "length": length,
        "metadata": _filterable(document),
        "born": born,
        "retired": LIVING,
        "seal": chunk_seal(chunk),
        "terms": terms,
    }


def vector_rows(key: int, chunk: Chunk, document: Document, vectors: Vectors, born: int) -> list[Row]:
    """The rows of a chunk's vectors."""
    shared = {
        "key": key,
        "path": _filtered(chunk.document_id),
        "page": -1 if chunk.page is None else chunk.page,
        "metadata": _filterable(document),
        "born": born,
        "retired": LIVING,
    }
    return [
        {"window": vector_key(key, number), "vector": vector, **shared}
        for number, vector in enumerate(vectors)
    ]


def stored_document(row: Row, connection: Connection) -> StoredDocument:
    """What a row of `document` says."""
    said = row["warnings"] or str(_long(connection, row["version"])["warnings"])
    warnings = tuple(Warned(kind, detail) for kind, detail in json.loads(said))
    source = json.loads(row["source"])
    return StoredDocument(row["id"], source, row["digest"], row["chunks"], row["empty_pages"], warnings)


def read_document(row: Row, connection: Connection) -> Document:
    """The document of a row, whole. Raises BrokenSeal."""
    long = _long(connection, row["version"])
    pages = tuple(Page(*page) for page in long["pages"])
    text = _joined(connection, row["version"], 0)
    document = Document(row["id"], text, row["digest"], long["metadata"], pages)
    if document_seal(document) != row["seal"]:
        raise BrokenSeal(f"the document {row['id']!r} is not what was written")
    return document


def read_chunks(rows: Sequence[Row], connection: Connection) -> Iterator[Chunk]:
    """The chunks of rows with `CHUNK_FIELDS`, in their order. Raises BrokenSeal."""
    wanted = sorted({piece for row in rows for piece in _spanned(row)})
    texts = {row["piece"]: row["content"] for row in connection.get(PART, "piece", wanted, ["content"])}
    longs: dict[int, dict[str, Any]] = {}
    for row in rows:
        version = row["version"]
        if not row["more"] and version not in longs:
            longs[version] = _long(connection, version)
        more = row["more"] or longs[version]["more"][str(row["ordinal"])]
        yield _chunk(row, "".join(texts.get(piece, "") for piece in _spanned(row)), json.loads(more))


def _chunk(row: Row, pieces: str, more: list[Any]) -> Chunk:
    offset = row["start_at"] // _PIECE * _PIECE
    heading, embedded = more
    chunk = Chunk(
        row["document"],
        row["ordinal"],
        pieces[row["start_at"] - offset : row["end_at"] - offset],
        row["start_at"],
        row["end_at"],
        tuple(heading),
        None if row["page"] < 0 else row["page"],
        embedded,
    )
    if chunk_seal(chunk) != row["seal"]:
        raise BrokenSeal(
            f"passage {chunk.ordinal} of the document {chunk.document_id!r} is not what was written"
        )
    return chunk


def pieces_of(version: int) -> str:
    """The condition for the pieces of a version."""
    return f"piece >= {version << _PIECES} and piece < {version + 1 << _PIECES}"


def condition(chosen: Filter) -> str:
    """A filter over chunk or vector rows; empty where it lets everything through."""
    said: list[str] = []
    if chosen.paths:
        either = [
            f"path == {quoted(_filtered(each))} or path like {quoted(_like(each))}" for each in chosen.paths
        ]
        said.append(f"({' or '.join(either)})")
    if chosen.pages:
        said.append(f"(page >= {chosen.pages[0]} and page <= {chosen.pages[1]})")
    said += [f"metadata[{quoted(name)}] == {quoted(value)}" for name, value in chosen.metadata]
    return " and ".join(said)


def _like(path: str) -> str:
    """* is any run of characters; a path without one stands for the folder."""
    return _filtered(path if "*" in path else path.rstrip("/") + "/*").replace("*", "%")


def _filtered(path: str) -> str:
    """A path without the characters that mean something in a pattern, since not every Milvus lets them be
    escaped: private ones stand for them.
    """
    return path.translate(_PRIVATE)


def _more(chunk: Chunk) -> str:
    embedded = None if chunk.embedded == chunk.text else chunk.embedded
    return json.dumps([chunk.heading, embedded], ensure_ascii=False)


def _is_long(more: str) -> bool:
    return len(more.encode()) > _FIELD


def _filterable(document: Document) -> dict[str, str]:
    """The metadata as a filter sees it, as far as a field holds it."""
    kept: dict[str, str] = {}
    left = _FIELD
    for name, value in document.metadata.items():
        left -= len(json.dumps({name: value}))
        if left > 0:
            kept[name] = value
    return kept


def _pieces(version: int, start: int, text: str) -> list[Row]:
    cuts = range(0, len(text), _PIECE)
    return [
        {
            "piece": (version << _PIECES) + start + number,
            "content": text[at : at + _PIECE],
            "nothing": _NOTHING,
        }
        for number, at in enumerate(cuts)
    ]


def _spanned(row: Row) -> range:
    first = row["version"] << _PIECES
    return range(first + row["start_at"] // _PIECE, first + max(row["end_at"] - 1, 0) // _PIECE + 1)


def _joined(connection: Connection, version: int, start: int) -> str:
    first = (version << _PIECES) + start
    said = f"piece >= {first} and piece < {(version << _PIECES) + (start or _LONG) + (start and _LONG)}"
    return "".join(row["content"] for row in connection.rows(PART, said, ["content"], "piece"))


def _long(connection: Connection, version: int) -> dict[str, Any]:
    long: dict[str, Any] = json.loads(_joined(connection, version, _LONG))
    return long
