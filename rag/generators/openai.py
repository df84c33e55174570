"""Answers from any server that speaks OpenAI's chat protocol: vLLM, Ollama, llama.cpp, a hosted one.

Only the settings decide where a question goes and with which key: OPENAI_* variables meant for other
programs are not used, and no header beyond the ones named here leaves this machine.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event, Lock

from rag import prompt
from rag.errors import GeneratorError, SettingError
from rag.generators._budget import Packed, pack
from rag.generators._served.chat import Chat, Limits
from rag.generators._served.endpoint import address_of
from rag.generators._served.servers import Servers
from rag.generators._served.sse import Completion
from rag.generators._served.window import count, estimate
from rag.generators._spoken import Spoken
from rag.protocols.models import Generator, History, OnText
from rag.types import Draft, Hit

# The share of our own count below which a server must have cut the prompt: an estimate may be that far
# off, a count by the model's tokenizer only by what the server's chat template adds or drops.
_CUT_BELOW = {"estimated": 0.6, "counted": 0.97}


def build(
    base_url: str = "http://127.0.0.1:11434/v1",
    model: str = "",
    api_key: str = "",
    timeout_s: float = 120.0,
    max_tokens: int = 512,
    max_context_tokens: int = 0,
    tokenizer: str = "",
    temperature: float = 0.0,
    retries: int = 2,
    template: Path | None = None,
) -> Generator:
    """A generator over the server at `base_url` (with or without /v1; the default is Ollama's).

    Several addresses with commas between them are servers of the same model: each question goes to the
    least busy one that answers.
    An empty `model` takes the first one the server lists; an empty `api_key` sends none. `timeout_s`
    is how long the server may stay silent. `retries` repeats only a request whose connection failed.
    `max_context_tokens` bounds prompt and answer together, 0 = what the server says of its model. Tokens
    are counted with `tokenizer` (folder or hub name) and estimated without.
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
    if max_context_tokens < 0 or 0 < max_context_tokens <= max_tokens:
        raise SettingError(
            f"generator.max_context_tokens is {max_context_tokens}; it must be more than "
            f"generator.max_tokens ({max_tokens}), or 0 for what the server says"
        )
    if not (math.isfinite(temperature) and temperature >= 0):
        raise SettingError(f"generator.temperature is {temperature}; it must be 0 or more")
    if retries < 0:
        raise SettingError(f"generator.retries is {retries}; it must be 0 or more")
    addresses = list(dict.fromkeys(address_of(each) for each in base_url.split(",")))
    # Where there is another server it is asked at once.
    limits = Limits(timeout_s, 0 if len(addresses) > 1 else retries, temperature)
    servers = Servers([Chat(each, model.strip(), api_key.strip(), limits) for each in addresses])
    return RemoteModel(servers, max_tokens, max_context_tokens, tokenizer.strip(), template)


class RemoteModel:
    """A chat model behind OpenAI-compatible servers."""

    def __init__(
        self,
        servers: Servers,
        max_tokens: int,
        max_context_tokens: int,
        tokenizer: str,
        template: Path | None,
    ) -> None:
        self._servers = servers
        self._max_tokens = max_tokens
        self._window: int | None = max_context_tokens or None
        self._tokenizer = tokenizer
        self._template = template
        self._lock = Lock()

    @property
    def name(self) -> str:
        return f"openai {self._servers.first.model or '(first model)'} at {self._servers.addresses}"

    def warm(self) -> None:
        """Nothing to load; whether the server answers is asked when it is needed."""

    def generate(
        self,
        question: str,
        hits: Sequence[Hit],
        *,
        on_text: OnText | None = None,
        cancelled: Event | None = None,
    ) -> Draft:
        """A draft from as many of `hits`, in order, as the server's window is known to hold.

        `usage` counts tokens as the server reports them (0 if it does not), passages_left_out and
        passages_cut; context_truncated is 1 if the server read less of the prompt than was sent.
        Raises GeneratorError naming the address and the setting for a server that is not there,
        refuses, falls silent, breaks off or answers something else than text; Cancelled.
        """
        if not hits:
            return prompt.nothing_found(question, on_text)
        for attempt in self._servers.attempts():
            with attempt.chat() as chat:
                return self._written(chat, question, hits, attempt.told(on_text), cancelled)
        raise AssertionError("the last attempt returns or raises")

    def _written(
        self,
        chat: Chat,
        question: str,
        hits: Sequence[Hit],
        on_text: OnText | None,
        cancelled: Event | None,
    ) -> Draft:
        """The draft of one server."""
        with chat.asking(cancelled) as ask:
            model = ask.model()
            packed, parts = self._packed(
                chat, question, hits, ask.window(model) if self._window is None else self._window
            )
            spoken = Spoken(on_text) if on_text is not None else None
            completion = ask.complete(model, parts, self._max_tokens, spoken.add if spoken else _unheard)
        if spoken is not None:
            spoken.end()
        counts = {"prompt_tokens": 0, "completion_tokens": 0} | completion.counts
        truncated = self._truncated(parts, counts["prompt_tokens"])
        draft = prompt.read_reply(
            completion.text, counts | packed.usage | {"context_truncated": int(truncated)}
        )
        return self._checked(chat, draft, completion, model, truncated)

    def rewrite(self, question: str, history: History, *, cancelled: Event | None = None) -> str:
        """The follow-up `question` as one that stands on its own; empty if the model wrote nothing."""
        limit = min(self._max_tokens, prompt.REWRITTEN_TOKENS)
        return prompt.read_rewritten(
            self.reply(prompt.rewriting(question, history), limit, cancelled=cancelled)
        )

    def reply(self, parts: list[prompt.Message], limit: int, *, cancelled: Event | None = None) -> str:
        """What the model says to messages of any kind, at most `limit` tokens. Raises as `generate`."""
        for attempt in self._servers.attempts():
            with attempt.chat() as chat, chat.asking(cancelled) as ask:
                return ask.complete(ask.model(), parts, limit, _unheard).text
        raise AssertionError("the last attempt returns or raises")

    def _packed(
        self, chat: Chat, question: str, hits: Sequence[Hit], window: int | None
    ) -> tuple[Packed, list[prompt.Message]]:
        """The passages that fit, and the prompt with them; all of them where no window is known."""

        def parts(passages: Sequence[Hit]) -> list[prompt.Message]:
            return prompt.messages(question, passages, template=self._template)

        if window is None:
            return Packed(tuple(hits), 0, 0), parts(hits)
        room = window - self._max_tokens
        packed = pack(hits, lambda passages: self._count(parts(passages)) <= room)
        if not packed.hits:
            raise GeneratorError(
                f"{chat.address}: the model reads {window} tokens, and question, prompt and "
                f"generator.max_tokens = {self._max_tokens} leave no room for a passage; lower "
                "generator.max_tokens, or set generator.max_context_tokens to what it really reads"
            )
        return packed, parts(packed.hits)

    def _count(self, parts: Sequence[prompt.Message]) -> int:
        return count(parts, self._tokenizer) if self._tokenizer else estimate(parts)

    def _truncated(self, parts: Sequence[prompt.Message], reported: int) -> bool:
        """Whether the server counts so few tokens that it cannot have read the whole prompt."""
        share = _CUT_BELOW["counted" if self._tokenizer else "estimated"]
        return 0 < reported < share * self._count(parts)

    def _checked(
        self, chat: Chat, draft: Draft, completion: Completion, model: str, truncated: bool
    ) -> Draft:
        if not draft.text:
            more = "; raise generator.max_tokens" if completion.cut else ""
            raise GeneratorError(f"{chat.address}: {model} wrote an empty answer{more}")
        if truncated and draft.reason is None:
            return replace(
                draft,
                reason="the server cut the prompt: let it read more (Ollama: num_ctx), or set "
                "generator.max_context_tokens",
            )
        if completion.cut and not draft.abstained:
            return replace(draft, reason=f"cut at generator.max_tokens = {self._max_tokens}")
        return draft


def _unheard(_: str) -> None:
    """Nobody listens while it is written."""
