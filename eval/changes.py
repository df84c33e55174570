"""In what, other than their figures, two evaluations of the same test set differ."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_ABSENT = object()
_DIGEST = re.compile(r"[0-9a-f]{40,}")
_SHOWN = 12  # characters of a digest
_OF_SYSTEM = ("mode", "embedder", "device")
_OF_EVALUATION = ("k", "code")
_NESTED = ("versions", "machine")


@dataclass(frozen=True, slots=True)
class Change:
    """Something that was not the same when the baseline was made; the values as they are printed."""

    dataset: str
    name: str
    before: str
    now: str

    def __str__(self) -> str:
        return f"{self.name}: {self.before} -> {self.now}"


def changes(
    dataset: str,
    now: Mapping[str, Any],
    before: Mapping[str, Any],
    systems: Sequence[tuple[str, str]],
) -> list[Change]:
    """The changed settings, mode, embedder, device, code, versions and machine of each of the `systems`
    (its name now, its name before). What changed alike for all of them is listed once.

    The index's generation is none of them: it changes with every file that is ingested.
    """
    differing = {
        system[0]: _differing(_facts(now, system[0]), _facts(before, system[1])) for system in systems
    }
    found: dict[tuple[str, str, str], list[str]] = {}
    for system, lines in differing.items():
        for line in lines:
            found.setdefault(line, []).append(system)
    return [
        Change(dataset, name if len(named) == len(systems) else f"{name} ({', '.join(named)})", old, new)
        for (name, old, new), named in found.items()
    ]


def _facts(evaluation: Mapping[str, Any], system: str) -> dict[str, Any]:
    """{dotted name: value} of what one system's figures stand on; settings it was swept over count."""
    own = evaluation.get("systems", {}).get(system, {})
    chosen = {name: _parsed(value) for name, value in own.get("set", {}).items()}
    return {
        **{name: own.get(name, evaluation.get(name, _ABSENT)) for name in _OF_SYSTEM},
        **_flat(evaluation.get("settings", {})),
        **chosen,
        **{name: evaluation.get(name, _ABSENT) for name in _OF_EVALUATION},
        **{
            f"{group}.{name}": value for group in _NESTED for name, value in evaluation.get(group, {}).items()
        },
    }


def _differing(now: Mapping[str, Any], before: Mapping[str, Any]) -> Iterable[tuple[str, str, str]]:
    for name in dict.fromkeys([*now, *before]):
        new, old = now.get(name, _ABSENT), before.get(name, _ABSENT)
        if new != old:
            yield name, _plain(old), _plain(new)


def _flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """{"retriever.depth": 100, ...}: the leaves of nested objects by their dotted names."""
    found: dict[str, Any] = {}
    for name, each in value.items():
        found |= _flat(each, f"{prefix}{name}.") if isinstance(each, Mapping) else {f"{prefix}{name}": each}
    return found


def _parsed(value: Any) -> Any:
    """The value that a swept setting's text stands for: "50" is the 50 of a setting given once."""
    try:
        return json.loads(value)
    except (TypeError, ValueError):
        return value


def _plain(value: Any) -> str:
    if value is _ABSENT:
        return "absent"
    if isinstance(value, str):
        return _DIGEST.sub(lambda found: found[0][:_SHOWN], value) or '""'
    return json.dumps(value, ensure_ascii=False, default=str)
