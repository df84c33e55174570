"""Settings: flags > RAG_* environment > rag.toml > defaults. Names and numbers, never objects.

One name everywhere: flag `--index`, variable `RAG_INDEX`, key `index`; nested ones are
`--set generator.model=...`, `RAG_GENERATOR__MODEL` and `[generator] model`.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from rag.errors import SettingError
from rag.types import Mode

DEFAULT_FILE = Path("rag.toml")

FusionName: TypeAlias = Literal["standardised", "minmax", "rrf"]
DictionaryName: TypeAlias = Literal["auto", "off", "cedict"]
SpellingName: TypeAlias = Literal["correct", "off"]
VariantsName: TypeAlias = Literal["off", "multi-query", "hyde"]
OnFailure: TypeAlias = Literal["refuse", "skip"]
DuplicatesName: TypeAlias = Literal["fold", "keep"]


class Backend(BaseModel):
    """A backend's file name and the options its `build` takes (checked when it is built)."""

    model_config = ConfigDict(extra="allow")
    name: str

    @property
    def options(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class Reranking(Backend):
    """The reranker, none where `name` is empty; it is given the best `depth` hits.

    `on_failure`: a question at which it fails is refused, or answered with hits in their fused order.
    """

    name: str = ""
    depth: int = Field(50, ge=1, le=1000)
    on_failure: OnFailure = "refuse"


class Retrieval(BaseModel):
    """How hits are found: `depth` fetched from each leg before fusion, `k` returned.

    `dense_weight` is the dense leg's share where the embedder can read all of a question. `dictionary`
    glosses Chinese questions over English passages; auto does where CC-CEDICT is installed.
    `spelling`: whether words that the collection does not hold are taken for slips of those it does.
    `document_weight`: how much the other passages found of its document add to a passage's score.
    `variants` lets the generator's language model ask in `variant_count` other words (multi-query) or
    write a passage that might answer (hyde), for the search alone. `duplicates`: passages that say the
    same are one hit or several. `per_document`: at most so many hits of one document that is not clearly
    the answer, 0 for any number. `context`: characters to which the neighbours of a hit widen it for the
    generator, 0 for the hit alone.
    """

    model_config = ConfigDict(extra="forbid")
    mode: Mode = "hybrid"
    k: int = Field(8, ge=1, le=1000)
    depth: int = Field(100, ge=1, le=10_000)
    fusion: FusionName = "standardised"
    dense_weight: float = Field(0.5, ge=0.0, le=1.0)
    document_weight: float = Field(0.7, ge=0.0, le=2.0)
    dictionary: DictionaryName = "auto"
    spelling: SpellingName = "correct"
    variants: VariantsName = "off"
    variant_count: int = Field(3, ge=1, le=8)
    duplicates: DuplicatesName = "fold"
    per_document: int = Field(0, ge=0, le=1000)
    context: int = Field(0, ge=0, le=100_000)


class Pdf(BaseModel):
    """How PDF files are read: limits of each of the processes, passwords, and OCR of scanned pages.

    `processes` 0 is one for each processor, four at most. `file_passwords` has patterns of a path's
    end as keys. The limits of `ocr` are those of one page.
    """

    model_config = ConfigDict(extra="forbid")
    seconds: float = Field(60.0, gt=0)
    memory_mb: int = Field(2048, ge=256)
    max_pages: int = Field(10_000, ge=1)
    processes: int = Field(0, ge=0, le=64)
    password: str = ""
    passwords: list[str] = []
    file_passwords: dict[str, str] = {}
    running_heads: Literal["keep", "drop"] = "keep"
    ocr: Literal["auto", "off"] = "auto"
    ocr_seconds: float = Field(60.0, gt=0)
    ocr_memory_mb: int = Field(4096, ge=1024)

    @field_validator("passwords", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        """Refused here, because pydantic's own message would show the password."""
        if isinstance(value, list) and all(isinstance(each, str) for each in value):
            return value
        raise SettingError('pdf.passwords: must be a list of texts like ["one", "two"]')

    @field_validator("file_passwords", mode="before")
    @classmethod
    def _by_file(cls, value: object) -> object:
        if isinstance(value, dict) and all(isinstance(each, str) for each in value.values()):
            return value
        raise SettingError('pdf.file_passwords: must be a table like {"reports/*.pdf" = "one"}')


class Ingest(BaseModel):
    """Which files are read and what becomes of secrets in them.

    `exclude` are gitignore patterns; `threads` read that many files at once (0: one a processor, four at
    most); `max_bytes` is the largest file that is read (0: each kind has its own limit).
    """

    model_config = ConfigDict(extra="forbid")
    exclude: list[str] = []
    gitignore: bool = True
    secrets: Literal["redact", "flag", "skip"] = "redact"
    threads: int = Field(0, ge=0, le=64)
    max_bytes: int = Field(0, ge=0)


class Calibrating(BaseModel):
    """When to refuse, learnt at the end of ingest on questions made from the documents.

    `risk`: the share of wrong answers one accepts among those given, where half of what is asked has no
    answer; 0 keeps right answers instead, refusing 3 % of them at most. `at_ingest` false leaves it out;
    `seconds` bounds it.
    """

    model_config = ConfigDict(extra="forbid")
    risk: float = Field(0.0, ge=0.0, lt=1.0)
    at_ingest: bool = True
    seconds: float = Field(10.0, gt=0)


class Api(BaseModel):
    """The service: where it listens, whom it lets in, how much it takes on, and what it may change.

    `hosts` and `origins` are further names and web origins it answers to; `keys_file` holds the hashed
    API keys. `processes` share the port, each with `threads` answers at once and `queue` waiting, of
    which one client may hold `client_share`. `silence_s` is what a client may take to send or to read.
    """

    model_config = ConfigDict(extra="forbid")
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    hosts: list[str] = []
    origins: list[str] = []
    keys_file: str = "lectern-keys.json"
    processes: int = Field(1, ge=1, le=64)
    threads: int = Field(4, ge=1, le=256)
    queue: int = Field(64, ge=0, le=100_000)
    client_share: int = Field(32, ge=1, le=100_000)
    deadline_s: float = Field(120.0, gt=0)
    grace_s: float = Field(10.0, ge=0)
    silence_s: float = Field(8.0, gt=0)
    connections: int = Field(1024, ge=1)
    connections_per_address: int = Field(256, ge=1)
    log: Literal["json", "off"] = "json"
    log_questions: bool = False
    telemetry: Literal["off", "otlp"] = "off"
    uploads: str = ""
    upload_mb: int = Field(50, ge=1)
    uploads_mb: int = Field(1000, ge=1)
    allow_delete: bool = False
    allow_ingest: bool = False


class Settings(BaseSettings):
    """Every setting of every command."""

    model_config = SettingsConfigDict(
        env_prefix="RAG_", env_nested_delimiter="__", extra="forbid", nested_model_default_partial_update=True
    )
    index: Path = Path("index")
    question_limit: int = Field(2000, ge=1, description="characters")
    fallback: Literal["", "extractive"] = ""
    unsupported: Literal["keep", "mark", "drop"] = "mark"
    embedder: Backend = Backend(name="sentence_transformers")
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
            return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, file)

    return Sourced


def _refuse_unknown_variables() -> None:
    """A misspelt RAG_INDX would otherwise be ignored and the default index written to."""
    known = {name.upper() for name in Settings.model_fields}
    for variable in os.environ:
        if variable.upper().startswith("RAG_"):
            name = variable[4:].upper().split("__")[0]
            if name not in known:
                valid = ", ".join(f"RAG_{field}" for field in sorted(known))
                raise SettingError(f"{variable}: no such setting; valid: {valid}")


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
    """What a setting is, for a message; keys and passwords stay hidden."""
    return "its value is not shown" if name.endswith(("key", "password")) else f"it is {value!r}"


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
