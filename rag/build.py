"""The composition root: settings become backends that are put together into index, retriever and engine.

The models are made in `rag.models`; no module but these two turns settings into backends.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import cast, get_type_hints

from rag.backends import build, check
from rag.compute import products_by_one_thread
from rag.config import Settings
from rag.engine import Defaults, Engine, Watch
from rag.expansion.glossed import agreed, without_glosses
from rag.hits.context import widened
from rag.hits.shape import Shape
from rag.indexes.generation import FolderWatch, files_of, read_manifest
from rag.indexes.publish import Indexer
from rag.indexes.reader import OpenIndex
from rag.indexes.within import WatchWithin, published_within
from rag.models import build_embedder, build_expander, build_generator, build_reranking, once
from rag.protocols.legs import DenseIndex, SparseIndex
from rag.protocols.models import Generator
from rag.protocols.stores import Index, Published, SearchingStore, Store
from rag.retrieve import Retriever
from rag.sections import Backend

# The folder of each kind of backend that a setting names.
_PACKAGES = {"embedder": "embedders", "generator": "generators"}


def check_settings(settings: Settings) -> None:
    """Raise SettingError for a backend or option that does not exist; builds and loads nothing."""
    for name in ("embedder", "sparse", "dense", "generator"):
        check(name, f"rag.{_PACKAGES.get(name, name)}", getattr(settings, name))
    if settings.reranker.name:
        check("reranker", "rag.rerankers", settings.reranker)


def build_store(settings: Settings, *, read_only: bool, start_over: bool = False) -> Store:
    """The record of the index; with `start_over` one that cannot be read is put aside."""
    return cast(
        Store,
        build(
            "store",
            "rag.stores",
            settings.store,
            folder=settings.index,
            read_only=read_only,
            start_over=start_over,
        ),
    )


def build_indexer(settings: Settings, *, start_over: bool = False, like: str | None = None) -> Indexer:
    """The index's writer, to be used as a context manager. Creates the folder if need be.

    With `start_over` it begins without a document; readers keep what is published until `publish`. `like`
    is the embedder of another index, whose vectors it is to hold.
    """
    return Indexer(
        settings.index,
        lambda: build_store(settings, read_only=False, start_over=start_over),
        without_glosses(build_embedder(settings), like),
        _sparse(settings),
        _dense(settings),
        {"sparse": settings.sparse.model_dump_json(), "dense": settings.dense.model_dump_json()},
        start_over=start_over,
    )


def build_retriever(settings: Settings, generator: Callable[[], Generator] | None = None) -> Retriever:
    """The retriever of the published generation; `generator` gives the one whose model writes variants.

    Raises IndexMissing, IndexDamaged, or SettingError if the index is of another embedder.
    """
    embedder = agreed(settings.index, published(settings).embedder, build_embedder(settings))
    store, index = _opened(settings)
    chosen = settings.retriever
    return Retriever(
        index,
        embedder,
        depth=chosen.depth,
        dense_weight=chosen.dense_weight,
        fusion=chosen.fusion,
        dictionary=chosen.dictionary,
        shape=Shape(chosen.duplicates, chosen.per_document),
        context=lambda hits: widened(hits, chosen.context, store.document),
        document_weight=chosen.document_weight,
        spelling=chosen.spelling,
        glossary=chosen.glossary,
        feedback=chosen.feedback,
        expander=build_expander(settings, generator),
        reranking=build_reranking(settings),
    )


def published(settings: Settings) -> Published:
    """What readers see of the index. Raises IndexMissing or IndexDamaged."""
    if _searches_itself(settings):
        return published_within(_within(settings))
    found = read_manifest(settings.index)
    return Published(
        number=found.number,
        generation=found.generation,
        state=found.state,
        embedder=found.embedder,
        made_with=found.made_with,
        dimension=0,
        documents=found.documents,
        chunks=found.chunks,
        mark=found.mark,
        record=found.record,
    )


def published_files(settings: Settings) -> list[tuple[Path, str]]:
    """The files of the published search structures with their digests; none where the store keeps them.

    Raises IndexMissing or IndexDamaged.
    """
    if _searches_itself(settings):
        return []
    return list(files_of(settings.index, read_manifest(settings.index)))


def _opened(settings: Settings) -> tuple[Store, Index]:
    """The record and the published generation over it."""
    if _searches_itself(settings):
        within = _within(settings)
        return within, within.open_index()
    manifest = read_manifest(settings.index)
    store = build_store(settings, read_only=True)
    return store, OpenIndex(settings.index, manifest, store, _sparse(settings), _dense(settings))


def _watch(settings: Settings) -> Watch:
    if _searches_itself(settings):
        return WatchWithin(lambda: _within(settings))
    return FolderWatch(settings.index)


def _searches_itself(settings: Settings) -> bool:
    """Whether the store keeps the search structures as well: the annotation of its `build` says so."""
    function, _ = check("store", "rag.stores", settings.store, ("folder", "read_only", "start_over"))
    return get_type_hints(function)["return"] is SearchingStore


def _within(settings: Settings) -> SearchingStore:
    """The record of a store that searches by itself; one connection for every generation."""
    return _reading(settings.index, settings.store.model_dump_json())


@cache
def _reading(folder: Path, setting: str) -> SearchingStore:
    store = Backend.model_validate_json(setting)
    given = {"folder": folder, "read_only": True, "start_over": False}
    return cast(SearchingStore, build("store", "rag.stores", store, **given))


def let_go(settings: Settings) -> None:
    """Close what `published` keeps open of a store in a file, which no other process could open meanwhile."""
    if _searches_itself(settings):
        _within(settings).close()
        _reading.cache_clear()


def build_engine(settings: Settings) -> Engine:
    """The engine; cheap: index, models and generator are opened when first needed."""
    defaults = Defaults(
        settings.retriever.k, settings.retriever.mode, settings.question_limit, settings.unsupported
    )
    generator = once(lambda: build_generator(settings))
    products_by_one_thread()
    return Engine(_watch(settings), lambda: build_retriever(settings, generator), generator, defaults)


def _sparse(settings: Settings) -> SparseIndex:
    return cast(SparseIndex, build("sparse", "rag.sparse", settings.sparse))


def _dense(settings: Settings) -> DenseIndex:
    return cast(DenseIndex, build("dense", "rag.dense", settings.dense))
