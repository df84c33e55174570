"""What a person is told of a PDF file that was read: pages that broke, are empty, garbled or read by OCR."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

from rag.types import Page, Warned


@dataclass
class Findings:
    """What was found of a file's pages; all but `confidences` and `failures` are page numbers.

    `confidences` are those of the pages that were read by OCR, `failures` why it failed on others.
    """

    broken: list[int] = field(default_factory=list)
    garbled: list[int] = field(default_factory=list)
    confidences: dict[int, float] = field(default_factory=dict)
    failures: dict[int, str] = field(default_factory=dict)
    remedy: str = ""

    def warnings(self, pages: Sequence[Page]) -> tuple[Warned, ...]:
        """One warning of each kind that applies."""
        found = []
        if self.broken:
            found.append(Warned("broken_pages", f"{listed(self.broken)} could not be read"))
        if garbled := [number for number in self.garbled if number not in self.confidences]:
            found.append(
                Warned(
                    "garbled",
                    f"{listed(garbled)} {_verb(garbled, 'holds', 'hold')} glyphs that stand for no characters"
                    f" (fonts without a Unicode map); nothing of {_verb(garbled, 'it', 'them')} is"
                    f" indexed{self.remedy}",
                )
            )
        told = {*self.broken, *garbled}
        if empty := [page.number for page in pages if page.start == page.end and page.number not in told]:
            verb = _verb(empty, "has", "have")
            found.append(
                Warned("empty_pages", f"{listed(empty)} {verb} no text (scanned images?){self.remedy}")
            )
        if self.confidences:
            verb = _verb(list(self.confidences), "was", "were")
            found.append(
                Warned(
                    "ocr",
                    f"{listed(list(self.confidences))} {verb} read by OCR,"
                    f" mean confidence {self.mean_confidence:.2f}",
                )
            )
        for reason, group in _by_reason(self.failures):
            found.append(Warned("ocr_failed", f"OCR of {listed(group)}: {reason}"))
        if not pages:
            found.append(Warned("empty", "the file has no pages"))
        return tuple(found)

    def metadata(self) -> dict[str, str]:
        """Which pages were read by OCR and how sure it was, where any were."""
        if not self.confidences:
            return {}
        return {
            "ocr_pages": listed(list(self.confidences)).partition(" ")[2],
            "ocr_confidence": f"{self.mean_confidence:.2f}",
        }

    @property
    def mean_confidence(self) -> float:
        """Over the pages read by OCR."""
        return sum(self.confidences.values()) / len(self.confidences)


def listed(numbers: Sequence[int]) -> str:
    """Page numbers for people: "pages 3, 5-7"."""
    runs = [
        [number for _, number in run]
        for _, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])
    ]
    text = ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
    return f"page{'s' if len(numbers) > 1 else ''} {text}"


def _verb(numbers: Sequence[int], one: str, many: str) -> str:
    return one if len(numbers) == 1 else many


def _by_reason(failures: dict[int, str]) -> list[tuple[str, list[int]]]:
    reasons: dict[str, list[int]] = {}
    for number, reason in failures.items():
        reasons.setdefault(reason, []).append(number)
    return list(reasons.items())
