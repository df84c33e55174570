"""What went wrong with a model server, as one line that names the setting to change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rag.errors import GeneratorError

if TYPE_CHECKING:
    import openai


class NoServer(GeneratorError):
    """Nobody answers there, or is not ready to: another server of the same model may be asked."""


def unreachable(address: str, error: Exception) -> NoServer:
    """No connection came about."""
    cause = one_line(str(error.__cause__ or error))
    return NoServer(f"no server answers at {address} ({cause}); start it, or set generator.base_url")


def silent(address: str, seconds: float, *, begun: bool = False) -> GeneratorError:
    """The server took the request and then said nothing for too long."""
    what = "the answer stopped and nothing came for" if begun else "no reply within"
    return GeneratorError(
        f"{address}: {what} {seconds:g} s; raise generator.timeout_s, or ask a smaller model"
    )


def broken(address: str, error: Exception) -> GeneratorError:
    """The connection went in the middle of the answer."""
    return GeneratorError(
        f"{address}: the connection broke in the middle of the answer ({one_line(str(error))}); look at the "
        "server's log, and ask again"
    )


def malformed(address: str, reason: str) -> GeneratorError:
    """The server speaks something else."""
    return GeneratorError(
        f"{address} does not answer as an OpenAI-compatible server: {reason}; check generator.base_url"
    )


def failed(address: str, status: int | None, said: str) -> GeneratorError:
    """The server says that it failed; `status` None: in the middle of its answer."""
    return GeneratorError(
        f"{address} failed ({status or 'while answering'}): {said}; look at the server's log"
    )


def refused(address: str, model: str, offered: Sequence[str], error: openai.APIStatusError) -> GeneratorError:
    """The server answers with a status other than 200; `offered` are its models where it lists them."""
    status, said = error.status_code, said_by(error)
    if status in (401, 403):
        return GeneratorError(f"{address} refuses the key ({status}): {said}; set generator.api_key")
    if model and offered and model not in offered:
        return GeneratorError(
            f"{address} does not offer the model {model} ({status}: {said}); "
            f"generator.model may be: {', '.join(offered[:20])}"
        )
    if status == 404:
        return malformed(address, f"404, {said}")
    if status in (400, 413, 422):
        return GeneratorError(
            f"{address} refuses the request ({status}): {said}; if the prompt is too long for the "
            "model, set generator.max_context_tokens, or lower retriever.k or generator.max_tokens"
        )
    if status in (502, 503):  # a proxy before it, or a server that is still loading
        return NoServer(str(failed(address, status, said)))
    return failed(address, status, said)


def said_by(error: openai.APIStatusError) -> str:
    """What the server wrote beside its status."""
    body = error.body
    if isinstance(body, dict):
        body = body.get("message") or body.get("detail") or body
    return one_line(str(body or error.message))


def one_line(text: str, limit: int = 300) -> str:
    """The text on one line, cut at `limit` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[:limit] + "..."
