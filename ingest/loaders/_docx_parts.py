"""Reads the parts around a Word document's text: its title, styles, lists and notes (ECMA-376 part 1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_HEADING_NAME = re.compile(r"(?:heading|标题|標題)\s*([1-9])", re.IGNORECASE)


def local(tag: str) -> str:
    return tag.rpartition("}")[2]


def value(attributes: Mapping[str, str]) -> str:
    return attributes.get(f"{W}val", "")


def number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 9 else 0


class Target:
    """What lxml asks of a target; each part's own target overrides what it needs."""

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""

    def end(self, tag: str) -> None:
        """An element ends."""

    def data(self, text: str) -> None:
        """Text of the innermost element."""

    def close(self) -> object:
        return self


class Core(Target):
    """docProps/core.xml: the title."""

    def __init__(self) -> None:
        self.title = ""
        self._inside = False

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:  # noqa: ARG002 - lxml's signature
        self._inside = local(tag) == "title"

    def end(self, tag: str) -> None:  # noqa: ARG002
        self._inside = False

    def data(self, text: str) -> None:
        if self._inside:
            self.title += text


@dataclass(slots=True)
class _Style:
    name: str = ""
    based_on: str = ""
    level: int = 0
    list_id: str = ""


class Styles(Target):
    """styles.xml: which paragraph styles are headings of which level, and which are lists."""

    def __init__(self) -> None:
        self._styles: dict[str, _Style] = {}
        self._open = _Style()

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        name, given = local(tag), value(attributes)
        if name == "style":
            self._open = _Style()
            self._styles[attributes.get(f"{W}styleId", "")] = self._open
        elif name == "name":
            self._open.name = given
            if match := _HEADING_NAME.fullmatch(given.strip()):
                self._open.level = int(match[1])
            elif given.lower() in ("title", "标题", "標題"):
                self._open.level = 1
        elif name == "basedOn":
            self._open.based_on = given
        elif name == "outlineLvl" and given in tuple("012345678"):
            self._open.level = self._open.level or int(given) + 1
        elif name == "numId":
            self._open.list_id = given

    def level(self, style_id: str) -> int:
        """The heading level of a style or of what it is based on; 0 for none."""
        return next((style.level for style in self._chain(style_id) if style.level), 0)

    def list_id(self, style_id: str) -> str:
        return next((style.list_id for style in self._chain(style_id) if style.list_id), "")

    def _chain(self, style_id: str) -> list[_Style]:
        found: list[_Style] = []
        while (style := self._styles.get(style_id)) and len(found) < 20:
            found.append(style)
            style_id = style.based_on
        return found


class Numbering(Target):
    """numbering.xml: which lists count and which have bullets."""

    def __init__(self) -> None:
        self._formats: dict[tuple[str, int], str] = {}
        self._abstract: dict[str, str] = {}
        self._open = ""
        self._level = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        name = local(tag)
        if name == "abstractNum":
            self._open = attributes.get(f"{W}abstractNumId", "")
        elif name == "lvl":
            self._level = number(attributes.get(f"{W}ilvl", ""))
        elif name == "numFmt":
            self._formats[self._open, self._level] = value(attributes)
        elif name == "num":
            self._open = attributes.get(f"{W}numId", "")
        elif name == "abstractNumId":
            self._abstract[self._open] = value(attributes)

    def counts(self, list_id: str, level: int) -> bool:
        """Whether the list's items at this level are numbered."""
        form = self._formats.get((self._abstract.get(list_id, ""), level), "bullet")
        return form not in ("bullet", "none")


class Notes(Target):
    """footnotes.xml or endnotes.xml: each note's text by its id."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self._open = ""
        self._text = False

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        name = local(tag)
        if name in ("footnote", "endnote"):
            separator = f"{W}type" in attributes
            self._open = "" if separator else attributes.get(f"{W}id", "")
        self._text = name == "t"

    def end(self, tag: str) -> None:
        self._text = False
        if local(tag) == "p" and self._open:
            self.data_of(" ")

    def data(self, text: str) -> None:
        if self._text and self._open:
            self.data_of(text)

    def data_of(self, text: str) -> None:
        """Add to the open note."""
        self.texts[self._open] = self.texts.get(self._open, "") + text
