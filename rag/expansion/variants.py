"""What a language model makes of a question before the search: other wordings, or a possible answer.

`multi-query` asks it for the question in other words. Each wording is searched for like a question, and
the lists are joined: a passage's scores are put in standard deviations above their list's mean
(`rag.fusion.standardise`), one that a list lacks has the list's lowest, and the sum counts the question
itself for one half, its other wordings together for the rest. (Lists joined by ranks: Rackauckas,
"RAG-Fusion", 2024.)

`hyde` asks it for a passage that could answer, true or not, and looks for passages like that one: the
vector searched with is the mean of the question's and the passage's (Gao et al., "Precise zero-shot dense
retrieval without relevance labels", ACL 2023, equation 8). Words are searched for as they were asked.

No constant here is fitted. Where the model cannot be had, or writes nothing usable, the question is
searched for as it stands, and the reply says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Event
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np

from rag import prompt
from rag.errors import GeneratorError, SettingError
from rag.fusion import standardise
from rag.sections import VariantsName
from rag.types import Hit, Mode, Variants, Vectors

# A language model's reply to messages, of at most so many tokens. Raises as `Generator.generate` does.
Reply: TypeAlias = Callable[[list[prompt.Message], int, Event | None], str]


@runtime_checkable
class Replies(Protocol):
    """What a generator with a language model offers besides."""

    def reply(self, parts: list[prompt.Message], limit: int, *, cancelled: Event | None = None) -> str:
        """What the model says to messages of any kind, at most `limit` tokens."""
        ...


_QUESTION_TOKENS = 64
_PASSAGE_TOKENS = 200
_LONGEST_QUESTION = 400  # characters; a model that writes more has answered instead of asking
_LONGEST_PASSAGE = 1500
_OWN_SHARE = 0.5  # of the question itself against all its other wordings
_NUMBERED = re.compile(r"^\s*(?:[-*•]+|\(?\d{1,2}[.)、:：)]+)\s*")
_ASKING: dict[prompt.Language, str] = {
    "en": "Write {count} other wordings of the question below, for a search engine: use other words for "
    "the same things, and ask for nothing else. One to a line, without numbers, in English.\n\n{question}",
    "zh": "为下面的问题写出 {count} 种不同的问法，供搜索引擎使用：换用其他词语表达同样的意思，"
    "不增加别的内容。每行一个，不要编号，用中文。\n\n{question}",
}
_ANSWERING: dict[prompt.Language, str] = {
    "en": "Write one short passage, three sentences at most, as it could stand in a document that answers "
    "the question below. Guess what you do not know. Reply with the passage alone, in English.\n\n{question}",
    "zh": "写一段不超过三句的文字，内容像是能回答下面这个问题的文档原文。不知道的可以猜测。"
    "只回复这段文字，用中文。\n\n{question}",
}


class Expander:
    """Asks a language model for the variants of questions."""

    def __init__(self, kind: VariantsName, count: int, reply: Reply) -> None:
        """`count` other wordings at most, for "multi-query"."""
        self._kind = kind
        self._count = count
        self._reply = reply

    def serves(self, mode: Mode) -> bool:
        """Whether it changes such a search: a passage is looked for by its vector alone."""
        return mode != "sparse" or self._kind != "hyde"

    def expand(self, question: str, cancelled: Event | None = None) -> tuple[Variants, str]:
        """The question's variants and no note; or none, and a note that says why. Raises Cancelled."""
        try:
            found = self._asked(question, cancelled)
        except (GeneratorError, SettingError) as error:
            return Variants(), f"searched for the question as it stands: {error}"
        if found == Variants():
            return found, f"searched for the question as it stands: the model wrote nothing for {self._kind}"
        return found, ""

    def _asked(self, question: str, cancelled: Event | None) -> Variants:
        if self._kind == "multi-query":
            asking = _ASKING[prompt.language(question)].format(count=self._count, question=question)
            written = self._reply(_user(asking), _QUESTION_TOKENS * self._count, cancelled)
            return Variants(questions=_questions(_text(written), question, self._count))
        answering = _ANSWERING[prompt.language(question)].format(question=question)
        passage = " ".join(_text(self._reply(_user(answering), _PASSAGE_TOKENS, cancelled)).split())
        return Variants(passages=(passage[:_LONGEST_PASSAGE],) if passage else ())


def mean_vector(question: Vectors, passages: Vectors) -> Vectors:
    """The unit vector of the mean of a question's vector, float32 (d,), and of passages', float32 (n, d)."""
    mean = np.concatenate([question[None], passages]).mean(axis=0)
    length = float(np.linalg.norm(mean))
    return question if length == 0.0 else (mean / length).astype(np.float32)


def joined(lists: Sequence[Sequence[Hit]]) -> list[Hit]:
    """One list of all hits, the question's own list first among `lists`, best first; equal scores by place.

    A hit keeps the legs of the first list that has it.
    """
    if len(lists) == 1:
        return list(lists[0])
    hits = {_key(hit): hit for ranked in reversed(lists) for hit in ranked}
    totals = dict.fromkeys(hits, 0.0)
    for number, ranked in enumerate(lists):
        if not ranked:
            continue
        share = _OWN_SHARE if number == 0 else (1.0 - _OWN_SHARE) / (len(lists) - 1)
        scores = np.array([hit.score for hit in ranked], dtype=np.float32)
        known = dict(zip(map(_key, ranked), standardise(scores, scores).tolist(), strict=True))
        lowest = min(known.values())
        for key in totals:
            totals[key] += share * known.get(key, lowest)
    found = [replace(hit, score=totals[key]) for key, hit in hits.items()]
    return sorted(found, key=lambda hit: (-hit.score, *_key(hit)))


def _key(hit: Hit) -> tuple[str, int]:
    return hit.chunk.document_id, hit.chunk.ordinal


def _user(content: str) -> list[prompt.Message]:
    return [{"role": "user", "content": content}]


def _text(reply: str) -> str:
    """What was written, without what was thought aloud before."""
    return prompt.read_reply(reply, {}).text


def _questions(written: str, question: str, count: int) -> tuple[str, ...]:
    """The lines that are other questions than the one asked and each other, at most `count`."""
    found: dict[str, str] = {}
    for line in written.splitlines():
        bare = _NUMBERED.sub("", line).strip(' \t"“”「」*')
        if 1 < len(bare) <= _LONGEST_QUESTION and bare.casefold() != question.strip().casefold():
            found.setdefault(bare.casefold(), bare)
    return tuple(found.values())[:count]
