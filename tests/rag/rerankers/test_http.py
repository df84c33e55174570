"""A reranker behind HTTP, against a real process: both forms, and whatever a server can do wrong."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rag.errors import GeneratorError, SettingError
from rag.rerankers.cross_encoder import build as build_local
from rag.rerankers.http import RemoteReranker, build

QUESTION = "what burned"
PASSAGES = [f"{'oil ' * count}{'dough ' * (6 - count)}" for count in (3, 0, 6, 1, 5, 2)]


def opened(address: str, **options: Any) -> RemoteReranker:
    made = build(address, **options)
    assert isinstance(made, RemoteReranker)
    return made


@pytest.fixture(scope="module")
def expected(counting_cross_encoder: Path) -> list[float]:
    scores: list[float] = (
        build_local(str(counting_cross_encoder), "cpu", "float32").score(QUESTION, PASSAGES).tolist()
    )
    return scores


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("", "/v1/rerank"),
        ("/", "/v1/rerank"),
        ("/v1", "/v1/rerank"),
        ("/v1/rerank", "/v1/rerank"),
        ("/tei", "/tei/rerank"),
        ("/tei/rerank", "/tei/rerank"),
    ],
)
def test_both_forms_are_found_by_themselves(
    rerank_server: str, expected: list[float], path: str, asked: str
) -> None:
    reranker = opened(rerank_server + path, batch=4)
    for _ in range(2):
        scores = reranker.score(QUESTION, PASSAGES)
        assert scores == pytest.approx(expected, abs=1e-5)
    assert [endpoint.url for endpoint in reranker._endpoints] == [rerank_server + asked]
    assert np.argsort(-scores).tolist() == [2, 4, 0, 5, 3, 1]


def test_a_key_is_sent_and_asked_for(rerank_server: str, expected: list[float]) -> None:
    assert opened(f"{rerank_server}/keyed", api_key="secret").score(QUESTION, PASSAGES) == pytest.approx(
        expected, abs=1e-5
    )
    with pytest.raises(GeneratorError, match=r"\(401\): invalid api token; set reranker\.api_key"):
        opened(f"{rerank_server}/keyed", api_key="wrong").score(QUESTION, PASSAGES)


@pytest.mark.parametrize(
    ("path", "options", "message"),
    [
        ("/nothing", {}, r"\(404\): Not Found; check reranker\.base_url, and that the server was started"),
        ("/tei", {"batch": 6}, r"\(413\): batch size > maximum .* 4; .*lower reranker\.batch"),
        ("/bad/silent/rerank", {"timeout_s": 0.3}, r"no reply within 0\.3 s; raise reranker\.timeout_s"),
        ("/bad/half/rerank", {}, r"the connection broke .*look at the server's log"),
        ("/bad/html/rerank", {}, r"does not answer as a reranker: 0 scores for 6 passages"),
        ("/bad/nan/rerank", {}, r"does not answer as a reranker: 0 scores for 6 passages"),
        ("/bad/broken/rerank", {}, r"\(500\): out of memory; look at the server's log"),
        ("/bad/away/rerank", {}, r"refuses \(307\)"),
    ],
)
def test_whatever_goes_wrong_is_one_line_that_names_what_to_change(
    rerank_server: str, path: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(GeneratorError, match=message) as caught:
        opened(rerank_server + path, **options).score(QUESTION, PASSAGES)
    assert "\n" not in str(caught.value)


def test_no_server_names_the_setting() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(GeneratorError, match=rf"no server answers at {address}/v1/rerank .*base_url"):
            opened(address).score(QUESTION, PASSAGES)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"base_url": "127.0.0.1:8080"}, r"reranker\.base_url is '127\.0\.0\.1:8080'; write it like"),
        ({"base_url": "http://host:99999"}, r"reranker\.base_url is "),
        ({"base_url": "http://me:pass@host"}, r"write the key as reranker\.api_key"),
        ({"timeout_s": 0.0}, r"reranker\.timeout_s is 0"),
        ({"timeout_s": float("nan")}, r"reranker\.timeout_s is nan"),
        ({"batch": 0}, r"reranker\.batch is 0"),
    ],
)
def test_a_value_that_cannot_be_is_told_at_once(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        build(**options)
