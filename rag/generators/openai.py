"""Answers from any server that speaks OpenAI's chat protocol: vLLM, Ollama, llama.cpp, a hosted one.

Only the settings decide where a question goes and with which key: OPENAI_* variables meant for other
programs are not used, and no header beyond the ones named here leaves this machine.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar, cast

from rag import prompt
from rag.errors import GeneratorError, SettingError
from rag.generators._endpoint import address_of, connect
from rag.protocols import Generator
from rag.types import Draft, Hit

if TYPE_CHECKING:
    import openai
    from openai.types.chat import ChatCompletion

Reply = TypeVar("Reply")


def build(
    base_url: str = "http://127.0.0.1:11434/v1",
    model: str = "",
    api_key: str = "",
    timeout_s: float = 120.0,
    max_tokens: int = 512,
    temperature: float = 0.0,
    retries: int = 2,
    template: Path | None = None,
) -> Generator:
    """A generator over the server at `base_url` (with or without /v1; the default is Ollama's).

    An empty `model` takes the first one the server lists; an empty `api_key` sends none. `timeout_s`
    is how long the server may stay silent. `retries` repeats only a request whose connection failed.
    Raises SettingError for a value out of range or the missing package `openai`.
    """
    try:
        import openai  # noqa: F401 - told now, not at the first question
    except ModuleNotFoundError as error:
        raise SettingError(
            f"generator.name = 'openai' needs the package {error.name}: pip install -e \".[openai]\""
        ) from error
    if not (math.isfinite(timeout_s) and timeout_s > 0):
        raise SettingError(f"generator.timeout_s is {timeout_s}; it must be more than 0 seconds")
    if max_tokens < 1:
        raise SettingError(f"generator.max_tokens is {max_tokens}; it must be at least 1")
    if not (math.isfinite(temperature) and temperature >= 0):
        raise SettingError(f"generator.temperature is {temperature}; it must be 0 or more")
    if retries < 0:
        raise SettingError(f"generator.retries is {retries}; it must be 0 or more")
    return RemoteModel(
        address_of(base_url), model, api_key, timeout_s, max_tokens, temperature, retries, template
    )


class RemoteModel:
    """A chat model behind an OpenAI-compatible server."""

    def __init__(
        self,
        address: str,
        model: str,
        api_key: str,
        timeout_s: float,
        max_tokens: int,
        temperature: float,
        retries: int,
        template: Path | None,
    ) -> None:
        self._address = address
        self._model = model.strip()
        self._timeout_s = timeout_s
        self._max_tokens = max_tokens
        self._temperature = temperature
        self._retries = retries
        self._template = template
        self._client = connect(address, api_key.strip(), timeout_s)
        self._lock = Lock()

    @property
    def name(self) -> str:
        return f"openai {self._model or '(first model)'} at {self._address}"

    def warm(self) -> None:
        """Nothing to load; whether the server answers is asked when it is needed."""

    def generate(self, question: str, hits: Sequence[Hit]) -> Draft:
        """A draft from all of `hits`; `usage` counts tokens as the server reports them (0 if it does not).

        Raises GeneratorError naming the address and the setting for a server that is not there,
        refuses, stays silent or answers something else than text.
        """
        if not hits:
            return prompt.nothing_found(question)
        parts = prompt.messages(question, hits, template=self._template)
        model = self._chosen()
        completion = self._ask(lambda: self._complete(model, parts))
        text, cut = self._text(completion)
        draft = prompt.read_reply(text, _usage(completion))
        if not draft.text:
            more = "; raise generator.max_tokens" if cut else ""
            raise GeneratorError(f"{self._address}: {model} wrote an empty answer{more}")
        if cut and not draft.abstained:
            return replace(draft, reason=f"cut at generator.max_tokens = {self._max_tokens}")
        return draft

    def _complete(self, model: str, parts: list[prompt.Message]) -> ChatCompletion:
        return self._client.chat.completions.create(
            model=model,
            messages=cast("Any", parts),  # the package has a class for each role
            max_tokens=self._max_tokens,
            temperature=self._temperature,
        )

    def _chosen(self) -> str:
        with self._lock:
            if not self._model:
                offered = self._ask(self._offered)
                if not offered:
                    raise GeneratorError(
                        f"{self._address}: the server lists no model; load one there, or set generator.model"
                    )
                self._model = offered[0]
            return self._model

    def _offered(self) -> list[str]:
        listed = getattr(self._client.models.list(), "data", None)
        if not isinstance(listed, list):
            raise self._malformed("its list of models has no `data`")
        return [name for name in (getattr(entry, "id", None) for entry in listed) if isinstance(name, str)]

    def _text(self, completion: ChatCompletion) -> tuple[str, bool]:
        """What the server wrote, and whether it stopped at the limit."""
        choices = getattr(completion, "choices", None)
        if not isinstance(choices, list) or not choices:
            raise self._malformed("its reply has no `choices`")
        content = getattr(getattr(choices[0], "message", None), "content", None)
        if content is not None and not isinstance(content, str):
            raise self._malformed("its reply's `content` is no text")
        return content or "", getattr(choices[0], "finish_reason", None) == "length"

    def _ask(self, request: Callable[[], Reply]) -> Reply:
        """The reply to a request, repeated while no connection comes about; every failure as one line."""
        import openai

        for attempt in range(self._retries + 1):
            try:
                return request()
            except openai.APITimeoutError as error:
                if type(error.__cause__).__name__ == "ConnectTimeout":
                    raise self._unreachable(error) from error
                raise GeneratorError(
                    f"{self._address}: no reply within {self._timeout_s:g} s; raise generator.timeout_s, "
                    "or ask a smaller model"
                ) from error
            except openai.APIConnectionError as error:
                if attempt == self._retries:
                    raise self._unreachable(error) from error
                time.sleep(0.2 * 2**attempt)
            except openai.APIStatusError as error:
                raise self._refused(error) from error
            except (openai.OpenAIError, ValueError, TypeError, AttributeError) as error:
                raise self._malformed(_one_line(str(error))) from error
        raise AssertionError("unreachable")

    def _unreachable(self, error: Exception) -> GeneratorError:
        cause = _one_line(str(error.__cause__ or error))
        return GeneratorError(
            f"no server answers at {self._address} ({cause}); start it, or set generator.base_url"
        )

    def _malformed(self, reason: str) -> GeneratorError:
        return GeneratorError(
            f"{self._address} does not answer as an OpenAI-compatible server: {reason}; "
            "check generator.base_url"
        )

    def _refused(self, error: openai.APIStatusError) -> GeneratorError:
        status, said = error.status_code, _said(error)
        if status in (401, 403):
            return GeneratorError(
                f"{self._address} refuses the key ({status}): {said}; set generator.api_key"
            )
        offered = self._offered_or_none()
        if self._model and offered and self._model not in offered:
            return GeneratorError(
                f"{self._address} does not offer the model {self._model} ({status}: {said}); "
                f"generator.model may be: {', '.join(offered[:20])}"
            )
        if status == 404:
            return self._malformed(f"404, {said}")
        if status in (400, 413, 422):
            return GeneratorError(
                f"{self._address} refuses the request ({status}): {said}; if the prompt is too long for the "
                "model, lower retriever.k or generator.max_tokens"
            )
        return GeneratorError(f"{self._address} failed ({status}): {said}; look at the server's log")

    def _offered_or_none(self) -> list[str]:
        import openai

        try:
            return self._offered()
        except (openai.OpenAIError, GeneratorError, ValueError, TypeError, AttributeError):
            return []


def _usage(completion: ChatCompletion) -> dict[str, int]:
    counted = getattr(completion, "usage", None)
    return {
        "prompt_tokens": _number(getattr(counted, "prompt_tokens", 0)),
        "completion_tokens": _number(getattr(counted, "completion_tokens", 0)),
        "passages_left_out": 0,
    }


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _said(error: openai.APIStatusError) -> str:
    body = error.body
    if isinstance(body, dict):
        body = body.get("message") or body.get("detail") or body
    return _one_line(str(body or error.message))


def _one_line(text: str, limit: int = 300) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else line[:limit] + "..."
