"""The queries of a test set: {"_id", "text"}, and if known "answers" and "answerable"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eval.formats.lines import text_of
from eval.types import Query
from rag.errors import DocumentError
from rag.text import normalise


def as_query(place: str, record: Mapping[str, Any]) -> Query:
    """The query of one record; keys that nothing here reads are left alone.

    An unanswerable question accepts no answer, so those listed are left aside: published collections
    carry an empty or a merely plausible one there. Raises DocumentError naming the place.
    """
    text = text_of(place, record).strip()
    answerable = record.get("answerable")
    if answerable is not None and not isinstance(answerable, bool):
        raise DocumentError(f'{place}: "answerable" must be true or false (it is {answerable!r})')
    answers = record.get("answers")
    if answers is not None and not _strings(answers):
        raise DocumentError(f'{place}: "answers" must be a list of strings (it is {answers!r})')
    if answerable is False:
        return Query(text, answerable=False)
    return Query(text, accepted(place, answers or ()))


def accepted(place: str, answers: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    """The answers, normalised, each once. Raises DocumentError for one without any text."""
    found = [normalise(answer).strip() for answer in answers]
    if not all(found):
        raise DocumentError(f"{place}: an answer is empty; remove it, or mark the question as unanswerable")
    return tuple(dict.fromkeys(found))


def _strings(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
