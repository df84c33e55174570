"""The folder of a test set: queries.jsonl, set.json and a README for whoever opens it."""

from __future__ import annotations

import json
import os
from collections import Counter
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from eval.makeset.candidates import Candidate
from eval.makeset.choose import Chosen
from eval.makeset.corpus import Corpus
from eval.makeset.readme import README

QUERIES, DESCRIPTION = "queries.jsonl", "set.json"


def write_set(folder: Path, corpus_folder: Path, corpus: Corpus, chosen: Chosen, seed: int) -> None:
    """Write the set into `folder`, which is made if need be; set.json comes last and makes it whole."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(each, ensure_ascii=False) + "\n" for each in query_lines(corpus, chosen)]
    _write(folder / QUERIES, "".join(lines))
    _write(folder / "README.md", README)
    description = {
        "corpus": Path(os.path.relpath(corpus_folder.resolve(), folder.resolve())).as_posix(),
        "synthetic": True,
        "withheld": chosen.withheld,
        "seed": seed,
        "made_by": f"lectern {_version()}",
        **counts(chosen),
    }
    _write(folder / DESCRIPTION, json.dumps(description, ensure_ascii=False, indent=2) + "\n")


def query_lines(corpus: Corpus, chosen: Chosen) -> list[dict[str, Any]]:
    """The objects of queries.jsonl, numbered in order; every quote stands at its start, by assertion."""
    questions = [*chosen.answerable, *chosen.unanswerable]
    width = max(4, len(str(len(questions))))
    found = []
    for number, each in enumerate(questions, 1):
        line: dict[str, Any] = {"_id": f"q{number:0{width}}", "text": each.question}
        if number <= len(chosen.answerable):
            line |= {"spans": [_span(corpus, each)], "kind": each.kind, "language": each.language}
        else:
            line |= {
                "answerable": False,
                "kind": each.kind,
                "language": each.language,
                "withheld": each.path,
            }
        found.append(line)
    return found


def counts(chosen: Chosen) -> dict[str, Any]:
    """How many questions there are, how many of them without an answer, and of which kinds."""
    questions = [*chosen.answerable, *chosen.unanswerable]
    return {
        "questions": len(questions),
        "unanswerable": len(chosen.unanswerable),
        "kinds": dict(sorted(Counter(each.kind for each in questions).items())),
        "languages": dict(sorted(Counter(each.language for each in questions).items())),
    }


def _span(corpus: Corpus, candidate: Candidate) -> dict[str, Any]:
    text = corpus.sources[candidate.path].text
    quote = text[candidate.start : candidate.end]
    if not quote or not text.startswith(quote, candidate.start):
        raise AssertionError(f"{candidate.path}: no quote at {candidate.start}")
    return {"path": candidate.path, "quote": quote, "start": candidate.start}


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _version() -> str:
    try:
        return version("lectern")
    except PackageNotFoundError:
        return "(not installed)"
