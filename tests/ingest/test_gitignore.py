"""One pattern against one entry; test_exclude compares whole ignore files with git itself."""

from __future__ import annotations

import pytest

from ingest.gitignore import parse


@pytest.mark.parametrize(
    ("line", "named", "others"),
    [
        ("a.md", ["a.md", "x/a.md"], ["a.mdx", "xa.md", "a.md/x", "A.md"]),
        ("/a.md", ["a.md"], ["x/a.md"]),
        ("x/a.md", ["x/a.md"], ["y/x/a.md"]),
        ("*.md", ["a.md", "x/y/a.md", ".md"], ["a.md/b"]),
        ("x/*.md", ["x/a.md"], ["x/y/a.md"]),
        ("x/*", ["x/a.md", "x/y"], ["x/y/a.md", "x"]),
        ("x*y", ["xy", "xaay"], ["xa/ay"]),
        ("?.md", ["a.md", "书.md"], ["ab.md", "/.md"]),
        ("**/x", ["x", "a/x", "a/b/x"], ["ax"]),
        ("x/**", ["x/a", "x/a/b"], ["x"]),
        ("a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["a/xb", "ab"]),
        ("a**b", ["ab", "axb"], ["a/b"]),
        ("[ab].md", ["a.md", "b.md"], ["c.md"]),
        ("[!a-c].md", ["d.md"], ["a.md", "c.md", "/.md"]),
        ("[]-].md", ["].md", "-.md"], ["a.md"]),
        ("[[:digit:]_]x", ["1x", "_x"], ["ax"]),
        ("\\!a", ["!a"], ["a"]),
        ("\\#a", ["#a"], ["a"]),
        ("\\*", ["*"], ["a"]),
        ("a b  ", ["a b"], ["a b  "]),
        ("a\\ ", ["a "], ["a"]),
        ("草稿*", ["草稿1.md", "x/草稿"], ["稿"]),
        ("a.b", ["a.b"], ["axb"]),
    ],
)
def test_a_pattern_names_what_git_says_it_names(line: str, named: list[str], others: list[str]) -> None:
    pattern = parse(line)
    assert pattern is not None
    assert [path for path in named + others if pattern.names(path, is_folder=False)] == named
    assert not pattern.negated


def test_a_slash_at_the_end_names_folders_only_and_an_exclamation_mark_takes_back() -> None:
    pattern = parse("!drafts/")
    assert pattern is not None
    assert pattern.negated
    assert pattern.names("x/drafts", is_folder=True)
    assert not pattern.names("x/drafts", is_folder=False)


@pytest.mark.parametrize("line", ["", "   ", "# note", "\n"])
def test_blank_lines_and_comments_are_no_patterns(line: str) -> None:
    assert parse(line) is None


@pytest.mark.parametrize("line", ["!", "/", "!/", "a[b", "a\\", "[z-a]"])
def test_a_pattern_that_could_never_name_anything_is_an_error(line: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(line)
