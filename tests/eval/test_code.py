"""The sources that made a figure have one name, and an index only that of what made it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from eval.code import INDEXING, code_digest

ROOT = Path(__file__).parents[2]


def test_the_name_is_that_of_all_files_read_in_order() -> None:
    digest = hashlib.sha256()
    for file in sorted((ROOT / "eval" / "formats").glob("*.py")):
        digest.update(file.relative_to(ROOT).as_posix().encode() + b"\0" + file.read_bytes())
    assert code_digest(("eval/formats",)) == digest.hexdigest()[:12]


def test_what_an_index_is_made_by_is_there_and_is_not_everything() -> None:
    assert all((ROOT / place).exists() for place in INDEXING)
    assert code_digest(INDEXING) != code_digest()
