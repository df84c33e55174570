"""What an ingest did, for people and for scripts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from typing import Any

from ingest.discover import Found, PassedOver


@dataclass(slots=True)
class Report:
    """Counts of documents; `chunks` and `empty_pages` are those of the whole index afterwards."""

    written: int = 0
    unchanged: int = 0
    removed: int = 0
    moved: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    warnings: list[tuple[str, str, str]] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    passed: dict[str, PassedOver] = field(default_factory=dict)
    empty_pages: int = 0
    chunks: int = 0
    seconds: float = 0.0
    embedded_chunks: int = 0
    embedding_seconds: float = 0.0
    device: str | None = None
    generation: str | None = None
    dry_run: bool = False
    hint: str | None = None  # what else to run after a dry run

    def tell(self, found: Found) -> None:
        """Take over what was not read: of kinds nobody reads, and left out, by reason."""
        self.skipped, self.passed = found.skipped, found.passed

    def as_json(self) -> dict[str, Any]:
        """The shape scripts rely on."""
        return {
            "written": self.written,
            "unchanged": self.unchanged,
            "removed": self.removed,
            "moved": self.moved,
            "failed": [{"path": _text(path), "reason": reason} for path, reason in self.failed],
            "warnings": [
                {"path": path, "kind": kind, "detail": detail} for path, kind, detail in self.warnings
            ],
            "skipped": {_text(kind): count for kind, count in sorted(self.skipped.items())},
            "excluded": [
                {"reason": reason, "count": each.count, "examples": [_text(name) for name in each.examples]}
                for reason, each in sorted(self.passed.items())
            ],
            "empty_pages": self.empty_pages,
            "chunks": self.chunks,
            "seconds": round(self.seconds, 3),
            "embedding": {
                "chunks": self.embedded_chunks,
                "seconds": round(self.embedding_seconds, 3),
                "share": round(self.embedding_seconds / self.seconds, 3) if self.seconds else 0.0,
                "device": self.device,
            },
            "generation": self.generation,
            "dry_run": self.dry_run,
        }

    def lines(self, told: Container[str] = ()) -> Iterator[str]:
        """The report as text, without those `notes` that were told before."""
        yield from (note for note in self.notes() if note not in told)
        yield from self._counts()

    def notes(self) -> Iterator[str]:
        """What failed, was noticed or was left out, a line each."""
        for path, reason in self.failed:
            yield f"failed   {one_line(path)}: {reason}"
        for path, kind, detail in self.warnings:
            yield f"warning  {one_line(path)}: {kind.replace('_', ' ')}: {detail}"
        if self.skipped:
            kinds = ", ".join(f"{count} {one_line(kind)}" for kind, count in sorted(self.skipped.items()))
            yield f"skipped  files of other kinds: {kinds}"
        for reason, each in sorted(self.passed.items()):
            more = [" ..."] if each.count > len(each.examples) else []
            examples = ", ".join([*map(one_line, each.examples), *more])
            yield f"left out {each.count} {reason}: {examples}"

    def _counts(self) -> Iterator[str]:
        would = "would be " if self.dry_run else ""
        moved = f", {self.moved} moved" if self.moved else ""
        yield (
            f"documents {would}{self.written} written{moved}, {self.unchanged} unchanged, "
            f"{self.removed} removed, {len(self.failed)} failed"
        )
        if self.dry_run:
            yield from [self.hint] if self.hint else []
            return
        pages = f"{self.empty_pages} pages without text"
        yield f"index     {self.chunks} chunks, {pages}, generation {self.generation}"
        yield f"time      {self.seconds:.1f} s{self._embedding()}"

    def _embedding(self) -> str:
        if not self.embedded_chunks:
            return ", nothing to embed"
        share = self.embedding_seconds / self.seconds if self.seconds else 0.0
        rate = self.embedded_chunks / self.embedding_seconds if self.embedding_seconds else 0.0
        return (
            f", of which embedding {self.embedding_seconds:.1f} s ({share:.0%}): "
            f"{self.embedded_chunks} chunks, {rate:.0f} a second on {self.device}"
        )


def _text(path: str) -> str:
    """A path as text: bytes of a name that are not UTF-8 are written as escapes."""
    return path.encode("utf-8", "backslashreplace").decode("utf-8")


def one_line(path: str) -> str:
    """A path on one line: a line feed or a terminal's escape in a name is shown, not obeyed."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in _text(path)
    )
