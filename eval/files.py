"""Files replaced whole: whoever reads sees the old one or the new one, never half of either."""

from __future__ import annotations

import os
from pathlib import Path


def replace_file(path: Path, text: str) -> None:
    """Put `text` at `path` as UTF-8 in one step, or into it where it is no plain file. Raises OSError.

    A lone surrogate, for which UTF-8 has no bytes, is written as the escape that JSON has for it.
    """
    if path.exists() and not path.is_file():
        path.write_bytes(_encoded(text))  # /dev/null and pipes stay what they are
        return
    path = path.resolve()
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with draft.open("wb") as stream:
            stream.write(_encoded(text))
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", errors="backslashreplace")
