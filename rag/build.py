"""The composition root: the only place that turns settings into backends and puts them together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from threading import Lock
from typing import cast, get_type_hints

from rag import rerank
from rag.backends import build, check
from rag.calibration.stored import Thresholds
from rag.config import Backend, Reranking, Settings
from rag.engine import Defaults, Engine, Watch
from rag.errors import SettingError
from rag.expansion.variants import Expander, Replies
from rag.generators._calibrated import Calibrated
from rag.generators._fallback import WithFallback
from rag.hits.context import widened
from rag.hits.shape import Shape
from rag.indexes.generation import FolderWatch, files_of, read_manifest
from rag.indexes.publish import Indexer, check_embedder
from rag.indexes.reader import OpenIndex
from rag.indexes.within import WatchWithin, published_within
from rag.protocols import (
    DenseIndex,
    Embedder,
    Generator,
    Index,
    Published,
    Reranker,
    SearchingStore,
    SparseIndex,
    Store,
)
from rag.retrieve import Retriever

# The folder of each kind of backend that a setting names.
_PACKAGES = {"embedder": "embedders", "generator": "generators"}


def check_settings(settings: Settings) -> None:
    """Raise SettingError for a backend or option that does not exist; builds and loads nothing."""
    for name in ("embedder", "sparse", "dense", "generator"):
        check(name, f"rag.{_PACKAGES.get(name, name)}", getattr(settings, name))
    if settings.reranker.name:
        check("reranker", "rag.rerankers", settings.reranker)


def build_embedder(settings: Settings) -> Embedder:
    """The embedder; one per setting in a process, since its model is large."""
    return _embedder(settings.embedder.model_dump_json())


def build_generator(settings: Settings) -> Generator:
    """The generator, with the one that answers in its place if that is set. Raises SettingError."""
    first = _generator(settings, settings.generator)
    if settings.fallback in ("", settings.generator.name):
        return first
    return WithFallback(first, _generator(settings, Backend(name=settings.fallback)))


def build_generous(settings: Settings) -> Generator:
    """The extractive generator, refusing nothing: what is calibrated."""
    return _plain(settings, Backend(**{**_extractive(settings).model_dump(), "threshold": 0.0}))


def calibrated_with(settings: Settings) -> str:
    """Digest of the settings that a calibration holds for; empty where there is nothing to calibrate."""
    if "extractive" not in (settings.generator.name, settings.fallback):
        return ""
    if "threshold" in _extractive(settings).options:
        return ""
    kept = settings.model_dump(mode="json", include={"embedder", "sparse", "dense", "retriever", "reranker"})
    kept["retriever"] = {name: each for name, each in kept["retriever"].items() if name not in ("mode", "k")}
    kept["generator"] = _extractive(settings).model_dump(mode="json")
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def _extractive(settings: Settings) -> Backend:
    named = settings.generator
    return named if named.name == "extractive" else Backend(name="extractive")


def _generator(settings: Settings, named: Backend) -> Generator:
    """A generator; one that refuses by a threshold, and was given none, does so as calibrated."""
    plain = _plain(settings, named)
    made_with = calibrated_with(settings)
    if named.name != "extractive" or not made_with:
        return plain
    thresholds = Thresholds(settings.index, made_with, settings.calibration.risk)
    return Calibrated(build_generous(settings), plain, build_embedder(settings), thresholds)


def _plain(settings: Settings, named: Backend) -> Generator:
    """A generator; one that reads vectors is given the process's embedder."""
    generator = build("generator", "rag.generators", named)
    if hasattr(generator, "use_embedder"):
        generator.use_embedder(build_embedder(settings))
    return cast(Generator, generator)


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


def build_indexer(settings: Settings, *, start_over: bool = False) -> Indexer:
    """The index's writer, to be used as a context manager. Creates the folder if need be.

    With `start_over` it begins without a document; readers keep what is published until `publish`.
    """
    return Indexer(
        settings.index,
        lambda: build_store(settings, read_only=False, start_over=start_over),
        build_embedder(settings),
        _sparse(settings),
        _dense(settings),
        {"sparse": settings.sparse.model_dump_json(), "dense": settings.dense.model_dump_json()},
        start_over=start_over,
    )


def build_retriever(settings: Settings, generator: Callable[[], Generator] | None = None) -> Retriever:
    """The retriever of the published generation; `generator` gives the one whose model writes variants.

    Raises IndexMissing, IndexDamaged, or SettingError if the index is of another embedder.
    """
    embedder = build_embedder(settings)
    check_embedder(settings.index, published(settings).embedder, embedder)
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
        expander=_expander(settings, generator),
        reranking=_reranking(settings.reranker),
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


def build_engine(settings: Settings) -> Engine:
    """The engine; cheap: index, models and generator are opened when first needed."""
    defaults = Defaults(
        settings.retriever.k, settings.retriever.mode, settings.question_limit, settings.unsupported
    )
    generator = once(lambda: build_generator(settings))
    return Engine(_watch(settings), lambda: build_retriever(settings, generator), generator, defaults)


def once(make: Callable[[], Generator]) -> Callable[[], Generator]:
    """`make`, called at most once, whichever thread asks first: its model is large."""
    lock = Lock()

    @cache
    def made() -> Generator:
        return make()

    def given() -> Generator:
        with lock:
            return made()

    return given


def _expander(settings: Settings, generator: Callable[[], Generator] | None) -> Expander | None:
    """Asks the generator's language model for variants of a question; None where they are off."""
    kind = settings.retriever.variants
    if kind == "off":
        return None
    model = (generator or once(lambda: build_generator(settings)))()
    first = model.first if isinstance(model, WithFallback) else model
    if not isinstance(first, Replies):
        raise SettingError(
            f"retriever.variants = {kind!r} needs a language model, and generator.name is "
            f"{settings.generator.name!r}: set it to transformers or openai, or retriever.variants to off"
        )
    return Expander(
        kind,
        settings.retriever.variant_count,
        lambda parts, limit, cancelled: first.reply(parts, limit, cancelled=cancelled),
    )


def _reranking(chosen: Reranking) -> rerank.Reranking | None:
    """The stage after fusion, None without a reranker."""
    if not chosen.name:
        return None
    model = _reranker(chosen.model_dump_json(exclude={"depth", "on_failure"}))
    return rerank.Reranking(model, chosen.depth, chosen.on_failure)


@cache
def _reranker(setting: str) -> Reranker:
    return cast(Reranker, build("reranker", "rag.rerankers", Backend.model_validate_json(setting)))


@cache
def _embedder(setting: str) -> Embedder:
    return cast(Embedder, build("embedder", "rag.embedders", Backend.model_validate_json(setting)))


def _sparse(settings: Settings) -> SparseIndex:
    return cast(SparseIndex, build("sparse", "rag.sparse", settings.sparse))


def _dense(settings: Settings) -> DenseIndex:
    return cast(DenseIndex, build("dense", "rag.dense", settings.dense))
