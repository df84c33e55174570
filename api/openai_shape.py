"""Answers in the shape of OpenAI's chat completions, with the citations in three places.

Markers [n] and a list of sources stand in the text, which every client shows; `annotations` are
OpenAI's own form, which Open WebUI makes links of; `citations` and `lectern` carry everything.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from api.schemas import MOST_TURN, MOST_TURNS, Chat, Message, Question, Turn
from rag.errors import QuestionError
from rag.prompt import language
from rag.types import Answer
from rag.wire import citation_json, heading_path

MODEL = "lectern"
_SOURCES = {"en": "Sources:", "zh": "来源："}
_PAGE = {"en": ", page {}", "zh": "，第 {} 页"}


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
    """A citation for each place of the text where its marker stands; `base` is the service's address."""
    found = []
    for citation in answer.citations:
        part = f"start={citation.start}&end={citation.end}"
        for place in re.finditer(rf"\[{citation.marker}\]", answer.text):
            cited = {
                "start_index": place.start(),
                "end_index": place.end(),
                "title": citation.document,
                "url": f"{base}documents/{quote(citation.document)}?{part}",
            }
            found.append({"type": "url_citation", "url_citation": cited})
    return found


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

    def first(self) -> dict[str, Any]:
        """Says who speaks."""
        return self._chunk({"role": "assistant", "content": ""})

    def token(self, text: str) -> dict[str, Any]:
        """A piece of the text."""
        return self._chunk({"content": text})

    def last(self, answer: Answer, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The sources, the citations, and the usage if it was asked for."""
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
