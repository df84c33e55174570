"""Equal content is the same generation, however it came about."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from rag.build import build_indexer, build_retriever
from rag.config import Settings
from rag.indexes.generation import read_manifest, verify
from rag.indexes.publish import Indexer
from rag.stores.sqlite import SqliteStore
from rag.types import Chunk, Document

SettingsFor = Callable[..., Settings]
Written = Callable[[Settings, Mapping[str, str]], str]
MakeDocument = Callable[[str, str], tuple[Document, list[Chunk]]]

WORDS = "bread rye lamp coast dough server CUDA memory log 部署 内存 模型 oil gale harbour window".split()


def random_text(source: random.Random) -> str:
    paragraphs = [
        " ".join(source.choices(WORDS, k=source.randint(1, 10))) for _ in range(source.randint(1, 3))
    ]
    return "\n\n".join(paragraphs)


@pytest.fixture(scope="module")
def final_texts() -> dict[str, str]:
    """What every history below ends with: short, long (several windows), repeated and empty texts."""
    source = random.Random(5)  # noqa: S311 - no secret
    texts = {f"{number}.md": random_text(source) for number in range(7)}
    return texts | {
        "long.md": " ".join(source.choices(WORDS, k=180)),
        "same.md": texts["1.md"],
        "none.md": "",
    }


@pytest.fixture(scope="module")
def clean_build(
    tmp_path_factory: pytest.TempPathFactory,
    settings_for: SettingsFor,
    write_index: Written,
    final_texts: dict[str, str],
) -> str:
    return write_index(settings_for(tmp_path_factory.mktemp("clean") / "index"), final_texts)


def wander(indexer: Indexer, make: MakeDocument, goal: Mapping[str, str], source: random.Random) -> None:
    """Some random steps: right and wrong versions, removals, flushes and publishes."""
    for _ in range(source.randint(1, 8)):
        name = source.choice([*goal, "stray.md"])
        step = source.choice(["right", "wrong", "remove", "flush", "publish"])
        if step == "right" and name in goal:
            indexer.add(*make(name, goal[name]))
        elif step == "wrong":
            indexer.add(*make(name, random_text(source)))
        elif step == "remove":
            indexer.remove([name])
        elif step == "flush":
            indexer.flush()
        elif step == "publish":
            indexer.publish()


@pytest.mark.parametrize("seed", range(6))
def test_any_history_that_ends_in_the_same_documents_is_the_same_generation(
    seed: int,
    tmp_path: Path,
    settings_for: SettingsFor,
    make_document: MakeDocument,
    final_texts: dict[str, str],
    clean_build: str,
) -> None:
    source = random.Random(seed)  # noqa: S311 - no secret
    settings = settings_for(tmp_path / "index")
    for _ in range(source.randint(1, 3)):  # as many ingests, one after the other
        with build_indexer(settings, start_over=source.random() < 0.2) as indexer:
            wander(indexer, make_document, final_texts, source)
    with build_indexer(settings) as indexer:
        indexer.remove(["stray.md"])
        order = list(final_texts)
        source.shuffle(order)
        for name in order:
            indexer.add(*make_document(name, final_texts[name]))
            if source.random() < 0.3:
                indexer.flush()
        generation = indexer.publish()
    assert generation == clean_build
    verify(settings.index, read_manifest(settings.index))
    assert build_retriever(settings).generation == clean_build


def test_other_content_is_another_generation(
    tmp_path: Path,
    settings_for: SettingsFor,
    write_index: Written,
    final_texts: dict[str, str],
    clean_build: str,
) -> None:
    changed = final_texts | {"1.md": final_texts["1.md"] + "."}
    assert write_index(settings_for(tmp_path / "index"), changed) != clean_build


# A child that indexes the texts given as JSON, small batches; its hash seed differs from ours.
CHILD = """
import json, sys
from pathlib import Path
from rag.indexes import publish as indexing
from rag.build import build_indexer
from rag.config import load_settings
from rag.types import Chunk, Document, Warned

folder, texts = sys.argv[1], json.loads(sys.argv[2])
indexing._BATCH_CHUNKS = 2
settings = {"index": folder, "embedder.batch_tokens": "64", "embedder.dictionary": "off"}
with build_indexer(load_settings(settings)) as indexer:
    for name, text, digest, chunks in texts:
        own = [Chunk(name, n, text[a:b], a, b, ("Notes",)) for n, (a, b) in enumerate(chunks)]
        indexer.add(Document(name, text, digest), own)
        print(name, flush=True)
    print(indexer.publish(), flush=True)
"""


def start_child(folder: Path, texts: Mapping[str, str], make: MakeDocument) -> subprocess.Popen[str]:
    made = [make(name, text) for name, text in texts.items()]
    as_json = json.dumps(
        [(doc.id, doc.text, doc.digest, [(each.start, each.end) for each in own]) for doc, own in made]
    )
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder), as_json],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONHASHSEED": "77", "HF_HUB_OFFLINE": "1"},
    )


def test_an_ingest_that_was_killed_and_run_again_is_the_same_generation(
    tmp_path: Path, final_texts: dict[str, str], make_document: MakeDocument, clean_build: str
) -> None:
    """Both are processes of their own, so that nothing of theirs depends on a process either."""
    child = start_child(tmp_path / "index", final_texts, make_document)
    assert child.stdout is not None
    for line in child.stdout:
        if line.strip() == "4.md":
            break
    child.send_signal(signal.SIGKILL)
    child.communicate()
    reader = SqliteStore(tmp_path / "index", read_only=True)
    assert 0 < len(reader.documents()) < len(final_texts)
    reader.close()
    output, _ = start_child(tmp_path / "index", final_texts, make_document).communicate()
    assert output.split()[-1] == clean_build
