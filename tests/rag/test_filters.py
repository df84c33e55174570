"""The flags that keep a search to some passages."""

from __future__ import annotations

import argparse

import pytest

from rag.filters import add_filters, chosen
from rag.types import Filter


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_filters(parser)
    return parser.parse_args(words)


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("notes/a.md", "notes/a.md"),
        ("./notes/a.md", "notes/a.md"),
        (".//./notes/", "notes/"),
        (".", "*"),
        ("./", "*"),
        (".hidden/a.md", ".hidden/a.md"),
        ("a/./b.md", "a/./b.md"),
        ("../a.md", "../a.md"),
    ],
)
def test_a_path_may_be_written_as_a_shell_completes_it(written: str, path: str) -> None:
    assert chosen(parsed("--path", written)) == Filter(paths=(path,))


def test_every_flag_is_part_of_what_is_chosen() -> None:
    options = parsed("--path", "a", "--path", "b", "--pages", "3-7", "--meta", "tag=x=y")
    assert chosen(options) == Filter(("a", "b"), (3, 7), (("tag", "x=y"),))
    assert chosen(parsed("--pages", "3")).pages == (3, 3)
    assert chosen(parsed()) == Filter()


@pytest.mark.parametrize("words", ["--pages 7-3", "--pages x", "--pages 3-", "--pages=-3", "--meta tag"])
def test_a_flag_that_makes_no_sense_is_refused_with_an_example(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        parsed(*words.split())
    assert "such as" in capsys.readouterr().err
