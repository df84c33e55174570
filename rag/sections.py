"""The sections of the settings: names and numbers with their bounds. Where they come from: `rag.config`."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, field_validator

from rag.errors import SettingError
from rag.types import Mode

FusionName: TypeAlias = Literal["standardised", "minmax", "rrf"]
DictionaryName: TypeAlias = Literal["auto", "off", "cedict"]
GlossaryName: TypeAlias = Literal["off", "mined", "all"]
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


class Embedding(Backend):
    """The embedder. `dictionary` glosses Chinese for one that cannot read it, passages and questions; auto
    does where CC-CEDICT is installed, save over an index that was made without.
    """

    name: str = "sentence_transformers"
    dictionary: DictionaryName = "auto"


class Reranking(Backend):
    """The reranker, none where `name` is empty; it is given the best `depth` hits.

    `weight`: its share of the sum with the fused score; at 1 its order is final, 0 leaves that to it.
    `on_failure`: a question at which it fails is refused, or answered with hits in their fused order.
    """

    name: str = ""
    depth: int = Field(50, ge=1, le=1000)
    weight: float = Field(0.0, ge=0.0, le=1.0)
    on_failure: OnFailure = "refuse"


class Retrieval(BaseModel):
    """How hits are found: `depth` fetched from each leg before fusion, `k` returned.

    `dense_weight` is the dense leg's share where the embedder can read all of a question. `dictionary`
    glosses Chinese questions over English passages; auto does where CC-CEDICT is installed.
    `spelling`: whether words that the collection does not hold are taken for slips of those it does.
    `glossary`: other forms of a question's terms, as passages pair them in brackets, are searched for as
    well: those in another script (mined), abbreviations too (all). `feedback`: of how many passages of a
    first search terms are added.
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
    glossary: GlossaryName = "mined"
    feedback: int = Field(0, ge=0, le=50)
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
    answer; 0 keeps right answers instead, refusing 3 % of them at most and what has a confidence below .05.
    `at_ingest` false leaves it out; `seconds` bounds it, six times over where a busy machine has too few
    right answers by then.
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
