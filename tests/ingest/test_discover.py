"""Which files are found, which are passed over, and what is no place to begin at."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from ingest.discover import Found, discover
from rag.errors import SettingError

SUFFIXES = [".md", ".txt"]


def _tree(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("text", "utf-8")


def _names(found: Found) -> list[str]:
    return [source.name for source in found.sources]


def _discover(*paths: Path, roots: tuple[Path, ...] = (), index: Path = Path("index")) -> Found:
    return discover(paths, SUFFIXES, roots, index)


def test_files_of_the_known_kinds_come_in_a_stable_order_each_once(tmp_path: Path) -> None:
    _tree(tmp_path, "b.md", "a.TXT", "sub/c.md", "a.png", "Makefile")
    found = _discover(tmp_path, tmp_path / "sub", tmp_path / "b.md")
    assert _names(found) == ["a.TXT", "b.md", "sub/c.md"]
    assert found.skipped == {".png": 1, "Makefile": 1}


def test_hidden_files_links_and_the_index_are_passed_over(tmp_path: Path) -> None:
    _tree(tmp_path, "a.md", ".hidden.md", ".git/b.md", "index/c.md", "sub/index/d.md")
    (tmp_path / "link.md").symlink_to(tmp_path / "a.md")
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    roundabout = tmp_path / "sub" / ".." / "index"
    assert _names(_discover(tmp_path, index=roundabout)) == ["a.md", "sub/index/d.md"]


def test_a_link_given_by_name_is_followed(tmp_path: Path) -> None:
    _tree(tmp_path, "v1/a.md")
    (tmp_path / "current").symlink_to(tmp_path / "v1", target_is_directory=True)
    (source,) = _discover(tmp_path / "current").sources
    assert source.path == tmp_path / "current" / "a.md"


def test_pipes_and_sockets_are_never_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _tree(tmp_path, "a.md")
    os.mkfifo(tmp_path / "pipe.md")
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.md")
        assert _names(_discover(tmp_path)) == ["a.md"]
    with pytest.raises(SettingError, match="neither a file nor a folder"):
        _discover(tmp_path / "pipe.md")


def test_a_name_that_is_no_text_is_refused_by_itself(tmp_path: Path) -> None:
    _tree(tmp_path, "a.md")
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/odd\xff.md"))
    try:
        odd.write_text("text", "utf-8")
    except OSError:
        pytest.skip("this file system takes no names that are not UTF-8")
    found = _discover(tmp_path)
    assert _names(found) == ["a.md"]
    assert found.closed == {odd: "its name is not valid UTF-8: rename it"}
    assert not found.covers(odd)
    with pytest.raises(SettingError, match="not valid UTF-8"):
        _discover(odd)


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        ([], "no such file or folder"),
        (["given/sub/"], "nothing to read in this folder"),
        (["given/a.png", "given/.a.md"], "nothing to read in this folder"),
    ],
)
def test_a_place_without_anything_to_read_is_an_error(
    tmp_path: Path, make: list[str], complaint: str
) -> None:
    for name in make:
        if name.endswith("/"):
            (tmp_path / name).mkdir(parents=True)
        else:
            _tree(tmp_path, name)
    _tree(tmp_path, "good/a.md")
    with pytest.raises(SettingError, match=complaint):
        _discover(tmp_path / "good", tmp_path / "given")


def test_a_file_of_another_kind_given_by_name_is_an_error_that_lists_the_kinds(tmp_path: Path) -> None:
    _tree(tmp_path, "a.md", "a.png")
    with pytest.raises(SettingError, match=r"a\.png: not a kind of file.*\.md, \.txt"):
        _discover(tmp_path, tmp_path / "a.png")


def test_ids_are_relative_to_the_deepest_remembered_folder(tmp_path: Path) -> None:
    _tree(tmp_path, "top.md", "sub/in.md", "sub/deep/er.md", "other/x.md")
    roots = (tmp_path, tmp_path / "sub")
    assert _names(_discover(tmp_path / "sub" / "deep", roots=roots)) == ["deep/er.md"]
    assert _names(_discover(tmp_path / "sub" / "in.md", roots=roots)) == ["in.md"]
    assert sorted(_names(_discover(tmp_path, roots=roots))) == ["deep/er.md", "in.md", "other/x.md", "top.md"]


def test_only_what_would_have_been_found_counts_as_covered(tmp_path: Path) -> None:
    _tree(tmp_path, "docs/a.md", "docs2/b.md")
    found = _discover(tmp_path / "docs")
    assert found.covers(tmp_path / "docs" / "gone.md")
    assert not found.covers(tmp_path / "docs2" / "b.md")
    found.closed[tmp_path / "docs" / "locked"] = "Permission denied"
    assert not found.covers(tmp_path / "docs" / "locked" / "c.md")
