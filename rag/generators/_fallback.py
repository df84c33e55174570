"""A second generator that answers where the first one cannot, and says so."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from threading import Event

from rag.errors import GeneratorError, SettingError
from rag.protocols.models import Generator, History, OnText, Rewriter
from rag.types import Draft, Hit


class WithFallback:
    """Asks `first`, and `second` if that fails: a server out of reach, an empty reply, a model that
    cannot be loaded. Its answer has `fallback` 1 in its usage and the failure in its reason; every draft
    names the one that wrote it.
    """

    def __init__(self, first: Generator, second: Generator) -> None:
        self.first = first
        self._second = second

    @property
    def name(self) -> str:
        return f"{self.first.name}, else {self._second.name}"

    def warm(self) -> None:
        """Load both; what the first one lacks, every answer says."""
        with suppress(GeneratorError, SettingError):
            self.first.warm()
        self._second.warm()

    def generate(
        self,
        question: str,
        hits: Sequence[Hit],
        *,
        on_text: OnText | None = None,
        cancelled: Event | None = None,
    ) -> Draft:
        """The first one's draft or, marked, the second one's. Raises Cancelled, and as the second does.

        Pieces of a text that broke off have been handed over: then the other text is in the draft alone.
        """
        begun = False

        def heard(piece: str) -> None:
            nonlocal begun
            begun = True
            if on_text is not None:
                on_text(piece)

        try:
            draft = self.first.generate(
                question, hits, on_text=heard if on_text is not None else None, cancelled=cancelled
            )
            return replace(draft, generator=draft.generator or self.first.name)
        except (GeneratorError, SettingError) as error:
            failure = str(error)
        draft = self._second.generate(question, hits, on_text=None if begun else on_text, cancelled=cancelled)
        reasons = [f"{self._second.name} answers instead of {self.first.name}: {failure}", draft.reason]
        return replace(
            draft,
            reason="; ".join(reason for reason in reasons if reason),
            usage={**draft.usage, "fallback": 1},
            generator=draft.generator or self._second.name,
        )

    def rewrite(self, question: str, history: History, *, cancelled: Event | None = None) -> str:
        """As the first one rewrites; empty if it does not, or fails. Raises Cancelled."""
        if isinstance(self.first, Rewriter):
            with suppress(GeneratorError, SettingError):
                return self.first.rewrite(question, history, cancelled=cancelled)
        return ""
