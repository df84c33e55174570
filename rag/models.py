"""The models that the settings name: the embedder, the reranker, and the generator with its calibration.

With `rag.build` the composition root: no other module turns settings into backends.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from functools import cache, partial
from threading import Lock
from typing import cast

from rag.backends import build
from rag.calibration.stored import Thresholds
from rag.config import Settings
from rag.errors import SettingError
from rag.expansion.carried import carried
from rag.expansion.dictionary import find_dictionary
from rag.expansion.glossed import Glossed
from rag.expansion.variants import Expander, Replies
from rag.generators._calibrated import Calibrated
from rag.generators._fallback import WithFallback
from rag.protocols.models import Embedder, Generator, Reranker
from rag.search import rerank
from rag.sections import Backend


def build_embedder(settings: Settings) -> Embedder:
    """What makes the vectors that are searched: the embedder, with glosses where they are to be."""
    plain, chosen = plain_embedder(settings), settings.embedder.dictionary
    dictionary = find_dictionary(chosen, "embedder.dictionary")
    return Glossed(plain, dictionary, yields=chosen == "auto") if dictionary else plain


def plain_embedder(settings: Settings) -> Embedder:
    """The embedder; one per setting in a process, since its model is large.

    Single sentences are compared by it alone: with their glosses Chinese ones gained nothing.
    """
    return _embedder(_setting_of_embedder(settings))


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
    carries = _carrier(settings) is not None
    return Calibrated(build_generous(settings), plain, plain_embedder(settings), thresholds, carries=carries)


def _plain(settings: Settings, named: Backend) -> Generator:
    """A generator; one that reads vectors is given the process's embedder."""
    generator = build("generator", "rag.generators", named)
    if hasattr(generator, "use_embedder"):
        generator.use_embedder(plain_embedder(settings))
    if hasattr(generator, "use_carrier") and (carry := _carrier(settings)):
        generator.use_carrier(carry, build_embedder(settings))
    return cast(Generator, generator)


def _carrier(settings: Settings) -> Callable[[str, Sequence[str]], str | None] | None:
    """Puts questions in the language of the passages; None without a dictionary."""
    dictionary = find_dictionary(settings.retriever.dictionary, "retriever.dictionary")
    return partial(carried, dictionary=dictionary) if dictionary else None


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


def build_expander(settings: Settings, generator: Callable[[], Generator] | None) -> Expander | None:
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


def build_reranking(settings: Settings) -> rerank.Reranking | None:
    """The stage after fusion, None without a reranker."""
    chosen = settings.reranker
    if not chosen.name:
        return None
    stage = {"depth", "weight", "on_failure"}
    model = _reranker(chosen.model_dump_json(exclude=stage), _setting_of_embedder(settings))
    support = settings.retriever.document_weight
    return rerank.Reranking(model, chosen.depth, chosen.on_failure, chosen.weight, support)


@cache
def _reranker(setting: str, embedder: str) -> Reranker:
    """A reranker; one that reads vectors is given the process's embedder."""
    reranker = build("reranker", "rag.rerankers", Backend.model_validate_json(setting))
    if hasattr(reranker, "use_embedder"):
        reranker.use_embedder(_embedder(embedder))
    return cast(Reranker, reranker)


def _setting_of_embedder(settings: Settings) -> str:
    return settings.embedder.model_dump_json(exclude={"dictionary"})


@cache
def _embedder(setting: str) -> Embedder:
    return cast(Embedder, build("embedder", "rag.embedders", Backend.model_validate_json(setting)))
