"""Server-sent events: how they are written, and what an answer's are.

`retrieval` has the passages, `token` a piece of the draft as the generator writes it, `citation` a verified
quotation, `done` the whole reply as /ask gives it without streaming, whose text replaces the draft, and
`error` a problem document that ends a stream which had already begun.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from api.replies import to_json
from rag.answer import Found
from rag.types import Answer
from rag.wire import citation_json, hit_json

MEDIA_TYPE = "text/event-stream"
# Proxies and clients drop a connection that says nothing; a comment is ignored by every reader.
HEARTBEAT = b": still working\n\n"


@dataclass(frozen=True, slots=True)
class Event:
    """One event; `data` is what its JSON says."""

    name: str
    data: Any

    def encode(self) -> bytes:
        """The event as it goes over the wire; JSON holds no line break, so one data line is enough."""
        return b"event: %s\ndata: %s\n\n" % (self.name.encode(), to_json(self.data))


def retrieval(found: Found) -> Event:
    """Which passages the answer is made from, and of which generation."""
    passages = [hit_json(hit) for hit in found.hits]
    return Event("retrieval", {"generation": found.generation, "passages": passages})


def token(text: str) -> Event:
    """A piece of the answer's text."""
    return Event("token", {"text": text})


def citations(answer: Answer) -> Iterator[Event]:
    """The verified quotations of a finished answer."""
    for each in answer.citations:
        yield Event("citation", citation_json(each))
