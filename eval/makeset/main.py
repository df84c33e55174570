"""`python -m eval make-set DIR --out SET`: a test set from one's own files, without a language model."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rag.command import settings_of
from rag.errors import SettingError

if TYPE_CHECKING:
    from eval.makeset.choose import Chosen


def main(arguments: Sequence[str]) -> int:
    """Exit status 0 once the set is written. Raises SettingError before anything is written."""
    options = _parser().parse_args(arguments)
    _check(options)
    settings_of(options)  # a misspelt setting is named here, not by the process that reads the files
    from eval.makeset.candidates import candidates
    from eval.makeset.choose import choose
    from eval.makeset.corpus import Corpus
    from eval.makeset.read import read_sources
    from eval.makeset.write import write_set

    corpus = Corpus(read_sources(options.folder, _flags(options)))
    chosen = choose(corpus, candidates(corpus), options.questions, options.unanswerable, options.seed)
    if not chosen.answerable:
        raise SettingError(
            f"{options.folder}: no question could be made from it; it takes prose with headings or whole "
            "sentences. Write the questions by hand: docs/guide/en/08-evaluation.md shows how"
        )
    write_set(options.out, options.folder, corpus, chosen, options.seed)
    print(_summary(options.out, len(corpus.sources), chosen))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m eval make-set",
        description="Write a test set for a folder of your own files: questions, each with the words that "
        "answer it, made without a language model, and some that nothing in the folder answers.",
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="the folder of documents")
    parser.add_argument("--out", type=Path, required=True, metavar="SET", help="the folder to write")
    parser.add_argument("--questions", type=int, default=200, metavar="N", help="how many (default: 200)")
    parser.add_argument(
        "--unanswerable",
        type=float,
        default=0.2,
        metavar="SHARE",
        help="share of them without an answer, from 0 to 0.9 (default: 0.2)",
    )
    parser.add_argument("--seed", type=int, default=0, help="another seed, other questions (default: 0)")
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings file (default: rag.toml)")
    parser.add_argument(
        "--set",
        dest="assignments",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="any setting for reading the files, for example --set pdf.seconds=300; may be repeated",
    )
    parser.set_defaults(index=None)
    return parser


def _check(options: argparse.Namespace) -> None:
    folder, out = options.folder, options.out
    if options.questions < 1:
        raise SettingError(f"--questions {options.questions}: give at least 1")
    if not 0 <= options.unanswerable <= 0.9:
        raise SettingError(f"--unanswerable {options.unanswerable}: give a share from 0 to 0.9")
    if options.seed < 0:
        raise SettingError(f"--seed {options.seed}: give 0 or more")
    if not folder.is_dir():
        what = "is not a folder; name the folder it lies in" if folder.exists() else "no such folder"
        raise SettingError(f"{folder}: {what}")
    if blocked := next(
        (each for each in out.absolute().parents if each.exists() and not each.is_dir()), None
    ):
        raise SettingError(f"--out {out}: {blocked} is a file; name another folder")
    if out.resolve().is_relative_to(folder.resolve()):
        raise SettingError(
            f"--out {out}: lies inside {folder}, where the set's own text would be indexed; name another"
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise SettingError(f"--out {out}: exists and is not empty; name another folder or remove it first")


def _flags(options: argparse.Namespace) -> list[str]:
    """The settings flags that were given, for the process that reads the files."""
    config = ["--config", str(options.config)] if options.config is not None else []
    return config + [part for pair in options.assignments for part in ("--set", pair)]


def _summary(out: Path, documents: int, chosen: Chosen) -> str:
    from eval.makeset.write import counts

    found = counts(chosen)
    parts = [", ".join(f"{n} {name}" for name, n in found[key].items()) for key in ("kinds", "languages")]
    withheld = f"{len(chosen.withheld)} documents are withheld when the set is measured"
    lines = [
        f"{found['questions']} questions from {documents} documents in {out}: {parts[0]}; {parts[1]}",
        f"{found['unanswerable']} of them have no answer: {withheld}",
    ]
    lines += [f"fewer than asked for: {reason}" for reason in chosen.shortfalls]
    lines.append(f"A program wrote them: read {out / 'README.md'}, then some of {out / 'queries.jsonl'}")
    return "\n".join(lines)
