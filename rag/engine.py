"""Ask and search over whatever generation is published now."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeAlias, TypeVar

from rag.cite import cite
from rag.conversation.standing import standing_question
from rag.errors import IndexDamaged, IndexReplaced, QuestionError
from rag.explain.explanation import Explanation, explain
from rag.prompt import language, refusal
from rag.protocols import Generator, History, OnText, Rewriter
from rag.retrieve import Retriever
from rag.trace import Trace
from rag.types import EVERYTHING, Answer, Draft, Filter, Hit, Mode, Variants
from rag.verify import Policy, Verified, verified

T = TypeVar("T")

_MOST = 64  # paths, and metadata pairs, of one filter
_MOST_PAGES = 1_000_000
# Why an answer has no citation, and why nothing was left of it.
_REASONS = {
    "en": ("no statement could be tied to a passage", "no statement was borne out by what it cites"),
    "zh": ("没有一句话能对应到原文", "没有一句话得到引文支持"),
}
_ATTEMPTS = 5  # each fails only if two generations were published meanwhile


@dataclass(frozen=True, slots=True)
class Found:
    """The hits of one question, all of one generation; `timings` in milliseconds.

    `variants` were searched for as well; `notes` say what the search could not do as it was set.
    """

    generation: str
    hits: tuple[Hit, ...]
    timings: Mapping[str, float]
    variants: Variants = field(default_factory=Variants)
    notes: tuple[str, ...] = ()


# Gets the hits as soon as they are there, and the same as the generator is about to read them.
OnFound: TypeAlias = Callable[[Found, Sequence[Hit]], None]


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a question gets that does not say otherwise; `question_limit` in characters.

    `unsupported`: what becomes of sentences that their citations do not bear out.
    """

    k: int
    mode: Mode
    question_limit: int
    unsupported: Policy = "mark"


class Watch(Protocol):
    """Says what is published; asked with every question, so cheap."""

    def stamp(self) -> object:
        """Changes whenever something is published; None without an index."""
        ...

    def generation(self) -> str | None:
        """The published generation, None without an index. Raises IndexDamaged."""
        ...


class Engine:
    """Answers questions; safe to share between threads. Follows the index as it is published."""

    def __init__(
        self,
        watch: Watch,
        open_retriever: Callable[[], Retriever],
        open_generator: Callable[[], Generator],
        defaults: Defaults,
    ) -> None:
        self._watch = watch
        self._open_retriever = open_retriever
        self._open_generator = open_generator
        self._defaults = defaults
        self._opening = threading.RLock()
        self._opened: tuple[object, Retriever] | None = None
        self._generator: Generator | None = None
        # Put around "retrieve" and "generate" by whoever wants to know how long they take.
        self.stage: Callable[[str], AbstractContextManager[object]] = nullcontext

    @property
    def generation(self) -> str | None:
        """The published generation, None without an index. Raises IndexDamaged."""
        return self._watch.generation()

    def warm(self) -> None:
        """Load what the first question would wait for. Raises RagError."""
        retriever, _, _ = self._found("warm up", 1, self._defaults.mode)
        retriever.warm()
        self._answerer().warm()

    def search(
        self,
        question: str,
        k: int | None = None,
        mode: Mode | None = None,
        chosen: Filter = EVERYTHING,
        *,
        cancelled: threading.Event | None = None,
    ) -> Found:
        """The best `k` chunks that the filter lets through.

        Raises QuestionError, IndexMissing, IndexDamaged, IndexReplaced or SettingError.
        """
        self._check(question, chosen)
        began = time.perf_counter()
        with self.stage("retrieve"):
            retriever, hits, trace = self._found(
                question, k or self._defaults.k, mode or self._defaults.mode, chosen, cancelled
            )
        timings = {"retrieval": _since(began)}
        return Found(retriever.generation, tuple(hits), timings, trace.variants, tuple(trace.notes))

    def explain(
        self,
        question: str,
        k: int | None = None,
        mode: Mode | None = None,
        chosen: Filter = EVERYTHING,
        expected: Sequence[str] = (),
    ) -> Explanation:
        """Why the search finds what it finds, and what became of `expected` passages ("PATH:quote").

        Raises as `search` does.
        """
        self._check(question, chosen)
        for each in expected:
            if not each.strip():
                raise QuestionError("an expected passage is empty: name PATH or PATH:quote")
            self._check(each, chosen)
        k, mode = k or self._defaults.k, mode or self._defaults.mode
        return self._reading(
            lambda retriever: explain(retriever, question, k=k, mode=mode, chosen=chosen, expected=expected)
        )

    def ask(
        self,
        question: str,
        k: int | None = None,
        mode: Mode | None = None,
        chosen: Filter = EVERYTHING,
        *,
        history: History = (),
        on_found: OnFound | None = None,
        on_text: OnText | None = None,
        cancelled: threading.Event | None = None,
    ) -> Answer:
        """An answer with verified citations.

        After `history`, earlier (question, answer) pairs, a follow-up is asked as a question of its own.

        `on_found` gets the hits before anything is written. `on_text` gets what the generator writes, while
        it writes it and before any citation is checked: the answer's text replaces it. Once `cancelled` is
        set the generator stops. Raises as `search` does, GeneratorError, and Cancelled.
        """
        began = time.perf_counter()
        self._check(question, chosen, history)
        generator = self._answerer()
        rewriter = generator if isinstance(generator, Rewriter) else None
        standing = standing_question(question, history, rewriter, cancelled=cancelled)
        asked = standing[: self._defaults.question_limit]
        found = self.search(asked, k, mode, chosen, cancelled=cancelled)
        wrote = time.perf_counter()
        read = self._retriever().in_context(found.hits)
        if on_found is not None:
            on_found(found, read)
        with self.stage("generate"):
            draft = generator.generate(standing, read, on_text=on_text, cancelled=cancelled)
        timings = {**found.timings, "generation": _since(wrote), "total": _since(began)}
        wrote_it = draft.generator or generator.name
        answer = _answer(question, draft, found, read, wrote_it, timings, self._defaults.unsupported)
        return answer if standing == question else replace(answer, standing_question=standing)

    def _check(self, question: str, chosen: Filter, history: History = ()) -> None:
        if not question.strip():
            raise QuestionError("the question is empty: ask something")
        if len(question) > self._defaults.question_limit:
            raise QuestionError(
                f"the question has {len(question)} characters, the limit is {self._defaults.question_limit} "
                "(setting question_limit): shorten it"
            )
        pages = chosen.pages or (1, 1)
        if (
            not 1 <= pages[0] <= pages[1] <= _MOST_PAGES
            or max(len(chosen.paths), len(chosen.metadata)) > _MOST
        ):
            raise QuestionError(
                f"the filter asks for too much: {_MOST} paths or pairs at most, pages from 1 to {_MOST_PAGES}"
            )
        named = [*chosen.paths, *(part for pair in (*chosen.metadata, *history) for part in pair)]
        if any("\ud800" <= character <= "\udfff" for text in [question, *named] for character in text):
            raise QuestionError("the question holds half a character (a lone surrogate): send valid Unicode")

    def _found(
        self,
        question: str,
        k: int,
        mode: Mode,
        chosen: Filter = EVERYTHING,
        cancelled: threading.Event | None = None,
    ) -> tuple[Retriever, list[Hit], Trace]:
        """The hits of one generation; if it goes while it is being read, those of the newer one."""

        def search(retriever: Retriever) -> tuple[Retriever, list[Hit], Trace]:
            trace = Trace()
            hits = retriever.search(question, k=k, mode=mode, chosen=chosen, trace=trace, cancelled=cancelled)
            return retriever, hits, trace

        return self._reading(search)

    def _reading(self, read: Callable[[Retriever], T]) -> T:
        """What `read` makes of the published generation; if it goes meanwhile, of the newer one."""
        for _ in range(_ATTEMPTS):
            stamp = self._watch.stamp()
            try:
                return read(self._retriever())
            except (IndexReplaced, IndexDamaged, FileNotFoundError) as error:
                if isinstance(error, IndexDamaged) and self._watch.stamp() == stamp:
                    raise
                with self._opening:
                    self._opened = None  # opened anew it is verified, so that a lost file is named
        raise IndexReplaced("the index was replaced again and again while it was read: ask again")

    def _retriever(self) -> Retriever:
        """The retriever of the published generation, opened anew when the manifest changed."""
        stamp = self._watch.stamp()
        opened = self._opened
        if opened is not None and opened[0] == stamp:
            return opened[1]
        with self._opening:
            if self._opened is None or self._opened[0] != stamp:
                self._opened = (stamp, self._open_retriever())
            return self._opened[1]

    def _answerer(self) -> Generator:
        with self._opening:
            if self._generator is None:
                self._generator = self._open_generator()
            return self._generator


def _answer(
    question: str,
    draft: Draft,
    found: Found,
    read: Sequence[Hit],
    generator: str,
    timings: Mapping[str, float],
    policy: Policy,
) -> Answer:
    """The draft as it may be shown: every citation verified, every sentence held against them.

    `read` are the hits as the generator saw them.
    """
    shown = len(found.hits) - draft.usage.get("passages_left_out", 0)  # a model cites only what it read
    if draft.abstained:  # a refusal states nothing; markers in it point nowhere
        checked = Verified(cite(draft, ())[0], (), ())
    else:
        checked = verified(draft, read[:shown], policy)
    abstained = draft.abstained or not checked.text
    text = checked.text or refusal(question)
    untied, unborne = _REASONS[language(question)]
    unsupported = None if abstained or checked.citations else untied
    if abstained and not draft.abstained:
        unsupported = unborne
    name = hashlib.sha256(f"{found.generation}\n{question}\n{text}\n{time.time_ns()}".encode()).hexdigest()
    return Answer(
        id=name[:16],
        question=question,
        text=text,
        abstained=abstained,
        reason=draft.reason or unsupported,
        confidence=draft.confidence,
        citations=checked.citations,
        passages=found.hits,
        generator=generator,
        timings=timings,
        usage={**draft.usage, "unsupported": len(checked.unsupported)},
        generation=found.generation,
        variants=found.variants,
        notes=found.notes,
    )


def _since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 2)
