"""Answers in the shape of OpenAI's chat completions, with the citations in three places.

Markers [n] and a list of sources stand in the text, which every client shows; `annotations` are
OpenAI's own form, which Open WebUI makes links of; `citations` and `lectern` carry everything.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

from api.schemas.openai import Chat, Message
from api.schemas.questions import MOST_TURN, MOST_TURNS, Question, Turn
from rag.errors import GeneratorError, QuestionError
from rag.prompt import language
from rag.text import terms
from rag.types import Answer, Citation
from rag.wire import citation_json, heading_path

MODEL = "lectern"
_MARKER = re.compile(r"\[(\d{1,3})\]")
_SOURCES = {"en": "Sources:", "zh": "来源："}
_PAGE = {"en": ", page {}", "zh": "，第 {} 页"}


@dataclass(frozen=True, slots=True)
class _Place:
    """`text[start:end]` is a marker, `statement` what it is to bear out."""

    start: int
    end: int
    marker: int
    statement: str


def question_of(chat: Chat) -> Question:
    """The conversation's last user message and what came before it. Raises QuestionError."""
    turns: list[tuple[str, str]] = []
    for message in chat.messages:
        if message.role == "user" and (text := _text(message)):
            turns.append((text, ""))
        elif message.role == "assistant" and turns:
            turns[-1] = (turns[-1][0], _text(message))
    if not turns:
        raise QuestionError("there is no text in any user message: ask something")
    earlier = [
        Turn(question=question[:MOST_TURN], answer=answer[:MOST_TURN])
        for question, answer in turns[-1 - MOST_TURNS : -1]
    ]
    return Question(question=turns[-1][0], history=earlier)


def models() -> dict[str, Any]:
    """The list of models: one."""
    return {"object": "list", "data": [model()]}


def model() -> dict[str, Any]:
    """The model that answers."""
    return {"id": MODEL, "object": "model", "created": 0, "owned_by": MODEL}


def sources(answer: Answer) -> str:
    """The list of sources that follows an answer's text, empty without citations."""
    if not answer.citations:
        return ""
    spoken = language(answer.question)
    lines = []
    for citation in {each.marker: each for each in reversed(answer.citations)}.values():
        page = _PAGE[spoken].format(citation.page) if citation.page is not None else ""
        heading = f" › {heading_path(citation.heading)}" if citation.heading else ""
        place = re.sub(r"\s+", " ", f"{citation.document}{page}{heading}")
        lines.append((citation.marker, f"[{citation.marker}] {place}"))
    return "\n\n" + "\n".join([_SOURCES[spoken], *(line for _, line in sorted(lines))])


def url_citations(answer: Answer, base: str) -> list[dict[str, Any]]:
    """The quotes behind each marker of the text, where it stands; `base` is the service's address.

    Where a marker stands several times for several quotes, each place has those of its own statement.
    """
    found = []
    for start, end, citation in _tied(answer):
        part = f"start={citation.start}&end={citation.end}"
        cited = {
            "start_index": start,
            "end_index": end,
            "title": citation.document,
            "url": f"{base}documents/{quote(citation.document)}?{part}",
        }
        found.append({"type": "url_citation", "url_citation": cited})
    return found


def _tied(answer: Answer) -> list[tuple[int, int, Citation]]:
    """Ranges of markers, in order, with a quote each: every quote at the place whose statement is nearest
    to it, and at a place that none is left for, the quote nearest to its statement.
    """
    places = _places(answer.text)
    tied: set[tuple[_Place, Citation]] = set()
    for marker in {citation.marker for citation in answer.citations}:
        own = [place for place in places if place.marker == marker]
        quotes = [citation for citation in answer.citations if citation.marker == marker]
        if own:
            tied |= {(max(own, key=partial(_nearness, citation)), citation) for citation in quotes}
        for place in set(own) - {place for place, _ in tied}:
            tied.add((place, max(quotes, key=partial(_nearness, place=place))))
    found = [(place.start, place.end, citation) for place, citation in tied]
    return sorted(found, key=lambda each: (each[0], each[2].start, each[2].end))


def _places(written: str) -> list[_Place]:
    """Every marker of a text with what is said before it, since the marker before."""
    found: list[_Place] = []
    statement, at = "", 0
    for marker in _MARKER.finditer(written):
        statement = written[at : marker.start()].strip() or statement
        found.append(_Place(marker.start(), marker.end(), int(marker[1]), statement))
        at = marker.end()
    return found


def _nearness(citation: Citation, place: _Place) -> float:
    """How alike a quote and a statement are, by F1 over their terms."""
    said, quoted = set(terms(place.statement)), set(terms(citation.quote))
    return len(said & quoted) / max(1, len(said) + len(quoted))


def completion(answer: Answer, body: dict[str, Any], base: str) -> dict[str, Any]:
    """The whole reply; `body` is the answer as /ask gives it."""
    message = {
        "role": "assistant",
        "content": answer.text + sources(answer),
        "refusal": None,
        "annotations": url_citations(answer, base),
    }
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    return {
        **_head(answer.id, "chat.completion"),
        "choices": [choice],
        "usage": usage(answer),
        "citations": [citation_json(each) for each in answer.citations],
        "lectern": body,
    }


def usage(answer: Answer) -> dict[str, int]:
    """Tokens as OpenAI counts them, 0 where the generator counts none."""
    asked, wrote = (answer.usage.get(name, 0) for name in ("prompt_tokens", "completion_tokens"))
    return {"prompt_tokens": asked, "completion_tokens": wrote, "total_tokens": asked + wrote}


class Chunks:
    """The chunks of one streamed completion."""

    def __init__(self, name: str, base: str, *, with_usage: bool) -> None:
        self._head = _head(name, "chat.completion.chunk")
        self._base = base
        self._with_usage = with_usage
        self._sent = ""

    def first(self) -> dict[str, Any]:
        """Says who speaks."""
        return self._chunk({"role": "assistant", "content": ""})

    def token(self, text: str) -> dict[str, Any]:
        """A piece of the checked text."""
        self._sent += text
        return self._chunk({"content": text})

    def last(self, answer: Answer, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """What is left of the text, the sources, the citations, and the usage if it was asked for.

        Raises GeneratorError where another text has been begun: its model failed in the middle, and another
        one wrote the answer.
        """
        if not answer.text.startswith(self._sent):
            raise GeneratorError("the answer that had begun was given up for another one: ask again")
        if left := answer.text[len(self._sent) :]:
            yield self._chunk({"content": left})
        if listed := sources(answer):
            yield self._chunk({"content": listed})
        own = {"citations": [citation_json(each) for each in answer.citations], "lectern": body}
        yield self._chunk({"annotations": url_citations(answer, self._base)}, "stop") | own
        if self._with_usage:
            yield {**self._head, "choices": [], "usage": usage(answer)}

    def _chunk(self, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        return {**self._head, "choices": [choice]}


def _head(name: str, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{name}", "object": kind, "created": int(time.time()), "model": MODEL}


def _text(message: Message) -> str:
    if isinstance(message.content, list):
        return "\n".join(part.text for part in message.content if part.type == "text" and part.text).strip()
    return (message.content or "").strip()
