"""Where the model cannot answer, the documents' own words come instead, and the reply says so."""

from __future__ import annotations

import socket
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rag.errors import Cancelled
from rag.generators import extractive
from rag.generators import openai as remote
from rag.generators import transformers as local
from rag.generators._fallback import WithFallback
from rag.types import Chunk, Hit

TEXT = "The server needs CUDA 12."
PASSAGES = [Hit(Chunk("a.md", 0, TEXT, 0, len(TEXT), ("Setup",)), 1.0)]
QUESTION = "Which CUDA does the server need?"


@pytest.fixture
def nowhere() -> Any:
    """An address where no server answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{probe.getsockname()[1]}"


def test_a_server_out_of_reach_is_answered_for_and_named(nowhere: str) -> None:
    pieces: list[str] = []
    generator = WithFallback(remote.build(nowhere, "alpha", retries=0), extractive.build())
    generator.warm()
    draft = generator.generate(QUESTION, PASSAGES, on_text=pieces.append)
    alone = extractive.build().generate(QUESTION, PASSAGES)
    assert (draft.text, draft.quotes, draft.confidence) == (alone.text, alone.quotes, alone.confidence)
    assert "".join(pieces) == draft.text
    assert draft.usage["fallback"] == 1
    assert draft.generator == "extractive"
    assert draft.reason is not None
    assert draft.reason.startswith("extractive answers instead of openai alpha at")
    assert "no server answers at" in draft.reason
    assert "generator.base_url" in draft.reason
    assert generator.name == f"openai alpha at {nowhere}/v1, else extractive"


def test_a_model_that_cannot_be_loaded_is_answered_for_and_does_not_stop_the_start(tmp_path: Path) -> None:
    generator = WithFallback(local.build(str(tmp_path / "absent")), extractive.build())
    generator.warm()
    assert "no such folder" in str(generator.generate(QUESTION, PASSAGES).reason)


def test_a_refusal_in_its_place_keeps_its_own_reason_too(nowhere: str) -> None:
    generator = WithFallback(remote.build(nowhere, "alpha", retries=0), extractive.build(threshold=1.0))
    draft = generator.generate("Who won the chess championship?", PASSAGES)
    own = extractive.build(threshold=1.0).generate("Who won the chess championship?", PASSAGES).reason
    assert draft.abstained
    assert draft.reason is not None
    assert "no server answers" in draft.reason
    assert draft.reason.endswith(f"; {own}")


def test_a_model_that_answers_is_left_alone(tiny_model: Path) -> None:
    first = local.build(str(tiny_model), max_new_tokens=6)
    draft = WithFallback(first, extractive.build()).generate(QUESTION, PASSAGES)
    assert draft.generator == first.name
    assert replace(draft, generator=None) == first.generate(QUESTION, PASSAGES)


def test_who_has_left_gets_no_other_answer(tiny_model: Path) -> None:
    cancelled = threading.Event()
    generator = WithFallback(local.build(str(tiny_model), max_new_tokens=50), extractive.build())
    with pytest.raises(Cancelled):
        generator.generate(QUESTION, PASSAGES, on_text=lambda _: cancelled.set(), cancelled=cancelled)


def test_a_text_that_broke_off_is_replaced_in_the_draft_and_not_continued() -> None:
    """A server that dies after its first words: these were handed over, the other text is not."""
    listener = socket.create_server(("127.0.0.1", 0))
    event = b'data: {"choices":[{"delta":{"content":"It needs "}}]}\n\n'

    def die() -> None:
        line, _ = listener.accept()
        with line:
            line.recv(65536)
            line.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + event)

    thread = threading.Thread(target=die)
    thread.start()
    pieces: list[str] = []
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    first = remote.build(address, "alpha", max_context_tokens=4096)
    draft = WithFallback(first, extractive.build()).generate(QUESTION, PASSAGES, on_text=pieces.append)
    thread.join()
    listener.close()
    assert "".join(pieces) == "It needs"
    assert "CUDA 12" in draft.text
    assert "in the middle of the answer" in str(draft.reason)


def test_a_follow_up_is_left_to_the_rules_where_the_model_is_out_of_reach(nowhere: str) -> None:
    history = [("How?", "So.")]
    assert (
        WithFallback(remote.build(nowhere, "alpha", retries=0), extractive.build()).rewrite("Why?", history)
        == ""
    )
    assert WithFallback(extractive.build(), extractive.build()).rewrite("Why?", history) == ""
