"""What is wrong with an index and the documents in it, and whether a person has to do something."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rag.build import build_store, let_go, published, published_files
from rag.config import Settings
from rag.errors import IndexDamaged, IndexMissing, RagError, SettingError
from rag.expansion.glossed import agreed
from rag.files import faults
from rag.health.copies import duplicates, says_nothing, signature
from rag.health.links import broken_links
from rag.health.status import recorded, waiting
from rag.indexes.reader import is_record_of
from rag.indexes.state import state_of
from rag.models import build_embedder
from rag.protocols.models import Embedder
from rag.protocols.stores import Published, Store, StoredChunk, StoredDocument
from rag.sources import changes, gone, is_gone, roots_of
from rag.types import Warned

_MARKDOWN = (".md", ".markdown")
_UNIT = 2e-3  # how far a squared length may be from 1: far above rounding, far below a real fault
# Warnings of loaders that tell of something mended or marked: nobody has to do anything.
_MENDED = ("control_characters", "encoding", "ocr")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found, of a document or (None) of the index itself."""

    kind: str
    document: str | None
    detail: str
    needs_a_person: bool = True


@dataclass(frozen=True, slots=True)
class Examination:
    """The published generation ("" where its manifest is damaged), its size, and what was found."""

    generation: str
    documents: int
    chunks: int
    findings: tuple[Finding, ...]

    @property
    def healthy(self) -> bool:
        """Whether nobody has to do anything."""
        return not any(finding.needs_a_person for finding in self.findings)


def examine(settings: Settings, *, files: bool = True) -> Examination:
    """Examine the index and, with `files`, the files it was made from; changes nothing.

    Findings come in the order of their kind. Raises IndexMissing if there is no index, SettingError if
    its record is of another version. Details of secrets name file, line and kind alone.
    """
    findings: list[Finding] = []
    index: Published | None = None
    try:
        index = published(settings)
        findings.extend(_files_published(published_files(settings)))
    except IndexDamaged as error:
        findings.append(Finding("damage", None, str(error)))
    except IndexMissing:
        if (begun := recorded(settings)) is None:
            raise
        findings.append(Finding("unpublished", None, waiting(settings, begun[0])))
    try:
        with closing(build_store(settings, read_only=True)) as store:
            findings.extend(_examined(settings, index, store, files))
            living, roots = store.documents(), roots_of(store.settings())
        if files:
            let_go(settings)  # an ingest is asked, in a process of its own
            findings.extend(_files(settings, living, roots, not _named(findings, "embedder")))
    except IndexDamaged as error:
        findings.append(Finding("damage", None, str(error)))
    except ValueError as error:  # what a flipped bit makes of a number, a text or an array
        detail = f"the record holds what cannot be read ({error}): {_rebuild(settings)}"
        findings.append(Finding("damage", None, detail))
    findings = sorted(dict.fromkeys(findings), key=lambda each: each.kind)
    if index is None:
        return Examination("", 0, 0, tuple(findings))
    return Examination(index.generation, index.documents, index.chunks, tuple(findings))


def _examined(settings: Settings, index: Published | None, store: Store, files: bool) -> Iterator[Finding]:
    for fault in store.faults():
        yield Finding("damage", None, fault)
    living, remembered = store.documents(), store.settings()
    if index and index.record and not is_record_of(remembered, index):
        detail = "the record is not the one that the generation was made from: run `python -m ingest` again"
        yield Finding("damage", None, detail)
    elif index and state_of(living) != index.state:
        detail = "the record holds changes that no search sees yet: run `python -m ingest` again"
        yield Finding("unpublished", None, detail)
    known = index.embedder if index else remembered.get("embedder")
    embedder, complaint = _embedder(settings, known)
    if complaint:
        yield Finding("embedder", None, complaint)
    for document in living:
        yield from _warnings(document, settings)
    yield from _texts(store, living, files)
    yield from _chunks(store.chunks(), embedder, _rebuild(settings))


def _named(findings: Sequence[Finding], kind: str) -> bool:
    return any(finding.kind == kind for finding in findings)


def _files_published(files: list[tuple[Path, str]]) -> Iterator[Finding]:
    """Every file of the generation that is not what was written."""
    remedy = "run `python -m ingest` on your folder again, it rebuilds from the record"
    for file, fault in faults(files):
        yield Finding("damage", None, f"{file} {fault}: {remedy}")


def _embedder(settings: Settings, known: str | None) -> tuple[Embedder | None, str]:
    """The embedder that is set if it is the index's, else what to say."""
    try:
        embedder = build_embedder(settings)
        return (embedder if known is None else agreed(settings.index, known, embedder)), ""
    except SettingError as error:
        return None, str(error)


def _warnings(document: StoredDocument, settings: Settings) -> Iterator[Finding]:
    """What was said when the document was read, and stands until it is read again."""
    kinds = {each.kind for each in document.warnings}
    for each in document.warnings:
        needed = _needs_a_person(each, document, settings)
        yield Finding(each.kind, document.id, each.detail, needed)
    if document.empty_pages and not kinds & {"empty_pages", "garbled", "broken_pages"}:
        yield Finding("empty_pages", document.id, f"{document.empty_pages} pages hold no text")


def _needs_a_person(warned: Warned, document: StoredDocument, settings: Settings) -> bool:
    if warned.kind == "empty":
        return not _holds_nothing(Path(document.source))
    if warned.kind == "secret":
        return settings.ingest.secrets == "flag"
    if warned.kind == "mojibake":
        return not warned.detail.endswith("repaired")
    return warned.kind not in _MENDED or "\ufffd" in warned.detail


def _holds_nothing(file: Path) -> bool:
    """Whether this is a file of no bytes, which nothing can be missing from."""
    try:
        return file.stat().st_size == 0
    except OSError:
        return False


def _texts(store: Store, living: Sequence[StoredDocument], files: bool) -> Iterator[Finding]:
    """Documents without text, documents that say the same, and broken links; one text at a time."""
    signed: list[tuple[str, bytes]] = []
    for stored in living:
        document = store.document(stored.id)
        if document is None:  # removed by an ingest that runs meanwhile
            continue
        signed.append((stored.id, signature(document.text)))
        if says_nothing(signed[-1][1]):
            if not {each.kind for each in stored.warnings} & {"empty", "secret"}:
                detail = "holds no text: nothing of it can be found"
                yield Finding("empty", stored.id, detail, not _holds_nothing(Path(stored.source)))
            continue
        source = Path(stored.source)
        if files and stored.source and source.suffix.lower() in _MARKDOWN and not is_gone(source):
            for link in broken_links(document.text, source):
                yield Finding("broken_link", stored.id, f"line {link.line}: there is no file {link.path}")
    for name, kind, detail in (each.warning for each in duplicates(signed)):
        yield Finding(kind, name, detail, needs_a_person=False)


def _chunks(chunks: Iterator[StoredChunk], embedder: Embedder | None, remedy: str) -> Iterator[Finding]:
    """Vectors that no search can use, and chunks that were embedded in part only."""
    total: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    truncated: Counter[str] = Counter()
    for stored in chunks:
        name, vectors = stored.chunk.document_id, stored.vectors
        total[name] += 1
        with np.errstate(all="ignore"):
            squares = np.einsum("ij,ij->i", vectors, vectors)
            sound = bool((np.abs(squares - 1) < _UNIT).all())
        if not sound or (embedder and vectors.shape[1] != embedder.dimension):
            wrong[name] += 1
        if embedder and len(embedder.windows(stored.chunk.indexed_text)) > len(vectors):
            truncated[name] += 1
    for name, count in wrong.items():
        detail = f"vectors of {count} of {total[name]} chunks are not unit vectors of the embedder: {remedy}"
        yield Finding("vectors", name, detail)
    for name, count in truncated.items():
        detail = f"{count} of {total[name]} chunks were embedded in part only: {remedy}"
        yield Finding("truncated", name, detail)


def _files(
    settings: Settings, living: Sequence[StoredDocument], roots: Sequence[Path], same_embedder: bool
) -> Iterator[Finding]:
    """Where the files have gone another way than the index."""
    for name, detail in gone(living, roots):
        yield Finding("stale", name, detail)
    there = [root for root in roots if not is_gone(root)]
    if there and same_embedder:  # with another one every file would be read anew: that was said already
        try:
            for name, detail in changes(settings, there):
                yield Finding("unread" if name else "stale", name, detail)
        except RagError as error:
            yield Finding("stale", None, f"whether files have changed cannot be told: {error}")


def _rebuild(settings: Settings) -> str:
    return f"run `python -m ingest PATH --index {settings.index} --rebuild`"
