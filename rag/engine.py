"""Ask and search over whatever generation is published now."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from rag.cite import cite
from rag.conversation.standing import standing_question
from rag.errors import IndexDamaged, IndexMissing, IndexReplaced, QuestionError
from rag.indexes.generation import MANIFEST, read_manifest
from rag.prompt import language, refusal
from rag.protocols import Generator, History, OnText, Rewriter
from rag.retrieve import Retriever
from rag.types import EVERYTHING, Answer, Draft, Filter, Hit, Mode
from rag.verify import Policy, Verified, verified

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
    """The hits of one question, all of one generation; `timings` in milliseconds."""

    generation: str
    hits: tuple[Hit, ...]
    timings: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a question gets that does not say otherwise; `question_limit` in characters.

    `unsupported`: what becomes of sentences that their citations do not bear out.
    """

    k: int
    mode: Mode
    question_limit: int
    unsupported: Policy = "mark"


class Engine:
    """Answers questions; safe to share between threads. Follows the index as it is published."""

    def __init__(
        self,
        folder: Path,
        open_retriever: Callable[[], Retriever],
        open_generator: Callable[[], Generator],
        defaults: Defaults,
    ) -> None:
        self._folder = folder
        self._open_retriever = open_retriever
        self._open_generator = open_generator
        self._defaults = defaults
        self._opening = threading.RLock()
        self._opened: tuple[object, Retriever] | None = None
        self._generator: Generator | None = None

    @property
    def generation(self) -> str | None:
        """The published generation, None without an index. Raises IndexDamaged."""
        try:
            return read_manifest(self._folder).generation
        except IndexMissing:
            return None

    def warm(self) -> None:
        """Load what the first question would wait for. Raises RagError."""
        retriever, _ = self._found("warm up", 1, self._defaults.mode)
        retriever.warm()
        self._answerer().warm()

    def search(
        self,
        question: str,
        k: int | None = None,
        mode: Mode | None = None,
        chosen: Filter = EVERYTHING,
    ) -> Found:
        """The best `k` chunks that the filter lets through.

        Raises QuestionError, IndexMissing, IndexDamaged, IndexReplaced or SettingError.
        """
        self._check(question, chosen)
        began = time.perf_counter()
        retriever, hits = self._found(question, k or self._defaults.k, mode or self._defaults.mode, chosen)
        return Found(retriever.generation, tuple(hits), {"retrieval": _since(began)})

    def ask(
        self,
        question: str,
        k: int | None = None,
        mode: Mode | None = None,
        chosen: Filter = EVERYTHING,
        *,
        history: History = (),
        on_text: OnText | None = None,
        cancelled: threading.Event | None = None,
    ) -> Answer:
        """An answer with verified citations.

        After `history`, earlier (question, answer) pairs, a follow-up is asked as a question of its own.

        `on_text` gets what the generator writes, while it writes it and before any citation is checked:
        the answer's text replaces it. Once `cancelled` is set the generator stops. Raises as `search`
        does, GeneratorError, and Cancelled.
        """
        began = time.perf_counter()
        self._check(question, chosen, history)
        generator = self._answerer()
        rewriter = generator if isinstance(generator, Rewriter) else None
        standing = standing_question(question, history, rewriter, cancelled=cancelled)
        found = self.search(standing[: self._defaults.question_limit], k, mode, chosen)
        wrote = time.perf_counter()
        draft = generator.generate(standing, found.hits, on_text=on_text, cancelled=cancelled)
        timings = {**found.timings, "generation": _since(wrote), "total": _since(began)}
        answer = _answer(question, draft, found, generator.name, timings, self._defaults.unsupported)
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
        self, question: str, k: int, mode: Mode, chosen: Filter = EVERYTHING
    ) -> tuple[Retriever, list[Hit]]:
        """The hits of one generation; if it goes while it is being read, those of the newer one."""
        for _ in range(_ATTEMPTS):
            stamp = self._stamp()
            try:
                retriever = self._retriever()
                return retriever, retriever.search(question, k=k, mode=mode, chosen=chosen)
            except (IndexReplaced, IndexDamaged, FileNotFoundError) as error:
                if isinstance(error, IndexDamaged) and self._stamp() == stamp:
                    raise
                with self._opening:
                    self._opened = None  # opened anew it is verified, so that a lost file is named
        raise IndexReplaced("the index was replaced again and again while it was read: ask again")

    def _retriever(self) -> Retriever:
        """The retriever of the published generation, opened anew when the manifest changed."""
        stamp = self._stamp()
        opened = self._opened
        if opened is not None and opened[0] == stamp:
            return opened[1]
        with self._opening:
            if self._opened is None or self._opened[0] != stamp:
                self._opened = (stamp, self._open_retriever())
            return self._opened[1]

    def _stamp(self) -> object:
        """Changes whenever the manifest is replaced."""
        try:
            status = (self._folder / MANIFEST).stat()
        except OSError:
            return None
        return (status.st_mtime_ns, status.st_ino, status.st_size)

    def _answerer(self) -> Generator:
        with self._opening:
            if self._generator is None:
                self._generator = self._open_generator()
            return self._generator


def _answer(
    question: str,
    draft: Draft,
    found: Found,
    generator: str,
    timings: Mapping[str, float],
    policy: Policy,
) -> Answer:
    """The draft as it may be shown: every citation verified, every sentence held against them."""
    shown = len(found.hits) - draft.usage.get("passages_left_out", 0)  # a model cites only what it read
    if draft.abstained:  # a refusal states nothing; markers in it point nowhere
        checked = Verified(cite(draft, ())[0], (), ())
    else:
        checked = verified(draft, found.hits[:shown], policy)
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
    )


def _since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 2)
