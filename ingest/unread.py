"""Files that could not be read when they were last tried, kept in the record with the reason.

A file that is as it was then is not new: a dry run, and with it `python -m rag doctor`, says again what was
wrong with it instead of advising another ingest.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

from ingest.discover import Found
from ingest.plan import Plan, Planned
from rag.protocols.stores import Store

# Document id: digest of the content and of what shapes it, full path, reason.
Unread: TypeAlias = dict[str, tuple[str, str, str]]

_SETTING = "unread"
_MOST_BYTES = 60_000  # what a record keeps in one setting; files beyond it count as new again


def remember(store: Store, found: Found, tried: Iterable[Planned], failed: Iterable[tuple[str, str]]) -> None:
    """Keep in the record which of the files `tried` `failed`; what `found` does not cover stays as it was."""
    settings = store.settings()
    before = _read(settings)
    planned = {each.id: each for each in tried}
    after = {name: each for name, each in before.items() if not found.covers(Path(each[1]))}
    for name, reason in failed:
        if name in planned:
            after[name] = (planned[name].digest, str(planned[name].source.path), reason)
    if (kept := _written(after)) != settings.get(_SETTING, "{}"):
        store.remember(_SETTING, kept)


def fail_again(plan: Plan, settings: Mapping[str, str]) -> None:
    """Move files that are as they were when they could not be read from what `plan` writes to its failures.

    `settings` are those of the record.
    """
    known = _read(settings)
    again = [
        each
        for each in plan.write
        if each.id not in plan.moved and known.get(each.id, ("",))[0] == each.digest
    ]
    plan.failed += [(each.id, known[each.id][2]) for each in again]
    plan.write = [each for each in plan.write if each not in again]


def _read(settings: Mapping[str, str]) -> Unread:
    return {
        name: (digest, path, why)
        for name, (digest, path, why) in json.loads(settings.get(_SETTING, "{}")).items()
    }


def _written(unread: Unread) -> str:
    kept: Unread = {}
    size = 2
    for name, each in sorted(unread.items()):
        size += len(json.dumps([name, each], ensure_ascii=False).encode("utf-8", "replace")) + 4
        if size > _MOST_BYTES:
            break
        kept[name] = each
    return json.dumps(kept, ensure_ascii=False)
