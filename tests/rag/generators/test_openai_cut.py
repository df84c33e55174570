"""A server that cuts long prompts without a word, as Ollama's num_ctx does: a real model behind HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from rag.generators import openai as remote
from rag.types import Chunk, Hit

SENTENCE = "Each passage has a number and stands between two lines. "
WINDOW = 1200  # tokens of the prompt that the server lets its model read
WRITTEN = 6


def hits(number: int) -> list[Hit]:
    texts = [f"Passage {at}. {SENTENCE * 4}" for at in range(number)]
    return [Hit(Chunk(f"{at}.md", 0, text, 0, len(text)), 1.0) for at, text in enumerate(texts)]


@dataclass(frozen=True)
class CuttingModel:
    """A model with a window of WINDOW tokens: of a longer prompt it reads the end."""

    tokenizer: Any
    model: Any

    def reply(self, messages: list[dict[str, str]]) -> tuple[str, int]:
        """What it writes, and how many tokens it read."""
        tokens = self.tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )["input_ids"][:, -WINDOW:]
        written = self.model.generate(tokens, max_new_tokens=WRITTEN, do_sample=False)[0, tokens.shape[1] :]
        return "It says " + self.tokenizer.decode(written, skip_special_tokens=True), tokens.shape[1]


def handler(model: CuttingModel) -> type[BaseHTTPRequestHandler]:
    """OpenAI's protocol in front of the model, as far as it is asked here."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send("application/json", '{"object": "list", "data": [{"id": "tiny", "object": "model"}]}')

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            if "messages" not in asked:
                return self._send("application/json", "{}")
            text, read = model.reply(asked["messages"])
            events = [
                {"choices": [{"delta": {"content": text}, "finish_reason": "stop"}]},
                {"choices": [], "usage": {"prompt_tokens": read, "completion_tokens": WRITTEN}},
            ]
            body = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
            return self._send("text/event-stream", f"{body}data: [DONE]\n\n")

        def _send(self, kind: str, text: str) -> None:
            body = text.encode()
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    return Handler


@pytest.fixture(scope="module")
def address(tiny_model: Path) -> Iterator[str]:
    """Where the tiny model is served."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = CuttingModel(
        AutoTokenizer.from_pretrained(tiny_model), AutoModelForCausalLM.from_pretrained(tiny_model)
    )
    with ThreadingHTTPServer(("127.0.0.1", 0), handler(model)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("counted", [True, False])
def test_a_prompt_that_was_cut_is_told_by_exact_counts_and_by_the_estimate(
    address: str, tiny_model: Path, counted: bool
) -> None:
    tokenizer = str(tiny_model) if counted else ""
    draft = remote.build(address, "tiny", tokenizer=tokenizer).generate("Which lines?", hits(30))
    assert draft.usage["prompt_tokens"] == WINDOW
    assert draft.usage["context_truncated"] == 1
    assert draft.usage["passages_left_out"] == 0
    assert "generator.max_context_tokens" in str(draft.reason)


@pytest.mark.parametrize("counted", [True, False])
def test_a_prompt_that_fits_is_not_said_to_be_cut(address: str, tiny_model: Path, counted: bool) -> None:
    tokenizer = str(tiny_model) if counted else ""
    draft = remote.build(address, "tiny", tokenizer=tokenizer).generate("Which lines?", hits(1))
    assert 0 < draft.usage["prompt_tokens"] < WINDOW
    assert draft.usage["context_truncated"] == 0
    assert draft.reason is None


def test_once_the_servers_limit_is_set_nothing_is_cut_and_what_was_left_out_is_said(
    address: str, tiny_model: Path
) -> None:
    generator = remote.build(
        address, "tiny", tokenizer=str(tiny_model), max_tokens=WRITTEN, max_context_tokens=WINDOW + WRITTEN
    )
    draft = generator.generate("Which lines?", hits(30))
    assert draft.usage["prompt_tokens"] <= WINDOW
    assert draft.usage["context_truncated"] == 0
    assert draft.usage["passages_left_out"] > 0
