"""One file read: its text, without secrets, cut into chunks; several files ahead of who takes them."""

from __future__ import annotations

import hashlib
import secrets
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias, TypeVar

from ingest.loading import shape
from ingest.plan import Planned, content_digest
from ingest.secrets.find import VERSION, Secret
from ingest.secrets.redact import Policy, Redacted, apply
from rag.config import Settings
from rag.errors import DocumentError
from rag.protocols.documents import Loader, Splitter
from rag.protocols.stores import Store
from rag.types import Chunk, Document, Heading, Loaded, Page, Vectors

# Bytes of files that are read and not yet taken: what bounds the memory, whatever the corpus.
_AHEAD_BYTES = 64_000_000
_SHOWN_LINES = 10
# Under what name the record keeps the key that placeholders of secrets are made with.
_KEY = "placeholder_key"
_ATTEMPTS = 2  # at reading a file that changes meanwhile

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
Warning: TypeAlias = tuple[str, str, str]  # noqa: A001 - document, kind, detail, as the report has them


@dataclass(frozen=True, slots=True)
class Read:
    """A file that was read, or the reason why not; `empty_pages` hold no text.

    `vectors`, float32 (windows, dimension), are those of the chunks' texts if whoever read it embedded them.
    """

    planned: Planned
    document: Document | None = None
    chunks: tuple[Chunk, ...] = ()
    empty_pages: int = 0
    warnings: tuple[Warning, ...] = ()
    failed: str | None = None
    vectors: Mapping[str, Vectors] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads files; any number of threads may call it. `key` is what placeholders of secrets hang on."""

    loaders: Mapping[str, Loader]
    splitter: Splitter
    policy: Policy
    key: bytes

    @property
    def fingerprint(self) -> str:
        """Names what decides which chunks a text gives."""
        return f"{self.splitter.fingerprint} secrets/{VERSION} {self.policy}"

    def read(self, planned: Planned) -> Read:
        """The file's document and chunks. Whatever the file is, nothing is raised but by a fault of ours.

        The document's digest is that of the content it was read from, which may be newer than the plan. One
        that goes on changing, as a log does, gets a digest that no content has: the next run reads it again.
        """
        for _ in range(_ATTEMPTS):
            read = self._read(planned)
            digest = self._digest(planned.source.path)
            if digest in (planned.digest, None):
                return read
            planned = replace(planned, digest=digest)
        if read.document is None:
            return read
        unsettled = replace(read.document, digest=hashlib.sha256(planned.digest.encode()).hexdigest())
        said = (planned.id, "changing", "it changed while it was read: run the same command again")
        return replace(read, document=unsettled, warnings=(*read.warnings, said))

    def _digest(self, path: Path) -> str | None:
        """That of the file as it is now, None where it has gone meanwhile."""
        try:
            return content_digest(path, shape(path, self.loaders, self.fingerprint))
        except OSError:
            return None

    def _read(self, planned: Planned) -> Read:
        path = planned.source.path
        try:
            loaded = self.loaders[path.suffix.lower()].load(path)
        except DocumentError as error:
            return Read(planned, failed=str(error))
        loaded, secrets = _without_secrets(loaded, self.policy, self.key)
        document = Document(
            planned.id, loaded.text, planned.digest, loaded.metadata, loaded.pages, loaded.headings
        )
        warnings = [(planned.id, each.kind, each.detail) for each in loaded.warnings]
        return Read(
            planned,
            document,
            tuple(self.splitter.split(document)),
            sum(page.start == page.end for page in loaded.pages),
            (*warnings, *((planned.id, "secret", detail) for detail in secrets)),
        )


def build_reader(
    settings: Settings, loaders: Mapping[str, Loader], splitter: Splitter, store: Store | None
) -> Reader:
    """What reads files as the settings say.

    Placeholders of secrets are the same in all runs over one index, for its record keeps their key;
    without a store they are this reader's own.
    """
    kept = store.settings().get(_KEY) if store else None
    key = kept or secrets.token_hex(32)
    if store is not None and kept is None:
        store.remember(_KEY, key)
    return Reader(loaders, splitter, settings.ingest.secrets, bytes.fromhex(key))


def in_order(
    items: Iterable[_Item], work: Callable[[_Item], _Result], size: Callable[[_Item], int], threads: int
) -> Iterator[_Result]:
    """What `work` makes of each item, in the order of the items; done by `threads` ahead of the caller.

    Together the items ahead are of at most 64 MB, as `size` counts them, or one alone is larger.
    """
    with ThreadPoolExecutor(threads, thread_name_prefix="read") as pool:
        ahead: deque[tuple[int, Future[_Result]]] = deque()
        try:
            for item in items:
                own = size(item)
                while ahead and (len(ahead) > 2 * threads or own + sum(n for n, _ in ahead) > _AHEAD_BYTES):
                    yield ahead.popleft()[1].result()
                ahead.append((own, pool.submit(work, item)))
            while ahead:
                yield ahead.popleft()[1].result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def size_on_disk(planned: Planned) -> int:
    """The file's bytes, 0 where it has gone."""
    try:
        return planned.source.path.stat().st_size
    except OSError:
        return 0


def _without_secrets(loaded: Loaded, policy: Policy, key: bytes) -> tuple[Loaded, list[str]]:
    """The same by the policy, metadata included, and one line about each kind of secret found."""
    redacted = apply(loaded.text, policy, key)
    told = _told(redacted, policy)
    if redacted.skipped:
        return replace(loaded, text="", pages=(), metadata={}, headings=()), told
    metadata = {name: apply(value, policy, key) for name, value in loaded.metadata.items()}
    told += [f"metadata {name}: {line}" for name, own in metadata.items() for line in _told(own, policy)]
    kept = {name: own.text for name, own in metadata.items() if not own.skipped}
    pages = tuple(
        Page(page.number, redacted.moved(page.start), redacted.moved(page.end)) for page in loaded.pages
    )
    headings = tuple(
        Heading(redacted.moved(each.offset), each.level, apply(each.title, "redact", key).text)
        if policy != "flag"
        else each
        for each in loaded.headings
    )
    return replace(loaded, text=redacted.text, pages=pages, metadata=kept, headings=headings), told


_DONE: Mapping[Policy, str] = {
    "redact": "replaced by a placeholder",
    "flag": "left in the text: set ingest.secrets to redact or skip to keep it out of the index",
    "skip": "the file is not indexed",
}


def _told(redacted: Redacted, policy: Policy) -> list[str]:
    kinds: dict[str, list[Secret]] = {}
    for secret in redacted.found:
        kinds.setdefault(secret.kind, []).append(secret)
    return [f"{kind} {_lines(found)}: {_DONE[policy]}" for kind, found in kinds.items()]


def _lines(found: list[Secret]) -> str:
    lines = sorted({secret.line for secret in found})
    shown = ", ".join(map(str, lines[:_SHOWN_LINES]))
    more = f" and {len(lines) - _SHOWN_LINES} more" if len(lines) > _SHOWN_LINES else ""
    return f"on line{'s' if len(lines) > 1 else ''} {shown}{more}"
