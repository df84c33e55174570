"""How many tokens a text becomes, without tokenizing the same words again and again.

A splitter asks how long every paragraph and sentence is, many of them more than once, and the embedder
whether a passage fits. BERT's tokenizers cut at white space, punctuation and around each Chinese character
before they look into a word, so the count of a text is the sum of those of its words, and the words of a
collection are soon all known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

# Punctuation is cut off at any rate: fewer words to know. So is a Chinese character.
_ALONE = r"!-/:-@\[-`{-~\u4e00-\u9fff"
_WORD = re.compile(rf"[{_ALONE}]|[^\s{_ALONE}]+")
# White space to Python, nothing to BERT's normaliser: it joins what stands on both sides.
_SEPARATORS = "\x0b\x0c\x1c-\x1f\x85"
_LONGEST = 40  # characters of a word that may come again
_MOST = 200_000  # words, some 20 MB


def counter(tokenizer: Any) -> Callable[[str], int]:
    """A function that counts a text's tokens, special ones left out; threads may share it."""

    def count(text: str) -> int:
        # Without their places in the text, which are a fifth of the work.
        return len(tokenizer.encode_batch_fast([text], add_special_tokens=False)[0])

    return _WordCounts(tokenizer, count) if _adds_up(tokenizer) else count


class _WordCounts:
    def __init__(self, tokenizer: Any, count: Callable[[str], int]) -> None:
        self._tokenizer = tokenizer
        self._whole = count
        marks = (re.escape(token.content) for token in tokenizer.get_added_tokens_decoder().values())
        # One token where it stands in a text, whatever it is made of.
        self._inexact = re.compile("|".join([f"[{_SEPARATORS}]", *marks]), re.IGNORECASE)
        self._known: dict[str, int] = {}

    def __call__(self, text: str) -> int:
        if self._inexact.search(text):
            return self._whole(text)
        words = _WORD.findall(text)
        try:
            return sum(map(self._known.__getitem__, words))
        except KeyError:
            return self._learn(words)

    def _learn(self, words: Sequence[str]) -> int:
        new = [word for word in dict.fromkeys(words) if word not in self._known]
        encodings = self._tokenizer.encode_batch_fast(new, add_special_tokens=False)
        counted = dict(zip(new, map(len, encodings), strict=True))
        if len(self._known) < _MOST:
            self._known.update((word, size) for word, size in counted.items() if len(word) <= _LONGEST)
        # What is known once stays so, whatever another thread does meanwhile.
        return sum(counted[word] if word in counted else self._known[word] for word in words)


def _adds_up(tokenizer: Any) -> bool:
    """Whether the tokens of a text are those of its words, as `_WORD` has them."""
    from tokenizers.normalizers import BertNormalizer
    from tokenizers.pre_tokenizers import BertPreTokenizer

    normalizer = tokenizer.normalizer
    if not (isinstance(normalizer, BertNormalizer) and isinstance(tokenizer.pre_tokenizer, BertPreTokenizer)):
        return False
    return bool(normalizer.clean_text and normalizer.handle_chinese_chars)
