"""Our own commands as child processes, with exactly this process's settings."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rag.config import Settings


@contextmanager
def command(arguments: Sequence[str]) -> Iterator[list[str]]:
    """`python -m ARGUMENTS` that reads no settings file; use `environment` with it."""
    with tempfile.NamedTemporaryFile(suffix=".toml") as nothing:
        yield [sys.executable, "-m", *arguments, "--config", nothing.name]


def environment(settings: Settings) -> dict[str, str]:
    """The environment of this process, with every setting as a variable; passwords show in no list."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("RAG_")}
    for name, value in settings.model_dump(mode="json").items():
        kept[f"RAG_{name.upper()}"] = value if isinstance(value, str) else json.dumps(value)
    return kept
