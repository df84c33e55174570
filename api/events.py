"""Server-sent events: how they are written, and what an answer's are.

`retrieval` has the passages, `token` a piece of the answer (the pieces together are its text),
`citation` a verified quotation, `done` the whole reply as /ask gives it without streaming, and `error`
a problem document that ends a stream which had already begun.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from api.replies import to_json
from rag.types import Answer
from rag.wire import citation_json, hit_json

MEDIA_TYPE = "text/event-stream"
# Proxies and clients drop a connection that says nothing; a comment is ignored by every reader.
HEARTBEAT = b": still working\n\n"
_PIECE = re.compile(r".+?(?:\[\d+\]\s*|\Z)", re.DOTALL)
_MARKER = re.compile(r"\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Event:
    """One event; `data` is what its JSON says."""

    name: str
    data: Any

    def encode(self) -> bytes:
        """The event as it goes over the wire; JSON holds no line break, so one data line is enough."""
        return b"event: %s\ndata: %s\n\n" % (self.name.encode(), to_json(self.data))


def retrieval(answer: Answer) -> Event:
    """Which passages the answer is made from, and of which generation."""
    passages = [hit_json(hit) for hit in answer.passages]
    return Event("retrieval", {"generation": answer.generation, "passages": passages})


def told(answer: Answer) -> Iterator[Event]:
    """A finished answer as tokens, one statement each, its citations behind it."""
    pieces = _PIECE.findall(answer.text)
    shown = [{int(number) for number in _MARKER.findall(piece)} for piece in pieces]
    waiting = list(answer.citations)
    for at, piece in enumerate(pieces):
        yield Event("token", {"text": piece})
        later = set().union(*shown[at + 1 :])
        for citation in list(waiting):
            here = citation.marker in shown[at]
            if here and (citation.quote in piece or citation.marker not in later):
                waiting.remove(citation)
                yield Event("citation", citation_json(citation))
    for citation in waiting:
        yield Event("citation", citation_json(citation))
