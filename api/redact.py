"""Keeps the server's folders to itself: paths in a message become their last part."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from rag.config import Settings

# An absolute path of at least two parts that does not belong to an address such as http://host/path.
_POSIX = re.compile(r"(?<![\w/.:\]])/(?:[^\s/'\"`,:;()]+/)+([^\s/'\"`,:;()]*)")
_WINDOWS = re.compile(r"\b[A-Za-z]:\\(?:[^\s\\'\"]+\\)*([^\s\\'\"]*)")


class Redactor:
    """Removes folders from texts. Known ones are found even where they hold spaces."""

    def __init__(self, folders: Iterable[Path]) -> None:
        written = {str(each) for folder in folders for each in (folder, folder.absolute(), folder.resolve())}
        self._known = sorted((each for each in written if "/" in each or "\\" in each), key=len, reverse=True)
        self.text = lru_cache(256)(self._text)

    def _text(self, message: str) -> str:
        for known in self._known:
            message = message.replace(known, Path(known).name)
        return _WINDOWS.sub(r"\1", _POSIX.sub(r"\1", message))


def redactor(settings: Settings, more: Iterable[Path] = ()) -> Redactor:
    """For messages of the whole service; `more` are folders it has to do with besides its own."""
    folders = [settings.index, Path.cwd(), Path(sys.prefix), Path(tempfile.gettempdir()), *more]
    if settings.api.uploads:
        folders.append(Path(settings.api.uploads))
    return Redactor(folder for folder in folders if folder.absolute().parent != folder.absolute())
