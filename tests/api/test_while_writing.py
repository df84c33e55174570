"""What a client is sent while a real model server is still writing, and what comes when one of them stops."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from typing import Any
from urllib.request import urlopen

import pytest
from starlette.testclient import TestClient

from rag.config import Settings

Serving = Callable[..., AbstractContextManager[tuple[subprocess.Popen[str], str]]]
LIGHTHOUSE = "When was the lighthouse of Varde built?"
WAIT, BREAK = "\0wait", "\0break"  # in a script: until the test says so; hang up in the middle


@dataclass
class Model:
    """A real server with OpenAI's protocol that writes each answer by a script, piece by piece."""

    scripts: list[list[str]] = field(default_factory=list)
    address: str = ""
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    left: threading.Event = field(default_factory=threading.Event)
    onwards: asyncio.Event = field(default_factory=asyncio.Event)

    def go_on(self) -> None:
        self.loop.call_soon_threadsafe(self.onwards.set)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer), suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head.lower())
            await reader.readexactly(int(length[1]) if length else 0)
            if b"/chat/completions" in head:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
                await self.write(self.scripts.pop(0), reader, writer)
            else:
                writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

    async def write(
        self, script: list[str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        gone = asyncio.ensure_future(reader.read(1))
        for piece in script:
            if piece == BREAK:
                return
            if piece == WAIT:
                going = asyncio.ensure_future(self.onwards.wait())
                await asyncio.wait({gone, going}, return_when=asyncio.FIRST_COMPLETED)
                going.cancel()
                self.onwards.clear()
                if gone.done():
                    self.left.set()
                    return
                continue
            chunk = {"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]}
            writer.write(b"data: %s\n\n" % json.dumps(chunk).encode())
            await writer.drain()
        writer.write(b"data: [DONE]\n\n")
        await writer.drain()
        gone.cancel()


@pytest.fixture(scope="module")
def model() -> Iterator[Model]:
    found = Model()
    server = found.loop.run_until_complete(asyncio.start_server(found.answer, "127.0.0.1", 0))
    found.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    thread = threading.Thread(target=found.loop.run_forever)
    thread.start()
    yield found
    found.loop.call_soon_threadsafe(found.loop.stop)
    thread.join()
    server.close()
    found.loop.run_until_complete(_ended())
    found.loop.close()


async def _ended() -> None:
    """Stop what still writes, and let its connections close."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    await asyncio.sleep(0)


@pytest.fixture(scope="module")
def options(settings: Settings, model: Model) -> dict[str, object]:
    pytest.importorskip("openai")
    # Searching by words alone, the service loads no model of its own.
    found = {"index": str(settings.index), "retriever.mode": "sparse"}
    own = {"name": "openai", "base_url": model.address, "model": "scripted"}
    return {**found, **{f"generator.{name}": value for name, value in own.items()}}


@pytest.fixture(scope="module")
def port(options: dict[str, object], serving: Serving) -> Iterator[int]:
    """Where a real service process listens that asks the scripted model."""
    flags = [word for name, value in options.items() for word in ("--set", f"{name}={value}")]
    with serving(*flags, "--set", "api.log=off") as (_, base):
        yield int(base.rpartition(":")[2])


@contextmanager
def asked(port: int, path: str, body: dict[str, Any]) -> Iterator[HTTPResponse]:
    """A reply while it comes."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        yield connection.getresponse()
    finally:
        connection.close()


def coming(reply: HTTPResponse) -> Iterator[tuple[str, Any]]:
    """Events one by one, as they arrive."""
    name = ""
    for line in reply:
        if line.startswith(b"event: "):
            name = line[7:].decode().strip()
        elif line.startswith(b"data: "):
            yield name, json.loads(line[6:]) if line != b"data: [DONE]\n" else "[DONE]"


def test_passages_and_words_arrive_while_the_model_is_still_writing(port: int, model: Model) -> None:
    """The model goes on only once its first words have been read; what the check changes, `done` has."""
    draft = ["The lighthouse of Varde", WAIT, " was built in 1856 [1]. ", WAIT, "It had gas in 1999 [7]."]
    model.scripts = [draft]
    with asked(port, "/ask", {"question": LIGHTHOUSE, "stream": True}) as reply:
        told = coming(reply)
        name, found = next(told)
        assert name == "retrieval"
        assert found["passages"][0]["document"] == "lighthouse.md"
        # The last letter is not certain before the next: an accent may join it.
        assert next(told) == ("token", {"text": "The lighthouse of Vard"})
        model.go_on()
        assert next(told) == ("token", {"text": "e was built in 1856 [1]."})
        model.go_on()
        rest = list(told)
    names = [name for name, _ in rest]
    assert names[-2:] == ["citation", "done"]
    assert "".join(data["text"] for name, data in rest[:-2]) == " It had gas in 1999 [7]."
    assert rest[-2][1]["quote"] == "The lighthouse of Varde was built in 1856."
    assert rest[-1][1]["answer"].endswith("1856 [1]. It had gas in 1999 . [?]")


def test_whoever_leaves_in_the_middle_stops_the_model(port: int, model: Model) -> None:
    model.scripts, model.left = [["The lighthouse", WAIT, " was built."]], threading.Event()
    with asked(port, "/ask", {"question": LIGHTHOUSE, "stream": True}) as reply:
        assert [next(each)[0] for each in [coming(reply)] * 2] == ["retrieval", "token"]
        assert not model.left.is_set()
        reply.close()
    assert model.left.wait(30)
    while figure(port, 'lectern_running{lane="answers"}'):
        time.sleep(0.05)


def figure(port: int, name: str) -> float:
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as reply:
        found = re.search(rf"^{re.escape(name)} (\S+)$", reply.read().decode(), re.MULTILINE)
    assert found, f"there is no figure {name}"
    return float(found[1])


def test_a_model_that_breaks_off_ends_the_stream_with_an_error(port: int, model: Model) -> None:
    model.scripts = [["The lighthouse", BREAK]]
    with asked(port, "/ask", {"question": LIGHTHOUSE, "stream": True}) as reply:
        told = list(coming(reply))
    assert [name for name, _ in told] == ["retrieval", "token", "error"]
    assert told[-1][1]["status"] == 502
    assert told[-1][1]["type"] == "urn:lectern:problem:generator"


def test_the_deadline_holds_in_the_middle_of_a_stream_and_stops_the_model(
    options: dict[str, object], model: Model, serve: Callable[[dict[str, object]], TestClient]
) -> None:
    with serve({**options, "api.deadline_s": 3}) as client:
        model.scripts, model.left = [["Warm [1]."], ["The lighthouse", WAIT]], threading.Event()
        client.post("/ask", json={"question": LIGHTHOUSE})
        told = client.post("/ask", json={"question": LIGHTHOUSE, "stream": True}).text
        assert re.findall("event: (.+)", told) == ["retrieval", "token", "error"]
        assert '"status":504' in told
        assert model.left.wait(30)


def test_a_follow_up_is_shown_as_it_was_understood(port: int, model: Model) -> None:
    """Its rewriting is no part of the answer's text."""
    model.scripts = [["When did the lamp of Varde burn oil?"], ["It burned rape oil until 1923 [1]."]]
    history = [{"question": LIGHTHOUSE, "answer": "In 1856."}]
    body = {"question": "And its lamp?", "history": history, "stream": True}
    with asked(port, "/ask", body) as reply:
        told = list(coming(reply))
    assert told[-1][1]["standing_question"] == "When did the lamp of Varde burn oil?"
    assert (
        "".join(data["text"] for name, data in told if name == "token")
        == "It burned rape oil until 1923 [1]."
    )


def test_openais_deltas_are_the_checked_text_sentence_by_sentence(port: int, model: Model) -> None:
    """The first sentence arrives while the model is writing the second; what is doubtful comes at the end."""
    draft = ["It was built in 1856 [1].", " Its", " lamp", WAIT, " burned gas", " until 1999 [1].", " More."]
    model.scripts = [draft, [each for each in draft if each != WAIT]]
    body = {"model": "lectern", "messages": [{"role": "user", "content": LIGHTHOUSE}]}
    with asked(port, "/v1/chat/completions", body | {"stream": True}) as reply:
        told = (data for _, data in coming(reply))
        deltas = [next(told)["choices"][0]["delta"] for _ in range(2)]
        assert deltas[1]["content"] == "It was built in 1856 [1]."
        model.go_on()
        rest = list(told)
    assert rest.pop() == "[DONE]"
    deltas += [chunk["choices"][0]["delta"] for chunk in rest]
    with asked(port, "/v1/chat/completions", body) as reply:
        whole = json.load(reply)["choices"][0]["message"]
    assert "".join(delta.get("content", "") for delta in deltas) == whole["content"]
    assert "until 1999 [1]. [?]" in whole["content"]
    assert deltas[-1]["annotations"] == whole["annotations"]


def test_under_v1_a_failure_has_its_status_before_the_first_words_and_openais_shape_after(
    port: int, model: Model
) -> None:
    body = {"model": "lectern", "messages": [{"role": "user", "content": LIGHTHOUSE}], "stream": True}
    for script, status in [([BREAK], 502), (["It was built in 1856 [1].", " Its", " lamp", BREAK], 200)]:
        model.scripts = [script]
        with asked(port, "/v1/chat/completions", body) as reply:
            assert reply.status == status
            last = json.load(reply) if status == 502 else [data for _, data in coming(reply)][-1]
        assert last["error"]["type"] == "server_error"
