"""Lines of a file and the JSON objects on them, each with its place as "file:number"."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from rag.errors import DocumentError, SettingError
from rag.text import normalise

Line: TypeAlias = tuple[str, str]  # place, text
Record: TypeAlias = tuple[str, dict[str, Any]]  # place, object


def read_bytes(path: Path, layout: str) -> bytes:
    """The file's bytes. Raises SettingError that ends in `layout`, what the whole should look like."""
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise SettingError(f"{path}: no such file; {layout}") from error
    except OSError as error:
        raise SettingError(f"{path}: cannot be read ({error.strerror}); {layout}") from error


def lines(path: Path, data: bytes, layout: str) -> list[Line]:
    """The lines that are not blank. Raises DocumentError where there are none or one is not UTF-8."""
    found = []
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        place = f"{path}:{number}"
        try:
            text = line.rstrip(b"\r").decode()
        except UnicodeDecodeError as error:
            raise DocumentError(f"{place}: not UTF-8; save the file as UTF-8") from error
        if text.strip():
            found.append((place, text))
    if not found:
        raise DocumentError(f"{path}: is empty; {layout}")
    return found


def objects(numbered: Iterable[Line], like: str) -> Iterator[Record]:
    """Each line's JSON object. `like` is an example for the message of a line that holds none."""
    for place, line in numbered:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            name = Path(place.rpartition(":")[0]).name
            raise DocumentError(f"{place}: not JSON ({error}); {name} has one object a line") from error
        if not isinstance(record, dict):
            raise DocumentError(f"{place}: must be a JSON object such as {like}")
        yield place, record


def identified(numbered: Iterable[Line]) -> Iterator[tuple[str, Record]]:
    """Each line's `_id` and its record. Raises DocumentError for an id that is missing or stands twice."""
    first_seen: dict[str, str] = {}
    for place, record in objects(numbered, '{"_id": "1", "text": "..."}'):
        identifier = record.get("_id")
        if not isinstance(identifier, str) or not usable(identifier):
            what = f"a string that can be printed (it is {identifier!r})"
            raise DocumentError(f'{place}: "_id" must be {what}; write "_id": "1"')
        if identifier in first_seen:
            raise DocumentError(
                f"{place}: the id {identifier!r} is already on {first_seen[identifier]}; ids must differ"
            )
        first_seen[identifier] = place
        yield identifier, (place, record)


def usable(identifier: str) -> bool:
    """Whether it can stand in a column of a file and be encoded: no control or half characters."""
    return bool(identifier.strip()) and not any(unicodedata.category(c) in ("Cc", "Cs") for c in identifier)


def text_of(place: str, record: Mapping[str, Any], key: str = "text") -> str:
    """The normalised string under `key`. Raises DocumentError for anything else."""
    text = record.get(key)
    if not isinstance(text, str):
        raise DocumentError(f'{place}: "{key}" must be a string (it is {text!r})')
    return normalise(text)
