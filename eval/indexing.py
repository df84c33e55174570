"""Brings a test set into an index: passages as they are given, files through `python -m ingest`."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.code import INDEXING, code_digest
from eval.cost import forget_peak, index_bytes, maxrss_mb, peak_mb
from eval.progress import progress, say
from eval.types import Entry, PassageSet, SpanSet, TestSet
from rag.config import Settings
from rag.errors import SettingError
from rag.expansion.dictionary import find_dictionary
from rag.types import Chunk, Document

# What an index was made from, kept beside it.
NOTE = "eval.json"
_SHAPING = ("embedder", "sparse", "dense", "store")
_OF_FILES = ("splitter", "ingest", "pdf")
# How an option ends whose value is nobody's business.
_SECRET = ("key", "password", "passwords", "token")
_USER = re.compile(r"(?<=//)[^/@\s]*@")


@dataclass(frozen=True, slots=True)
class Indexed:
    """How the index came to be. `empty` documents have neither text nor title and are not in it.

    `seconds` and `peak_mb` are None where an index was found ready; `failed` names files that could
    not be read.
    """

    documents: int
    empty: int
    chunks: int
    bytes: int
    seconds: float | None = None
    peak_mb: float | None = None
    failed: tuple[str, ...] = ()


def shaping_settings(test_set: TestSet, settings: Settings) -> dict[str, Any]:
    """The settings that decide what the index of this test set holds."""
    names = _SHAPING if isinstance(test_set, PassageSet) else (*_SHAPING, *_OF_FILES)
    return settings.model_dump(mode="json", include=set(names), exclude={"ingest": {"threads"}})


def concealed(settings: Mapping[str, Any], hide: Callable[[Any], str]) -> dict[str, Any]:
    """The settings, those within others too, with `hide` in place of keys, passwords and tokens that are
    set, and addresses without a user's name and password.
    """

    def conceal(name: str, value: Any) -> Any:
        if value and name.endswith(_SECRET):
            return hide(value)
        if isinstance(value, Mapping):
            return concealed(value, hide)
        return _USER.sub("", value) if isinstance(value, str) else value

    return {name: conceal(name, value) for name, value in settings.items()}


def index_key(test_set: TestSet, settings: Settings) -> str:
    """Names the index: equal keys, equal content."""
    return _digest(_made_from(test_set, settings))[:12]


def prepare(test_set: TestSet, settings: Settings, *, ours: bool) -> Indexed:
    """Bring the test set into the index at `settings.index`, or keep what an earlier run put there.

    Where the folder is `ours`, indexing that was stopped half way is taken up again. A span set may
    also be measured on an index that people use: it is then left as it is. Raises SettingError where
    the folder holds anything else, for an evaluation never adds to an index that it did not make, nor
    measures one test set on the index of another.
    """
    folder, note = settings.index, settings.index / NOTE
    if folder.exists() and not folder.is_dir():
        raise SettingError(f"--index {folder}: is a file; name a folder")
    begun = folder.is_dir() and any(folder.iterdir())
    if begun and not (ours and not note.exists()):
        failed = _ready(test_set, settings, note)
        return _counted(test_set, settings, failed=failed)
    seconds, peak, failed = _index(test_set, settings)
    written = {**_made_from(test_set, settings), "failed": failed}
    note.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
    # What was begun earlier took its time then: the rest of it says nothing of the speed.
    cost = {} if begun else {"seconds": seconds, "peak_mb": peak}
    return _counted(test_set, settings, failed=failed, **cost)


def _ready(test_set: TestSet, settings: Settings, note: Path) -> tuple[str, ...]:
    """Check that an index found ready is this test set's, or one that people use; the files that failed."""
    if isinstance(test_set, PassageSet) or note.exists():
        return _require_same(note, _made_from(test_set, settings))
    _require_withheld(test_set, settings)
    return ()


def _require_withheld(test_set: SpanSet, settings: Settings) -> None:
    from rag.build import build_store

    store = build_store(settings, read_only=True)
    present = sorted(test_set.withheld & {document.id for document in store.documents()})
    store.close()
    if present:
        raise SettingError(
            f"--index {settings.index}: holds {present[0]}, which {test_set.name} withholds so that some "
            "questions have no answer; leave --index out"
        )


def as_document(entry: Entry) -> tuple[Document, list[Chunk]]:
    """The entry as one document of one chunk whose heading is the title; no chunk where all is empty.

    An entry without text stands for its title.
    """
    text, heading = (entry.text, (entry.title,)) if entry.text.strip() else (entry.title, ())
    document = Document(entry.id, text, _digest([entry.title, entry.text]))
    if not text:
        return document, []
    return document, [Chunk(entry.id, 0, text, 0, len(text), tuple(title for title in heading if title))]


def _index(test_set: TestSet, settings: Settings) -> tuple[float, float, tuple[str, ...]]:
    """Seconds, peak memory and the files that failed."""
    if isinstance(test_set, SpanSet):
        return _index_files(test_set, settings)
    forget_peak()
    began = time.perf_counter()
    _index_passages(test_set, settings)
    seconds = time.perf_counter() - began
    say(f"indexed {len(test_set.corpus)} documents in {seconds:.1f} s")
    return seconds, peak_mb(), ()


def _index_passages(test_set: PassageSet, settings: Settings) -> None:
    from rag.build import build_indexer
    from rag.models import build_embedder

    build_embedder(settings).encode_query("loads the model, which is no cost of indexing")
    with build_indexer(settings) as indexer:
        for entry in progress(test_set.corpus, len(test_set.corpus), "documents"):
            document, chunks = as_document(entry)
            if chunks:
                indexer.add(document, chunks)
        indexer.flush()
        indexer.publish()


def _index_files(test_set: SpanSet, settings: Settings) -> tuple[float, float, tuple[str, ...]]:
    """Through the command that users run, in a process of its own, whose memory can be told apart."""
    command = [sys.executable, "-m", "ingest", str(test_set.folder), "--json"]
    variables = _environment(settings, test_set.withheld)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=variables)  # noqa: S603
    assert process.stdout is not None  # noqa: S101 - it was asked for
    printed = process.stdout.read()
    process.stdout.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise SettingError(f"{test_set.folder}: could not be ingested; what stopped it is said above")
    report = json.loads(printed)
    failed = tuple(each["path"] for each in report["failed"])
    return float(report["seconds"]), maxrss_mb(usage.ru_maxrss), failed


def _environment(settings: Settings, withheld: Iterable[str]) -> dict[str, str]:
    """The settings as variables: unlike flags, passwords in them are seen by no other user."""
    left_out = [*settings.ingest.exclude, *(_only(path) for path in sorted(withheld))]
    reading = settings.ingest.model_copy(update={"exclude": left_out})
    settings = settings.model_copy(update={"ingest": reading})
    # What is calibrated takes its time before answers are measured, with the generator that is measured.
    variables = {"RAG_INDEX": str(settings.index.absolute()), "RAG_CALIBRATION__AT_INGEST": "false"}
    for name, value in settings.model_dump(
        mode="json", exclude={"index", "generator", "reranker", "calibration", "api"}
    ).items():
        options = (
            {f"__{option}": chosen for option, chosen in value.items()} if isinstance(value, dict) else {}
        )
        for option, chosen in options.items() or [("", value)]:
            written = chosen if isinstance(chosen, str) else json.dumps(chosen)
            variables[f"RAG_{name}{option}".upper()] = written
    return os.environ | variables


def _only(path: str) -> str:
    """The gitignore pattern that names this one file of the folder."""
    return "/" + re.sub(r"([*?\[ ])", r"\\\1", path)


def _counted(test_set: TestSet, settings: Settings, **found: Any) -> Indexed:
    from rag.build import published

    index = published(settings)
    documents, empty = index.documents, 0
    if isinstance(test_set, PassageSet):
        documents = len(test_set.corpus)
        empty = sum(not as_document(entry)[1] for entry in test_set.corpus)
    return Indexed(documents, empty, index.chunks, index_bytes(settings.index), **found)


def _made_from(test_set: TestSet, settings: Settings) -> dict[str, Any]:
    kept = concealed(shaping_settings(test_set, settings), _digest)
    dictionary = find_dictionary(settings.embedder.dictionary, "embedder.dictionary")
    return {
        "digest": test_set.digest,
        "settings": kept,
        "code": code_digest(INDEXING),
        "dictionary": dictionary.identity if dictionary else "",
    }


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _require_same(note: Path, made_from: Mapping[str, Any]) -> tuple[str, ...]:
    """The files that failed when the index was made. Raises SettingError if it is not this one."""
    folder = note.parent
    way_out = f"remove {folder}, or name another folder with --index"
    try:
        found = json.loads(note.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SettingError(
            f"--index {folder}: not empty and not a finished evaluation; name another folder, or none"
        ) from error
    except (OSError, ValueError) as error:
        raise SettingError(f"{note}: cannot be read ({error}); {way_out}") from error
    found = found if isinstance(found, dict) else {}
    failed = found.pop("failed", [])
    if found == made_from:
        return tuple(failed)
    same = found.get("digest") == made_from["digest"]
    what = "the same dataset with other settings or another version" if same else "another dataset"
    raise SettingError(f"--index {folder}: made from {what}; {way_out}")
