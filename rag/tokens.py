"""A model's tokenizer at work on texts of any length: counting, cutting into windows, what it can read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

from rag.word_counts import counter


class Tokens:
    """Reads texts with one tokenizer, which neither truncates nor pads; safe to share between threads."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    def count(self, text: str) -> int:
        """Tokens of `text` without special ones."""
        size: int = self._count(text)
        return size

    def windows(self, text: str, room: int, prompt: str = "") -> list[str]:
        """Pieces of about equal length, cut between words where there are any; joined they are `text`.

        None has more than `room` tokens together with `prompt`, which the model is given in front of each.
        """
        if self._count(prompt + text) <= room:
            return [text]
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        if not (count := len(encoding.ids)):
            return [text]
        pieces = -(-count // max(1, room - self._count(prompt)))
        # Asked for once: the tokenizer builds the whole list again at each access.
        words, offsets = encoding.word_ids, encoding.offsets
        cuts = [0]
        for piece in range(1, pieces):
            cuts.append(_word_start(words, piece * count // pieces, cuts[-1] + 1))
        starts = [offsets[cut][0] for cut in cuts]
        starts[0] = 0
        found = [text[a:b] for a, b in zip(starts, [*starts[1:], len(text)], strict=True)]
        # One word longer than a window, or a prompt that joins the word behind it in other tokens.
        return [window for piece in found for window in self._halved(prompt, piece, room)]

    def readable(self, text: str, unknown: int | None) -> float:
        """Share of the text's characters, white space aside, that do not become the token `unknown`."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        total = known = 0
        for token, (start, end) in zip(encoding.ids, encoding.offsets, strict=True):
            total += end - start
            known += 0 if token == unknown else end - start
        return known / total if total else 0.0

    @cached_property
    def _count(self) -> Callable[[str], int]:
        return counter(self._tokenizer)

    def _halved(self, prompt: str, text: str, room: int) -> Iterator[str]:
        if self._count(prompt + text) <= room or len(text) < 2:
            yield text
            return
        middle = len(text) // 2
        yield from self._halved(prompt, text[:middle], room)
        yield from self._halved(prompt, text[middle:], room)


def _word_start(words: Sequence[int | None], wanted: int, earliest: int) -> int:
    """The token nearest before `wanted` that begins a word, or `wanted` itself inside a long one."""
    at = wanted
    while at > earliest and words[at] is not None and words[at] == words[at - 1]:
        at -= 1
    return at if at > earliest else wanted
