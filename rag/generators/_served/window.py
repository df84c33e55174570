"""How many tokens a server's model reads, by what servers say of themselves, and how many a prompt has.

vLLM lists `max_model_len` with its models; llama.cpp has /props, LM Studio /api/v0/models, Ollama /api/ps
and /api/show. Ollama cuts a longer prompt without a word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from rag.errors import SettingError
from rag.text import CJK_CHARACTER

if TYPE_CHECKING:
    import httpx2

_PROBE_S = 5.0  # a server that is slow to say this is asked without knowing it
# What Ollama gives a model for which nothing is set on a machine with less than 24 GiB of GPU memory.
_OLLAMA_DEFAULT = 4096
_NUM_CTX = re.compile(r"^\s*num_ctx\s+(\d+)", re.MULTILINE)
# Tokenizers of large vocabularies keep a common word whole, break a long one, and part digits and marks.
_PIECE = re.compile(rf"{CJK_CHARACTER.pattern}|[^\W\d_]+|\d|[^\w\s]|_|\n")
_PIECE_LETTERS = 7
_MESSAGE_TOKENS = 8  # role marks around each message


@dataclass(frozen=True, slots=True)
class Server:
    """Where to ask, in the server's own protocols and in OpenAI's."""

    http: httpx2.Client
    root: str
    address: str

    def window(self, model: str) -> int | None:
        """Tokens of prompt and answer together, None if the server does not say.

        Raises httpx2.HTTPError if it does not even answer.
        """
        return self._listed(model) or self._llama_cpp() or self._ollama(model) or self._lm_studio(model)

    def _listed(self, model: str) -> int | None:
        listed = self._get(f"{self.address}/models").get("data")
        entries = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
        return next((_size(entry, "max_model_len") for entry in entries if entry.get("id") == model), None)

    def _llama_cpp(self) -> int | None:
        return _size(_part(self._get(f"{self.root}/props"), "default_generation_settings"), "n_ctx")

    def _ollama(self, model: str) -> int | None:
        running = self._get(f"{self.root}/api/ps").get("models")
        for entry in running if isinstance(running, list) else []:
            if isinstance(entry, dict) and model in (entry.get("name"), entry.get("model")):
                return _size(entry, "context_length")
        shown = self._post(f"{self.root}/api/show", {"model": model})
        information = _part(shown, "model_info")
        made_for = next(
            (_size(information, name) for name in information if name.endswith(".context_length")), None
        )
        if made_for is None:
            return None
        chosen = _NUM_CTX.search(str(shown.get("parameters", "")))
        return min(made_for, int(chosen[1]) if chosen else _OLLAMA_DEFAULT)

    def _lm_studio(self, model: str) -> int | None:
        found = self._get(f"{self.root}/api/v0/models/{quote(model, safe='')}")
        return _size(found, "loaded_context_length") or _size(found, "max_context_length")

    def _get(self, url: str) -> Mapping[str, Any]:
        return _object(self.http.get(url, timeout=self._patience()))

    def _post(self, url: str, body: Mapping[str, str]) -> Mapping[str, Any]:
        return _object(self.http.post(url, json=body, timeout=self._patience()))

    def _patience(self) -> float:
        return min(_PROBE_S, self.http.timeout.read or _PROBE_S)


def _object(response: httpx2.Response) -> Mapping[str, Any]:
    try:
        read = response.json() if response.status_code == 200 else {}
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def _part(whole: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = whole.get(name)
    return part if isinstance(part, dict) else {}


def _size(entry: Mapping[str, Any], name: str) -> int | None:
    size = entry.get(name)
    return size if isinstance(size, int) and size > 0 else None


def estimate(messages: Sequence[Mapping[str, str]]) -> int:
    """About how many tokens a model with a large vocabulary takes the messages for, rather too many."""
    total = 0
    for message in messages:
        pieces = _PIECE.findall(message["content"])
        total += _MESSAGE_TOKENS + sum(1 + (len(piece) - 1) // _PIECE_LETTERS for piece in pieces)
    return total


def count(messages: Sequence[Mapping[str, str]], tokenizer: str) -> int:
    """Exactly how many tokens they are by the tokenizer, a folder or hub name. Raises SettingError."""
    read = _tokenizer(tokenizer)
    if read.chat_template:
        text = read.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=True)
        return len(read(text, add_special_tokens=False, verbose=False)["input_ids"])
    texts = [message["content"] for message in messages]
    return sum(_MESSAGE_TOKENS + len(read(text, verbose=False)["input_ids"]) for text in texts)


@cache
def _tokenizer(name: str) -> Any:
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(name, trust_remote_code=False)
    except Exception as error:  # readers of foreign files raise whatever they like
        raise SettingError(
            f"generator.tokenizer {name}: it cannot be loaded; give a folder with the model's "
            "tokenizer.json, or leave it empty"
        ) from error
