"""Reads question answering sets in SQuAD's JSON: each paragraph a passage, each question judged by its own.

SQuAD 1 and 2, DRCD and others: {"data": [{"title", "paragraphs": [{"context", "qas": [{"id", "question",
"answers": [{"text"}], "is_impossible"}]}]}]}. CMRC 2018 as it was published: a list of {"title",
"context_text", "qas": [{"query_id", "query_text", "answers": ["..."]}]}. Other keys are left alone.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from eval.formats.lines import read_bytes, usable
from eval.formats.queries import accepted
from eval.types import Entry, PassageSet, Query
from rag.errors import DocumentError
from rag.text import normalise

LAYOUT = 'a SQuAD-style file is JSON: {"data": [{"title", "paragraphs": [{"context", "qas": [...]}]}]}'


class _Node(NamedTuple):
    """A value of the file and the path to it, for messages: "dev.json: data[3].paragraphs[0]"."""

    place: str
    value: Any

    def member(self, *names: str) -> _Node | None:
        """The first of these members that the object has."""
        if not isinstance(self.value, dict):
            raise DocumentError(f"{self.place}: must be an object (it is {_short(self.value)}); {LAYOUT}")
        for name in names:
            if self.value.get(name) is not None:
                return _Node(f"{self.place}.{name}", self.value[name])
        return None

    def need(self, *names: str) -> _Node:
        if (found := self.member(*names)) is None:
            raise DocumentError(f'{self.place}: "{names[0]}" is missing; {LAYOUT}')
        return found

    def items(self) -> Iterator[_Node]:
        if not isinstance(self.value, list):
            raise DocumentError(f"{self.place}: must be a list (it is {_short(self.value)}); {LAYOUT}")
        for number, item in enumerate(self.value):
            yield _Node(f"{self.place}[{number}]", item)

    def text(self) -> str:
        if not isinstance(self.value, str):
            raise DocumentError(f"{self.place}: must be a string (it is {_short(self.value)})")
        return normalise(self.value)


@dataclass(slots=True)
class _Reading:
    """What was read so far: passages by their text, and where each question's id was first seen."""

    entries: dict[str, Entry] = field(default_factory=dict)
    queries: dict[str, Query] = field(default_factory=dict)
    qrels: dict[str, dict[str, int]] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)
    of_title: Counter[str] = field(default_factory=Counter)

    def paragraph(self, node: _Node, title: str) -> None:
        context = node.need("context", "context_text")
        text = context.text()
        if not text.strip():
            raise DocumentError(f"{context.place}: is empty; a question needs the text that it is about")
        if text not in self.entries:
            self.of_title[title] += 1
            self.entries[text] = Entry(f"{title}-{self.of_title[title]}", title, text)
        for question in node.need("qas").items():
            self.question(question, self.entries[text])

    def question(self, node: _Node, entry: Entry) -> None:
        place, identifier = node.need("id", "query_id")
        if isinstance(identifier, int) and not isinstance(identifier, bool):
            identifier = str(identifier)
        if not isinstance(identifier, str) or not usable(identifier):
            raise DocumentError(f"{place}: must be a string that can be printed (it is {_short(identifier)})")
        if identifier in self.seen:
            first = self.seen[identifier]
            raise DocumentError(f"{node.place}: the id {identifier!r} is already at {first}; ids must differ")
        self.seen[identifier] = node.place.partition(": ")[2]
        self.queries[identifier] = _query(node)
        self.qrels[identifier] = {entry.id: 1}


def read_squad(path: Path) -> PassageSet:
    """The test set in a SQuAD-style file: every distinct context is a passage, "<title>-<n>".

    A question is judged to be answered by its own context, also one marked "is_impossible", which is
    about it. `digest` is the file's sha256. Raises SettingError where the file is missing, DocumentError
    naming the line of a fault in the JSON or the path to anything that cannot be taken as it stands.
    """
    data = read_bytes(path, LAYOUT)
    reading = _Reading()
    for paragraph, title in _paragraphs(path, _parse(path, data)):
        reading.paragraph(paragraph, title)
    if not reading.queries:
        raise DocumentError(f"{path}: holds no question; {LAYOUT}")
    digest = hashlib.sha256(data).hexdigest()
    corpus = tuple(reading.entries.values())
    return PassageSet(path.stem, digest, reading.queries, corpus, reading.qrels)


def _parse(path: Path, data: bytes) -> Any:
    try:
        return json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DocumentError(f"{path}:{line}: not UTF-8; save the file as UTF-8") from error
    except json.JSONDecodeError as error:
        raise DocumentError(f"{path}:{error.lineno}: not JSON ({error}); {LAYOUT}") from error
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"{path}: not JSON that can be read ({error}); {LAYOUT}") from error


def _paragraphs(path: Path, root: Any) -> Iterator[tuple[_Node, str]]:
    """Each paragraph with its title, which is the file's name where it has none."""
    if isinstance(root, list):
        for number, item in enumerate(root):
            node = _Node(f"{path}: [{number}]", item)
            yield node, _title(node, path)
        return
    if not isinstance(root, dict) or root.get("data") is None:
        raise DocumentError(f'{path}: "data" is missing; {LAYOUT}')
    for article in _Node(f"{path}: data", root["data"]).items():
        title = _title(article, path)
        for paragraph in article.need("paragraphs").items():
            yield paragraph, title


def _title(node: _Node, path: Path) -> str:
    title = node.member("title")
    return " ".join(title.text().split() if title else ()) or path.stem


def _query(node: _Node) -> Query:
    text = node.need("question", "query_text").text().strip()
    impossible = node.member("is_impossible")
    if impossible and not isinstance(impossible.value, bool):
        raise DocumentError(f"{impossible.place}: must be true or false (it is {_short(impossible.value)})")
    if impossible and impossible.value:
        return Query(text, answerable=False)
    answers = node.member("answers")
    listed = [_answer(answer) for answer in answers.items()] if answers else []
    return Query(text, accepted(node.place, listed))


def _answer(node: _Node) -> str:
    return node.text() if isinstance(node.value, str) else node.need("text").text()


def _short(value: object) -> str:
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    return repr(value)[:80]
