"""What an ingest decides to read, keep and forget, and what each document is called."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from pathlib import Path

from ingest.discover import Found, discover
from ingest.plan import Digests, Plan, plan
from rag.protocols.stores import StoredDocument

SHAPE = "shape 1"


def _digest(text: str) -> str:
    return hashlib.sha256((SHAPE + text).encode()).hexdigest()


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def _found(*paths: Path, roots: tuple[Path, ...] = ()) -> Found:
    return discover(paths, [".md"], roots, Path("index"))


def _stored(name: str, path: Path, text: str) -> StoredDocument:
    return StoredDocument(name, str(path), _digest(text), 1, 0)


def _plan(found: Found, *stored: StoredDocument, shape: str = SHAPE) -> Plan:
    return plan(found, stored, lambda _path: shape)


def _after(result: Plan, text: dict[str, str]) -> tuple[StoredDocument, ...]:
    return tuple(_stored(each.id, each.source.path, text[each.id]) for each in result.write)


def _ids(result: Plan) -> list[str]:
    return [planned.id for planned in result.write]


def test_new_changed_unchanged_and_gone_are_told_apart(tmp_path: Path) -> None:
    new, changed, same = (_write(tmp_path / f"{n}.md", n) for n in ("new", "changed", "same"))
    result = _plan(
        _found(tmp_path),
        _stored("changed.md", changed, "before"),
        _stored("same.md", same, "same"),
        _stored("gone.md", tmp_path / "gone.md", "gone"),
        _stored("elsewhere.md", tmp_path.parent / "elsewhere.md", "elsewhere"),
    )
    assert _ids(result) == ["changed.md", "new.md"]
    assert new.exists()
    assert (result.unchanged, result.gone, result.removed) == (["same.md"], ["gone.md"], 1)
    assert result.write[1].digest == _digest("new")


def test_another_setting_that_shapes_chunks_has_everything_read_again(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.md", "a")
    assert _ids(_plan(_found(tmp_path), _stored("a.md", path, "a"), shape="shape 2")) == ["a.md"]


def test_a_new_file_with_the_content_of_a_gone_one_was_moved(tmp_path: Path) -> None:
    _write(tmp_path / "new" / "a.md", "a")
    _write(tmp_path / "new" / "twin.md", "twin")
    _write(tmp_path / "new" / "twin2.md", "twin")
    old = [_stored(n, tmp_path / n, t) for n, t in (("a.md", "a"), ("t1.md", "twin"), ("t2.md", "twin"))]
    result = _plan(_found(tmp_path), *old)
    assert result.moved == {"new/a.md": "a.md", "new/twin.md": "t1.md", "new/twin2.md": "t2.md"}
    assert result.removed == 0


def test_a_copy_of_a_file_that_stays_is_new(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.md", "a")
    _write(tmp_path / "b.md", "a")
    result = _plan(_found(tmp_path), _stored("a.md", path, "a"))
    assert (_ids(result), result.moved) == (["b.md"], {})


def test_a_moved_root_keeps_its_ids_and_counts_as_moved(tmp_path: Path) -> None:
    _write(tmp_path / "new" / "a.md", "a")
    _write(tmp_path / "new" / "b.md", "edited as well")
    stored = [_stored(n, tmp_path / "old" / n, n[0]) for n in ("a.md", "b.md")]
    result = _plan(_found(tmp_path / "new"), *stored)
    assert _ids(result) == ["a.md", "b.md"]
    assert result.moved == {"a.md": "a.md"}
    assert result.gone == []


def test_the_same_relative_path_under_several_folders_gets_ids_that_tell_them_apart(tmp_path: Path) -> None:
    roots = [tmp_path / part for part in ("one/docs", "two/docs", "three/docs")]
    for root in roots:
        _write(root / "x.md", str(root))
    result = _plan(_found(*roots))
    assert _ids(result) == ["x.md", "docs/x.md", "three/docs/x.md"]
    assert result.failed == []
    text = {each.id: str(each.source.root) for each in result.write}
    again = _plan(_found(*reversed(roots)), *_after(result, text))
    assert (sorted(again.unchanged), again.write) == (sorted(text), [])


def test_a_known_file_keeps_its_id_whatever_path_it_is_reached_by(tmp_path: Path) -> None:
    root = tmp_path / "root"
    path = _write(root / "sub" / "a.md", "a")
    stored = _stored("sub/a.md", path, "a")
    for found in (_found(path), _found(path.parent), _found(root), _found(tmp_path)):
        assert _plan(found, stored).unchanged == ["sub/a.md"]


def test_a_file_that_cannot_be_read_is_reported_and_not_forgotten(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.md", "a")
    found = _found(tmp_path)
    path.unlink()  # between the walk and the reading
    result = _plan(found, _stored("a.md", path, "a"))
    assert result.failed == [("a.md", "cannot be read: No such file or directory")]
    assert result.gone == []


def test_a_folder_that_does_not_open_is_reported_and_its_documents_stay(tmp_path: Path) -> None:
    _write(tmp_path / "a.md", "a")
    found = _found(tmp_path)
    found.closed[tmp_path / "locked"] = "Permission denied"
    result = _plan(found, _stored("locked/b.md", tmp_path / "locked" / "b.md", "b"))
    assert result.failed == [(str(tmp_path / "locked"), "Permission denied")]
    assert result.gone == []


def test_remembered_digests_are_those_of_the_content_whatever_the_times_say(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.md", "000")
    times = path.stat()
    digests = Digests()
    # Same name, size, inode and time of change, and often written within one tick of the system's clock.
    for number in range(300):
        path.write_text(f"{number:03}", "utf-8")
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        assert digests.of(path, SHAPE) == _digest(f"{number:03}")
    assert digests.of(path, "other") != _digest("299")


def test_a_file_that_settled_is_not_read_again_until_it_changes(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.md", "one")
    while time.time() - path.stat().st_ctime < 2.2:
        time.sleep(0.1)
    opened: list[str] = []
    hooked = [True]  # an audit hook cannot be taken off again
    sys.addaudithook(
        lambda event, given: opened.append(str(given[0])) if hooked and event == "open" else None
    )
    digests = Digests()
    for expected in (1, 1):
        assert digests.of(path, SHAPE) == _digest("one")
        assert opened.count(str(path)) == expected
    hooked.clear()
    path.write_text("two", "utf-8")
    assert digests.of(path, SHAPE) == _digest("two")
