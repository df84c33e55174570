"""A reranking server for tests: a real cross-encoder behind the two forms of HTTP that such servers speak.

POST /v1/rerank as vLLM, llama.cpp, Jina and Cohere do, POST /tei/rerank as Text Embeddings Inference does
(with its limit of texts a request and its words for a wrong body), and paths under /bad for what goes wrong.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any

from sentence_transformers import CrossEncoder

KEY = "Bearer secret"
MOST_TEXTS = 4
MODEL = CrossEncoder(sys.argv[1], device="cpu")
TURN = Lock()


class Handler(BaseHTTPRequestHandler):
    """One request."""

    def do_GET(self) -> None:
        self._reply(200, {})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        known: dict[str, Callable[[dict[str, Any]], None]] = {
            "/v1/rerank": self._cohere,
            "/keyed/v1/rerank": self._keyed,
            "/tei/rerank": self._tei,
            "/bad/silent/rerank": self._silent,
            "/bad/half/rerank": self._half,
            "/bad/html/rerank": lambda _: self._send(200, b"<html>hello</html>"),
            "/bad/nan/rerank": lambda _: self._send(200, b'[{"index": 0, "score": NaN}]'),
            "/bad/broken/rerank": lambda _: self._reply(500, {"error": {"message": "out of\nmemory"}}),
            "/bad/away/rerank": lambda _: self._send(307, b"", {"Location": "/v1/rerank"}),
        }
        known.get(self.path, self._unknown)(body)

    def _unknown(self, _: dict[str, Any]) -> None:
        self._reply(404, {"detail": "Not Found"})

    def _cohere(self, body: dict[str, Any]) -> None:
        if "documents" not in body:
            return self._reply(422, {"detail": "documents: field required"})
        scores = _scores(body["query"], body["documents"])
        listed = [{"index": at, "relevance_score": score} for at, score in enumerate(scores)]
        listed.sort(key=lambda each: -each["relevance_score"])
        return self._reply(200, {"model": body.get("model"), "results": listed[: body["top_n"]]})

    def _keyed(self, body: dict[str, Any]) -> None:
        if self.headers["Authorization"] != KEY:
            return self._reply(401, {"message": "invalid api token"})
        return self._cohere(body)

    def _tei(self, body: dict[str, Any]) -> None:
        if "texts" not in body:
            return self._reply(422, {"error": "missing field `texts`", "error_type": "Validation"})
        if len(body["texts"]) > MOST_TEXTS:
            return self._reply(413, {"error": f"batch size > maximum allowed batch size {MOST_TEXTS}"})
        scores = _scores(body["query"], body["texts"])
        return self._reply(200, [{"index": at, "score": score} for at, score in enumerate(scores)][::-1])

    def _silent(self, _: dict[str, Any]) -> None:
        time.sleep(5)

    def _half(self, _: dict[str, Any]) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b'{"results"')

    def _reply(self, status: int, content: Any) -> None:
        self._send(status, json.dumps(content).encode())

    def _send(self, status: int, content: bytes, more: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **(more or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Nothing is logged."""


def _scores(query: str, texts: list[str]) -> list[float]:
    with TURN:
        scores: list[float] = MODEL.predict([(query, text) for text in texts]).tolist()
    return scores


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
