"""A stored evaluation that later ones are judged against, with every query's figures.

The file is the evaluation's JSON, or {"evaluations": [...]} for several test sets; each query stands on
a line of its own, so that a version control shows which ones changed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from eval.files import replace_file
from rag.errors import SettingError

_AGAIN = "make it anew with --save-baseline"
_BEYOND = 1e15  # milliseconds and measures alike are far below
_DEEP = 3  # per_query > system > query: what is deeper stands on one line


def save_baseline(path: Path, evaluations: Sequence[Mapping[str, Any]]) -> None:
    """Write the evaluations to `path`: all of them, or the file stays as it was.

    Raises SettingError where the file cannot be written and ValueError for evaluations that could not be
    read back: none, or one without "per_query".
    """
    if not evaluations:
        raise ValueError("a baseline needs an evaluation")
    for evaluation in evaluations:
        if problem := _problem(evaluation):
            raise ValueError(f"no baseline can be made of this: {problem}")
    several = len(evaluations) > 1
    content = {"evaluations": list(evaluations)} if several else evaluations[0]
    try:
        replace_file(path, _lines(content, _DEEP + 2 * several, "") + "\n")
    except OSError as error:
        raise SettingError(f"--save-baseline {path}: cannot be written ({error.strerror})") from error


def read_baseline(path: Path) -> list[dict[str, Any]]:
    """The evaluations of a baseline, one a test set.

    Raises SettingError that names the file and what is wrong: missing, no JSON (and the line), no
    evaluation, or one without every query's figures.
    """
    try:
        content = json.loads(path.read_text("utf-8-sig"), parse_constant=_no_number)
    except FileNotFoundError as error:
        raise SettingError(
            f"--baseline {path}: no such file; make one with --save-baseline {path}"
        ) from error
    except OSError as error:
        raise SettingError(f"--baseline {path}: cannot be read ({error.strerror})") from error
    except json.JSONDecodeError as error:
        raise SettingError(f"--baseline {path}:{error.lineno}: no JSON ({error.msg}); {_AGAIN}") from error
    except (ValueError, RecursionError) as error:
        raise SettingError(f"--baseline {path}: no JSON ({error}); {_AGAIN}") from error
    found = content.get("evaluations", [content]) if isinstance(content, dict) else None
    if not isinstance(found, list) or not found:
        raise SettingError(f"--baseline {path}: holds no evaluation; {_AGAIN}")
    for number, evaluation in enumerate(found, start=1):
        if problem := _problem(evaluation):
            place = f"evaluation {number}: " if len(found) > 1 else ""
            raise SettingError(f"--baseline {path}: {place}{problem}; {_AGAIN}")
    return found


def _problem(evaluation: Any) -> str | None:
    """What keeps this from being judged against, None if nothing does."""
    if not isinstance(evaluation, Mapping):
        return "an evaluation is an object"
    for name in ("dataset", "digest"):
        if not isinstance(evaluation.get(name), str):
            return f"{name!r} is missing"
    for name in ("settings", "systems", "versions", "machine"):
        if not isinstance(evaluation.get(name, {}), Mapping):
            return f"{name!r} is no object"
    for name, facts in evaluation.get("systems", {}).items():
        if not isinstance(facts, Mapping) or not isinstance(facts.get("set", {}), Mapping):
            return f"'systems' says of {name!r} what is no object"
    problem = _queries_problem(evaluation.get("per_query"))
    return f"{evaluation['dataset']}: {problem}" if problem else None


def _queries_problem(systems: Any) -> str | None:
    if systems is None:
        return "'per_query' is missing: the figures of every query are what is compared"
    if not isinstance(systems, Mapping) or not systems:
        return "'per_query' names no system"
    for name, rows in systems.items():
        if not isinstance(rows, Mapping) or not rows:
            return f"'per_query' has no queries for {name!r}"
        if any(not isinstance(row, Mapping) for row in rows.values()):
            return f"'per_query' has a query of {name!r} without figures"
        if any(not _sane(value) for row in rows.values() for value in row.values()):
            return f"'per_query' has a figure of {name!r} that no measure gives"
    return None


def _sane(value: Any) -> bool:
    return not isinstance(value, int | float) or abs(value) < _BEYOND


def _lines(value: Any, deep: int, margin: str) -> str:
    """JSON with a line for each entry of the outer `deep` levels."""
    if not deep or not value or not isinstance(value, (Mapping, list)):
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    inner = margin + " "
    if isinstance(value, list):
        items = [inner + _lines(each, deep - 1, inner) for each in value]
        return "[\n" + ",\n".join(items) + f"\n{margin}]"
    items = [
        f"{inner}{json.dumps(key, ensure_ascii=False)}: {_lines(each, deep - 1, inner)}"
        for key, each in value.items()
    ]
    return "{\n" + ",\n".join(items) + f"\n{margin}}}"


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
