"""Asking a chat server: its models, its window, a completion; every failure as one line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event
from typing import Any, TypeVar, cast

from rag import prompt
from rag.errors import GeneratorError
from rag.generators._served import failures
from rag.generators._served.endpoint import connect, line, root_of
from rag.generators._served.sse import Completion, MalformedError, ServerError, read_stream, read_whole
from rag.generators._served.window import Server
from rag.generators._turns import check

Reply = TypeVar("Reply")


@dataclass(frozen=True, slots=True)
class Limits:
    """How patient to be: `timeout_s` of silence, `retries` where no connection comes about."""

    timeout_s: float
    retries: int
    temperature: float


class Chat:
    """One model of a server. Safe to share between threads."""

    def __init__(self, address: str, model: str, api_key: str, limits: Limits) -> None:
        self.address = address
        self.model = model
        self.limits = limits
        self.client, http = connect(address, api_key, limits.timeout_s)
        self.server = Server(http, root_of(address), address)
        self.windows: dict[str, int | None] = {}
        self.counts = True  # until the server is seen to refuse `stream_options`

    @contextmanager
    def asking(self, cancelled: Event | None) -> Iterator[Asking]:
        """Requests for one question; setting `cancelled` closes their connection and raises Cancelled."""
        check(cancelled)
        with line(cancelled):
            try:
                yield Asking(self, cancelled)
            except GeneratorError:
                check(cancelled)  # the failure is that we hung up
                raise
        check(cancelled)

    def look(self, seconds: float) -> None:
        """Whether the server answers at all. Raises NoServer."""
        import openai

        try:
            self.client.with_options(timeout=seconds).models.list()
        except openai.APIConnectionError as error:
            raise failures.unreachable(self.address, error) from error
        except openai.OpenAIError:
            return  # it does answer; the question will tell what is the matter


class Asking:
    """The requests of one question."""

    def __init__(self, chat: Chat, cancelled: Event | None) -> None:
        self._chat = chat
        self._cancelled = cancelled

    def model(self) -> str:
        """The model's name: the one set, or else the first that the server lists."""
        if not self._chat.model:
            offered = self._ask(self._offered)
            if not offered:
                raise GeneratorError(
                    f"{self._chat.address}: the server lists no model; load one there, or set generator.model"
                )
            self._chat.model = offered[0]
        return self._chat.model

    def window(self, model: str) -> int | None:
        """Tokens that the model reads, None if the server does not say; asked until it has answered."""
        import httpx2

        if model not in self._chat.windows:
            try:
                self._chat.windows[model] = self._chat.server.window(model)
            except httpx2.HTTPError:
                return None  # the question itself will tell what is the matter
        return self._chat.windows[model]

    def complete(
        self, model: str, parts: list[prompt.Message], limit: int, on_piece: Callable[[str], None]
    ) -> Completion:
        """The model's answer of at most `limit` tokens, its pieces handed over as they arrive."""
        import openai

        def heard(piece: str) -> None:
            check(self._cancelled)
            on_piece(piece)

        def request() -> Completion:
            return self._complete(model, parts, limit, heard)

        try:
            return self._ask(request)
        except GeneratorError as error:
            cause = error.__cause__
            refused = isinstance(cause, openai.APIStatusError) and cause.status_code in (400, 422)
            if not (refused and self._chat.counts and "stream_options" in str(error)):
                raise
        self._chat.counts = False
        return self._ask(request)

    def _complete(
        self, model: str, parts: list[prompt.Message], limit: int, on_piece: Callable[[str], None]
    ) -> Completion:
        import httpx2

        counted: dict[str, Any] = {"stream_options": {"include_usage": True}} if self._chat.counts else {}
        with self._chat.client.chat.completions.create(
            model=model,
            messages=cast("Any", parts),  # the package has a class for each role
            max_tokens=limit,
            temperature=self._chat.limits.temperature,
            stream=True,
            **counted,
        ) as stream:
            response = stream.response
            try:
                if "event-stream" in response.headers.get("content-type", ""):
                    return read_stream(response.iter_lines(), limit, on_piece)
                completion = read_whole(response.read())
            except httpx2.TimeoutException as error:
                raise failures.silent(self._chat.address, self._chat.limits.timeout_s, begun=True) from error
            except httpx2.HTTPError as error:
                raise failures.broken(self._chat.address, error) from error
        on_piece(completion.text)
        return completion

    def _offered(self) -> list[str]:
        listed = getattr(self._chat.client.models.list(), "data", None)
        if not isinstance(listed, list):
            raise MalformedError("its list of models has no `data`")
        return [name for name in (getattr(entry, "id", None) for entry in listed) if isinstance(name, str)]

    def _ask(self, request: Callable[[], Reply]) -> Reply:
        """The reply to a request, repeated while no connection comes about; every failure as one line."""
        import openai

        address, limits = self._chat.address, self._chat.limits
        for attempt in range(limits.retries + 1):
            try:
                return request()
            except openai.APITimeoutError as error:
                if type(error.__cause__).__name__ == "ConnectTimeout":
                    raise failures.unreachable(address, error) from error
                raise failures.silent(address, limits.timeout_s) from error
            except openai.APIConnectionError as error:
                check(self._cancelled)
                if attempt == limits.retries:
                    raise failures.unreachable(address, error) from error
                (self._cancelled or Event()).wait(0.2 * 2**attempt)
            except openai.APIStatusError as error:
                raise failures.refused(address, self._chat.model, self._offered_or_none(), error) from error
            except ServerError as error:
                raise failures.failed(address, None, str(error)) from error
            except (openai.OpenAIError, ValueError, TypeError, AttributeError) as error:
                raise failures.malformed(address, failures.one_line(str(error))) from error
        raise AssertionError("unreachable")

    def _offered_or_none(self) -> list[str]:
        import openai

        try:
            return self._offered()
        except (openai.OpenAIError, ValueError, TypeError, AttributeError):
            return []
