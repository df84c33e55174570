"""Several servers of one model behind one generator."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from rag.errors import GeneratorError
from rag.generators import openai
from rag.types import Chunk, Hit

HITS = [Hit(Chunk("a.md", 0, "The gate opens at seven.", 0, 24), 1.0)]


class _Model:
    """A server of the protocol: how many questions it has answered, and what it does with them."""

    def __init__(self, port: int = 0) -> None:
        self.answered = 0
        self.status = 200
        self.gate = threading.Event()
        self.gate.set()
        self.inside = threading.Semaphore(0)
        model = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._send(200 if self.path == "/v1/models" else 404, {"data": [{"id": "tiny"}]})

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                if self.path != "/v1/chat/completions":  # how other kinds of server tell their window
                    self._send(404, {})
                    return
                model.inside.release()
                model.gate.wait(30)
                model.answered += model.status == 200
                message = {"role": "assistant", "content": "At seven. [1]"}
                self._send(model.status, {"choices": [{"message": message, "finish_reason": "stop"}]})

            def _send(self, status: int, content: dict[str, Any]) -> None:
                body = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self._server.server_port
        self.address = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def stop(self) -> None:
        self.gate.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def _models(count: int) -> Iterator[list[_Model]]:
    models = [_Model() for _ in range(count)]
    try:
        yield models
    finally:
        for model in models:
            model.stop()


def _generator(models: list[_Model]) -> openai.RemoteModel:
    made = openai.build(base_url=" , ".join(model.address for model in models), timeout_s=20.0)
    assert isinstance(made, openai.RemoteModel)
    return made


def test_questions_go_to_the_least_busy_server() -> None:
    with _models(3) as models:
        generator = _generator(models)
        for model in models:
            model.gate.clear()
        with ThreadPoolExecutor(6) as pool:
            drafts = [pool.submit(generator.generate, "When?", HITS) for _ in range(6)]
            for model in models:
                assert model.inside.acquire(timeout=20)
                assert model.inside.acquire(timeout=20), "two questions each"
            for model in models:
                model.gate.set()
            assert {draft.result().text for draft in drafts} == {"At seven. [1]"}
        assert Counter(model.answered for model in models) == {2: 3}


def test_a_server_that_is_gone_costs_no_question_and_is_asked_again_when_it_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rag.generators._served.servers._LEFT_OUT_S", 0.0)
    with _models(2) as models:
        generator = _generator(models)
        gone, other = models
        port = gone.port
        gone.stop()
        heard: list[str] = []
        for _ in range(4):
            assert generator.generate("When?", HITS, on_text=heard.append).text == "At seven. [1]"
        assert "".join(heard) == "At seven. [1]" * 4
        assert other.answered == 4
        models[0] = back = _Model(port)
        for _ in range(4):
            generator.generate("When?", HITS)
        assert back.answered >= 2


def test_a_server_that_is_still_loading_is_passed_over() -> None:
    with _models(2) as models:
        generator = _generator(models)
        models[0].status = 503
        for _ in range(3):
            assert generator.generate("When?", HITS).text == "At seven. [1]"
        assert (models[0].answered, models[1].answered) == (0, 3)


def test_where_no_server_answers_the_last_one_tried_is_named_with_the_setting() -> None:
    with _models(2) as models:
        generator = _generator(models)
        assert generator.name.endswith(f"{models[0].address}/v1, {models[1].address}/v1")
    with pytest.raises(GeneratorError, match=r"no server answers at .*generator\.base_url"):
        generator.generate("When?", HITS)
