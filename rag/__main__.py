"""`python -m rag ask|search|explain|verify|status|doctor|copy|mcp`: the index asked and looked after."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from rag.command import add_settings, positive, run, settings_of
from rag.filters import add_filters, chosen

if TYPE_CHECKING:
    from rag.config import Settings

_Command: TypeAlias = Callable[[argparse.Namespace, "Settings"], int]

_SHOWN_FINDINGS = 10
_TOLD = 100  # documents between two lines of progress


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 well (a refusal is an answer), 1 the index needs a person, 2 it could not start."""
    options = _parser().parse_args(arguments)
    command: _Command = options.command
    return command(options, settings_of(options, {"retriever.mode": getattr(options, "mode", None)}))


def _ask(options: argparse.Namespace, settings: Settings) -> int:
    from rag.build import build_engine
    from rag.terminal import answer_lines, searched_lines
    from rag.wire import answer_json

    answer = build_engine(settings).ask(options.question, k=options.k, chosen=chosen(options))
    _print(options, answer_json(answer), lambda: answer_lines(answer) + searched_lines(answer))
    return 0


def _search(options: argparse.Namespace, settings: Settings) -> int:
    from rag.build import build_engine
    from rag.terminal import found_lines, searched_lines
    from rag.wire import hit_json, searched_json

    found = build_engine(settings).search(options.question, k=options.k, chosen=chosen(options))
    result = {
        "generation": found.generation,
        "hits": [hit_json(hit) for hit in found.hits],
        **searched_json(found.variants, found.notes),
    }
    _print(options, result, lambda: found_lines(found.hits) + searched_lines(found))
    return 0


def _explain(options: argparse.Namespace, settings: Settings) -> int:
    from rag.build import build_engine
    from rag.explain.report import explanation_lines
    from rag.explain.wire import explained_json
    from rag.terminal import one_line

    found = build_engine(settings).explain(
        options.question, k=options.k, chosen=chosen(options), expected=options.expect
    )
    _print(options, explained_json(found), lambda: [one_line(line) for line in explanation_lines(found)])
    return 0 if found.came else 1


def _verify(options: argparse.Namespace, settings: Settings) -> int:
    from rag.build import build_store, published
    from rag.recheck import read_answer, recheck
    from rag.terminal import recheck_lines

    answer = read_answer(options.answer)
    published(settings)  # says what to do where there is no index yet
    store = build_store(settings, read_only=True)
    try:
        found = recheck(answer, store.document)
    finally:
        store.close()
    result = {
        "sources": [asdict(source) for source in found.sources],
        "unsupported": [asdict(sentence) for sentence in found.unsupported],
        "fine": found.fine,
    }
    _print(options, result, lambda: recheck_lines(found))
    return 0 if found.fine else 1


def _status(options: argparse.Namespace, settings: Settings) -> int:
    from rag.health.status import calibrated, status
    from rag.terminal import status_lines

    result = status(settings)
    _print(options, result, lambda: status_lines(result, calibrated(settings)))
    return 0 if result["intact"] else 1


def _doctor(options: argparse.Namespace, settings: Settings) -> int:
    from rag.health.doctor import examine
    from rag.terminal import examination_lines

    found = examine(settings, files=not options.no_files)
    result = {
        "index": str(settings.index),
        "generation": found.generation,
        "documents": found.documents,
        "chunks": found.chunks,
        "findings": [asdict(finding) for finding in found.findings],
        "healthy": found.healthy,
    }
    most = None if options.all else _SHOWN_FINDINGS
    _print(options, result, lambda: examination_lines(str(settings.index), found, most))
    return 0 if found.healthy else 1


def _copy(options: argparse.Namespace, settings: Settings) -> int:
    from rag.copying import copy
    from rag.errors import SettingError
    from rag.health.status import in_the_way

    def tell(done: int, of: int) -> None:
        if done % _TOLD == 0 or done == of:
            print(f"{done} of {of} documents", file=sys.stderr)

    source, target = _elsewhere(options.source, settings), _elsewhere(options.target, settings)
    if lost := in_the_way(source, target):
        raise SettingError(
            f"--to {options.target} holds another index (documents: {lost}), which would be lost: name an "
            "empty place, or remove that index first"
        )
    found = copy(source, target, tell)
    _print(options, asdict(found), lambda: [f"{name:<12}{value}" for name, value in asdict(found).items()])
    return 0


def _elsewhere(place: Path, settings: Settings) -> Settings:
    """The settings of a file, or those of here with another index folder."""
    from rag.config import load_settings

    if place.suffix == ".toml":
        return load_settings(None, place)
    return settings.model_copy(update={"index": place})


def _mcp(_: argparse.Namespace, settings: Settings) -> int:
    from rag.build import build_engine
    from rag.mcp import serve

    serve(build_engine(settings))
    return 0


def _print(options: argparse.Namespace, result: dict[str, Any], lines: Callable[[], list[str]]) -> None:
    if options.json:
        print(json.dumps(result, ensure_ascii=False, indent=2))
    else:
        print("\n".join(lines()))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m rag", description="Ask and search an index.")
    verbs = parser.add_subparsers(required=True, metavar="ask|search|explain|verify|status|doctor|copy|mcp")

    def add(name: str, command: _Command, what: str, description: str = "") -> argparse.ArgumentParser:
        verb = verbs.add_parser(name, help=what, description=description or what)
        verb.set_defaults(command=command)
        return verb

    _add_question(add("ask", _ask, "answer a question, with citations"))
    _add_question(add("search", _search, "the best passages for a question"))
    what = "why a search finds what it finds; exit status 1 if an expected passage is not among the hits"
    _add_explain(add("explain", _explain, "why a search finds what it finds", what))
    what = "check a stored answer again; exit status 1 if a source changed or a sentence is not borne out"
    verb = add("verify", _verify, "check a stored answer again", what)
    verb.add_argument("answer", type=Path, metavar="ANSWER.json", help="what `ask --json` printed")
    _add_common(verb)
    _add_common(add("status", _status, "what the index holds"))
    what = "examine the index and the files it was made from; exit status 1 if anything needs a person"
    _add_doctor(add("doctor", _doctor, "what is wrong with the index and its files", what))
    what = "carry an index to another folder or store without embedding again; run again it goes on"
    _add_copy(add("copy", _copy, "carry an index to another store", what))
    add_settings(add("mcp", _mcp, "offer search and ask to MCP clients over standard input and output"))
    return parser


def _add_question(verb: argparse.ArgumentParser) -> None:
    from rag.types import MODES

    verb.add_argument("question")
    verb.add_argument("-k", type=positive, metavar="N", help="passages to retrieve")
    verb.add_argument("--mode", choices=MODES, help="which search (default: hybrid)")
    add_filters(verb)
    _add_common(verb)


def _add_explain(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--expect", action="append", default=[], metavar="PATH[:QUOTE]",
        help="a passage that should come: a document, folder or pattern, and words of it; may be repeated",
    )  # fmt: skip
    _add_question(verb)


def _add_doctor(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--all", action="store_true", help="print every finding, not ten of a kind")
    verb.add_argument("--no-files", action="store_true", help="leave the files it was made from alone")
    _add_common(verb)


def _add_copy(verb: argparse.ArgumentParser) -> None:
    for flag, name, says in (("--from", "source", "the index"), ("--to", "target", "where to copy it")):
        verb.add_argument(
            flag, dest=name, type=Path, required=True, metavar="PLACE",
            help=f"{says}: a folder, or a settings file (.toml) that names store and index",
        )  # fmt: skip
    _add_common(verb)


def _add_common(verb: argparse.ArgumentParser) -> None:
    add_settings(verb)
    verb.add_argument("--json", action="store_true", help="print one JSON object")


if __name__ == "__main__":
    sys.exit(run(main))
