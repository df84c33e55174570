"""Settings: flags > RAG_* environment > rag.toml > defaults. Names and numbers, never objects.

One name everywhere: flag `--index`, variable `RAG_INDEX`, key `index`; nested ones are
`--set generator.model=...`, `RAG_GENERATOR__MODEL` and `[generator] model`.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from rag.errors import SettingError
from rag.sections import Api, Backend, Calibrating, Embedding, Ingest, Pdf, Reranking, Retrieval

DEFAULT_FILE = Path("rag.toml")


class Settings(BaseSettings):
    """Every setting of every command."""

    model_config = SettingsConfigDict(
        env_prefix="RAG_", env_nested_delimiter="__", extra="forbid", nested_model_default_partial_update=True
    )
    index: Path = Path("index")
    question_limit: int = Field(2000, ge=1, description="characters")
    fallback: Literal["", "extractive"] = ""
    unsupported: Literal["keep", "mark", "drop"] = "mark"
    embedder: Embedding = Embedding()
    sparse: Backend = Backend(name="bmx")
    dense: Backend = Backend(name="faiss")
    store: Backend = Backend(name="sqlite")
    splitter: Backend = Backend(name="markdown")
    retriever: Retrieval = Retrieval()
    reranker: Reranking = Reranking()
    generator: Backend = Backend(name="extractive")
    calibration: Calibrating = Calibrating()
    ingest: Ingest = Ingest()
    pdf: Pdf = Pdf()
    api: Api = Api()

    @field_validator("index", mode="before")
    @classmethod
    def _named(cls, value: object) -> object:
        """An empty name would be the working directory: a variable that a script left unset."""
        if value == "":
            raise ValueError("must not be empty")
        if "\0" in str(value):
            raise ValueError("no folder has this name")
        return value


def load_settings(flags: Mapping[str, Any] | None = None, file: Path | None = None) -> Settings:
    """Settings from all four places. `flags` has dotted names; None values are left out.

    Without `file`, rag.toml in the working directory is read if there is one. Raises SettingError
    naming the setting, what it was and what it may be; or the file that is missing or no TOML.
    """
    if file is not None and not file.is_file():
        raise SettingError(f"--config {file}: no such file")
    _refuse_unknown_variables()
    values: dict[str, Any] = {}
    for name, value in (flags or {}).items():
        if value is not None:
            _put(values, name, value)
    try:
        return _sourced(file or DEFAULT_FILE)(**values)
    except ValidationError as error:
        raise SettingError(_explain(error)) from error
    except (SettingsError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingError(f"settings: {file or DEFAULT_FILE} or a RAG_ variable: {error}") from error


def _sourced(file: Path) -> type[Settings]:
    class Sourced(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is theirs
            file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, env_settings, _TomlFile(settings_cls, file)

    return Sourced


class _TomlFile(TomlConfigSettingsSource):
    """rag.toml, also as editors on Windows save it, with a byte order mark."""

    def _read_file(self, file_path: Any) -> dict[str, Any]:
        return tomllib.loads(file_path.read_bytes().decode("utf-8-sig"))


def _refuse_unknown_variables() -> None:
    """A misspelt RAG_INDX would otherwise be ignored and the default index written to."""
    known = {name.upper(): field for name, field in Settings.model_fields.items()}
    for variable in os.environ:
        if variable.upper().startswith("RAG_"):
            name, nested, _ = variable[4:].upper().partition("__")
            if name not in known:
                valid = ", ".join(f"RAG_{field}" for field in sorted(known))
                raise SettingError(f"{variable}: no such setting; valid: {valid}")
            if nested and not hasattr(known[name].annotation, "model_fields"):
                raise SettingError(f"{variable}: no such setting; RAG_{name} has no parts, set it by itself")


def _put(values: dict[str, Any], dotted: str, value: Any) -> None:
    *parents, last = dotted.split(".")
    for parent in parents:
        values = values.setdefault(parent, {})
        if not isinstance(values, dict):
            raise SettingError(f"{dotted}: {parent} is set to a plain value as well")
    values[last] = value


def _explain(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    name = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"{name}: no such setting; valid here: {', '.join(_siblings(first['loc']))}"
    return f"{name}: {first['msg']} ({shown(name, first['input'])})"


def shown(name: str, value: object) -> str:
    """What a setting is, for a message; keys and passwords stay hidden, and tables that may hold them."""
    if name.endswith(("key", "password", "passwords", "token")):
        return "its value is not shown"
    if isinstance(value, list) and any(isinstance(each, dict) for each in value):
        return "it is a list of tables"
    return "it is a table" if isinstance(value, dict) else f"it is {value!r}"


def _siblings(location: Sequence[int | str]) -> list[str]:
    model: Any = Settings
    for part in location[:-1]:
        model = model.model_fields[str(part)].annotation
    return sorted(model.model_fields)


def assignments(pairs: Sequence[str]) -> dict[str, str]:
    """`["generator.model=x"]` as {"generator.model": "x"}; raises SettingError for one without `=`."""
    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise SettingError(f"--set {pair!r}: write NAME=VALUE, for example --set retriever.depth=200")
        found[name.strip()] = value
    return found
