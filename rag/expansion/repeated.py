"""Variants of a question that a language model wrote before, searched for again."""

from __future__ import annotations

from threading import Event

from rag.types import Mode, Variants


class Repeated:
    """In place of a language model: what it wrote for this question before."""

    def __init__(self, variants: Variants) -> None:
        self._variants = variants

    def serves(self, mode: Mode) -> bool:  # noqa: ARG002
        """Whether there is anything to repeat."""
        return self._variants != Variants()

    def expand(self, question: str, cancelled: Event | None = None) -> tuple[Variants, str]:  # noqa: ARG002
        """The variants again."""
        return self._variants, ""
