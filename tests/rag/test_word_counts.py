"""Counts that are summed word by word are those of the tokenizer."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from rag.word_counts import counter


def word_pieces(**options: Any) -> Any:
    """A tokenizer as BERT's, which knows a few words and the Latin letters."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    words = ["[UNK]", "[SEP]", "lamp", "##s", "oil", "灯", "油", ".", ",", "-", "[", "]", "=", "é"]
    letters = [mark + chr(letter) for letter in range(ord("a"), ord("z") + 1) for mark in ("", "##")]
    vocabulary = {token: number for number, token in enumerate(words + letters)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=20))  # noqa: S106
    tokenizer.normalizer = normalizers.BertNormalizer(**options)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(["[SEP]"])
    return tokenizer


ODD = "lampsoil灯油 .,-[SEP]\n\u3000\x0c\x1c\x85\u0301\u200b=é"
TEXTS = st.text(max_size=80) | st.text(alphabet=ODD, max_size=120)


@settings(max_examples=400, deadline=None)
@example("lamp[SEP]oil [sep]", True)
@example("lamp\x1coil", True)
@example("e\u0301= \u0338lamps\u200b,oil", False)
@given(text=TEXTS, lowercase=st.booleans())
def test_the_count_of_any_text_is_the_tokenizers_own(text: str, lowercase: bool) -> None:
    tokenizer = word_pieces(lowercase=lowercase)
    count = counter(tokenizer)
    expected = len(tokenizer.encode(text, add_special_tokens=False).ids)
    assert [count(text), count(text)] == [expected, expected]


def test_a_word_is_tokenized_once_and_known_from_then_on() -> None:
    class Asked:
        def __init__(self) -> None:
            self._tokenizer = word_pieces()
            self.words: list[str] = []

        def __getattr__(self, name: str) -> Any:
            return getattr(self._tokenizer, name)

        def encode_batch_fast(self, texts: list[str], **options: Any) -> Any:
            self.words += texts
            return self._tokenizer.encode_batch_fast(texts, **options)

    tokenizer = Asked()
    count = counter(tokenizer)
    assert [count("lamps, lamps and oil"), count("oil, lamps"), count("灯油, oil")] == [9, 4, 4]
    assert tokenizer.words == ["lamps", ",", "and", "oil", "灯", "油"]


def test_a_tokenizer_that_reads_across_spaces_is_asked_for_every_text() -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    vocabulary = {"a": 0, " ": 1, " a": 2}
    tokenizer = Tokenizer(models.BPE(vocabulary, [(" ", "a")]))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" a", "isolated")
    assert counter(tokenizer)("a a a") == 3
