"""A reranker behind HTTP: vLLM, Text Embeddings Inference, llama.cpp, Jina, Cohere and their like.

Two forms are spoken. That of Jina and Cohere, which vLLM and llama.cpp took over: POST /v1/rerank with
`query` and `documents`, answered by `results` of `index` and `relevance_score`. And that of Text
Embeddings Inference: POST /rerank with `query` and `texts`, answered by a list of `index` and `score`.
Only the settings decide where passages go and with which key.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rag.addresses import server_address
from rag.errors import GeneratorError, SettingError
from rag.protocols.models import Reranker
from rag.rerankers._post import Answer, post
from rag.types import Vectors

_NO_SUCH_FORM = (400, 404, 405, 422)  # with these a server answers to the other form


def build(
    base_url: str = "http://127.0.0.1:8080",
    model: str = "",
    api_key: str = "",
    timeout_s: float = 30.0,
    batch: int = 32,
) -> Reranker:
    """A reranker at `base_url`: the server's address, with or without /v1, or the whole one of its endpoint.

    An empty `model` names none (servers of one model need none); an empty `api_key` sends none.
    `timeout_s` is how long the server may stay silent. `batch` passages go into one request.
    Raises SettingError for a value out of range.
    """
    if not (math.isfinite(timeout_s) and timeout_s > 0):
        raise SettingError(f"reranker.timeout_s is {timeout_s}; it must be more than 0 seconds")
    if batch < 1:
        raise SettingError(f"reranker.batch is {batch}; it must be at least 1")
    return RemoteReranker(_endpoints(base_url), model.strip(), api_key.strip(), timeout_s, batch)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to post to, and in which of the two forms: the name of the field that holds the passages."""

    url: str
    field: str

    def body(self, question: str, passages: Sequence[str], model: str) -> dict[str, Any]:
        """The request. Passages too long for the model are to be cut there, where that can be said."""
        named = {"model": model} if model else {}
        if self.field == "texts":
            return {"query": question, "texts": list(passages), "truncate": True, **named}
        return {"query": question, "documents": list(passages), "top_n": len(passages), **named}


class RemoteReranker:
    """Safe to share between threads."""

    def __init__(
        self, endpoints: Sequence[Endpoint], model: str, api_key: str, timeout_s: float, batch: int
    ) -> None:
        self._endpoints = tuple(endpoints)
        self._model = model
        self._api_key = api_key
        self._timeout_s = timeout_s
        self._batch = batch

    @property
    def name(self) -> str:
        return f"http {self._model or '(its model)'} at {self._endpoints[0].url}"

    def warm(self) -> None:
        """Nothing to load; whether the server answers is asked when it is needed."""

    def score(self, question: str, passages: Sequence[str]) -> Vectors:
        """The server's score of each passage, float32 (len(passages),).

        Raises GeneratorError naming the address and the setting for a server that is not there, refuses,
        falls silent or answers something else than scores.
        """
        scores = np.zeros(len(passages), dtype=np.float32)
        for at in range(0, len(passages), self._batch):
            part = passages[at : at + self._batch]
            endpoint, answer = self._ask(question, part)
            if answer.status != 200:
                raise _refused(endpoint.url, answer)
            scores[at : at + len(part)] = _scores(endpoint.url, answer.content, len(part))
        return scores

    def _ask(self, question: str, passages: Sequence[str]) -> tuple[Endpoint, Answer]:
        """The answer at the first endpoint that knows its form; from then on only that one is asked."""
        refusals = []
        for endpoint in self._endpoints:
            body = endpoint.body(question, passages, self._model)
            answer = post(endpoint.url, body, self._api_key, self._timeout_s)
            if answer.status == 200:
                self._endpoints = (endpoint,)
            if answer.status not in _NO_SUCH_FORM:
                return endpoint, answer
            refusals.append((endpoint, answer))
        # The one that says most: not that there is nothing at an address.
        return min(refusals, key=lambda each: each[1].status in (404, 405))


def _endpoints(base_url: str) -> list[Endpoint]:
    parts = server_address("reranker", base_url, "http://127.0.0.1:8080")
    path = parts.path
    root = f"{parts.scheme}://{parts.netloc}{path}"
    if path.endswith(("/rerank", "/reranking")):
        return [Endpoint(root, "documents"), Endpoint(root, "texts")]
    if path.rpartition("/")[2] in ("v1", "v2", "v3"):
        return [Endpoint(f"{root}/rerank", "documents")]
    return [Endpoint(f"{root}/v1/rerank", "documents"), Endpoint(f"{root}/rerank", "texts")]


def _scores(url: str, content: Any, count: int) -> list[float]:
    """The scores in an answer of either form, in the order of the passages."""
    listed = content
    if isinstance(content, dict):
        listed = content.get("results", content.get("data"))
    found: dict[int, float] = {}
    for each in listed if isinstance(listed, list) else []:
        if isinstance(each, dict):
            index, score = each.get("index"), each.get("relevance_score", each.get("score"))
            if isinstance(index, int) and isinstance(score, int | float) and math.isfinite(score):
                found[index] = float(score)
    if sorted(found) != list(range(count)):
        raise GeneratorError(
            f"{url} does not answer as a reranker: {len(found)} scores for {count} passages; "
            "check reranker.base_url"
        )
    return [found[index] for index in range(count)]


def _refused(url: str, answer: Answer) -> GeneratorError:
    said = f"{url} refuses ({answer.status}): {answer.said}"
    if answer.status in (401, 403):
        return GeneratorError(f"{said}; set reranker.api_key")
    if answer.status in (404, 405, 501):
        return GeneratorError(
            f"{said}; check reranker.base_url, and that the server was started with a reranking model"
        )
    if answer.status in (400, 413, 422):
        return GeneratorError(
            f"{said}; check reranker.model; if that was too much for it, lower reranker.batch or "
            "splitter.chunk_tokens"
        )
    return GeneratorError(f"{said}; look at the server's log")
