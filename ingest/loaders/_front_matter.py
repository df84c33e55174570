"""Settings at the top of a Markdown file (YAML between `---`, TOML between `+++`) as metadata."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

_MOST_LINES = 1000
_MOST_CHARACTERS = 50_000
# Values beyond these are left out: an alias in YAML may stand for a value that holds itself many times.
_MOST_VALUES = 200
_LONGEST_VALUE = 1000
_DEEPEST = 6
_FRONT_KEY = re.compile(r"[\w.-]+\s*:(\s|$)")
_CLOSERS = {"---": ("---", "..."), "+++": ("+++",)}


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """The text's first `end` characters are front matter, holding `values`; 0 and none where it has none.

    `problem` says why what looks like front matter is not.
    """

    end: int = 0
    values: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""


def front_matter(text: str) -> FrontMatter:
    """The front matter of `text`, nested keys joined by dots and lists by commas: `{"authors": "Ann, Bo"}`.

    Every value is a string as it is written ("1.10" stays so). What cannot be parsed is text, with a
    `problem` if it looked like front matter; what opens with a thematic break is no front matter.
    """
    return _read(text[:_MOST_CHARACTERS])  # a whole text would be held for as long as it is remembered


@lru_cache(maxsize=4)
def _read(head: str) -> FrontMatter:
    found = _fenced(head)
    if found is None:
        return FrontMatter()
    mark, body, end = found
    if mark == "---" and not any(_FRONT_KEY.match(line) for line in body.split("\n")):
        return FrontMatter()
    try:
        parsed = tomllib.loads(body) if mark == "+++" else _yaml(body)
    except (ValueError, RecursionError) as error:
        if mark == "---" and not _all_keys(body):
            return FrontMatter()
        return FrontMatter(problem=" ".join(str(error).split())[:200] or "nested too deeply")
    if not isinstance(parsed, dict):
        return FrontMatter()
    values: dict[str, str] = {}
    for name, value in _flat("", parsed, 0):
        values.setdefault(name, value)
        if len(values) >= _MOST_VALUES:
            break
    return FrontMatter(end, values)


def _fenced(head: str) -> tuple[str, str, int] | None:
    """The opening mark, what stands between the marks, and the end of the closing line."""
    lines = head.split("\n", _MOST_LINES)
    mark = lines[0].rstrip()
    if mark not in _CLOSERS:
        return None
    end = len(lines[0]) + 1
    begin = end
    for line in lines[1:]:
        if line.rstrip() in _CLOSERS[mark]:
            return mark, head[begin:end], min(end + len(line) + 1, len(head))
        end += len(line) + 1
    return None


def _all_keys(body: str) -> bool:
    """Whether every line is a key, an item, a comment, blank or indented, as in front matter they are."""
    return all(
        not line or line.startswith((" ", "\t", "-", "#")) or _FRONT_KEY.match(line)
        for line in body.split("\n")
    )


def _yaml(body: str) -> object:
    import yaml  # type: ignore[import-untyped,unused-ignore]

    try:
        # The base loader makes strings of all scalars: no dates, no booleans, no objects.
        return yaml.load(body, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))  # noqa: S506
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 2}: " if error.problem_mark else ""
        raise ValueError(f"{line}{error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def _flat(name: str, value: object, depth: int) -> Iterator[tuple[str, str]]:
    if depth > _DEEPEST:
        return
    if isinstance(value, dict):
        for key, inner in list(value.items())[:_MOST_VALUES]:
            yield from _flat(f"{name}.{key}" if name else str(key), inner, depth + 1)
    elif isinstance(value, list):
        plain = [str(item) for item in value[:_MOST_VALUES] if not isinstance(item, dict | list)]
        if plain:
            yield name, ", ".join(plain)[:_LONGEST_VALUE]
        for number, item in enumerate(value[:_MOST_VALUES], start=1):
            if isinstance(item, dict | list):
                yield from _flat(f"{name}.{number}", item, depth + 1)
    elif str(value).strip():
        yield name, " ".join(str(value).split())[:_LONGEST_VALUE]
