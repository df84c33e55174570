"""Generations: a file that is not what was written is refused by name, publishing is all or nothing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from rag.errors import IndexDamaged, IndexMissing
from rag.files import sha256
from rag.indexes.generation import (
    MANIFEST,
    Manifest,
    SegmentFiles,
    publish,
    read_manifest,
    segment_folder,
    verify,
    write_file,
    write_files,
)
from rag.stores.sqlite import SqliteStore

CONTENT = {"a.npy": b"first file " * 300, "b.npy": b"second one " * 300}


def make(folder: Path, number: int = 1, content: dict[str, bytes] = CONTENT) -> Manifest:
    def write(home: Path) -> None:
        for name, data in content.items():
            (home / name).write_bytes(data)

    files = write_files(folder, number, write)
    own = SegmentFiles(number, 3, 3, "", files)
    return Manifest(number, f"name{number}", "state", "embedder", {"sparse": "x"}, 2, 3, (own,), "record", 7)


def published(folder: Path) -> list[str]:
    return sorted(home.name for home in (folder / "segments").iterdir())


def test_what_was_published_is_read_back(tmp_path: Path) -> None:
    manifest = make(tmp_path)
    publish(tmp_path, manifest)
    assert read_manifest(tmp_path) == manifest
    verify(tmp_path, manifest)
    assert manifest.segments[0].files == {
        name: sha256(segment_folder(tmp_path, 1) / name) for name in CONTENT
    }


def test_without_a_manifest_the_message_says_how_to_make_an_index(tmp_path: Path) -> None:
    with pytest.raises(IndexMissing, match=rf"no index in {tmp_path}: run `python -m ingest FOLDER --index"):
        read_manifest(tmp_path)
    with pytest.raises(IndexMissing):
        read_manifest(tmp_path / "not there")


def test_a_first_ingest_that_was_stopped_is_no_missing_index(tmp_path: Path) -> None:
    SqliteStore(tmp_path).close()
    with pytest.raises(IndexMissing, match=r"its first ingest is still running or was stopped: run `python"):
        read_manifest(tmp_path)


def _missing(home: Path) -> None:
    (home / "b.npy").unlink()


def _truncated(home: Path) -> None:
    os.truncate(home / "b.npy", 100)


def _emptied(home: Path) -> None:
    os.truncate(home / "b.npy", 0)


def _grown(home: Path) -> None:
    with (home / "b.npy").open("ab") as file:
        file.write(b"\0")


def _flipped(home: Path) -> None:
    data = bytearray((home / "b.npy").read_bytes())
    data[1234] ^= 1
    (home / "b.npy").write_bytes(data)


def _a_folder(home: Path) -> None:
    (home / "b.npy").unlink()
    (home / "b.npy").mkdir()


@pytest.mark.parametrize("damage", [_missing, _truncated, _emptied, _grown, _flipped, _a_folder])
def test_a_file_that_is_not_what_was_written_is_refused_by_name(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    manifest = make(tmp_path)
    damage(segment_folder(tmp_path, 1))
    with pytest.raises(IndexDamaged, match=r"b\.npy.*python -m ingest"):
        verify(tmp_path, manifest)


def test_two_files_that_changed_places_are_refused(tmp_path: Path) -> None:
    manifest = make(tmp_path)
    home = segment_folder(tmp_path, 1)
    (home / "a.npy").rename(home / "c.npy")
    (home / "b.npy").rename(home / "a.npy")
    (home / "c.npy").rename(home / "b.npy")
    with pytest.raises(IndexDamaged, match=r"a\.npy is damaged"):
        verify(tmp_path, manifest)


def test_the_files_of_another_generation_are_refused(tmp_path: Path) -> None:
    manifest = make(tmp_path, 1)
    make(tmp_path, 2, {name: data.upper() for name, data in CONTENT.items()})
    shutil.rmtree(segment_folder(tmp_path, 1))
    segment_folder(tmp_path, 2).rename(segment_folder(tmp_path, 1))
    with pytest.raises(IndexDamaged, match=r"a\.npy is damaged"):
        verify(tmp_path, manifest)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[1]", b"7", b'{"number": 1}', b'{"more": 1}', b"\xff\xfe", b"\0" * 100],
    ids=["empty", "cut", "list", "number", "fields missing", "fields unknown", "no text", "zeros"],
)
def test_a_damaged_manifest_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / MANIFEST).write_bytes(content)
    with pytest.raises(IndexDamaged, match=r"manifest\.json is damaged.*python -m ingest"):
        read_manifest(tmp_path)


def test_every_truncation_of_a_manifest_is_refused(tmp_path: Path) -> None:
    publish(tmp_path, make(tmp_path))
    whole = (tmp_path / MANIFEST).read_bytes()
    for length in range(len(whole)):
        (tmp_path / MANIFEST).write_bytes(whole[:length])
        with pytest.raises(IndexDamaged):
            read_manifest(tmp_path)


def test_every_flipped_bit_of_a_manifest_is_refused_or_means_nothing(tmp_path: Path) -> None:
    manifest = make(tmp_path)
    publish(tmp_path, manifest)
    whole = (tmp_path / MANIFEST).read_bytes()
    refused = 0
    for at in range(len(whole)):
        flipped = bytearray(whole)
        flipped[at] ^= 1 << at % 8
        (tmp_path / MANIFEST).write_bytes(flipped)
        try:
            assert read_manifest(tmp_path) == manifest
        except IndexDamaged:
            refused += 1
    assert refused > len(whole) / 2


def test_what_neither_the_new_nor_the_last_generation_names_is_dropped(tmp_path: Path) -> None:
    previous = None
    for number in range(1, 5):
        manifest = make(tmp_path, number)
        publish(tmp_path, manifest, previous)
        previous = manifest
    assert published(tmp_path) == ["00000003", "00000004"]


def _filled(file: Path) -> None:
    file.write_bytes(b"x")


def test_a_segment_stays_for_as_long_as_a_generation_names_it(tmp_path: Path) -> None:
    """Its lists of deleted rows go as they are replaced."""
    previous = make(tmp_path, 1)
    publish(tmp_path, previous)
    [segment] = previous.segments
    for number in range(2, 5):
        name = f"deleted-{number}.npy"
        digest = write_file(segment_folder(tmp_path, 1) / name, _filled)
        own = replace(segment, living=2, deleted=name, files={**segment.files, name: digest})
        manifest = replace(previous, number=number, segments=(own,))
        publish(tmp_path, manifest, previous)
        verify(tmp_path, manifest)
        previous = manifest
    files = sorted(file.name for file in segment_folder(tmp_path, 1).iterdir())
    assert files == [*sorted(CONTENT), "deleted-3.npy", "deleted-4.npy"]


def test_what_a_killed_ingest_left_in_the_folder_is_not_part_of_the_next(tmp_path: Path) -> None:
    home = segment_folder(tmp_path, 1)
    home.mkdir(parents=True)
    (home / "left over.npy").write_bytes(b"half")
    manifest = make(tmp_path, 1)
    assert set(manifest.segments[0].files) == set(CONTENT)
    assert sorted(file.name for file in home.iterdir()) == sorted(CONTENT)


# A child that publishes one generation after another until it is killed.
CHILD = """
import sys
from pathlib import Path
from rag.indexes.generation import Manifest, SegmentFiles, publish, write_files

folder = Path(sys.argv[1])
previous = None
for number in range(1, 100_000):
    files = write_files(folder, number, lambda home: (home / "a.npy").write_bytes(b"%d" % number * 999))
    manifest = Manifest(number, f"name{number}", "s", "e", {}, 1, 1, (SegmentFiles(number, 1, 1, "", files),))
    publish(folder, manifest, previous)
    previous = manifest
    print(number, flush=True)
"""


def test_a_reader_sees_only_whole_generations_while_one_is_published_and_killed(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    child.stdout.readline()
    seen: list[int] = []
    while len(set(seen)) < 20:
        seen.append(read_manifest(tmp_path).number)
    child.send_signal(signal.SIGKILL)
    reported = [int(line) for line in child.stdout.read().split("\n")[:-1]]
    child.wait()
    child.stdout.close()
    assert seen == sorted(seen)
    manifest = read_manifest(tmp_path)
    assert manifest.number >= max([*seen, *reported])
    verify(tmp_path, manifest)


def test_a_manifest_is_plain_json_that_people_can_read(tmp_path: Path) -> None:
    manifest = make(tmp_path)
    publish(tmp_path, manifest)
    content = json.loads((tmp_path / MANIFEST).read_text("utf-8"))
    assert len(content.pop("sha256")) == 64
    assert content == json.loads(json.dumps(asdict(manifest)))
    assert sorted(file.name for file in tmp_path.iterdir()) == [MANIFEST, "segments"]
