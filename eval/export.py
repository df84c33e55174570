"""Judgements and rankings as files that trec_eval, ranx and ir-measures read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from eval.formats.trec import write_qrels, write_run
from eval.measuring import Measured
from rag.errors import SettingError


def write_trec(folder: Path, measured: Mapping[str, Measured]) -> None:
    """NAME.qrels and NAME.run for every system: where files are labelled by quotes, what is relevant
    depends on how the system cuts them. Raises SettingError if the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, each in measured.items():
            write_qrels(folder / f"{_file(name)}.qrels", each.judged.qrels)
            write_run(folder / f"{_file(name)}.run", each.run, _file(name))
    except OSError as error:
        raise SettingError(f"--write-trec {folder}: cannot be written ({error.strerror})") from error


def _file(name: str) -> str:
    """A system's name as part of a file's: no separators, no white space."""
    return "".join(letter if letter.isalnum() or letter in "=.-_" else "_" for letter in name)
