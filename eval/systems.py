"""Which systems a command compares: every mode under every setting that `--set` gives several values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product

from rag.config import Settings
from rag.errors import SettingError
from rag.types import Mode

# What --set may not vary, and what does it instead.
_NOT_SWEPT = {"index": "--index", "retriever.mode": "--mode"}


@dataclass(frozen=True, slots=True)
class System:
    """One column of a comparison; `chosen` are the settings in which it differs from the others."""

    name: str
    mode: Mode
    settings: Settings
    chosen: Mapping[str, str]


def sweep(pairs: Sequence[str]) -> list[dict[str, str]]:
    r"""Every combination of the values of `--set NAME=V1,V2`, in the order given; one without any.

    Only names with several values are in the result. A comma that belongs to a value is written `\,`.
    """
    varied: dict[str, list[str]] = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        if name.strip() in varied:
            raise SettingError(f"--set {pair}: {name} has several values already; name all of them once")
        values = [each.replace("\\,", ",") for each in re.split(r"(?<!\\),", value)]
        if len(values) > 1:
            if name in _NOT_SWEPT:
                raise SettingError(f"--set {pair}: {name} takes one value here; use {_NOT_SWEPT[name]}")
            varied[name.strip()] = list(dict.fromkeys(each.strip() for each in values))
    return [dict(zip(varied, chosen, strict=True)) for chosen in product(*varied.values())]


def fixed(pairs: Sequence[str]) -> list[str]:
    r"""The pairs of `--set` that have one value, with `\,` as the comma it stands for."""
    return [pair.replace("\\,", ",") for pair in pairs if not re.search(r"(?<!\\),", pair.partition("=")[2])]


def system_name(mode: Mode, chosen: Mapping[str, str]) -> str:
    """Such as "hybrid", or in a sweep "hybrid retriever.depth=50"."""
    return " ".join([mode, *(f"{name}={value}" for name, value in chosen.items())])


def pairs(systems: Sequence[System], runs: Sequence[str]) -> list[tuple[str, str]]:
    """(a, b) to compare, a named after b: the modes under each setting, each mode's settings with the
    first of them, and every run that was read with the first system or run.
    """
    found = [
        (later.name, earlier.name)
        for earlier, later in combinations(systems, 2)
        if later.chosen == earlier.chosen
        or (later.mode == earlier.mode and earlier.chosen == systems[0].chosen)
    ]
    names = [*(system.name for system in systems[:1]), *runs]
    return found + [(name, names[0]) for name in names[1:]]
