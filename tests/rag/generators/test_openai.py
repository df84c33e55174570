"""The remote model against a real server process, and its errors against real sockets."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from rag.errors import GeneratorError, SettingError
from rag.generators import openai as remote
from rag.types import Chunk, Draft, Hit

TEXT = "The server needs CUDA 12."
PASSAGES = [Hit(Chunk("a.md", 0, TEXT, 0, len(TEXT), ("Setup",)), 1.0)]
REPLY = {"choices": [{"message": {"role": "assistant", "content": "CUDA 12 [1]."}, "finish_reason": "stop"}]}
MODELS = {"object": "list", "data": [{"id": "alpha"}, {"id": "beta"}]}


class Fake:
    """A hand-written server: what it answers by path, and the requests it got."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, Any]] = {
            "/v1/models": (200, MODELS),
            "/v1/chat/completions": (200, REPLY),
        }
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.silence_s = 0.0
        self.drop = 0
        self.url = ""


@contextmanager
def serving(fake: Fake) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            fake.requests.append((self.path, headers, body))
            if fake.drop:
                fake.drop -= 1
                self.close_connection = True
                return
            time.sleep(fake.silence_s)
            status, content = fake.answers.get(self.path, (404, {"detail": "Not Found"}))
            payload = content if isinstance(content, bytes) else json.dumps(content).encode()
            kind = "text/html" if isinstance(content, bytes) else "application/json"
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = answer  # noqa: N815 - the names are the library's

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Nothing on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def fake() -> Iterator[Fake]:
    server = Fake()
    with serving(server):
        yield server


def ask(url: str, **options: Any) -> Draft:
    return remote.build(url, **options).generate("What is needed?", PASSAGES)


def failure(url: str, **options: Any) -> str:
    with pytest.raises(GeneratorError) as failed:
        ask(url, **options)
    message = str(failed.value)
    assert "\n" not in message
    assert url.removeprefix("http://") in message
    return message


@pytest.mark.parametrize("ending", ["", "/", "/v1", "/v1/"])
def test_a_real_server_answers_with_or_without_v1_in_its_address(model_server: str, ending: str) -> None:
    draft = ask(model_server + ending, max_tokens=5)
    assert draft.text
    assert draft.usage["completion_tokens"] == 5
    assert draft.usage["prompt_tokens"] > 100
    assert draft.reason == "cut at generator.max_tokens = 5"


def test_a_real_servers_first_model_is_taken_where_none_is_set(model_server: str) -> None:
    unset, named = (remote.build(model_server, model, max_tokens=5) for model in ("", "lectern/tiny"))
    assert unset.generate("Why?", PASSAGES) == named.generate("Why?", PASSAGES)
    assert "lectern/tiny" in unset.name


def test_a_real_server_is_told_to_be_someone_else_and_the_error_lists_its_models(model_server: str) -> None:
    message = failure(model_server, model="nobody/other")
    assert "does not offer the model nobody/other" in message
    assert "generator.model may be: lectern/tiny" in message


def test_the_request_carries_the_prompt_and_the_settings(fake: Fake) -> None:
    assert ask(fake.url, max_tokens=7, temperature=0.5).text == "CUDA 12 [1]."
    path, _, body = fake.requests[-1]
    sent = json.loads(body)
    assert path == "/v1/chat/completions"
    assert (sent["model"], sent["max_tokens"], sent["temperature"]) == ("alpha", 7, 0.5)
    assert [message["role"] for message in sent["messages"]] == ["system", "user"]
    assert TEXT in sent["messages"][1]["content"]


def test_what_a_server_says_of_its_models_is_asked_once(fake: Fake) -> None:
    generator = remote.build(fake.url)
    for _ in range(2):
        generator.generate("Why?", PASSAGES)
    ask(fake.url, model="beta")
    listings = [path for path, _, _ in fake.requests].count("/v1/models")
    assert listings == 3  # to choose a model once, and once for the window of each generator's model


def test_an_address_with_a_version_of_its_own_is_left_as_it_is(fake: Fake) -> None:
    fake.answers["/api/v4/chat/completions"] = (200, REPLY)
    assert ask(fake.url + "/api/v4/", model="alpha").text


def test_nothing_of_the_environments_openai_settings_reaches_the_server(
    fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-secret")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-secret")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-secret")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/secret")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Token: secret\nAuthorization: Bearer secret")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    ask(fake.url)
    assert {"/v1/models", "/props", "/v1/chat/completions"} <= {path for path, _, _ in fake.requests}
    for _, headers, body in fake.requests:
        assert "secret" not in str(headers) + body.decode()
        assert "authorization" not in headers


def test_the_key_that_is_set_is_the_key_that_is_sent(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "Authorization: Bearer other")
    ask(fake.url, api_key="mine")
    assert {headers["authorization"] for _, headers, _ in fake.requests} == {"Bearer mine"}


def test_a_refusing_model_abstains(fake: Fake) -> None:
    fake.answers["/v1/chat/completions"] = (
        200,
        {"choices": [{"message": {"content": "The documents do not say."}}]},
    )
    draft = ask(fake.url)
    assert draft.abstained
    assert set(draft.usage.values()) == {0}


def test_no_server_at_the_address_is_told_with_the_setting() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        message = failure(url, retries=0)
    assert "no server answers at" in message
    assert "generator.base_url" in message


def test_a_connection_that_breaks_is_tried_again_as_often_as_set(fake: Fake) -> None:
    fake.drop = 2
    assert ask(fake.url, model="alpha", retries=2, max_context_tokens=4096).text
    assert len(fake.requests) == 3
    fake.drop = 2
    message = failure(fake.url, model="alpha", retries=1, max_context_tokens=4096)
    assert "no server answers" in message


@pytest.mark.parametrize("status", [500, 503, 429, 408, 409])
def test_a_server_that_refuses_is_not_asked_again(fake: Fake, status: int) -> None:
    fake.answers["/v1/chat/completions"] = (status, {"error": {"message": "no room"}})
    message = failure(fake.url, model="alpha", retries=2)
    assert f"failed ({status}): no room" in message
    assert [path for path, _, _ in fake.requests].count("/v1/chat/completions") == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_key_is_told_with_the_setting(fake: Fake, status: int) -> None:
    fake.answers["/v1/chat/completions"] = (status, {"error": {"message": "bad key"}})
    message = failure(fake.url, model="alpha", api_key="hush")
    assert "bad key" in message
    assert "generator.api_key" in message
    assert "hush" not in message


def test_an_unknown_model_is_told_with_those_there_are(fake: Fake) -> None:
    fake.answers["/v1/chat/completions"] = (404, {"error": {"message": "model not found"}})
    assert "generator.model may be: alpha, beta" in failure(fake.url, model="gamma")


def test_a_prompt_too_long_is_told_with_what_to_lower(fake: Fake) -> None:
    fake.answers["/v1/chat/completions"] = (400, {"message": "maximum context length is 2048 tokens"})
    message = failure(fake.url, model="alpha")
    assert "maximum context length is 2048 tokens" in message
    assert "retriever.k" in message


def test_a_silent_server_is_given_up_after_the_timeout_and_not_asked_again(fake: Fake) -> None:
    fake.silence_s = 1.0
    began = time.monotonic()
    assert "no reply within 0.2 s; raise generator.timeout_s" in failure(
        fake.url, model="alpha", timeout_s=0.2
    )
    assert time.monotonic() - began < 0.9
    assert [path for path, _, _ in fake.requests].count("/v1/chat/completions") == 1


def content(value: object) -> dict[str, Any]:
    return {"choices": [{"message": {"content": value}, "finish_reason": "length"}]}


@pytest.mark.parametrize(
    "reply",
    [
        b"<html>hello</html>",
        b"",
        {},
        [],
        7,
        "text",
        None,
        {"choices": []},
        {"choices": "x"},
        {"choices": [None]},
    ],
    ids=repr,
)
def test_a_reply_of_another_shape_is_told_as_such(fake: Fake, reply: object) -> None:
    fake.answers["/v1/chat/completions"] = (200, reply)
    message = failure(fake.url, model="alpha")
    assert "does not answer as an OpenAI-compatible server" in message or "empty answer" in message


@pytest.mark.parametrize("listed", [{"data": "x"}, {}, [], b"<html></html>", "x"], ids=repr)
def test_a_list_of_models_of_another_shape_is_told_as_such(fake: Fake, listed: object) -> None:
    fake.answers["/v1/models"] = (200, listed)
    assert "does not answer as an OpenAI-compatible server" in failure(fake.url)


@pytest.mark.parametrize("value", ["", "  \n", None, "<think>and so on"])
def test_an_empty_text_is_an_error(fake: Fake, value: object) -> None:
    fake.answers["/v1/chat/completions"] = (200, content(value))
    assert "alpha wrote an empty answer; raise generator.max_tokens" in failure(fake.url, model="alpha")


def test_a_server_without_models_is_told(fake: Fake) -> None:
    fake.answers["/v1/models"] = (200, {"object": "list", "data": []})
    assert "lists no model" in failure(fake.url)


def test_a_web_site_at_the_address_is_told_as_such(fake: Fake) -> None:
    fake.answers = {"/v1/models": (200, b"<html></html>")}
    assert "generator.base_url" in failure(fake.url)
    fake.answers = {}
    assert "404" in failure(fake.url)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"base_url": "localhost:11434"}, "generator.base_url"),
        ({"base_url": "ftp://127.0.0.1/v1"}, "generator.base_url"),
        ({"base_url": ""}, "generator.base_url"),
        ({"base_url": "http://127.0.0.1:99999"}, "generator.base_url"),
        ({"base_url": "http://me:secret@127.0.0.1/v1"}, "generator.api_key"),
        ({"timeout_s": 0.0}, "generator.timeout_s"),
        ({"timeout_s": float("inf")}, "generator.timeout_s"),
        ({"max_tokens": 0}, "generator.max_tokens"),
        ({"temperature": -1.0}, "generator.temperature"),
        ({"retries": -1}, "generator.retries"),
    ],
)
def test_a_setting_out_of_range_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingError) as refused:
        remote.build(**options)
    assert said in str(refused.value)
    assert "secret" not in str(refused.value)


def test_the_missing_package_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(SettingError, match=r'pip install -e "\.\[openai\]"'):
        remote.build()


def test_building_asks_nothing_of_the_server(fake: Fake) -> None:
    remote.build(fake.url)
    assert fake.requests == []
    assert remote.build(fake.url).generate("为什么？", []).text == "文档中没有说明。"
    assert fake.requests == []
