"""How a report writes names and numbers: the same on the page and in its Markdown twin."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

ABSENT = "–"
MINUS = "−"
_FAMILIES = {"ndcg": "nDCG", "mrr": "MRR", "map": "MAP", "f1": "F1", "iou": "IoU"}


def measure_name(key: str) -> str:
    """As people write it: "ndcg@10" -> "nDCG@10", "span_recall@1000t" -> "span recall@1000t"."""
    family, at, cut = key.partition("@")
    return " ".join(_FAMILIES.get(word, word) for word in family.split("_")) + at + cut


def known(value: Any) -> bool:
    """Whether this is a number that can be shown: neither missing nor NaN nor infinite."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def decimal(value: Any, places: int = 3) -> str:
    """A number with fixed decimals and thousands apart, or a dash where there is none."""
    if not known(value):
        return ABSENT
    written = f"{value:,.{places}f}"
    return written.replace("-", MINUS) if float(written.replace(",", "")) else written.lstrip("-")


def signed(value: Any) -> str:
    """A difference: +0.034, −0.012, 0.000."""
    written = decimal(value)
    return f"+{written}" if known(value) and value > 0 and written != "0.000" else written


def probability(value: Any) -> str:
    """A p value; what would round to 0.000 is written <0.001, for it is never zero."""
    return "<0.001" if known(value) and value < 0.0005 else decimal(value)


def interval(bounds: Sequence[Any] | None, *, sign: bool = False) -> str:
    """Two bounds as "0.681 to 0.742", or nothing where no interval is known."""
    if bounds is None or len(bounds) != 2 or not all(map(known, bounds)):
        return ""
    low, high = (signed(bound) if sign else decimal(bound) for bound in bounds)
    return f"{low} to {high}"


def megabytes(count: Any) -> str:
    """Bytes as MB (2^20, as peak memory is counted)."""
    return decimal(count / 2**20, 1) if known(count) else ABSENT


def plain(value: Any) -> str:
    """A setting's value on one line."""
    if value is None:
        return ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(plain, value))
    return str(value)


def flat(settings: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """{"retriever": {"depth": 100}} -> [("retriever.depth", "100")]: each setting under its flag's name."""
    found: list[tuple[str, str]] = []
    for name, value in settings.items():
        path = f"{prefix}{name}"
        found += flat(value, f"{path}.") if isinstance(value, Mapping) else [(path, plain(value))]
    return found


def apart(name: str, other: str, limit: int) -> str:
    """A name for a narrow place: a long one is told from the other by the words only it has.

    Of those the end stays, where a setting has its value.
    """
    own = [word for word in name.split() if word not in other.split()]
    if len(name) <= limit or not own:
        return shorten(name, limit)
    told = " ".join(own)
    if len(told) <= limit - 2:
        return f"… {told}"
    return "…" + re.sub(r"^\w*\.(?=[^\W\d])", "", told[1 - limit :])


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters, the end of what was cut marked by an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
