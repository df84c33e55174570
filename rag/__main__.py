"""`python -m rag ask|search|verify|status|doctor`: answers in the terminal, checked; the index examined."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.command import add_settings, run, settings_of
from rag.config import Settings
from rag.types import MODES, Answer, Citation, Filter, Hit
from rag.wire import answer_json, heading_path, hit_json

if TYPE_CHECKING:
    from rag.health.doctor import Examination, Finding
    from rag.recheck import Recheck

_EXCERPT = 240
_SHOWN_FINDINGS = 10


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 well (a refusal is an answer), 1 the index needs a person, 2 it could not start."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace, Settings], int] = options.command
    return command(options, settings_of(options, {"retriever.mode": getattr(options, "mode", None)}))


def _ask(options: argparse.Namespace, settings: Settings) -> int:
    from rag.build import build_engine

    answer = build_engine(settings).ask(options.question, k=options.k, chosen=_chosen(options))
    _print(options, answer_json(answer), lambda: _answer_lines(answer))
    return 0


def _search(options: argparse.Namespace, settings: Settings) -> int:
    from rag.build import build_engine

    found = build_engine(settings).search(options.question, k=options.k, chosen=_chosen(options))
    result = {"generation": found.generation, "hits": [hit_json(hit) for hit in found.hits]}
    _print(options, result, lambda: _found_lines(found.hits))
    return 0


def _verify(options: argparse.Namespace, settings: Settings) -> int:
    from rag.build import build_store
    from rag.indexes.generation import read_manifest
    from rag.recheck import read_answer, recheck

    answer = read_answer(options.answer)
    read_manifest(settings.index)  # says what to do where there is no index yet
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
    _print(options, result, lambda: _recheck_lines(found))
    return 0 if found.fine else 1


def _status(options: argparse.Namespace, settings: Settings) -> int:
    from rag.health.status import status

    result = status(settings)
    _print(options, result, lambda: [f"{name:<14}{value}" for name, value in result.items()])
    return 0 if result["intact"] else 1


def _doctor(options: argparse.Namespace, settings: Settings) -> int:
    from rag.health.doctor import examine

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
    _print(options, result, lambda: _examination_lines(str(settings.index), found, most))
    return 0 if found.healthy else 1


def _print(options: argparse.Namespace, result: dict[str, Any], lines: Callable[[], list[str]]) -> None:
    if options.json:
        print(json.dumps(result, ensure_ascii=False, indent=2))
    else:
        print("\n".join(lines()))


def _answer_lines(answer: Answer) -> list[str]:
    lines = [answer.text, ""]
    if answer.abstained:
        return [*lines, _refused(answer.question, answer.reason)] if answer.reason else lines
    return lines + [line for citation in answer.citations for line in _citation_lines(citation)]


def _refused(question: str, reason: str) -> str:
    """Label, reason and full stop in the question's language."""
    from rag.prompt import language

    bare = reason.rstrip(".。")
    return f"未作答：{bare}。" if language(question) == "zh" else f"Refused: {bare}."


def _citation_lines(citation: Citation) -> list[str]:
    place = _place(citation.document, citation.heading, citation.page)
    quote = " ".join(citation.quote.split())
    return [f"[{citation.marker}] {place} ({citation.start}-{citation.end})", f"    {quote}"]


def _recheck_lines(found: Recheck) -> list[str]:
    lines = []
    for source in found.sources:
        place = f" to {source.start}" if source.state == "moved" else ""
        quote = " ".join(source.quote.split())
        shown = quote if len(quote) <= _EXCERPT else quote[:_EXCERPT] + "…"
        lines += [
            _one_line(f"[{source.marker}] {source.document}: {source.state}{place}"),
            f"    {_one_line(shown)}",
        ]
    for each in found.unsupported:
        why = f"not in its quotes: {', '.join(each.lacking)}" if each.lacking else "cites nothing that stands"
        lines.append(_one_line(f"unsupported: {each.sentence} ({why})"))
    return [*lines, "fine" if found.fine else "not fine: see above"]


def _found_lines(hits: Sequence[Hit]) -> list[str]:
    lines = [line for rank, hit in enumerate(hits, 1) for line in _hit_lines(rank, hit)]
    return lines or ["Nothing found."]


def _hit_lines(rank: int, hit: Hit) -> list[str]:
    legs = [
        f"{name} #{leg.rank} {leg.score:.3f}"
        for name, leg in (("sparse", hit.sparse), ("dense", hit.dense))
        if leg is not None
    ]
    place = _place(hit.chunk.document_id, hit.chunk.heading, hit.chunk.page)
    text = " ".join(hit.chunk.text.split())
    excerpt = text if len(text) <= _EXCERPT else text[:_EXCERPT] + "…"
    return [f"{rank}. {place}  {hit.score:.3f} ({', '.join(legs)})", f"   {excerpt}"]


def _examination_lines(index: str, found: Examination, most: int | None) -> list[str]:
    size = f"{found.documents} documents, {found.chunks} chunks"
    lines = [f"index {index}, generation {found.generation or 'unknown'}, {size}"]
    kinds: dict[str, list[Finding]] = {}
    for finding in sorted(found.findings, key=lambda each: not each.needs_a_person):
        kinds.setdefault(finding.kind, []).append(finding)
    for kind, own in kinds.items():
        lines += ["", f"{kind.replace('_', ' ')}: {len(own)}", *map(_finding_line, own[:most])]
        if most is not None and len(own) > most:
            lines.append(f"    and {len(own) - most} more: --all shows them")
    needed = Counter(finding.needs_a_person for finding in found.findings)
    if found.healthy:
        return [*lines, "", f"healthy; {needed[False]} findings need nobody" if needed else "healthy"]
    return [*lines, "", f"{needed[True]} of {needed.total()} findings, marked !, need a person"]


def _finding_line(finding: Finding) -> str:
    mark = "!" if finding.needs_a_person else " "
    return f"  {mark} " + _one_line(
        f"{finding.document}: {finding.detail}" if finding.document else finding.detail
    )


def _one_line(text: str) -> str:
    """A line feed or a terminal's escape in a name is shown, not obeyed."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape", "backslashreplace").decode("ascii")
        for each in text
    )


def _place(document: str, heading: tuple[str, ...], page: int | None) -> str:
    parts = [document, f"page {page}" if page is not None else "", heading_path(heading)]
    return ", ".join(part for part in parts if part)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m rag", description="Ask and search an index.")
    verbs = parser.add_subparsers(required=True, metavar="ask|search|verify|status|doctor")
    for name, command, what in (
        ("ask", _ask, "answer a question, with citations"),
        ("search", _search, "the best passages for a question"),
    ):
        verb = verbs.add_parser(name, help=what, description=what)
        verb.set_defaults(command=command)
        verb.add_argument("question")
        verb.add_argument("-k", type=_positive, metavar="N", help="passages to retrieve")
        verb.add_argument("--mode", choices=MODES, help="which search (default: hybrid)")
        _add_filters(verb)
        _add_common(verb)
    what = "check a stored answer again; exit status 1 if a source changed or a sentence is not borne out"
    verb = verbs.add_parser("verify", help="check a stored answer again", description=what)
    verb.set_defaults(command=_verify)
    verb.add_argument("answer", type=Path, metavar="ANSWER.json", help="what `ask --json` printed")
    _add_common(verb)
    verb = verbs.add_parser("status", help="what the index holds", description="what the index holds")
    verb.set_defaults(command=_status)
    _add_common(verb)
    what = "examine the index and the files it was made from; exit status 1 if anything needs a person"
    verb = verbs.add_parser("doctor", help="what is wrong with the index and its files", description=what)
    verb.set_defaults(command=_doctor)
    verb.add_argument("--all", action="store_true", help="print every finding, not ten of a kind")
    verb.add_argument("--no-files", action="store_true", help="leave the files it was made from alone")
    _add_common(verb)
    return parser


def _add_filters(verb: argparse.ArgumentParser) -> None:
    filters = verb.add_argument_group("only among")
    filters.add_argument(
        "--path", action="append", default=[], metavar="PATTERN", help='documents: "notes/2024", "*.pdf"'
    )
    filters.add_argument("--pages", type=_pages, metavar="A-B", help="pages of paged documents")
    filters.add_argument(
        "--meta", action="append", default=[], type=_pair, metavar="NAME=VALUE", help="front matter"
    )


def _chosen(options: argparse.Namespace) -> Filter:
    return Filter(tuple(options.path), options.pages, tuple(options.meta))


def _pages(value: str) -> tuple[int, int]:
    first, _, last = value.partition("-")
    if not (first.isdecimal() and (last or first).isdecimal() and int(first) <= int(last or first)):
        raise argparse.ArgumentTypeError(f"{value!r} is not a page or a range of pages, such as 3 or 3-7")
    return int(first), int(last or first)


def _pair(value: str) -> tuple[str, str]:
    name, found, wanted = value.partition("=")
    if not found:
        raise argparse.ArgumentTypeError(f"{value!r} is not NAME=VALUE, such as tag=draft")
    return name, wanted


def _add_common(verb: argparse.ArgumentParser) -> None:
    add_settings(verb)
    verb.add_argument("--json", action="store_true", help="print one JSON object")


def _positive(value: str) -> int:
    if not value.isdecimal() or not 1 <= int(value) <= 1000:
        raise argparse.ArgumentTypeError(f"{value!r} is not a number from 1 to 1000")
    return int(value)


if __name__ == "__main__":
    sys.exit(run(main))
