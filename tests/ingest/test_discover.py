"""Which files are found, which are passed over, and what is no place to begin at."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from ingest.discover import Found, as_spelt, discover
from ingest.walk import INDEX, LINK_AGAIN, LINK_KNOWN, LINK_NOWHERE, LINK_OUT, SPECIAL
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
    found = _discover(tmp_path, index=roundabout)
    assert _names(found) == ["a.md", "sub/index/d.md"]
    assert {reason: passed.count for reason, passed in found.passed.items()} == {
        "hidden": 2,
        INDEX: 1,
        LINK_KNOWN: 2,
    }


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


def test_a_folder_without_anything_to_read_names_what_is_there_and_few_of_the_kinds(tmp_path: Path) -> None:
    _tree(tmp_path, "a.png", "b.png", "c.csv")
    kinds = [".a1", ".md", ".pdf", *(f".k{n}" for n in range(60))]
    with pytest.raises(SettingError) as error:
        discover([tmp_path], kinds, [], tmp_path / "index")
    assert str(error.value).endswith(
        "nothing to read in this folder (looked for .md, .pdf and 61 more, most of them source code; "
        "of other kinds there are: 1 .csv, 2 .png); nothing was changed"
    )


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


def test_links_inside_the_folder_are_followed_to_what_is_not_reached_without_them(tmp_path: Path) -> None:
    _tree(tmp_path, "a.md", ".store/b.md", ".store/deep/c.md", ".store/d.md", "v3/e.md")
    (tmp_path / "b.md").symlink_to(".store/b.md")
    (tmp_path / "current").symlink_to(".store", target_is_directory=True)
    (tmp_path / "latest").symlink_to("v3", target_is_directory=True)
    (tmp_path / "twice").symlink_to(".store/deep", target_is_directory=True)
    found = _discover(tmp_path)
    # Each real file once: b.md is met before the folder that holds it, `twice` before `deep` in it.
    assert _names(found) == ["a.md", "b.md", "current/d.md", "twice/c.md", "v3/e.md"]
    assert found.passed[LINK_KNOWN].examples == [str(tmp_path / "latest")]
    assert found.passed[LINK_AGAIN].count == 2


def test_links_out_of_the_folder_into_a_circle_or_nowhere_are_reported(tmp_path: Path) -> None:
    root = tmp_path / "root"
    _tree(root, "a.md", ".hidden/b.md")
    _tree(tmp_path, "outside/secret.md", "index/c.md")
    (root / "out").symlink_to(tmp_path / "outside", target_is_directory=True)
    (root / "secret.md").symlink_to("../outside/secret.md")
    (root / "all").symlink_to("/", target_is_directory=True)
    (root / "up").symlink_to("..", target_is_directory=True)
    (root / "self.md").symlink_to("self.md")
    (root / "gone.md").symlink_to("nothing.md")
    (root / ".hidden" / "back").symlink_to("..", target_is_directory=True)
    (root / ".hidden" / "loop").symlink_to(".", target_is_directory=True)
    (root / "in").symlink_to(".hidden", target_is_directory=True)
    found = _discover(root)
    assert _names(found) == ["a.md", "in/b.md"]
    assert found.passed[LINK_OUT].count == 4
    assert found.passed[LINK_NOWHERE].count == 2
    assert found.passed[LINK_AGAIN].examples == [str(root / "in" / "loop")]
    assert found.passed[LINK_KNOWN].examples == [str(root / "in" / "back")]


def test_a_link_does_not_bring_in_what_an_ignore_file_leaves_out(tmp_path: Path) -> None:
    _tree(tmp_path, "a.md", "drafts/b.md", "node_modules/c.md", ".x/d.md")
    (tmp_path / ".lecternignore").write_text("drafts/\n*-link\n", "utf-8")
    (tmp_path / "b.md").symlink_to("drafts/b.md")
    (tmp_path / "c.md").symlink_to("node_modules/c.md")
    (tmp_path / "x-link").symlink_to(".x", target_is_directory=True)
    found = _discover(tmp_path)
    assert _names(found) == ["a.md", "c.md"]
    assert found.passed[f"excluded by {tmp_path / '.lecternignore'}: drafts/"].count == 2


def test_a_link_to_the_index_a_pipe_or_a_device_is_never_followed(tmp_path: Path) -> None:
    _tree(tmp_path, "a.md", ".index/b.md")
    os.mkfifo(tmp_path / ".pipe.md")
    (tmp_path / "c.md").symlink_to(".pipe.md")
    (tmp_path / "null.md").symlink_to("/dev/null")
    (tmp_path / "d").symlink_to(".index", target_is_directory=True)
    found = _discover(tmp_path, index=tmp_path / ".index")
    assert _names(found) == ["a.md"]
    assert (found.passed[SPECIAL].count, found.passed[INDEX].count) == (3, 2)


def test_a_link_out_of_a_subfolder_stays_inside_the_remembered_folder(tmp_path: Path) -> None:
    _tree(tmp_path, "sub/a.md", ".store/b.md", "other/c.md")
    (tmp_path / "sub" / "b.md").symlink_to("../.store/b.md")
    (tmp_path / "sub" / "c.md").symlink_to("../other/c.md")
    for paths in ((tmp_path / "sub",), (tmp_path,)):
        names = _names(_discover(*paths, roots=(tmp_path,)))
        assert [name for name in names if name.startswith("sub")] == ["sub/a.md", "sub/b.md"]
    assert _names(_discover(tmp_path / "sub")) == ["a.md"]


def test_links_are_followed_in_a_folder_that_is_itself_reached_by_a_link(tmp_path: Path) -> None:
    _tree(tmp_path, "v1/a.md", "v1/.store/b.md")
    (tmp_path / "v1" / "b.md").symlink_to(tmp_path / "v1" / ".store" / "b.md")
    (tmp_path / "current").symlink_to("v1", target_is_directory=True)
    found = _discover(tmp_path / "current")
    assert [source.path for source in found.sources] == [tmp_path / "current" / n for n in ("a.md", "b.md")]


def test_names_that_differ_only_in_case_or_unicode_form_are_files_of_their_own(tmp_path: Path) -> None:
    names = {"Uber.md", "uber.md", "\u00fcber.md", "u\u0308ber.md"}
    _tree(tmp_path, *names)
    there = {path.name for path in tmp_path.iterdir()}
    found = _discover(tmp_path)
    assert set(_names(found)) == there
    # However a name is typed, the file system's own spelling makes the id.
    for name in names:
        (source,) = _discover(tmp_path / name).sources
        assert source.name in there
        if len(there) == len(names):
            assert source.name == name


def test_a_path_keeps_its_spelling_where_the_file_system_lists_it_so(tmp_path: Path) -> None:
    _tree(tmp_path, "Docs/A.md")
    (tmp_path / "link").symlink_to("Docs", target_is_directory=True)
    for path in (tmp_path / "Docs" / "A.md", tmp_path / "link" / "A.md", tmp_path / "missing" / "x"):
        assert as_spelt(path) == path
