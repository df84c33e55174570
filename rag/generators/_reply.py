"""What a generator's language model replies to messages of any kind, not to a question over passages."""

from __future__ import annotations

from threading import Event

from rag.errors import SettingError
from rag.generators._fallback import WithFallback
from rag.generators.openai import RemoteModel
from rag.generators.transformers import LocalModel
from rag.prompt import Message
from rag.protocols import Generator


def writes(generator: Generator) -> bool:
    """Whether there is a language model in it."""
    return isinstance(_first(generator), RemoteModel | LocalModel)


def reply(generator: Generator, parts: list[Message], limit: int, cancelled: Event | None = None) -> str:
    """The model's reply of at most `limit` tokens; empty where `parts` are more than it reads.

    Raises as `Generator.generate` does, SettingError for a generator without a language model.
    """
    model = _first(generator)
    if isinstance(model, RemoteModel):
        return model.reply(parts, limit, cancelled=cancelled)
    if isinstance(model, LocalModel):
        with model._turns.turn(cancelled):  # noqa: SLF001
            loaded = model._model()  # noqa: SLF001
            text = loaded.text(parts)
            fits = loaded.count(text) <= model._room(loaded)  # noqa: SLF001
            return loaded.write(text, limit, cancelled=cancelled).text if fits else ""
    raise SettingError(f"generator.name: {generator.name} has no language model")


def _first(generator: Generator) -> Generator:
    return generator._first if isinstance(generator, WithFallback) else generator  # noqa: SLF001
