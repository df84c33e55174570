"""/v1 as the official client and LangChain use it, over a real process."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from starlette.testclient import TestClient

from api import keys
from rag.config import Settings

Serving = Callable[..., AbstractContextManager[tuple[subprocess.Popen[str], str]]]
LIGHTHOUSE = "When was the lighthouse of Varde built?"


@pytest.fixture(scope="module")
def service(
    settings: Settings, serving: Serving, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str]]:
    """Base URL and key."""
    file = tmp_path_factory.mktemp("keys") / "keys.json"
    key = keys.add(file, "anna")
    flags = ("--index", str(settings.index), "--set", f"api.keys_file={file}", "--set", "api.log=off")
    with serving(*flags) as (_, address):
        yield f"{address}/v1", key


def test_the_openai_client_lists_asks_and_streams(service: tuple[str, str], texts: dict[str, str]) -> None:
    openai = pytest.importorskip("openai")
    address, key = service
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": LIGHTHOUSE}]
    with openai.OpenAI(base_url=address, api_key=key) as client:
        assert [model.id for model in client.models.list()] == ["lectern"]
        whole = client.chat.completions.create(model="lectern", messages=messages, temperature=0.2)
        message = whole.choices[0].message
        assert "1856" in message.content
        assert "Sources:\n[1] lighthouse.md" in message.content
        cited = message.annotations[0].url_citation
        assert cited.title == "lighthouse.md"
        assert message.content[cited.start_index : cited.end_index] == "[1]"
        first = whole.citations[0]
        assert texts[first["document"]][first["start"] : first["end"]] == first["quote"]
        stream = client.chat.completions.create(
            model="lectern", messages=messages, stream=True, stream_options={"include_usage": True}
        )
        chunks = list(stream)
        told = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        assert told == message.content
        assert chunks[-1].usage is not None
        assert chunks[-2].choices[0].finish_reason == "stop"
        assert chunks[-2].citations == whole.citations


def test_the_openai_client_knows_its_errors(service: tuple[str, str]) -> None:
    openai = pytest.importorskip("openai")
    address, key = service
    messages = [{"role": "user", "content": LIGHTHOUSE}]
    stranger = openai.OpenAI(base_url=address, api_key="wrong", max_retries=0)
    with stranger, pytest.raises(openai.AuthenticationError):
        stranger.models.list()
    with openai.OpenAI(base_url=address, api_key=key, max_retries=0) as client:
        with pytest.raises(openai.NotFoundError, match="lectern"):
            client.chat.completions.create(model="other", messages=messages)
        with pytest.raises(openai.UnprocessableEntityError):
            client.chat.completions.create(model="lectern", messages=messages, n=3)
        with pytest.raises(openai.UnprocessableEntityError):
            client.chat.completions.create(model="lectern", messages=[{"role": "user", "content": " "}])


def test_langchain_talks_to_it(service: tuple[str, str]) -> None:
    langchain = pytest.importorskip("langchain_openai")
    address, key = service
    chat = langchain.ChatOpenAI(model="lectern", base_url=address, api_key=key)
    assert "1856" in chat.invoke(LIGHTHOUSE).text
    assert "1856" in "".join(chunk.text for chunk in chat.stream(LIGHTHOUSE))


def test_an_answer_that_is_refused_has_no_sources(client: TestClient) -> None:
    body = {"model": "lectern", "messages": [{"role": "user", "content": "Who won the cup in 1998?"}]}
    found = client.post("/v1/chat/completions", json=body).json()
    assert found["citations"] == []
    assert found["choices"][0]["message"]["annotations"] == []
    assert "Sources" not in found["choices"][0]["message"]["content"]


def test_parts_of_a_message_are_read_and_a_conversations_last_question_counts(client: TestClient) -> None:
    parts = [{"type": "text", "text": "如何部署"}, {"type": "text", "text": "量化模型"}]
    messages = [{"role": "user", "content": LIGHTHOUSE}, {"role": "assistant", "content": "1856"}]
    messages.append({"role": "user", "content": parts})  # type: ignore[dict-item]
    messages.append({"role": "system", "content": "Bread dough and rye."})
    body = {"model": "lectern", "messages": messages}
    found = client.post("/v1/chat/completions", json=body).json()
    assert found["lectern"]["passages"][0]["document"] == "部署.md"


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/models/other"])
def test_failures_below_v1_have_openais_shape(client: TestClient, path: str) -> None:
    reply = client.get(path)
    assert reply.status_code == 404
    assert set(reply.json()["error"]) == {"message", "type", "param", "code"}
