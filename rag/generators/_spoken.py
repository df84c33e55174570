"""A reply as it is written, piece by piece, without what the model thinks aloud."""

from __future__ import annotations

import re
import unicodedata

from rag.protocols.models import OnText
from rag.text import normalise

_OPENING, _CLOSING = "<think>", "</think>"
_IDEOGRAPH = re.compile("[\u4e00-\u9fff]")


class Spoken:
    """Hands on what `prompt.read_reply` will make of the whole reply, as far as that is certain already.

    Joined, the pieces are the text of the draft. What the next piece may still change is held back: white
    space at the end, and a last letter that an accent may join (Unicode's normal form C).
    """

    def __init__(self, on_text: OnText, *, thinking: bool = False) -> None:
        """`thinking`: the prompt itself opened the thoughts, so that the reply begins within them."""
        self._on_text = on_text
        self._held = _OPENING if thinking else ""
        self._answering = False
        self._begun = False
        self._space = ""

    def add(self, piece: str) -> None:
        """The next piece of the reply."""
        self._held += piece
        if not self._answering and not self._find_answer():
            return
        ready = _settled(self._held)
        self._say(self._held[:ready])
        self._held = self._held[ready:]

    def end(self) -> None:
        """There are no more pieces."""
        if self._answering or not self._held.lstrip().startswith(_OPENING):
            self._say(self._held)
        self._held = ""

    def _find_answer(self) -> bool:
        """Whether the answer has begun; the thoughts before it are dropped."""
        text = self._held.lstrip()
        if text.startswith(_OPENING):
            _, closing, answer = text.partition(_CLOSING)
            self._answering = bool(closing)
            self._held = answer if closing else self._held
        else:
            self._answering = not _OPENING.startswith(text)
        return self._answering

    def _say(self, piece: str) -> None:
        # Behind a line feed nothing of the piece is taken for the beginning of a file, nor joins it.
        text = self._space + normalise("\n" + piece)[1:]
        if not self._begun:
            text = text.lstrip("\ufeff").lstrip()
        said = text.rstrip()
        self._space = text[len(said) :]
        if said:
            self._begun = True
            self._on_text(said)


def _settled(text: str) -> int:
    """How many characters of `text` stay as they are whatever follows."""
    if text and _IDEOGRAPH.match(text[-1]):
        return len(text)
    for at in range(len(text) - 1, 0, -1):
        pair = text[at - 1 : at + 1]
        apart = unicodedata.normalize("NFC", pair[0]) + unicodedata.normalize("NFC", pair[1])
        joins = pair == "\r\n" or unicodedata.normalize("NFC", pair) != apart
        if not (unicodedata.combining(text[at]) or unicodedata.category(text[at]) in ("Cc", "Cs") or joins):
            return at
    return 0
