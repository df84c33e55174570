"""What the commands print for people: plain lines, safe for a terminal whatever a document holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rag.expansion.glossed import glosses_more, way_back
from rag.types import Answer, Citation, Hit
from rag.wire import heading_path

if TYPE_CHECKING:
    from rag.answer import Found
    from rag.health.doctor import Examination, Finding
    from rag.recheck import Recheck

_EXCERPT = 240
_COLUMN = 13  # of what stands beside a name in `status_lines`


def answer_lines(answer: Answer) -> list[str]:
    """An answer and its citations."""
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


def recheck_lines(found: Recheck) -> list[str]:
    """What became of a stored answer's sources."""
    lines = []
    for source in found.sources:
        place = f" to {source.start}" if source.state == "moved" else ""
        quote = " ".join(source.quote.split())
        shown = quote if len(quote) <= _EXCERPT else quote[:_EXCERPT] + "…"
        lines += [
            one_line(f"[{source.marker}] {source.document}: {source.state}{place}"),
            f"    {one_line(shown)}",
        ]
    for each in found.unsupported:
        why = f"not in its quotes: {', '.join(each.lacking)}" if each.lacking else "cites nothing that stands"
        lines.append(one_line(f"unsupported: {each.sentence} ({why})"))
    return [*lines, "fine" if found.fine else "not fine: see above"]


def found_lines(hits: Sequence[Hit]) -> list[str]:
    """Hits, best first."""
    lines = [line for rank, hit in enumerate(hits, 1) for line in _hit_lines(rank, hit)]
    return lines or ["Nothing found."]


def searched_lines(found: Found | Answer) -> list[str]:
    """What was searched for beside the question, and what the search could not do as it was set."""
    variants = [*found.variants.questions, *found.variants.passages]
    return [one_line(f"also searched for: {each}") for each in variants] + [
        one_line(f"note: {note}") for note in found.notes
    ]


def _hit_lines(rank: int, hit: Hit) -> list[str]:
    legs = [
        f"{name} #{leg.rank} {leg.score:.3f}"
        for name, leg in (("sparse", hit.sparse), ("dense", hit.dense), ("fused", hit.fused))
        if leg is not None
    ]
    place = _place(hit.chunk.document_id, hit.chunk.heading, hit.chunk.page)
    text = " ".join(hit.chunk.text.split())
    excerpt = text if len(text) <= _EXCERPT else text[:_EXCERPT] + "…"
    also = [f"   also: {_place(each.document, each.heading, each.page)}" for each in hit.also]
    return [f"{rank}. {place}  {hit.score:.3f} ({', '.join(legs)})", f"   {excerpt}", *also]


def status_lines(result: Mapping[str, Any], calibrated: Iterable[str]) -> list[str]:
    """What an index holds, from `rag.health.status.status`, and what its calibration promises."""
    lines = _named("index", [one_line(result["index"])])
    if result["generation"] is None:
        return lines + _named("damage", [result["damage"]])
    pages = result["empty_pages"]
    without = f", {_counted(pages, 'page')} without text" if pages else ""
    held = f"{_counted(result['documents'], 'document')}, {_counted(result['chunks'], 'chunk')}{without}"
    size = f"{_counted(result['segments'], 'segment')}, {_size(result['bytes'])}"
    lines += _named("holds", [held])
    lines += _named("generation", [f"{result['generation']}, number {result['number']}, in {size}"])
    lines += _named("files", [one_line(result["damage"] or "intact")])
    if result["unpublished"]:
        lines += _named(
            "unpublished", ["the record holds changes that no search sees yet: run `python -m ingest` again"]
        )
    lines += _named("embedder", _embedder_lines(result))
    lines += _named("generator", [result["generator"]])
    return lines + _named("calibration", [*calibrated] or ["none: the fixed threshold holds"])


def _embedder_lines(result: Mapping[str, Any]) -> list[str]:
    if result["embedder"] == result["embedder_set"]:
        return [f"{result['embedder']} on {result['device']}"]
    if glosses_more(result["embedder_set"], result["embedder"]):
        said = "Chinese text, if it holds any, is found by words alone: ingest with --rebuild to gloss it too"
        return [f"{result['embedder']} on {result['device']}", said]
    way = way_back(result["embedder"], result["embedder_set"])
    said = f"the setting is now {result['embedder_set']}: {way}, or ingest with --rebuild"
    return [result["embedder"], said]


def _named(name: str, values: Sequence[str]) -> list[str]:
    """A name and its values below each other."""
    return [f"{'' if at else name:<{_COLUMN}}{value}" for at, value in enumerate(values)]


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _size(octets: int) -> str:
    """Octets in the unit that leaves them readable; a kB is 1000."""
    size = float(octets)
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def examination_lines(index: str, found: Examination, most: int | None) -> list[str]:
    """What an examination found, at most `most` findings of a kind."""
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
    return f"  {mark} " + one_line(
        f"{finding.document}: {finding.detail}" if finding.document else finding.detail
    )


def one_line(text: str) -> str:
    """A line feed or a terminal's escape in a name is shown, not obeyed."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape", "backslashreplace").decode("ascii")
        for each in text
    )


def _place(document: str, heading: tuple[str, ...], page: int | None) -> str:
    parts = [document, f"page {page}" if page is not None else "", heading_path(heading)]
    return one_line(", ".join(part for part in parts if part))
