from __future__ import annotations

from pathlib import Path

from ingest.loaders.code import SUFFIXES, build
from ingest.splitters.markdown import build as build_splitter
from rag.types import Document


def _file(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def test_code_is_one_block_under_the_files_name(tmp_path: Path) -> None:
    loaded = build().load(_file(tmp_path, "app.py", "def f():\n\treturn 1\n"))
    assert loaded.text == "# app.py\n\n```python\ndef f():\n\treturn 1\n```\n"
    assert loaded.metadata == {
        "type": "markdown", "format": "code", "language": "python", "title": "app.py",
    }  # fmt: skip


def test_every_chunk_carries_the_files_name(tmp_path: Path) -> None:
    code = "\n\n".join(f"def function_{i}(a, b):\n    # a comment\n    return a + {i} * b" for i in range(40))
    loaded = build().load(_file(tmp_path, "sums.py", code))
    chunks = build_splitter(lambda text: len(text.split()), 60).split(
        Document("sums.py", loaded.text, "", loaded.metadata)
    )
    assert len(chunks) > 3
    assert {chunk.heading for chunk in chunks} == {("sums.py",)}


def test_comments_are_no_headings_and_fences_end_nothing(tmp_path: Path) -> None:
    loaded = build().load(_file(tmp_path, "a.sh", "# a comment\ncat <<X\n```\nX\n# more\n"))
    assert loaded.text == "# a.sh\n\n````bash\n# a comment\ncat <<X\n```\nX\n# more\n````\n"


def test_garbled_strings_are_reported_and_left(tmp_path: Path) -> None:
    loaded = build().load(_file(tmp_path, "a.py", 's = "naÃ¯ve cafÃ©"\n'))
    assert "naÃ¯ve" in loaded.text
    assert [warned.kind for warned in loaded.warnings] == ["mojibake"]


def test_hidden_order_in_code_is_reported(tmp_path: Path) -> None:
    loaded = build().load(_file(tmp_path, "a.js", "if (x) {\n/*\u202e } \u2066if (admin)*/\n"))
    assert [warned.kind for warned in loaded.warnings] == ["bidi_controls"]


def test_an_empty_file_is_read_with_a_warning(tmp_path: Path) -> None:
    loaded = build().load(_file(tmp_path, "__init__.py", "\n"))
    assert [warned.kind for warned in loaded.warnings] == ["empty"]


def test_data_files_are_not_taken_for_code() -> None:
    assert not {".json", ".csv", ".xml", ".lock", ".svg"} & set(SUFFIXES)
