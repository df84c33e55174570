"""What ignore files, patterns and defaults leave out, and that the report can say which of them it was."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.discover import Found, discover
from ingest.exclude import BY_DEFAULT, HIDDEN, Exclusions, is_temporary
from rag.errors import SettingError


def _tree(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("text", "utf-8")


def _ignore(folder: Path, *lines: str, name: str = ".lecternignore") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("\n".join(lines) + "\n", "utf-8")


def _found(
    *paths: Path, patterns: tuple[str, ...] = (), gitignore: bool = True, roots: tuple[Path, ...] = ()
) -> Found:
    return discover(paths, [".md"], roots, Path("index"), Exclusions(patterns, gitignore))


def _names(found: Found) -> list[str]:
    return [source.name for source in found.sources]


def test_a_lecternignore_leaves_out_and_the_report_names_file_and_pattern(tmp_path: Path) -> None:
    _tree(tmp_path, "a.md", "drafts/b.md", "drafts/c.md", "sub/drafts/d.md", "old-1.md")
    _ignore(tmp_path, "# what is not ready", "drafts/", "old-*")
    found = _found(tmp_path)
    assert _names(found) == ["a.md"]
    file = tmp_path / ".lecternignore"
    drafts = found.passed[f"excluded by {file}: drafts/"]
    assert (drafts.count, drafts.examples) == (
        2,
        [str(tmp_path / "drafts"), str(tmp_path / "sub" / "drafts")],
    )
    assert found.passed[f"excluded by {file}: old-*"].count == 1


def test_a_nested_ignore_file_rules_below_its_folder_and_over_those_above(tmp_path: Path) -> None:
    _tree(tmp_path, "a.md", "x.md", "sub/x.md", "sub/y.md", "sub/deep/y.md")
    _ignore(tmp_path, "x.md")
    _ignore(tmp_path / "sub", "!x.md", "/y.md")
    assert _names(_found(tmp_path)) == ["a.md", "sub/x.md", "sub/deep/y.md"]


def test_gitignore_counts_unless_the_setting_says_no_and_lecternignore_takes_back(tmp_path: Path) -> None:
    _tree(tmp_path, "a.md", "drafts/b.md", "site/c.md")
    _ignore(tmp_path, "drafts/", "site/", name=".gitignore")
    assert _names(_found(tmp_path)) == ["a.md"]
    assert _names(_found(tmp_path, gitignore=False)) == ["a.md", "drafts/b.md", "site/c.md"]
    _ignore(tmp_path, "!drafts/")
    assert _names(_found(tmp_path)) == ["a.md", "drafts/b.md"]


def test_patterns_given_by_hand_win_over_every_file(tmp_path: Path) -> None:
    _tree(tmp_path, "a.md", "b.md", "c.md")
    _ignore(tmp_path, "!b.md", "c.md")
    found = _found(tmp_path, patterns=("b.md", "!c.md"))
    assert _names(found) == ["a.md", "c.md"]
    assert found.passed["excluded by --exclude 'b.md'"].count == 1


@pytest.mark.parametrize(
    "name",
    ["node_modules/x.md", "sub/venv/x.md", "env/x.md", "~$x.md", "a.tmp", "__pycache__/x.md", "lib.min.js"],
)
def test_what_machines_write_is_left_out_by_default_and_can_be_taken_back(tmp_path: Path, name: str) -> None:
    _tree(tmp_path, "a.md", name)
    if name.startswith("env"):
        (tmp_path / "env" / "pyvenv.cfg").touch()
    found = _found(tmp_path)
    assert (_names(found), found.passed[BY_DEFAULT].count, found.skipped) == (["a.md"], 1, {})
    _ignore(tmp_path, f"!{name.removeprefix('sub/').split('/')[0]}")
    again = _found(tmp_path)
    assert BY_DEFAULT not in again.passed
    # The marker of the environment is a file like any other once its folder is taken back.
    assert len(again.sources) + sum(again.skipped.values()) == (3 if name.startswith("env") else 2)


def test_hidden_files_are_counted_and_only_a_lecternignore_takes_them_back(tmp_path: Path) -> None:
    _tree(tmp_path, "a.md", ".github/b.md", ".c.md")
    _ignore(tmp_path, "!.github/", "!.c.md", name=".gitignore")
    found = _found(tmp_path)
    assert (_names(found), found.passed[HIDDEN].count) == (["a.md"], 3)
    _ignore(tmp_path, "!.github/")
    assert _names(_found(tmp_path)) == ["a.md", ".github/b.md"]


def test_a_folder_or_file_given_by_name_is_meant(tmp_path: Path) -> None:
    _tree(tmp_path, "a.md", "node_modules/pkg/x.md", "drafts/b.md", "drafts/c-old.md")
    _ignore(tmp_path, "drafts/", "*-old.md")
    assert _names(_found(tmp_path / "node_modules")) == ["pkg/x.md"]
    assert _names(_found(tmp_path / "drafts")) == ["b.md"]
    assert _names(_found(tmp_path / "drafts" / "c-old.md")) == ["c-old.md"]


def test_ignore_files_above_the_folder_given_count_gits_only_inside_its_repository(tmp_path: Path) -> None:
    _tree(tmp_path, "repo/docs/a.md", "repo/docs/x.md", "repo/docs/y.md")
    _ignore(tmp_path, "a.md", name=".gitignore")
    _ignore(tmp_path / "repo", "x.md", name=".gitignore")
    _ignore(tmp_path, "y.md")
    assert _names(_found(tmp_path / "repo" / "docs")) == ["a.md", "x.md"]
    (tmp_path / "repo" / ".git").mkdir()
    assert _names(_found(tmp_path / "repo" / "docs")) == ["a.md"]


def test_a_bad_pattern_names_its_file_and_line_but_git_forgives_its_own(tmp_path: Path) -> None:
    _tree(tmp_path, "a.md")
    _ignore(tmp_path, "!", name=".gitignore")
    assert _names(_found(tmp_path)) == ["a.md"]
    _ignore(tmp_path, "fine", "!")
    with pytest.raises(SettingError, match=r"\.lecternignore:2: '!' is no gitignore pattern"):
        _found(tmp_path)
    with pytest.raises(SettingError, match=r"--exclude: '!' is no gitignore pattern"):
        _found(tmp_path, patterns=("!",))


def test_where_an_ignore_file_is_a_pipe_it_is_not_opened(tmp_path: Path) -> None:
    _tree(tmp_path, "a.md")
    os.mkfifo(tmp_path / ".lecternignore")
    assert _names(_found(tmp_path)) == ["a.md"]


def test_an_ignore_file_that_cannot_be_read_closes_its_folder(tmp_path: Path) -> None:
    _tree(tmp_path, "a.md", "sub/b.md")
    _ignore(tmp_path / "sub", "*")
    (tmp_path / "sub" / ".lecternignore").chmod(0)
    if os.access(tmp_path / "sub" / ".lecternignore", os.R_OK):
        # To root every file is readable: a link in a circle is as unreadable as a closed one.
        (tmp_path / "sub" / ".lecternignore").unlink()
        (tmp_path / "sub" / ".lecternignore").symlink_to(".lecternignore")
    found = _found(tmp_path)
    assert _names(found) == ["a.md"]
    assert ".lecternignore cannot be read" in found.closed[tmp_path / "sub"]
    assert not found.covers(tmp_path / "sub" / "b.md")


def test_where_all_is_excluded_the_error_says_by_what(tmp_path: Path) -> None:
    _tree(tmp_path, "a.md", "b.md")
    with pytest.raises(SettingError, match=r"nothing to read.*2 excluded by --exclude '\*\.md'"):
        _found(tmp_path, patterns=("*.md",))


PARTS = st.sampled_from(["a", "b", "ab", "c-d", "a]"])
PATHS = st.lists(PARTS, min_size=1, max_size=3).map("/".join)
PATTERNS = st.builds(
    lambda negate, slash, path, end: f"{negate}{slash}{path}{end}",
    st.sampled_from(["", "", "!"]),
    st.sampled_from(["", "/", "**/", "a/"]),
    st.lists(
        st.sampled_from(["a", "b", "a*", "*", "**", "?.md", "*.md", "[ab]"]), min_size=1, max_size=2
    ).map("/".join),
    st.sampled_from(["", "", "/", "/**", "/*"]),
)


@pytest.mark.skipif(shutil.which("git") is None, reason="git, whose rules these are, is not installed")
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(PATHS, min_size=1, max_size=8), st.lists(PATTERNS, max_size=3), st.lists(PATTERNS, max_size=2)
)
def test_the_same_files_are_left_out_as_by_git(
    tmp_path: Path, paths: list[str], above: list[str], below: list[str]
) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1"}
    command = ["git", "-C", str(tmp_path)]
    if not (tmp_path / ".git").exists():
        subprocess.run([*command, "init", "-q"], env=environment, check=True, capture_output=True)
    for entry in tmp_path.iterdir():
        if entry.is_dir() and entry.name != ".git":
            shutil.rmtree(entry)
        elif entry.is_file():
            entry.unlink()
    for path in paths:
        file = tmp_path / f"{path}.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            file.write_text("text", "utf-8")
    _ignore(tmp_path, *above, name=".gitignore")
    if (tmp_path / "a").is_dir():
        _ignore(tmp_path / "a", *below, name=".gitignore")
    _tree(tmp_path, "kept/always.md")
    listing = [*command, "ls-files", "--others", "--exclude-standard", "*.md"]
    shown = subprocess.run(listing, env=environment, check=True, capture_output=True, text=True).stdout
    try:
        names = sorted(_names(_found(tmp_path)))
    except SettingError:
        names = []
    assert names == sorted(shown.splitlines())


def test_drafts_of_editors_are_told_by_their_names() -> None:
    for name in ("notes.md~", ".#notes.md", "#notes.md#", ".notes.md.swp", "4913", "~$report.docx"):
        assert is_temporary(name)
    for name in ("notes.md", ".lecternignore", "swap.md", "49131"):
        assert not is_temporary(name)
