"""The splitter of langchain-text-splitters that most systems use: by blank lines, lines, sentences, words.

It knows nothing of headings, tables or code. It is here to be chosen and to be compared with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from rag.errors import SettingError
from rag.protocols.documents import Splitter
from rag.types import Chunk, Document

if TYPE_CHECKING:
    from langchain_text_splitters import RecursiveCharacterTextSplitter

VERSION = 1
_LEAST_TOKENS = 16
_SEPARATORS = ["\n\n", "\n", "。", "！", "？", "；", ". ", "! ", "? ", " ", ""]


def build(count_tokens: Callable[[str], int], chunk_tokens: int = 250) -> Splitter:
    """A splitter whose chunks have at most `chunk_tokens` of the embedder's tokens.

    Raises SettingError where `chunk_tokens` is below 16.
    """
    if chunk_tokens < _LEAST_TOKENS:
        raise SettingError(f"splitter.chunk_tokens is {chunk_tokens}: give at least {_LEAST_TOKENS}")
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    return RecursiveSplitter(
        chunk_tokens,
        RecursiveCharacterTextSplitter(
            separators=_SEPARATORS,
            keep_separator="end",
            chunk_size=chunk_tokens,
            chunk_overlap=0,
            length_function=count_tokens,
            strip_whitespace=False,  # so that the pieces add up to the text, and places can be counted
        ),
    )


class RecursiveSplitter:
    """Cuts at the strongest separator that gives pieces of the size; pages are cut one by one."""

    def __init__(self, chunk_tokens: int, pieces: RecursiveCharacterTextSplitter) -> None:
        self._chunk_tokens = chunk_tokens
        self._pieces = pieces

    @property
    def fingerprint(self) -> str:
        return f"recursive/{VERSION} tokens={self._chunk_tokens}"

    def split(self, document: Document) -> list[Chunk]:
        """Chunks in order, without overlap; all text but blank space is in one."""
        return [
            Chunk(document.id, ordinal, document.text[start:end], start, end, (), page)
            for ordinal, (start, end, page) in enumerate(self._spans(document))
        ]

    def _spans(self, document: Document) -> Iterator[tuple[int, int, int | None]]:
        pages: list[tuple[int, int, int | None]] = [
            (page.start, page.end, page.number) for page in document.pages
        ] or [(0, len(document.text), None)]
        for start, end, number in pages:
            at = start
            for piece in self._pieces.split_text(document.text[start:end]):
                begins = at + len(piece) - len(piece.lstrip())
                ends = begins + len(piece.strip())
                at += len(piece)
                if begins < ends:
                    yield begins, ends, number
