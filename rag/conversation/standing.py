"""A follow-up ("and on Windows?", 「那第二种呢？」) as a question that stands on its own.

By the generator's model where there is one, by rule otherwise (`rag.conversation.followup`). What is
searched for is shown to whoever asked. A question that points at nothing before it is left as it is.
"""

from __future__ import annotations

from threading import Event

from rag.conversation.followup import RULES
from rag.errors import GeneratorError, SettingError
from rag.prompt import language
from rag.protocols.models import History, Rewriter

_LIMIT = 400  # characters; a model that writes more has answered instead of asking


def standing_question(
    question: str,
    history: History,
    rewriter: Rewriter | None = None,
    *,
    cancelled: Event | None = None,
) -> str:
    """`question` completed by what it refers to in `history`, earlier (question, answer) pairs.

    `question` itself, unchanged, where it stands on its own. A model that cannot be had, or that writes
    no question, leaves it to the rules. Raises Cancelled.
    """
    by_rule = _by_rule(question, history)
    if by_rule == question or rewriter is None:
        return by_rule
    try:
        written = rewriter.rewrite(question, history, cancelled=cancelled)
    except (GeneratorError, SettingError):
        return by_rule
    return written if 0 < len(written) <= _LIMIT else by_rule


def _by_rule(question: str, history: History) -> str:
    """The rules applied from the first question on: each may lean on the one before it."""
    before, answer = "", ""
    for asked, replied in history:
        before, answer = _completed(asked, before, answer), replied
    return _completed(question, before, answer)


def _completed(question: str, before: str, answer: str) -> str:
    if not before.strip() or not question.strip():
        return question
    return RULES[language(question)](question, before, answer) or question
