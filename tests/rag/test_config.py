"""Settings: flags over environment over rag.toml over defaults, and no misspelt name is overlooked."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from rag.config import Settings, assignments, load_settings
from rag.errors import SettingError


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working directory and no variable of ours."""
    monkeypatch.chdir(tmp_path)
    for variable in [name for name in os.environ if name.upper().startswith("RAG_")]:
        monkeypatch.delenv(variable)


def write(content: str, name: str = "rag.toml") -> Path:
    Path(name).write_text(content, encoding="utf-8")
    return Path(name)


def test_without_anything_the_defaults_hold() -> None:
    settings = load_settings()
    assert settings.index == Path("index")
    assert settings.generator.name == "extractive"
    assert (settings.retriever.mode, settings.retriever.k) == ("hybrid", 8)


def test_each_place_wins_over_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    write("index = 'from-file'\n[retriever]\nk = 2\ndepth = 20\ndense_weight = 0.2\n")
    monkeypatch.setenv("RAG_RETRIEVER__K", "3")
    monkeypatch.setenv("RAG_RETRIEVER__DEPTH", "30")
    settings = load_settings({"retriever.k": 4})
    assert settings.retriever.k == 4, "flag"
    assert settings.retriever.depth == 30, "variable"
    assert settings.retriever.dense_weight == 0.2, "file"
    assert settings.retriever.mode == "hybrid", "default"
    assert settings.index == Path("from-file")


def test_a_backends_options_come_from_all_places_together(monkeypatch: pytest.MonkeyPatch) -> None:
    write("[generator]\nname = 'openai'\nbase_url = 'http://127.0.0.1:1/v1'\nmodel = 'from-file'\n")
    monkeypatch.setenv("RAG_GENERATOR__API_KEY", "secret")
    generator = load_settings({"generator.model": "from-flag"}).generator
    assert generator.name == "openai"
    assert generator.options == {
        "base_url": "http://127.0.0.1:1/v1",
        "model": "from-flag",
        "api_key": "secret",
    }


def test_a_backends_option_needs_no_name_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_EMBEDDER__DEVICE", "cpu")
    embedder = load_settings().embedder
    assert (embedder.name, embedder.options) == ("sentence_transformers", {"device": "cpu"})


def test_variables_are_read_in_either_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("rag_index", "notes")
    assert load_settings().index == Path("notes")


def test_a_named_file_is_read_instead_of_rag_toml() -> None:
    write("index = 'from-default-file'")
    other = write("index = 'from-named-file'", "other.toml")
    assert load_settings(file=other).index == Path("from-named-file")
    assert load_settings().index == Path("from-default-file")


def test_a_flag_not_given_is_none_and_says_nothing() -> None:
    write("index = 'from-file'")
    assert load_settings({"index": None}).index == Path("from-file")


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    for path in (Path("nowhere.toml"), tmp_path):
        with pytest.raises(SettingError, match=rf"--config {path}: no such file"):
            load_settings(file=path)


def test_a_file_saved_with_a_byte_order_mark_is_read() -> None:
    write("\ufeffindex = 'notes'")
    assert load_settings().index == Path("notes")


@pytest.mark.parametrize("content", ["index = ", "[retriever\n", "\ufeff\ufeffx", "index 'a'"])
def test_a_file_that_is_no_toml_is_named_with_the_place(content: str) -> None:
    write(content)
    with pytest.raises(SettingError, match=r"rag\.toml.*\(at "):
        load_settings()


def test_a_file_in_another_encoding_is_named() -> None:
    Path("rag.toml").write_bytes("index = 'é'".encode("latin-1"))
    with pytest.raises(SettingError, match=r"rag\.toml"):
        load_settings()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "indx = 'a'",
            r"indx: no such setting; valid here: api, calibration, dense, embedder, fallback",
        ),
        ("[retreiver]\nk = 3", r"retreiver: no such setting; valid here: .*retriever"),
        (
            "[retriever]\nkk = 3",
            r"retriever\.kk: no such setting; valid here: .*dense_weight, depth, dictionary, ",
        ),
        ("[api]\nports = 3", r"api\.ports: no such setting; valid here: allow_delete, allow_ingest"),
        ("[pdf]\nmemory = 3", r"pdf\.memory: no such setting; valid here: file_passwords, max_pages"),
    ],
)
def test_a_misspelt_name_lists_the_valid_ones(content: str, message: str) -> None:
    write(content)
    with pytest.raises(SettingError, match=message):
        load_settings()


@pytest.mark.parametrize("variable", ["RAG_INDX", "rag_indx", "RAG_RETREIVER__K", "RAG_"])
def test_a_misspelt_variable_lists_the_valid_ones(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "x")
    with pytest.raises(SettingError, match=rf"{variable}: no such setting; valid: .*RAG_INDEX, RAG_INGEST"):
        load_settings()


@pytest.mark.parametrize("variable", ["RAG_INDEX__X", "RAG_QUESTION_LIMIT__", "rag_fallback__name"])
def test_a_part_of_a_plain_setting_is_refused(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "x")
    with pytest.raises(SettingError, match=rf"{variable}: no such setting; RAG_[A-Z_]+ has no parts"):
        load_settings()


def test_a_misspelt_part_of_a_variable_lists_the_valid_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_RETRIEVER__KK", "3")
    with pytest.raises(
        SettingError, match=r"retriever\.kk: no such setting; valid here: .*dense_weight, depth"
    ):
        load_settings()


def test_a_misspelt_flag_lists_the_valid_ones() -> None:
    with pytest.raises(SettingError, match=r"retriever\.kk: no such setting; valid here: .*dense_weight"):
        load_settings({"retriever.kk": "3"})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("retriever.k", "many", r"retriever\.k: .*integer.*it is 'many'"),
        ("retriever.k", "0", r"retriever\.k: .*greater than or equal to 1.*it is '0'"),
        ("retriever.mode", "magic", r"retriever\.mode: .*'sparse', 'dense' or 'hybrid'.*it is 'magic'"),
        ("retriever.dense_weight", "1.5", r"retriever\.dense_weight: .*less than or equal to 1"),
        ("api.port", "70000", r"api\.port: .*65535"),
        ("pdf.seconds", "0", r"pdf\.seconds: .*greater than 0"),
        ("question_limit", "-1", r"question_limit: .*greater than or equal to 1"),
        ("retriever.dense_weight", "nan", r"retriever\.dense_weight: .*it is 'nan'"),
        ("generator", "openai", r"generator: .*it is 'openai'"),
        ("index", "", r"index: .*empty"),
        ("index", "a\0b", r"index: .*no folder has this name"),
    ],
)
def test_a_wrong_value_is_named_with_what_it_may_be(name: str, value: str, message: str) -> None:
    with pytest.raises(SettingError, match=message) as caught:
        load_settings({name: value})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("[[generator]]\nname = 'openai'\napi_key = 's3cret'", r"generator: .*it is a list"),
        ("[[pdf]]\npassword = 's3cret'", r"pdf: .*it is a list"),
        ("[index]\nkey = 's3cret'", r"index: .*it is a table"),
    ],
)
def test_a_section_written_wrong_is_named_and_the_keys_in_it_are_not_shown(content: str, named: str) -> None:
    write(content)
    with pytest.raises(SettingError, match=named) as caught:
        load_settings()
    assert "s3cret" not in str(caught.value)


def test_a_wrong_password_is_named_and_not_shown() -> None:
    with pytest.raises(SettingError, match=r"pdf\.password: .*its value is not shown") as caught:
        load_settings({"pdf.password": ["s3cret"]})
    assert "s3cret" not in str(caught.value)


def test_a_variable_that_should_be_a_table_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_RETRIEVER", "many")
    with pytest.raises(SettingError, match="retriever") as caught:
        load_settings()
    assert "\n" not in str(caught.value)


def test_a_name_that_is_both_a_value_and_a_table_is_refused() -> None:
    with pytest.raises(SettingError, match=r"retriever\.k: retriever is set to a plain value as well"):
        load_settings({"retriever": "x", "retriever.k": "3"})


def test_assignments_are_names_and_values() -> None:
    assert assignments(["generator.model=a=b", "index=x"]) == {"generator.model": "a=b", "index": "x"}
    assert assignments(["generator.api_key="]) == {"generator.api_key": ""}


@pytest.mark.parametrize("pair", ["retriever.k", "=3", ""])
def test_an_assignment_without_name_or_value_shows_how_it_is_written(pair: str) -> None:
    with pytest.raises(SettingError, match="write NAME=VALUE, for example"):
        assignments([pair])


def test_settings_hold_names_and_numbers_only() -> None:
    assert json.loads(load_settings().model_dump_json()) == load_settings().model_dump(mode="json")
    assert Settings(**load_settings().model_dump()).model_dump() == load_settings().model_dump()
