"""Judgements and rankings as files that trec_eval, ranx and ir-measures read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from eval.formats.columns import encode
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
            file = encode(name).replace("/", "%2F")
            write_qrels(folder / f"{file}.qrels", each.judged.qrels)
            write_run(folder / f"{file}.run", each.run, name)
    except OSError as error:
        raise SettingError(f"--write-trec {folder}: cannot be written ({error.strerror})") from error
