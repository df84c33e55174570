"""Ask and search over whatever generation is published now."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from rag.answer import Found, OnFound, answer_from
from rag.conversation.standing import standing_question
from rag.errors import IndexDamaged, IndexReplaced, QuestionError
from rag.explain.explanation import Explanation, explain
from rag.protocols.models import Generator, History, OnText, Rewriter
from rag.question import check_question
from rag.retrieve import Retriever
from rag.search.trace import Trace
from rag.types import EVERYTHING, Answer, Filter, Hit, Mode
from rag.verify import Policy

T = TypeVar("T")

_ATTEMPTS = 5  # each fails only if two generations were published meanwhile


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
        check_question(question, self._defaults.question_limit, chosen)
        began = time.perf_counter()
        with self.stage("retrieve"):
            retriever, hits, trace = self._found(
                question, k or self._defaults.k, mode or self._defaults.mode, chosen, cancelled
            )
        timings = {"retrieval": _since(began)}
        spelt = trace.wording.question if trace.wording else question
        return Found(retriever.generation, tuple(hits), timings, trace.variants, tuple(trace.notes), spelt)

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
        check_question(question, self._defaults.question_limit, chosen)
        for each in expected:
            if not each.strip():
                raise QuestionError("an expected passage is empty: name PATH or PATH:quote")
            check_question(each, self._defaults.question_limit, chosen)
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
        check_question(question, self._defaults.question_limit, chosen, history)
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
            # What is read beside the passages is what was searched for: they have no word with a slip.
            put = found.spelt if standing == asked else standing
            draft = generator.generate(put, read, on_text=on_text, cancelled=cancelled)
        timings = {**found.timings, "generation": _since(wrote), "total": _since(began)}
        wrote_it = draft.generator or generator.name
        answer = answer_from(question, draft, found, read, wrote_it, timings, self._defaults.unsupported)
        return answer if standing == question else replace(answer, standing_question=standing)

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


def _since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 2)
