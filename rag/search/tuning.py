"""The settings of `[retriever]` that one question may be searched with differently."""

from __future__ import annotations

from dataclasses import dataclass

from rag.hits.shape import Shape
from rag.search.rerank import Reranking
from rag.sections import FusionName, GlossaryName, SpellingName


@dataclass(frozen=True, slots=True)
class Tuning:
    """Each by its name in the settings; `dictionary`: whether one is used."""

    depth: int
    dense_weight: float
    document_weight: float
    fusion: FusionName
    dictionary: bool
    shape: Shape
    reranking: Reranking | None
    spelling: SpellingName
    glossary: GlossaryName
    feedback: int
