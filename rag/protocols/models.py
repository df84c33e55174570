"""What a model must offer: one that embeds, one that reranks, one that answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Protocol, TypeAlias, runtime_checkable

from rag.types import Draft, Hit, Rows, Vectors

OnText: TypeAlias = Callable[[str], None]
# Earlier (question, answer) pairs of a conversation, oldest first.
History: TypeAlias = Sequence[tuple[str, str]]


class Embedder(Protocol):
    """Turns text into unit vectors; cosine similarity is their inner product."""

    @property
    def fingerprint(self) -> str:
        """Names the model: vectors of two fingerprints never meet in one index."""
        ...

    @property
    def dimension(self) -> int: ...

    @property
    def device(self) -> str:
        """Where and how it computes, for people: "cpu, bfloat16"."""
        ...

    def count_tokens(self, text: str) -> int:
        """Tokens of `text` without the model's special tokens."""
        ...

    def windows(self, text: str) -> list[str]:
        """Pieces of `text` that the model reads whole; together they hold all of it."""
        ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Passage vectors, float32 (len(texts), dimension); equal texts give equal vectors."""
        ...

    def encode_few(self, texts: Sequence[str]) -> Vectors:
        """Passage vectors of a few short texts, float32 (len(texts), dimension), as quickly as can be.

        Within rounding those of `encode`: for what is compared at once and not kept.
        """
        ...

    def encode_query(self, text: str) -> Vectors:
        """The question's vector, float32 (dimension,)."""
        ...

    def readable(self, text: str) -> float:
        """Share in [0, 1] of the text's characters that the model's vocabulary knows."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class TokenVectors:
    """A text's n tokens, special ones and those of a prompt left out: `ids` int64 (n,), unit `vectors`
    (n, width).
    """

    ids: Rows
    vectors: Vectors


@runtime_checkable
class EmbedsTokens(Protocol):
    """What an embedder may offer besides: a vector for each token, before they are pooled.

    Raises SettingError for a model that has none.
    """

    def readable(self, text: str) -> float:
        """As `Embedder.readable`."""
        ...

    def question_tokens(self, text: str) -> TokenVectors:
        """Those of a question, behind the prompt of questions, float32."""
        ...

    def passage_tokens(self, texts: Sequence[str]) -> list[TokenVectors]:
        """Those of passages, all `windows` of each one after the other, float32."""
        ...


class Reranker(Protocol):
    """Reads question and passage together and says how well one answers the other."""

    @property
    def name(self) -> str: ...

    def warm(self) -> None:
        """Load what the first question would otherwise wait for. Raises SettingError."""
        ...

    def score(self, question: str, passages: Sequence[str]) -> Vectors:
        """How relevant each passage is, float32 (len(passages),), more is better, all of them numbers.

        Scores compare within one call only. Raises GeneratorError for a model that fails, SettingError
        for one that cannot be had.
        """
        ...


@runtime_checkable
class Weighed(Protocol):
    """What a reranker may offer besides: where no other weight is set, its score counts so much beside the
    fused one, in (0, 1). The order of one that does not is final.
    """

    @property
    def weight(self) -> float: ...


class Generator(Protocol):
    """Writes the answer from the retrieved passages."""

    @property
    def name(self) -> str: ...

    def warm(self) -> None:
        """Load what the first question would otherwise wait for. Raises SettingError."""
        ...

    def generate(
        self,
        question: str,
        hits: Sequence[Hit],
        *,
        on_text: OnText | None = None,
        cancelled: Event | None = None,
    ) -> Draft:
        """A draft whose markers [n] count `hits` from 1.

        `on_text` gets the text piece by piece while it is written. Joined, the pieces are the draft's
        text, but nothing in them has been checked yet, and a draft of another text replaces them. Once
        `cancelled` is set, from any thread, the model stops within a token. Raises GeneratorError,
        SettingError for a model that cannot be loaded, Cancelled.
        """
        ...


@runtime_checkable
class Rewriter(Protocol):
    """What a generator may offer besides: its model makes a follow-up stand on its own."""

    def rewrite(self, question: str, history: History, *, cancelled: Event | None = None) -> str:
        """`question` as one that needs no `history` to be understood; empty if the model wrote none.

        Raises as `Generator.generate` does.
        """
        ...
