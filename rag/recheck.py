"""A stored answer checked again: do its quotes still stand in the documents, and bear it out?"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from rag.errors import SettingError
from rag.text import normalise
from rag.types import Document
from rag.verify import Unsupported, unsupported

State: TypeAlias = Literal["stands", "moved", "changed", "gone"]


@dataclass(frozen=True, slots=True)
class Source:
    """A citation of a stored answer and what became of it.

    `state`: its quote "stands" where it did; it "moved" to `start`; the document has "changed" and holds
    it no more; or it is "gone" from the index. `start` is None in the last two.
    """

    marker: int
    document: str
    quote: str
    state: State
    start: int | None


@dataclass(frozen=True, slots=True)
class Recheck:
    """Every source of the answer, and the sentences that no quote which can still be found bears out."""

    sources: tuple[Source, ...]
    unsupported: tuple[Unsupported, ...]

    @property
    def fine(self) -> bool:
        """Whether every quote stands where it stood and every sentence is borne out."""
        return not self.unsupported and all(source.state == "stands" for source in self.sources)


def read_answer(path: Path) -> dict[str, Any]:
    """The object that `ask --json` printed. Raises SettingError for anything else."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise SettingError(
            f"{path}: is no JSON ({error}); store an answer with `python -m rag ask ... --json > {path}`"
        ) from error
    _check(path, found)
    return dict(found)


def recheck(answer: Mapping[str, Any], document: Callable[[str], Document | None]) -> Recheck:
    """The answer, of the shape that `read_answer` lets pass, held against the documents as they are now.

    A quote is compared character by character after `rag.text.normalise`, nothing else is forgiven: one
    that does not stand in its document is never accepted.
    """
    found: dict[str, Document | None] = {}
    sources: list[Source] = []
    quotes: dict[int, list[str]] = {}
    for cited in answer["citations"]:
        name = cited["document"]
        if name not in found:
            found[name] = document(name)
        source = _source(cited, found[name])
        sources.append(source)
        if source.start is not None:
            quotes.setdefault(source.marker, []).extend((source.quote, cited.get("heading", "")))
    faults = [] if answer.get("abstained") else unsupported(answer["answer"], quotes)
    return Recheck(tuple(sources), tuple(faults))


def _source(cited: Mapping[str, Any], document: Document | None) -> Source:
    marker, name, start = cited["marker"], cited["document"], cited["start"]
    quote = normalise(cited["quote"])
    if document is None:
        return Source(marker, name, quote, "gone", None)
    if quote and document.text[start : start + len(quote)] == quote:
        return Source(marker, name, quote, "stands", start)
    at = document.text.find(quote) if quote else -1
    return (
        Source(marker, name, quote, "moved", at) if at >= 0 else Source(marker, name, quote, "changed", None)
    )


def _check(path: Path, found: Any) -> None:
    """Raise SettingError unless all that is read of an answer is there."""
    if not isinstance(found, dict) or not isinstance(found.get("answer"), str):
        raise SettingError(f'{path}: is no stored answer: there is no text under "answer"')
    citations = found.get("citations")
    if not isinstance(citations, list):
        raise SettingError(f'{path}: is no stored answer: there is no list under "citations"')
    kinds = {"marker": int, "document": str, "start": int, "quote": str}
    for number, cited in enumerate(citations, 1):
        for name, kind in kinds.items():
            value = cited.get(name) if isinstance(cited, dict) else None
            negative = isinstance(value, int) and value < 0
            if not isinstance(value, kind) or isinstance(value, bool) or negative:
                raise SettingError(f'{path}: citation {number} has no valid "{name}"')
        if not isinstance(cited.get("heading", ""), str):
            raise SettingError(f'{path}: citation {number} has no valid "heading"')
