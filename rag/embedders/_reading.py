"""What a model is given of a text: its tokens behind a prompt, no more than it reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from rag.embedders._folder import ModelFolder
from rag.embedders._padded import PaddedModel
from rag.embedders._prompts import AUTO, Prompts, chosen
from rag.errors import SettingError

_TOGETHER = 64  # texts tokenised at a time, so that the first batch begins before the last text is read
_LEAST_ROOM = 16  # tokens of a passage that must fit beside its prompt


class Reading:
    """Prompts and tokens of one model; safe to share between threads."""

    def __init__(self, files: ModelFolder, prompts: Prompts) -> None:
        """`prompts` as the settings say them, "auto" for the model's."""
        self._files = files
        self._set = prompts

    @cached_property
    def prompts(self) -> Prompts:
        """What stands in front of questions and of passages."""
        # The model's are looked up only where they count: for a name on the hub that may need the network.
        left = AUTO in (self._set.query, self._set.passage)
        return chosen(self._set, self._files.prompts) if left else self._set

    @cached_property
    def room(self) -> int:
        """Tokens of prompt and passage together that the model reads whole, beside its special tokens.

        Raises SettingError for a prompt that leaves too few.
        """
        room = self._longest - self._files.special
        prompt = self._files.tokens.count(self.prompts.passage)
        if room - prompt < _LEAST_ROOM:
            raise SettingError(
                f"embedder.passage_prompt has {prompt} tokens, and {self._files.name} reads {room}: "
                "shorten it to leave room for the passage"
            )
        return room

    def tokens(self, texts: Sequence[str], prompt: str, model: object) -> Sequence[Any]:
        """What `model` reads of each text behind `prompt`; beyond its limit the text is cut.

        A PaddedModel has a tokenizer of its own, any other computes token ids.
        """
        if isinstance(model, PaddedModel):
            return model.tokens(texts, self._longest, prompt)
        given = [prompt + text for text in texts]
        found = [encoding.ids for encoding in self._files.tokenizer.encode_batch(given)]
        return [
            ids if len(ids) <= self._longest else self._cutting.encode(text).ids
            for ids, text in zip(found, given, strict=True)
        ]

    def longest_first(self, texts: Sequence[str], prompt: str, model: object) -> Iterator[tuple[int, Any]]:
        """(row, tokens) of every text, the longest first, so that a batch holds like lengths."""
        order = sorted(range(len(texts)), key=lambda row: -len(texts[row]))
        for at in range(0, len(order), _TOGETHER):
            rows = order[at : at + _TOGETHER]
            yield from zip(rows, self.tokens([texts[row] for row in rows], prompt, model), strict=True)

    @property
    def _longest(self) -> int:
        """Tokens, special ones included: one place stays empty, see `_padded_network.width_of`."""
        return self._files.limit - 1

    @cached_property
    def _cutting(self) -> Any:
        """The tokenizer, but that it keeps the beginning of a text that is too long."""
        from tokenizers import Tokenizer

        cutting = Tokenizer.from_str(self._files.tokenizer.to_str())
        cutting.enable_truncation(self._longest)
        return cutting
