"""Files are read ahead, in order, within bounds; and no secret leaves this place."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from ingest.discover import Source
from ingest.loading import build_loaders, shape
from ingest.plan import Planned, content_digest
from ingest.reading import Read, Reader, in_order, size_on_disk
from ingest.secrets.redact import Policy
from ingest.splitters.recursive import build as build_splitter
from rag.config import load_settings
from rag.protocols.documents import Loader
from rag.types import Loaded

SECRET = "AKIA" + "Q3EGRIPZ4WJZ2N7D"  # the form of a key, and none
FRONT = f"---\ntitle: deploy\ntoken: {SECRET}\n---\n\n"
NOTE = f"{FRONT}# Deploy\n\nFirst line.\n\naws_access_key_id = {SECRET}\n\nDone.\n"


@pytest.fixture
def read(tmp_path: Path) -> Callable[[str, Policy], Read]:
    def read(name: str, policy: Policy) -> Read:
        with ExitStack() as stack:
            loaders = build_loaders(load_settings({"index": tmp_path / "index"}), stack)
            reader = Reader(loaders, build_splitter(len, 200), policy, b"key")
            return reader.read(Planned(Source(tmp_path / name, tmp_path), name, "digest"))

    return read


def test_a_secret_is_replaced_in_text_chunks_and_metadata_and_named_by_line(
    read: Callable[[str, Policy], Read], tmp_path: Path
) -> None:
    (tmp_path / "a.md").write_text(NOTE, encoding="utf-8")
    found = read("a.md", "redact")
    assert found.document is not None
    assert SECRET not in repr(found)
    assert "[redacted:" in found.document.text
    assert all(found.document.text[each.start : each.end] == each.text for each in found.chunks)
    [told] = [detail for _, kind, detail in found.warnings if kind == "secret" and "metadata" not in detail]
    assert "on lines 3, 10: replaced by a placeholder" in told


def test_a_secret_may_be_left_and_is_then_reported(
    read: Callable[[str, Policy], Read], tmp_path: Path
) -> None:
    (tmp_path / "a.md").write_text(NOTE, encoding="utf-8")
    found = read("a.md", "flag")
    assert found.document is not None
    assert SECRET in found.document.text
    assert any("left in the text" in detail for _, kind, detail in found.warnings if kind == "secret")


def test_a_file_with_a_secret_may_be_left_out_whole(
    read: Callable[[str, Policy], Read], tmp_path: Path
) -> None:
    (tmp_path / "a.md").write_text(NOTE, encoding="utf-8")
    found = read("a.md", "skip")
    assert found.document is not None
    assert (found.document.text, found.chunks, dict(found.document.metadata)) == ("", (), {})
    assert SECRET not in repr(found)


def test_pages_move_with_their_text(read: Callable[[str, Policy], Read], tmp_path: Path) -> None:
    from reportlab.pdfgen.canvas import Canvas

    canvas = Canvas(str(tmp_path / "a.pdf"))
    for line in (f"aws_access_key_id = {SECRET}", "The second page."):
        canvas.drawString(72, 700, line)
        canvas.showPage()
    canvas.save()
    found = read("a.pdf", "redact")
    assert found.document is not None
    second = found.document.pages[1]
    assert found.document.text[second.start : second.end].strip() == "The second page."


def test_a_file_that_has_gone_is_a_reason_and_no_error(read: Callable[[str, Policy], Read]) -> None:
    found = read("gone.md", "redact")
    assert found.document is None
    assert found.failed == "cannot be read: No such file or directory"


def test_results_come_in_order_whoever_is_done_first() -> None:
    def slow_if_even(item: int) -> int:
        time.sleep(0.02 * (item % 2 == 0))
        return item * 10

    assert list(in_order(range(20), slow_if_even, lambda _: 1, 4)) == [item * 10 for item in range(20)]


def test_no_more_is_read_ahead_than_memory_allows() -> None:
    """Files of 30 MB: two are in hand at once, the third waits; one of 200 MB goes alone."""
    sizes = [30_000_000] * 6 + [200_000_000] + [1] * 3
    taken, most, lock = [0], [0], threading.Lock()
    begun: list[int] = []

    def work(item: int) -> int:
        with lock:
            begun.append(item)
            ahead = sum(sizes[each] for each in begun[taken[0] :])
            most[0] = max(most[0], ahead if ahead != sizes[6] else 0)
        return item

    for item in in_order(range(10), work, sizes.__getitem__, 4):
        with lock:
            taken[0] = item + 1
    assert sorted(begun) == list(range(10))
    assert most[0] <= 2 * 30_000_000


def test_who_stops_taking_stops_the_reading() -> None:
    begun: list[int] = []

    def work(item: int) -> int:
        begun.append(item)
        return item

    results = in_order(range(1000), work, lambda _: 1, 2)
    assert next(results) == 0
    del results
    assert len(begun) < 20


def test_an_error_of_ours_is_raised_to_who_takes_the_result() -> None:
    def fails(item: int) -> int:
        return 1 // (item - 3)

    with pytest.raises(ZeroDivisionError):
        list(in_order(range(10), fails, lambda _: 1, 2))


def test_a_file_that_is_gone_weighs_nothing(tmp_path: Path) -> None:
    assert size_on_disk(Planned(Source(tmp_path / "gone.md", tmp_path), "gone.md", "")) == 0


@dataclass
class _Meanwhile:
    """A loader in whose sight a file is written by others, `times` times."""

    loader: Loader
    times: int

    def load(self, path: Path) -> Loaded:
        if self.times:
            self.times -= 1
            path.write_text(f"Half of it, {self.times} to come.", encoding="utf-8")
        return self.loader.load(path)


@pytest.mark.parametrize(("times", "settled"), [(0, True), (1, True), (9, False)])
def test_a_file_that_changes_while_it_is_read_is_never_taken_for_what_it_was(
    tmp_path: Path, times: int, settled: bool
) -> None:
    file = tmp_path / "a.txt"
    file.write_text("All of it.", encoding="utf-8")
    with ExitStack() as stack:
        plain = build_loaders(load_settings({"index": tmp_path / "index"}), stack)[".txt"]
        reader = Reader({".txt": _Meanwhile(plain, times)}, build_splitter(len, 200), "flag", b"key")

        def digest() -> str:
            return content_digest(file, shape(file, reader.loaders, reader.fingerprint))

        before = digest()
        read = reader.read(Planned(Source(file, tmp_path), "a.txt", before))
        after = digest()
    assert read.document is not None
    assert read.document.text == file.read_text("utf-8")
    assert (read.document.digest == after) is settled
    assert (read.document.digest == before) is (times == 0)
    assert [kind for _, kind, _ in read.warnings] == ([] if settled else ["changing"])


def test_a_file_that_is_gone_when_it_has_been_read_was_read_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("All of it.", encoding="utf-8")

    class Removing(_Meanwhile):
        def load(self, path: Path) -> Loaded:
            loaded = self.loader.load(path)
            path.unlink()
            return loaded

    with ExitStack() as stack:
        plain = build_loaders(load_settings({"index": tmp_path / "index"}), stack)[".txt"]
        reader = Reader({".txt": Removing(plain, 0)}, build_splitter(len, 200), "flag", b"key")
        read = reader.read(Planned(Source(tmp_path / "a.txt", tmp_path), "a.txt", "digest"))
    assert read.document is not None
    assert (read.document.text, read.document.digest) == ("All of it.", "digest")
