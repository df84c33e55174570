"""Late interaction with the token vectors of the embedder itself: no other model is needed.

For each token of a question the largest cosine with any token of the passage; their mean, rarer tokens
counting more, is the score (Khattab and Zaharia, "ColBERT: efficient and effective passage search via
contextualized late interaction over BERT", SIGIR 2020, section 3.3, with a mean and weights in place of the
plain sum). A model that was trained for one vector a text has token vectors that were never trained for
this: alone they order worse than the search does, beside its score they add to it. Hence `weight`.

How rare a token is, log(1 + n / (1 + df)), is counted among the n passages that are scored: what tells them
apart decides. Counted over the whole collection it gained less.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from rag.errors import GeneratorError, SettingError
from rag.fusion import trust
from rag.protocols.models import Embedder, EmbedsTokens, Reranker, TokenVectors
from rag.types import Vectors

# Of the sum with the fused score. Fitted on five sets of questions that are in no test set; docs/retrieval.md
# has them. .35 to .5 do as well.
_WEIGHT = 0.4
_MEGABYTE = 2**20


def build(cache_mb: int = 256) -> Reranker:
    """Late interaction; it computes where and how the embedder does.

    `cache_mb`: memory for the token vectors of passages read before, some 200 kB for each, 0 for none.
    Raises SettingError for a value out of range; an embedder without token vectors is told when it is given.
    """
    if cache_mb < 0:
        raise SettingError(f"reranker.cache_mb = {cache_mb}: must be at least 1, or 0 for no cache")
    return LateInteraction(cache_mb * _MEGABYTE)


class LateInteraction:
    """Safe to share between threads. A passage's score depends on the passages that are scored with it."""

    name = "late_interaction"
    weight = _WEIGHT

    def __init__(self, cache_bytes: int) -> None:
        self._given: Embedder | None = None
        self._known = _Known(cache_bytes)

    def use_embedder(self, embedder: Embedder) -> None:
        """Take the vectors from `embedder`."""
        self._given = embedder

    def warm(self) -> None:
        """Load the embedder. Raises SettingError."""
        self._embedder.question_tokens("")

    def score(self, question: str, passages: Sequence[str]) -> Vectors:
        """The weighted mean of the largest cosines, float32 (len(passages),), from -1 to 1.

        All 0, and nothing is computed, where the embedder cannot read the question: its vectors are noise.
        """
        scores = np.zeros(len(passages), dtype=np.float32)
        if not passages or not trust(self._embedder.readable(question)):
            return scores
        asked = self._embedder.question_tokens(question)
        if not len(asked.ids):
            return scores
        read = self._read(passages)
        weights = _rarity(asked, read)
        for row, passage in enumerate(read):
            scores[row] = _largest(asked, passage) @ weights
        if not np.isfinite(scores).all():
            raise GeneratorError("the embedder's token vectors are no numbers: set embedder.dtype = float32")
        return scores

    @property
    def _embedder(self) -> EmbedsTokens:
        given: object = self._given
        if isinstance(given, EmbedsTokens):
            return given
        raise SettingError(
            "reranker.name = late_interaction: this embedder has no token vectors; choose another"
        )

    def _read(self, passages: Sequence[str]) -> list[TokenVectors]:
        """The passages' tokens, those computed that are not known yet."""
        found = {passage: known for passage in passages if (known := self._known.get(passage))}
        missing = [passage for passage in dict.fromkeys(passages) if passage not in found]
        for passage, tokens in zip(missing, self._embedder.passage_tokens(missing), strict=True):
            found[passage] = TokenVectors(tokens.ids, tokens.vectors.astype(np.float16))
            self._known.put(passage, found[passage])
        return [found[passage] for passage in passages]


class _Known:
    """Tokens of passages, in half precision; of more bytes than fit, those not asked for longest are gone."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._bytes = 0
        self._kept: OrderedDict[str, TokenVectors] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, passage: str) -> TokenVectors | None:
        with self._lock:
            if passage in self._kept:
                self._kept.move_to_end(passage)
            return self._kept.get(passage)

    def put(self, passage: str, tokens: TokenVectors) -> None:
        with self._lock:
            if passage in self._kept:  # another thread was as quick
                return
            self._kept[passage] = tokens
            self._bytes += _size(passage, tokens)
            while self._bytes > self._most:
                self._bytes -= _size(*self._kept.popitem(last=False))


def _size(passage: str, tokens: TokenVectors) -> int:
    """Bytes, a character counted as two."""
    return 2 * len(passage) + tokens.ids.nbytes + tokens.vectors.nbytes


def _rarity(asked: TokenVectors, passages: Sequence[TokenVectors]) -> Vectors:
    """The share of each of the question's tokens in the mean, float32 (tokens,); their sum is 1."""
    frequency = np.sum([np.isin(asked.ids, passage.ids) for passage in passages], axis=0)
    weights = np.log1p(len(passages) / (1.0 + frequency))
    shares: Vectors = (weights / weights.sum()).astype(np.float32)
    return shares


def _largest(asked: TokenVectors, passage: TokenVectors) -> Vectors:
    """Each of the question's tokens' largest cosine with a token of the passage, -1 if it has none."""
    if not len(passage.ids):
        return np.full(len(asked.ids), -1.0, dtype=np.float32)
    cosines: Vectors = passage.vectors.astype(np.float32) @ asked.vectors.T
    largest: Vectors = cosines.max(axis=0)
    return largest
