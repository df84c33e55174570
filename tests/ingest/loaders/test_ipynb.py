from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ingest.loaders.ipynb import build
from rag.errors import DocumentError
from rag.types import Loaded


def _load(folder: Path, notebook: Any) -> Loaded:
    path = folder / "file.ipynb"
    path.write_bytes(notebook if isinstance(notebook, bytes) else json.dumps(notebook).encode())
    return build().load(path)


def _cell(kind: str, source: str | list[str], *outputs: dict[str, Any]) -> dict[str, Any]:
    return {"cell_type": kind, "source": source, "outputs": list(outputs)}


def test_cells_are_read_in_order(tmp_path: Path) -> None:
    notebook = {
        "metadata": {"kernelspec": {"language": "Julia"}},
        "cells": [
            _cell("markdown", ["# 训练 #\n", "Some *text*"]),
            _cell("code", ["x = 1\n", "print(x)"], {"output_type": "stream", "text": ["1\n"]}),
            _cell("code", "", {"output_type": "execute_result", "data": {"text/plain": "42"}}),
            _cell("raw", "as it is"),
        ],
    }
    loaded = _load(tmp_path, notebook)
    assert loaded.text == (
        "# 训练 #\nSome *text*\n\n```julia\nx = 1\nprint(x)\n```\n\n```text\n1\n```\n\n"
        "```text\n42\n```\n\n```\nas it is\n```\n"
    )
    assert loaded.metadata == {"type": "markdown", "format": "ipynb", "language": "julia", "title": "训练"}


def test_images_are_dropped_and_their_words_kept(tmp_path: Path) -> None:
    image = {"output_type": "display_data", "data": {"image/png": "iVBORw0KGgo" * 1000}}
    cells = [
        _cell("markdown", "See ![the plot](data:image/png;base64,AAAA) here"),
        _cell("code", "p()", image),
    ]
    assert _load(tmp_path, {"cells": cells}).text == "See the plot here\n\n```python\np()\n```\n"


def test_long_output_is_cut_short_and_errors_are_one_line(tmp_path: Path) -> None:
    long = {"output_type": "stream", "text": "".join(f"step {i}\n" for i in range(1000))}
    error = {"output_type": "error", "ename": "ValueError", "evalue": "bad", "traceback": ["x" * 9999]}
    text = _load(tmp_path, {"cells": [_cell("code", "go()", long, error)]}).text
    assert "step 19\n...\n```" in text
    assert "step 20" not in text
    assert text.endswith("```text\nValueError: bad\n```\n")


def test_a_progress_bar_is_read_as_it_last_stood(tmp_path: Path) -> None:
    bar = {"output_type": "stream", "text": "1%\r50%\r\x1b[32m100%\x1b[0m\n"}
    assert "```text\n100%\n```" in _load(tmp_path, {"cells": [_cell("code", "", bar)]}).text


def test_an_unclosed_code_block_does_not_swallow_the_next_cell(tmp_path: Path) -> None:
    cells = [_cell("markdown", "```py\nopen"), _cell("markdown", "# Next")]
    assert _load(tmp_path, {"cells": cells}).text == "```py\nopen\n```\n\n# Next\n"


def test_the_third_format_is_read_too(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "heading", "level": 2, "source": ["Old"]},
        {"cell_type": "code", "input": ["y"], "outputs": [{"output_type": "stream", "text": "1"}]},
    ]
    text = _load(tmp_path, {"worksheets": [{"cells": cells}]}).text
    assert text == "## Old\n\n```python\ny\n```\n\n```text\n1\n```\n"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"cells": ' + b"[" * 200_000, "nested too deeply"),
        (b'{"cells": [\n{,', "line 2 is not valid JSON"),
        (b"", "not valid JSON"),
        (b"[1, 2]", "no notebook"),
        (b'{"a": 1}', "no notebook"),
        (b'{"cells": [], "n": ' + b"9" * 10_000 + b"}", "not valid JSON"),
    ],
)
def test_what_is_no_notebook_is_refused_in_plain_words(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(DocumentError, match=reason):
        _load(tmp_path, data)


def test_fields_of_the_wrong_kind_are_passed_over(tmp_path: Path) -> None:
    cells: list[Any] = [None, 3, {"cell_type": 7}, {"cell_type": "code", "source": {"a": 1}, "outputs": "x"}]
    loaded = _load(tmp_path, {"cells": [*cells, _cell("markdown", "fine \ud800")], "metadata": [1]})
    assert loaded.text == "fine \n"
    assert [warned.kind for warned in _load(tmp_path, {"cells": []}).warnings] == ["empty"]
