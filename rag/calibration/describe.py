"""What a calibration promises, for people and for scripts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rag.calibration.curve import upper_bound
from rag.calibration.stored import LOST, Calibration, Fitted

_NAMES = {"en": "English", "zh": "Chinese"}


def described(found: Calibration, risk: float) -> dict[str, Any]:
    """The calibration at an accepted risk; "confidence" None where nothing is known."""
    return {
        "generation": found.generation,
        "accepted_risk": risk,
        "groups": [_group(each, risk) for each in found.groups],
        "too_few": dict(found.short),
    }


def lines(found: Calibration, risk: float) -> Iterator[str]:
    """The same in sentences, one a group."""
    for each in described(found, risk)["groups"]:
        name = _NAMES[each["language"]] + ("" if each["dense"] else " by words alone")
        asked = (
            f"{each['questions']} questions made from the documents, {each['near_misses']} of them so that "
            "these nearly answer them"
        )
        if each["confidence"] is None:
            yield f"{name}: too few right answers to {asked}; the default threshold holds"
            continue
        if risk and not each["promised"]:
            yield f"{name}: no confidence keeps to {risk:.0%} wrong; {LOST:.0%} of the right may be refused"
        yield (
            f"{name}: answers begin at confidence {each['confidence']:.2f}; of {asked}, "
            f"{each['coverage']:.0%} were answered, {each['risk']:.1%} of those wrongly "
            f"(at most {each['upper']:.1%}, 95 %), and {each['near_misses_answered']:.0%} of the near misses"
            + ("" if risk else "; to have fewer wrong answers, and fewer answers, set calibration.risk")
        )
    for language, why in found.short.items():
        yield f"{_NAMES.get(language, 'not calibrated')}: {why}; the default threshold holds"


def _group(fitted: Fitted, risk: float) -> dict[str, Any]:
    begins = fitted.threshold(risk)
    misses = sum(each.near_miss for each in fitted.outcomes)
    told: dict[str, Any] = {
        "language": fitted.language,
        "dense": fitted.dense,
        "questions": len(fitted.outcomes),
        "near_misses": misses,
        "confidence": None,
    }
    if begins is None:
        return told
    answered, _ = fitted.near_misses_answered(begins.confidence)
    return told | {
        "confidence": round(begins.confidence, 4),
        "promised": begins.accepted is not None,
        "coverage": begins.coverage,
        "risk": begins.risk,
        "upper": begins.upper,
        "near_misses_answered": answered / misses if misses else 0.0,
        "near_misses_answered_upper": upper_bound(answered, misses, 0.05) if misses else 1.0,
    }
