"""Jupyter notebooks: Markdown cells as they are, code in fences, the beginning of what it printed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.loaders._compose import fence, heading, join, title_of
from ingest.loaders._decode import as_written, finish, read_bytes
from ingest.loaders.text import empty_warning
from rag.errors import DocumentError
from rag.protocols.documents import Loader
from rag.types import Loaded

SUFFIXES: tuple[str, ...] = (".ipynb",)
MAX_BYTES = 200_000_000
_OUTPUT_LINES, _OUTPUT_CHARACTERS = 20, 2000
_IMAGE = re.compile(r"!\[([^\]\n]{0,500})\]\((?:data:|attachment:)[^)\s]*\)")
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6}[ \t]+(\S[^\n]{0,500}?)[ \t#]*$", re.MULTILINE)
_TERMINAL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def build(max_bytes: int = MAX_BYTES) -> Loader:
    """A loader of notebooks of at most `max_bytes` bytes."""
    return NotebookLoader(max_bytes)


@dataclass(frozen=True)
class NotebookLoader:
    """Reads one notebook of format 3 or 4.

    Metadata: `type` "markdown" (what the text is), `format` "ipynb", `language`, `title`.
    """

    max_bytes: int = MAX_BYTES

    def load(self, path: Path) -> Loaded:
        source = as_written(read_bytes(path, self.max_bytes))
        notebook = _parsed(source.text)
        language = _language(notebook)
        blocks = [block for cell in _cells(notebook) for block in _blocks(cell, language)]
        found = finish(join(blocks))
        metadata = {"type": "markdown", "format": "ipynb", "language": language}
        if (first := _HEADING.search(found.text)) and (title := title_of(first[1])):
            metadata["title"] = title
        return Loaded(
            found.text,
            metadata=metadata,
            warnings=(*source.warnings, *found.warnings, *empty_warning(found.text)),
        )


def _parsed(text: str) -> dict[str, Any]:
    try:
        notebook = json.loads(text)
    except RecursionError:
        raise DocumentError("is nested too deeply to be a notebook: check what it really is") from None
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        raise DocumentError(f"line {line} is not valid JSON: restore the notebook or save it anew") from None
    if not isinstance(notebook, dict) or not (
        isinstance(notebook.get("cells"), list) or isinstance(notebook.get("worksheets"), list)
    ):
        raise DocumentError("is JSON but no notebook (it has no cells): check what it really is")
    return notebook


def _cells(notebook: dict[str, Any]) -> Iterator[dict[str, Any]]:
    sheets = [notebook, *(s for s in _list(notebook.get("worksheets")) if isinstance(s, dict))]
    for sheet in sheets:
        yield from (cell for cell in _list(sheet.get("cells")) if isinstance(cell, dict))


def _blocks(cell: dict[str, Any], language: str) -> Iterator[str]:
    # Format 3 has "input" for code and headings as cells of their own.
    source = _joined(cell.get("source", cell.get("input")))
    kind = cell.get("cell_type")
    if kind == "code":
        yield fence(source, language)
        for output in _list(cell.get("outputs")):
            if isinstance(output, dict) and (printed := _printed(output)):
                yield fence(printed, "text")
    elif kind == "heading":
        level = cell.get("level")
        yield heading(level if isinstance(level, int) else 1, source)
    elif kind == "raw":
        yield fence(source)
    else:
        yield _closed(_IMAGE.sub(r"\1", source).strip("\n"))


def _printed(output: dict[str, Any]) -> str:
    """The beginning of an output's text; "" for images and other media."""
    data = output.get("data")
    if output.get("output_type") in ("error", "pyerr"):
        text = f"{_joined(output.get('ename'))}: {_joined(output.get('evalue'))}"
    else:
        text = _joined(output.get("text") or (data.get("text/plain") if isinstance(data, dict) else ""))
    lines = _TERMINAL.sub("", text).replace("\r\n", "\n").strip("\n").split("\n")
    # A progress bar overwrites its line: only its last state was to be seen.
    shown = "\n".join(line.rpartition("\r")[2] or line.rstrip("\r") for line in lines[:_OUTPUT_LINES])
    cut = len(lines) > _OUTPUT_LINES or len(shown) > _OUTPUT_CHARACTERS
    return shown[:_OUTPUT_CHARACTERS] + ("\n..." if cut else "")


def _closed(markdown: str) -> str:
    """The cell's text with a code block left open closed: it must not swallow the cells after it."""
    opened = ""
    for match in _FENCE.finditer(markdown):
        if not opened:
            opened = match[1]
        elif match[1].startswith(opened):
            opened = ""
    return f"{markdown}\n{opened}" if opened else markdown


def _language(notebook: dict[str, Any]) -> str:
    metadata = notebook.get("metadata")
    for key, name in (("language_info", "name"), ("kernelspec", "language")):
        part = metadata.get(key) if isinstance(metadata, dict) else None
        if isinstance(part, dict) and re.fullmatch(r"[\w+#.-]{1,30}", found := str(part.get(name, ""))):
            return found.lower()
    return "python"


def _joined(value: Any) -> str:
    """A multi-line string of the format: one string or a list of them."""
    if isinstance(value, list):
        return "".join(each for each in value if isinstance(each, str))
    return value if isinstance(value, str) else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
