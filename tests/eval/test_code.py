"""The sources that made a figure have one name, and an index only that of what made it."""

from __future__ import annotations

import ast
import hashlib
from pathlib import Path

from eval.code import INDEXING, code_digest

ROOT = Path(__file__).parents[2]


def test_the_name_is_that_of_all_files_read_in_order() -> None:
    digest = hashlib.sha256()
    for file in sorted((ROOT / "eval" / "formats").glob("*.py")):
        digest.update(file.relative_to(ROOT).as_posix().encode() + b"\0" + file.read_bytes())
    assert code_digest(("eval/formats",)) == digest.hexdigest()[:12]


# What these do decides no chunk, term or vector: errors, contracts, settings, files, and reading an index.
PLUMBING = {"rag/config.py", "rag/errors.py", "rag/files.py", "rag/fusion.py", "rag/sections.py"}


def _imported(file: Path) -> set[str]:
    """The modules of rag that a file imports, as paths."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "rag":
            path = (node.module or "").replace(".", "/")
            found |= (
                {f"{path}.py"}
                if (ROOT / f"{path}.py").exists()
                else {f"{path}/{each.name}.py" for each in node.names}
            )
    return {path for path in found if (ROOT / path).exists()}


def test_what_makes_an_index_stands_on_nothing_that_could_change_unnoticed() -> None:
    """Of ingest this cannot be asked: it imports all of rag, to build, to calibrate and to ask."""
    covered = {
        file.relative_to(ROOT).as_posix()
        for place in INDEXING
        if not place.startswith("ingest")
        for file in ([ROOT / place] if (ROOT / place).is_file() else (ROOT / place).rglob("*.py"))
    }
    reached = {path for file in covered if file.startswith("rag") for path in _imported(ROOT / file)}
    left = reached - covered - PLUMBING
    assert {path for path in left if not path.startswith("rag/protocols/")} == set()


def test_what_an_index_is_made_by_is_there_and_is_not_everything() -> None:
    assert all((ROOT / place).exists() for place in INDEXING)
    assert code_digest(INDEXING) != code_digest()
