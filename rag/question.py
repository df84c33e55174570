"""What may be asked: refused here with the next step, before anything is searched."""

from __future__ import annotations

from rag.errors import QuestionError
from rag.protocols.models import History
from rag.types import Filter

_MOST = 64  # paths, and metadata pairs, of one filter
MOST_PAGES = 1_000_000


def check_question(question: str, limit: int, chosen: Filter, history: History = ()) -> None:
    """Raise QuestionError for a question longer than `limit` characters or empty, a filter that asks for too
    much, or text that is no Unicode.
    """
    if not question.strip():
        raise QuestionError("the question is empty: ask something")
    if len(question) > limit:
        raise QuestionError(
            f"the question has {len(question)} characters, the limit is {limit} "
            "(setting question_limit): shorten it"
        )
    pages = chosen.pages or (1, 1)
    if pages[0] > pages[1]:
        raise QuestionError(f"the filter's first page, {pages[0]}, is after its last, {pages[1]}")
    if not 1 <= pages[0] <= pages[1] <= MOST_PAGES or max(len(chosen.paths), len(chosen.metadata)) > _MOST:
        raise QuestionError(
            f"the filter asks for too much: {_MOST} paths or pairs at most, pages from 1 to {MOST_PAGES}"
        )
    named = [*chosen.paths, *(part for pair in (*chosen.metadata, *history) for part in pair)]
    if any("\ud800" <= character <= "\udfff" for text in [question, *named] for character in text):
        raise QuestionError("the question holds half a character (a lone surrogate): send valid Unicode")
