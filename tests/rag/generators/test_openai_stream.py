"""Streaming, cancelling and the model's window: against a real server, and against sockets that misbehave."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from rag.errors import Cancelled, GeneratorError
from rag.generators import openai as remote
from rag.types import Chunk, Hit

TEXT = "The server needs CUDA 12."
PASSAGES = [Hit(Chunk("a.md", 0, TEXT, 0, len(TEXT), ("Setup",)), 1.0)]
LONG = [
    Hit(Chunk("a.md", number * 2, f"Passage {number}. {'The server needs CUDA 12. ' * 20}", 0, 1), 1.0)
    for number in range(8)
]
EVENTS = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
Script = Callable[[socket.socket, bytes], None]


class Edge:
    """A server of raw sockets: `script` plays the chat, `documents` are what other paths answer."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.documents: dict[str, Any] = {}
        self.bodies: list[dict[str, Any]] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads: list[threading.Thread] = [threading.Thread(target=self._serve)]
        self._threads[0].start()

    def close(self) -> None:
        # A thread in accept() is not woken by close().
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            self._threads.append(threading.Thread(target=self._answer, args=(line,)))
            self._threads[-1].start()

    def _answer(self, line: socket.socket) -> None:
        with line:
            head, _, body = self._request(line)
            path = head.split(b" ")[1].decode()
            if path.endswith("/chat/completions"):
                self.bodies.append(json.loads(body))
                self.script(line, body)
                return
            found = json.dumps(self.documents.get(path, {})).encode()
            status = "200 OK" if path in self.documents else "404 Not Found"
            header = (
                f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(found)}\r\n\r\n"
            )
            line.sendall(header.encode() + found)

    @staticmethod
    def _request(line: socket.socket) -> tuple[bytes, bytes, bytes]:
        got = b""
        while b"\r\n\r\n" not in got:
            got += line.recv(65536)
        head, end, body = got.partition(b"\r\n\r\n")
        length = next(
            (
                int(each.split(b":")[1])
                for each in head.split(b"\r\n")
                if each.lower().startswith(b"content-length")
            ),
            0,
        )
        while len(body) < length:
            body += line.recv(65536)
        return head, end, body


@contextmanager
def edge(script: Script) -> Iterator[Edge]:
    server = Edge(script)
    try:
        yield server
    finally:
        server.close()


def piece(text: str, finish: str | None = None) -> str:
    return f"data: {json.dumps({'choices': [{'delta': {'content': text}, 'finish_reason': finish}]})}\n\n"


def sends(*parts: str, wait: threading.Event | None = None) -> Script:
    """A script that sends its parts and hangs up, at the end after the event where one is given."""

    def script(line: socket.socket, _: bytes) -> None:
        line.sendall("".join(parts).encode())
        if wait is not None:
            wait.wait(20)

    return script


def failure(server: Edge, **options: Any) -> str:
    with pytest.raises(GeneratorError) as failed:
        remote.build(server.url, "alpha", **options).generate("What is needed?", PASSAGES)
    assert "\n" not in str(failed.value)
    return str(failed.value)


def test_a_real_server_streams_and_the_pieces_are_the_text(model_server: str) -> None:
    pieces: list[str] = []
    draft = remote.build(model_server, max_tokens=12).generate("Why?", PASSAGES, on_text=pieces.append)
    assert len(pieces) > 2
    assert "".join(pieces) == draft.text
    assert draft.usage["completion_tokens"] == 12


def test_a_real_server_is_hung_up_on_when_the_asker_leaves(model_server: str) -> None:
    generator = remote.build(model_server, max_tokens=2000)
    cancelled = threading.Event()
    pieces: list[str] = []

    def heard(text: str) -> None:
        pieces.append(text)
        cancelled.set()

    with pytest.raises(Cancelled):
        generator.generate("Why?", PASSAGES, on_text=heard, cancelled=cancelled)
    assert len(pieces) == 1
    assert generator.generate("Why?", [], on_text=None).abstained
    assert remote.build(model_server, max_tokens=3).generate("Why?", PASSAGES).text


def test_a_real_server_counts_the_prompt_as_its_tokenizer_does(model_server: str, tiny_model: Path) -> None:
    generator: Any = remote.build(model_server, max_tokens=3, tokenizer=str(tiny_model))
    draft = generator.generate("Why?", PASSAGES)
    _, parts = generator._packed(generator._servers.first, "Why?", PASSAGES, None)
    assert draft.usage["prompt_tokens"] == generator._count(parts)
    assert draft.usage["context_truncated"] == 0


def test_passages_are_packed_into_a_window_that_is_set(model_server: str, tiny_model: Path) -> None:
    generator = remote.build(model_server, max_tokens=3, max_context_tokens=1200, tokenizer=str(tiny_model))
    usage = generator.generate("Why?", LONG).usage
    assert 0 < usage["passages_left_out"] < len(LONG)
    assert 1100 < usage["prompt_tokens"] + 3 <= 1200


def test_a_stream_is_read_to_its_end_with_comments_between() -> None:
    parts = (
        EVENTS, ": ping\n\n", piece("CUDA"), 'data: {"choices":[]}\n\n', "event: x\n",
        piece(" 12 [1].", "stop"),
        'data: {"choices":[],"usage":{"prompt_tokens":700,"completion_tokens":4}}\n\n', "data: [DONE]\n\n",
    )  # fmt: skip
    pieces: list[str] = []
    with edge(sends(*parts)) as server:
        generator = remote.build(server.url, "alpha")
        draft = generator.generate("What is needed?", PASSAGES, on_text=pieces.append)
    assert draft.text == "".join(pieces) == "CUDA 12 [1]."
    assert (draft.usage["prompt_tokens"], draft.usage["completion_tokens"]) == (700, 4)
    assert server.bodies[0]["stream"] is True
    assert server.bodies[0]["stream_options"] == {"include_usage": True}


def test_what_the_model_thinks_aloud_is_not_handed_over() -> None:
    pieces: list[str] = []
    with edge(
        sends(EVENTS, piece("<thi"), piece("nk>hm</th"), piece("ink> \n CUDA"), piece(" 12.", "stop"))
    ) as server:
        draft = remote.build(server.url, "alpha").generate("Why?", PASSAGES, on_text=pieces.append)
    assert "".join(pieces) == draft.text == "CUDA 12."


@pytest.mark.parametrize(
    "parts",
    [
        (EVENTS, piece("CUDA")),
        (EVENTS,),
        (EVENTS.replace("\r\n\r\n", "\r\nContent-Length: 999\r\n\r\n"), piece("CUDA")),
    ],
    ids=["after a piece", "at once", "before its length"],
)
def test_a_server_that_dies_in_the_middle_is_told_and_not_asked_again(parts: tuple[str, ...]) -> None:
    with edge(sends(*parts)) as server:
        message = failure(server, retries=2)
    assert "in the middle of the answer" in message
    assert len(server.bodies) == 1


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ("data: {broken\n\n", "not JSON"),
        ("data: [1]\n\n", "no JSON object"),
        ('data: {"choices":[7]}\n\n', "choices"),
        ('data: {"choices":[{"delta":{"content":7}}]}\n\n', "no text"),
        (
            'data: {"error":{"message":"CUDA out of memory"}}\n\n',
            "failed (while answering): CUDA out of memory",
        ),
        ("\x00\x01\x02" * 50, "ended in the middle"),
    ],
)
def test_a_stream_of_another_shape_is_told_as_such(sent: str, said: str) -> None:
    with edge(sends(EVENTS, piece("CUDA"), sent)) as server:
        assert said in failure(server)


def test_a_stream_that_falls_silent_is_given_up_after_the_timeout() -> None:
    done = threading.Event()
    with edge(sends(EVENTS, piece("CUDA"), wait=done)) as server:
        message = failure(server, timeout_s=0.3, max_context_tokens=4096)
        done.set()
    assert "the answer stopped and nothing came for 0.3 s; raise generator.timeout_s" in message


def test_a_stream_without_end_is_cut() -> None:
    def endless(line: socket.socket, _: bytes) -> None:
        line.sendall(EVENTS.encode())
        try:
            while True:
                line.sendall(piece("CUDA 12 [1]. ").encode() * 100)
        except OSError:
            return

    with edge(endless) as server:
        draft = remote.build(server.url, "alpha", max_tokens=8).generate("Why?", PASSAGES)
    assert draft.reason == "cut at generator.max_tokens = 8"


@pytest.mark.parametrize("sent", ["", EVENTS + piece("CUDA")], ids=["before a reply", "in the middle"])
def test_a_silent_server_is_hung_up_on_when_the_asker_leaves(sent: str) -> None:
    """The server sees its connection closed although it never says another word."""
    asked, hung_up, cancelled = threading.Event(), threading.Event(), threading.Event()

    def silent(line: socket.socket, _: bytes) -> None:
        line.sendall(sent.encode())
        asked.set()
        line.settimeout(20)
        if line.recv(1) == b"":
            hung_up.set()

    with edge(silent) as server:

        def leave() -> None:
            asked.wait(20)
            cancelled.set()

        leaves = threading.Thread(target=leave)
        leaves.start()
        with pytest.raises(Cancelled):
            remote.build(server.url, "alpha", timeout_s=60).generate("Why?", PASSAGES, cancelled=cancelled)
        leaves.join()
        assert hung_up.wait(20)


def test_a_question_nobody_wants_any_more_is_not_asked() -> None:
    cancelled = threading.Event()
    cancelled.set()
    with edge(sends(EVENTS)) as server:
        with pytest.raises(Cancelled):
            remote.build(server.url, "alpha").generate("Why?", PASSAGES, cancelled=cancelled)
        assert server.bodies == []


def test_a_server_that_knows_no_stream_options_is_asked_without_them_from_then_on() -> None:
    def strict(line: socket.socket, body: bytes) -> None:
        if b"stream_options" in body:
            said = b'{"error":{"message":"unknown field stream_options"}}'
            line.sendall(b"HTTP/1.1 400 Bad\r\nContent-Length: %d\r\n\r\n" % len(said) + said)
        else:
            line.sendall((EVENTS + piece("CUDA 12.", "stop")).encode())

    with edge(strict) as server:
        generator = remote.build(server.url, "alpha")
        for _ in range(2):
            assert generator.generate("Why?", PASSAGES).text == "CUDA 12."
    assert ["stream_options" in body for body in server.bodies] == [True, False, False]


DOCUMENTS: dict[str, tuple[dict[str, Any], int]] = {
    "vLLM": ({"/v1/models": {"data": [{"id": "alpha", "max_model_len": 1000}]}}, 1000),
    "llama.cpp": ({"/props": {"default_generation_settings": {"n_ctx": 1100}}}, 1100),
    "Ollama, running": ({"/api/ps": {"models": [{"name": "alpha", "context_length": 1200}]}}, 1200),
    "LM Studio": ({"/api/v0/models/alpha": {"loaded_context_length": 1300, "max_context_length": 9}}, 1300),
}


@pytest.mark.parametrize(("documents", "window"), DOCUMENTS.values(), ids=DOCUMENTS)
def test_the_window_a_server_reports_is_kept(documents: dict[str, Any], window: int) -> None:
    with edge(sends(EVENTS, piece("CUDA 12.", "stop"))) as server:
        server.documents = documents
        generator: Any = remote.build(server.url, "alpha", max_tokens=100)
        usage = generator.generate("Why?", LONG).usage
        assert generator._servers.first.windows == {"alpha": window}
    assert 0 < usage["passages_left_out"] < len(LONG)
    assert 0 < server.bodies[0]["messages"][1]["content"].count("Passage ") < len(LONG)


@pytest.mark.parametrize(
    ("parameters", "window"), [("num_ctx 8192\nstop x", 8192), ("num_ctx 99999999", 32768), ("", 4096)]
)
def test_ollamas_window_is_what_is_set_for_the_model_and_otherwise_its_default(
    parameters: str, window: int
) -> None:
    with edge(sends(EVENTS, piece("CUDA 12.", "stop"))) as server:
        server.documents = {
            "/api/ps": {"models": []},
            "/api/show": {"model_info": {"qwen2.context_length": 32768}, "parameters": parameters},
        }
        generator: Any = remote.build(server.url, "alpha")
        generator.generate("Why?", PASSAGES)
        assert generator._servers.first.windows == {"alpha": window}


@pytest.mark.parametrize(("reported", "truncated"), [(256, 1), (5000, 0), (0, 0)])
def test_a_server_that_read_far_less_than_was_sent_has_cut_the_prompt(reported: int, truncated: int) -> None:
    counts = f'data: {{"choices":[],"usage":{{"prompt_tokens":{reported},"completion_tokens":4}}}}\n\n'
    with edge(sends(EVENTS, piece("CUDA 12.", "stop"), counts, "data: [DONE]\n\n")) as server:
        draft = remote.build(server.url, "alpha").generate("Why?", LONG)
    assert draft.usage["context_truncated"] == truncated
    assert ("the server cut the prompt" in str(draft.reason)) == bool(truncated)


def test_a_server_that_does_not_answer_is_asked_for_its_window_again() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        generator: Any = remote.build(f"http://127.0.0.1:{probe.getsockname()[1]}", "alpha", retries=0)
        with pytest.raises(GeneratorError, match="no server answers"):
            generator.generate("Why?", PASSAGES)
    assert generator._servers.first.windows == {}


def test_a_window_too_small_for_the_question_is_told_with_the_setting() -> None:
    with edge(sends(EVENTS)) as server:
        assert "generator.max_context_tokens" in failure(server, max_tokens=10, max_context_tokens=200)


def test_a_follow_up_is_rewritten_by_the_model_from_a_prompt_that_holds_the_conversation() -> None:
    with edge(sends(EVENTS, piece('"How do I install it on Windows?"\nmore', "stop"))) as server:
        generator: Any = remote.build(server.url, "alpha")
        history = [("How do I install it on Linux?", "With make [1].")]
        assert generator.rewrite("and on Windows?", history) == "How do I install it on Windows?"
    assert "With make [1]." in server.bodies[0]["messages"][1]["content"]


def test_no_other_try_is_made_for_an_asker_who_has_left() -> None:
    cancelled = threading.Event()
    with edge(lambda _line, _body: cancelled.set()) as server, pytest.raises(Cancelled):
        remote.build(server.url, "alpha", retries=9).generate("Why?", PASSAGES, cancelled=cancelled)
    assert len(server.bodies) == 1
