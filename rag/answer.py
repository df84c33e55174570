"""What a question came to: the hits that were found, and over them an answer with its citations checked."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from rag.cite import cite
from rag.prompt import language, refusal
from rag.types import Answer, Draft, Hit, Variants
from rag.verify import Policy, Verified, verified

# Why an answer has no citation, and why nothing was left of it.
_REASONS = {
    "en": ("no statement could be tied to a passage", "no statement was borne out by what it cites"),
    "zh": ("没有一句话能对应到原文", "没有一句话得到引文支持"),
}


@dataclass(frozen=True, slots=True)
class Found:
    """The hits of one question, all of one generation; `timings` in milliseconds.

    `variants` were searched for as well; `notes` say what the search could not do as it was set. `spelt` is
    the question without the spelling slips that the search put right.
    """

    generation: str
    hits: tuple[Hit, ...]
    timings: Mapping[str, float]
    variants: Variants = field(default_factory=Variants)
    notes: tuple[str, ...] = ()
    spelt: str = ""


# Gets the hits as soon as they are there, and the same as the generator is about to read them.
OnFound: TypeAlias = Callable[[Found, Sequence[Hit]], None]


def answer_from(
    question: str,
    draft: Draft,
    found: Found,
    read: Sequence[Hit],
    generator: str,
    timings: Mapping[str, float],
    policy: Policy,
) -> Answer:
    """The draft as it may be shown: every citation verified, every sentence held against them.

    `read` are the hits as the generator saw them.
    """
    shown = len(found.hits) - draft.usage.get("passages_left_out", 0)  # a model cites only what it read
    if draft.abstained:  # a refusal states nothing; markers in it point nowhere
        checked = Verified(cite(draft, ())[0], (), ())
    else:
        checked = verified(draft, read[:shown], policy)
    text = checked.text or refusal(question)
    name = hashlib.sha256(f"{found.generation}\n{question}\n{text}\n{time.time_ns()}".encode()).hexdigest()
    return Answer(
        id=name[:16],
        question=question,
        text=text,
        abstained=draft.abstained or not checked.text,
        reason=draft.reason or _reason(question, draft, checked),
        confidence=draft.confidence,
        citations=checked.citations,
        passages=found.hits,
        generator=generator,
        timings=timings,
        usage={**draft.usage, "unsupported": len(checked.unsupported)},
        generation=found.generation,
        variants=found.variants,
        notes=found.notes,
    )


def _reason(question: str, draft: Draft, checked: Verified) -> str | None:
    untied, unborne = _REASONS[language(question)]
    if draft.abstained:
        return None
    if not checked.text:
        return unborne
    return None if checked.citations else untied
