"""The whole write walk, through the command: an index that follows its files and loses nothing."""

from __future__ import annotations

import gc
import random
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import pytest

from ingest.reading import Read
from rag.build import build_engine, build_store
from rag.config import load_settings
from rag.indexes.publish import Indexer
from rag.types import Document

Write = Callable[[Path, str], None]
QUESTION = "subject of red foxes"
CHANGES = ("written", "unchanged", "removed", "moved")
BROKEN_PDF = b"%PDF-1.7\n1 0 obj\n<</Type/Catalog/Pages 9 0 R>>\nendobj\n%%EOF\n"


class Outcome(Protocol):
    status: int
    err: str

    @property
    def report(self) -> dict[str, Any]: ...


Command = Callable[..., Outcome]


def _changes(outcome: Outcome) -> tuple[int, ...]:
    return tuple(outcome.report[name] for name in CHANGES)


def _documents(index: Path) -> dict[str, str]:
    """Every living document's id and text."""
    store = build_store(load_settings({"index": str(index)}), read_only=True)
    try:
        found = [store.document(each.id) for each in store.documents()]
    finally:
        store.close()
    return {each.id: each.text for each in found if each is not None}


def _found(index: Path, question: str = QUESTION) -> list[Mapping[str, Any]]:
    hits = build_engine(load_settings({"index": str(index)})).search(question, k=50).hits
    return [{"id": hit.chunk.document_id, "at": hit.chunk.start, "score": hit.score} for hit in hits]


@pytest.fixture
def docs(here: Path, write: Write) -> Path:
    for name, words in (("a.md", "red foxes"), ("sub/b.md", "blue whales"), ("sub/c.md", "green tea")):
        write(here / "docs" / name, words)
    return here / "docs"


def test_a_second_run_embeds_nothing_and_keeps_the_generation(ingest: Command, docs: Path) -> None:
    first, second = ingest(docs), ingest(docs)
    assert (_changes(first), _changes(second)) == ((3, 0, 0, 0), (0, 3, 0, 0))
    assert second.report["embedding"]["chunks"] == 0
    assert second.report["seconds"] < 1
    assert second.report["generation"] == first.report["generation"]
    assert (first.status, second.status, second.err) == (0, 0, "")


def test_nothing_that_was_read_is_held_while_it_is_published(
    ingest: Command, docs: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(docs / "only-here.md", "grey herons")
    held: list[object] = []

    def publish(indexer: Indexer) -> str:
        gc.collect()
        known = [each for each in gc.get_objects() if type(each) in (Read, Document)]
        # Other tests may hold what they read themselves.
        held.extend(each for each in known if "only-here.md" in (getattr(each, "id", ""), _planned(each)))
        return published(indexer)

    published = Indexer.publish
    monkeypatch.setattr(Indexer, "publish", publish)
    assert ingest(docs).report["written"] == 4
    assert held == []


def _planned(read: object) -> str:
    return read.planned.id if type(read) is Read else ""


def test_changed_added_removed_and_moved_files_are_followed(
    ingest: Command, docs: Path, write: Write
) -> None:
    ingest(docs)
    write(docs / "a.md", "red pandas")
    write(docs / "new.md", "grey herons")
    (docs / "sub" / "b.md").unlink()
    (docs / "sub" / "c.md").rename(docs / "d.md")
    outcome = ingest(docs)
    assert _changes(outcome) == (2, 0, 1, 1)
    assert outcome.report["embedding"]["chunks"] == 2
    assert set(_documents(Path("index"))) == {"a.md", "new.md", "d.md"}
    assert {hit["id"] for hit in _found(Path("index"), "grey herons")} >= {"new.md"}
    assert "red foxes" not in "".join(_documents(Path("index")).values())


def test_a_moved_root_keeps_ids_and_generation_and_embeds_nothing(ingest: Command, docs: Path) -> None:
    first = ingest(docs)
    moved = docs.rename(docs.with_name("elsewhere"))
    outcome = ingest(moved)
    assert _changes(outcome) == (0, 0, 0, 3)
    assert outcome.report["embedding"]["chunks"] == 0
    assert outcome.report["generation"] == first.report["generation"]
    assert _changes(ingest(moved)) == (0, 3, 0, 0)


def test_parts_of_an_ingested_folder_name_the_same_documents(
    ingest: Command, docs: Path, write: Write
) -> None:
    ingest(docs)
    write(docs / "sub" / "b.md", "black swans")
    write(docs / "sub" / "new.md", "white swans")
    assert _changes(ingest(docs / "sub" / "b.md")) == (1, 0, 0, 0)
    assert _changes(ingest(docs / "sub")) == (1, 2, 0, 0)
    assert set(_documents(Path("index"))) == {"a.md", "sub/b.md", "sub/c.md", "sub/new.md"}
    assert _changes(ingest(docs)) == (0, 4, 0, 0)


def test_the_parent_after_the_child_keeps_the_ids_of_the_child(ingest: Command, docs: Path) -> None:
    ingest(docs / "sub")
    assert _changes(ingest(docs)) == (1, 2, 0, 0)
    assert set(_documents(Path("index"))) == {"a.md", "b.md", "c.md"}


def test_removal_stays_under_the_folder_given(ingest: Command, docs: Path, here: Path, write: Write) -> None:
    write(here / "notes" / "a.md", "yellow birds")
    assert _changes(ingest(docs, "notes")) == (4, 0, 0, 0)
    assert set(_documents(Path("index"))) == {"a.md", "notes/a.md", "sub/b.md", "sub/c.md"}
    (docs / "sub" / "b.md").unlink()
    (docs / "a.md").unlink()
    assert _changes(ingest("notes")) == (0, 1, 0, 0)
    assert _changes(ingest(docs / "sub")) == (0, 1, 1, 0)
    assert set(_documents(Path("index"))) == {"a.md", "notes/a.md", "sub/c.md"}


def test_a_folder_that_became_empty_does_not_empty_the_index(ingest: Command, docs: Path) -> None:
    before = ingest(docs).report["generation"]
    shutil.rmtree(docs)
    docs.mkdir()
    outcome = ingest(docs)
    assert (outcome.status, outcome.err.count("\n")) == (2, 1)
    assert "nothing was changed" in outcome.err
    assert len(_documents(Path("index"))) == 3
    assert build_engine(load_settings({})).generation == before


BAD_FILES = {
    "nul.md": b"\0\1\2 text",
    "broken.pdf": BROKEN_PDF,
    "empty.pdf": b"",
    "text.pdf": b"this is no PDF",
}


def test_bad_files_are_reported_by_name_and_the_others_are_indexed(ingest: Command, docs: Path) -> None:
    for name, data in BAD_FILES.items():
        (docs / name).write_bytes(data)
    (docs / "empty.md").touch()
    outcome = ingest(docs)
    assert (outcome.status, _changes(outcome)) == (1, (4, 0, 0, 0))
    failed = {each["path"]: each["reason"] for each in outcome.report["failed"]}
    assert set(failed) == set(BAD_FILES)
    assert all(reason and "\n" not in reason for reason in failed.values())
    assert [each["path"] for each in outcome.report["warnings"]] == ["empty.md"]
    assert _found(Path("index"))[0]["id"] == "a.md"


def _secret(path: Path) -> None:
    from reportlab.lib.pdfencrypt import StandardEncryption
    from reportlab.pdfgen.canvas import Canvas

    canvas = Canvas(str(path), encrypt=StandardEncryption("sesame"))
    canvas.drawString(72, 700, "The treasure lies under the oak.")
    canvas.save()


def test_a_password_protected_pdf_is_read_once_its_password_is_set(ingest: Command, docs: Path) -> None:
    _secret(docs / "secret.pdf")
    closed = ingest(docs)
    (failure,) = closed.report["failed"]
    assert failure["path"] == "secret.pdf"
    assert "password" in failure["reason"]
    opened = ingest(docs, "--set", "pdf.password=sesame")
    assert (opened.status, _changes(opened)) == (0, (1, 3, 0, 0))
    assert "treasure" in _documents(Path("index"))["secret.pdf"]
    assert _changes(ingest(docs)) == (0, 4, 0, 0)


@pytest.mark.parametrize("data", [b"\0\1\2", b"\x7fELF\2\1\1\0\0"])
def test_a_file_that_stops_loading_keeps_its_last_good_version(
    data: bytes, ingest: Command, docs: Path
) -> None:
    before = ingest(docs).report["generation"]
    (docs / "a.md").write_bytes(data)
    outcome = ingest(docs)
    assert (outcome.status, _changes(outcome)) == (1, (0, 2, 0, 0))
    assert [each["path"] for each in outcome.report["failed"]] == ["a.md"]
    assert outcome.report["generation"] == before
    assert "red foxes" in _documents(Path("index"))["a.md"]


def test_a_moved_file_that_no_longer_loads_keeps_what_was_read_of_it(ingest: Command, docs: Path) -> None:
    _secret(docs / "secret.pdf")
    ingest(docs, "--set", "pdf.password=sesame")
    (docs / "secret.pdf").rename(docs / "moved.pdf")
    outcome = ingest(docs)
    assert (outcome.status, _changes(outcome)) == (1, (0, 3, 0, 0))
    assert [each["path"] for each in outcome.report["failed"]] == ["moved.pdf"]
    assert "treasure" in _documents(Path("index"))["secret.pdf"]
    assert _changes(ingest(docs, "--set", "pdf.password=sesame")) == (0, 3, 0, 1)
    assert set(_documents(Path("index"))) == {"a.md", "moved.pdf", "sub/b.md", "sub/c.md"}


def test_starting_over_equals_a_clean_ingest_and_counts_what_it_drops(
    ingest: Command, docs: Path, here: Path, write: Write
) -> None:
    write(here / "notes" / "n.md", "yellow birds")
    ingest(docs / "sub")
    ingest("notes", docs)
    foretold = ingest(docs, "--rebuild", "--dry-run")
    outcome = ingest(docs, "--rebuild")
    clean = ingest(docs, "--index", "clean")
    assert _changes(outcome) == (3, 0, 3, 0)  # the notes, and two documents that have other names now
    assert _changes(foretold) == _changes(outcome)
    assert outcome.report["embedding"]["chunks"] == 3
    assert outcome.report["generation"] == clean.report["generation"]
    assert set(_documents(Path("index"))) == set(_documents(Path("clean")))


def test_a_dry_run_says_what_would_be_done_and_does_nothing(
    ingest: Command, docs: Path, write: Write
) -> None:
    assert _changes(ingest(docs, "--dry-run")) == (3, 0, 0, 0)
    assert not Path("index").exists()
    before = ingest(docs).report["generation"]
    write(docs / "a.md", "red pandas")
    (docs / "sub" / "b.md").unlink()
    foretold = ingest(docs, "--dry-run")
    assert (_changes(foretold), foretold.report["dry_run"]) == ((1, 1, 1, 0), True)
    assert build_engine(load_settings({})).generation == before
    assert _changes(ingest(docs)) == _changes(foretold)


def test_an_index_inside_its_own_folder_is_not_ingested(ingest: Command, docs: Path) -> None:
    index = docs / "index"
    first = ingest(docs, "--index", index)
    (index / "notes.md").write_text("not a document", "utf-8")
    second = ingest(docs, "--index", docs / "sub" / ".." / "index")
    assert _changes(second) == (0, 3, 0, 0)
    assert second.report["skipped"] == first.report["skipped"] == {}


WORDS = ["red foxes", "blue whales", "green tea", "grey herons", "black swans", "white rabbits"]


def _edit(folder: Path, dice: random.Random, write: Write) -> None:
    """One change a person might make; at least one file stays."""
    files = sorted(folder.rglob("*.md"))
    change = dice.choice(["write", "write", "remove", "move"]) if len(files) > 1 else "write"
    target = folder / dice.choice(["", "x", "y/z"]) / f"{dice.randrange(6)}.md"
    if change == "write":
        write(target, " and ".join(dice.sample(WORDS, 2)))
    elif change == "remove":
        dice.choice(files).unlink()
    elif not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        dice.choice(files).rename(target)


@pytest.mark.parametrize("seed", range(3))
def test_any_history_of_edits_ends_in_the_index_of_one_clean_ingest(
    seed: int, ingest: Command, here: Path, write: Write
) -> None:
    dice = random.Random(seed)  # noqa: S311
    docs = here / "docs"
    for _ in range(6):
        for _ in range(dice.randrange(1, 5)):
            _edit(docs, dice, write)
        history = ingest(docs)
        assert history.status == 0
    clean = ingest(docs, "--index", "clean")
    assert history.report["generation"] == clean.report["generation"]
    assert _documents(Path("index")) == _documents(Path("clean"))
    assert _found(Path("index")) == _found(Path("clean"))


def test_what_is_said_of_a_file_stays_with_it_until_it_is_read_again(ingest: Command, docs: Path) -> None:
    (docs / "a.md").write_text("# Door\n\n密码：Tr0ub4dor-xyz9\n\x07Mind the step.\n", "utf-8")
    said = [(each["kind"], each["detail"]) for each in ingest(docs).report["warnings"]]
    assert {kind for kind, _ in said} == {"secret", "control_characters"}
    for _ in range(2):  # what is unchanged is not read, and says nothing again
        assert _warnings(Path("index")) == {"a.md": said}
        assert ingest(docs).report["warnings"] == []
    (docs / "a.md").write_text("# Door\n\nMind the step.\n", "utf-8")
    ingest(docs)
    assert _warnings(Path("index")) == {}


def _warnings(index: Path) -> dict[str, list[tuple[str, str]]]:
    store = build_store(load_settings({"index": str(index)}), read_only=True)
    try:
        living = store.documents()
    finally:
        store.close()
    return {each.id: [(own.kind, own.detail) for own in each.warnings] for each in living if each.warnings}
