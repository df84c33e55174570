"""A report's three files: the page, its Markdown twin and the figures themselves as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.files import replace_file
from eval.reporting.markdown import markdown
from eval.reporting.page import page
from rag.errors import SettingError

PAGE, TWIN, FIGURES = "report.html", "report.md", "report.json"


def write_report(folder: Path, evaluations: Sequence[Mapping[str, Any]]) -> None:
    """Write report.html, report.md and report.json, and nothing else, into `folder`, made if need be.

    The same evaluations give the same bytes. Each file is replaced whole or not at all.
    SettingError: `folder` is a file or cannot be written to.
    """
    texts = {
        PAGE: page(evaluations),
        TWIN: markdown(evaluations),
        FIGURES: json.dumps({"evaluations": [dict(each) for each in evaluations]}, ensure_ascii=False) + "\n",
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            replace_file(folder / name, text)
    except (FileExistsError, NotADirectoryError) as error:
        raise SettingError(f"--report {folder}: {error.filename} is a file; name a folder") from error
    except OSError as error:
        raise SettingError(
            f"--report {folder}: cannot write ({error.strerror}); name another folder"
        ) from error
