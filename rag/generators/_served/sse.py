"""Reading a chat completion: streamed as server-sent events, or whole as JSON.

Formats: OpenAI's chat.completion and chat.completion.chunk objects, each chunk as one `data:` line, the
end as `data: [DONE]` (WHATWG HTML, section 9.2).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

_LONGEST_TOKEN = 100  # characters; a server that writes more than its limit's worth of these never ends


class MalformedError(ValueError):
    """What came is no chat completion; `str(error)` says how."""


class ServerError(ValueError):
    """The server said in the middle of its answer that it failed; `str(error)` is what it said."""


@dataclass(slots=True)
class Completion:
    """What has come of an answer: `cut` at the limit of tokens, `counts` as the server reports them."""

    text: str = ""
    cut: bool = False
    counts: dict[str, int] = field(default_factory=dict)


def read_stream(lines: Iterable[str], limit: int, on_piece: Callable[[str], None]) -> Completion:
    """The completion in a stream's lines; `limit` is how many tokens were asked for at most.

    Raises MalformedError, also for a stream that ends without saying so, and ServerError.
    """
    found, pieces, ended, size = Completion(), list[str](), False, 0
    for line in lines:
        if not line.startswith("data:"):
            continue  # a comment, which servers send to keep the line alive, or a field without meaning here
        payload = line[5:].strip()
        if payload == "[DONE]":
            ended = True
            break
        chunk = _object(payload)
        _count(chunk, found)
        piece, finish = _said(chunk, "delta")
        if piece:
            pieces.append(piece)
            size += len(piece)
            on_piece(piece)
        if finish is not None:
            ended, found.cut = True, finish == "length"
        if size > limit * _LONGEST_TOKEN:
            ended, found.cut = True, True
            break
    if not ended:
        raise MalformedError("its stream ended in the middle of the answer")
    found.text = "".join(pieces)
    return found


def read_whole(body: bytes) -> Completion:
    """The completion in a reply that was not streamed. Raises MalformedError, ServerError."""
    found = Completion()
    whole = _object(body.decode("utf-8", "replace"))
    if not whole.get("choices"):
        raise MalformedError("its reply has no `choices`")
    _count(whole, found)
    found.text, finish = _said(whole, "message")
    found.cut = finish == "length"
    return found


def _object(text: str) -> dict[str, Any]:
    try:
        read = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MalformedError(f"what it sends is not JSON: {' '.join(text.split())[:80]!r}") from error
    if not isinstance(read, dict):
        raise MalformedError(f"its reply is no JSON object: {' '.join(text.split())[:80]!r}")
    if failure := read.get("error"):
        said = failure.get("message") if isinstance(failure, dict) else failure
        raise ServerError(" ".join(str(said).split())[:300])
    return read


def _said(chunk: dict[str, Any], part: str) -> tuple[str, str | None]:
    """The text in the first choice, and why it ends there if it does."""
    choices = chunk.get("choices")
    if choices is None or choices == []:
        return "", None  # a chunk of counts alone
    if not isinstance(choices, list) or not isinstance(choices[0], dict):
        raise MalformedError("its `choices` are no list of objects")
    holder = choices[0].get(part) or {}
    content = holder.get("content") if isinstance(holder, dict) else holder
    if content is not None and not isinstance(content, str):
        raise MalformedError("its reply's `content` is no text")
    finish = choices[0].get("finish_reason")
    return content or "", str(finish) if finish is not None else None


def _count(chunk: dict[str, Any], found: Completion) -> None:
    usage = chunk.get("usage")
    if isinstance(usage, dict):
        for name in ("prompt_tokens", "completion_tokens"):
            if isinstance(usage.get(name), int) and usage[name] >= 0:
                found.counts[name] = usage[name]
