"""Builds what reads files: a loader for every kind, and the splitter."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from rag.backends import build, names
from rag.config import Settings
from rag.protocols.documents import Loader, Splitter
from rag.protocols.models import Embedder
from rag.sections import Backend

_LOADERS = "ingest.loaders"
# Changes whenever the same file read with the same settings would give another text.
_FORMAT = "2"


def build_loaders(settings: Settings, stack: ExitStack) -> dict[str, Loader]:
    """A loader for every suffix that a module of ingest.loaders names; `stack` closes them."""
    found: dict[str, Loader] = {}
    for name in names(_LOADERS):
        module = import_module(f"{_LOADERS}.{name}")
        options = settings.pdf.model_dump() if name == "pdf" else {}
        if settings.ingest.max_bytes and "max_bytes" in inspect.signature(module.build).parameters:
            options["max_bytes"] = settings.ingest.max_bytes
        loader = cast(Loader, build(name, _LOADERS, Backend(name=name, **options)))
        if close := getattr(loader, "close", None):
            stack.callback(close)
        found |= dict.fromkeys(module.SUFFIXES, loader)
    return found


def build_splitter(settings: Settings, embedder: Embedder) -> Splitter:
    """The splitter, counting in the embedder's tokens."""
    given = {"count_tokens": embedder.count_tokens}
    return cast(Splitter, build("splitter", "ingest.splitters", settings.splitter, **given))


def shape(path: Path, loaders: Mapping[str, Loader], *decisive: str) -> str:
    """Names what decides how a file becomes chunks; part of the digest it is recognised by.

    `decisive` are the names of what else has a say: the splitter, what becomes of secrets.
    """
    suffix = path.suffix.lower()
    loader: Any = loaders.get(suffix)
    return " ".join([_FORMAT, suffix, getattr(loader, "fingerprint", ""), *decisive])
