"""The composition root: the only place that turns settings into backends and puts them together."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import cast

from rag.backends import build, check
from rag.config import Backend, Settings
from rag.engine import Defaults, Engine
from rag.generators._fallback import WithFallback
from rag.indexes.generation import read_manifest
from rag.indexes.publish import Indexer, check_embedder
from rag.indexes.reader import OpenIndex
from rag.protocols import DenseIndex, Embedder, Generator, SparseIndex, Store
from rag.retrieve import Retriever

# The folder of each kind of backend that a setting names.
_PACKAGES = {"embedder": "embedders", "generator": "generators"}


def check_settings(settings: Settings) -> None:
    """Raise SettingError for a backend or option that does not exist; builds and loads nothing."""
    for name in ("embedder", "sparse", "dense", "generator"):
        check(name, f"rag.{_PACKAGES.get(name, name)}", getattr(settings, name))


def build_embedder(settings: Settings) -> Embedder:
    """The embedder; one per setting in a process, since its model is large."""
    return _embedder(settings.embedder.model_dump_json())


def build_generator(settings: Settings) -> Generator:
    """The generator, with the one that answers in its place if that is set. Raises SettingError."""
    first = _generator(settings, settings.generator)
    if settings.fallback in ("", settings.generator.name):
        return first
    return WithFallback(first, _generator(settings, Backend(name=settings.fallback)))


def _generator(settings: Settings, named: Backend) -> Generator:
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


def build_retriever(settings: Settings) -> Retriever:
    """The retriever of the published generation.

    Raises IndexMissing, IndexDamaged, or SettingError if the index is of another embedder.
    """
    manifest = read_manifest(settings.index)
    embedder = build_embedder(settings)
    check_embedder(settings.index, manifest.embedder, embedder)
    index = OpenIndex(
        settings.index, manifest, build_store(settings, read_only=True), _sparse(settings), _dense(settings)
    )
    chosen = settings.retriever
    return Retriever(
        index,
        embedder,
        depth=chosen.depth,
        dense_weight=chosen.dense_weight,
        fusion=chosen.fusion,
        dictionary=chosen.dictionary,
    )


def build_engine(settings: Settings) -> Engine:
    """The engine; cheap: index, models and generator are opened when first needed."""
    defaults = Defaults(
        settings.retriever.k, settings.retriever.mode, settings.question_limit, settings.unsupported
    )
    return Engine(
        Path(settings.index), lambda: build_retriever(settings), lambda: build_generator(settings), defaults
    )


@cache
def _embedder(setting: str) -> Embedder:
    return cast(Embedder, build("embedder", "rag.embedders", Backend.model_validate_json(setting)))


def _sparse(settings: Settings) -> SparseIndex:
    return cast(SparseIndex, build("sparse", "rag.sparse", settings.sparse))


def _dense(settings: Settings) -> DenseIndex:
    return cast(DenseIndex, build("dense", "rag.dense", settings.dense))
