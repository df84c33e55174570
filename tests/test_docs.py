"""The documentation agrees with the program: settings, defaults, links, and both languages."""

from __future__ import annotations

import inspect
import re
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from rag import backends
from rag.config import Settings

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    file
    for pattern in ("*.md", "docs/**/*.md")
    for file in ROOT.glob(pattern)
    if not any(part.startswith(".") for part in file.relative_to(ROOT).parts)
)
PACKAGES = {
    "splitter": "ingest.splitters",
    "embedder": "rag.embedders",
    "sparse": "rag.sparse",
    "dense": "rag.dense",
    "store": "rag.stores",
    "generator": "rag.generators",
}
# Arguments that the composition root gives, so that no setting can.
GIVEN = {"count_tokens", "embedder", "folder", "read_only", "start_over"}
EXAMPLE = (ROOT / "rag.toml.example").read_text("utf-8")


def options(section: str, name: str) -> dict[str, Any]:
    """A backend's options and defaults, its name among them, as its `build` declares them."""
    parameters = inspect.signature(import_module(f"{PACKAGES[section]}.{name}").build).parameters
    return {"name": name} | {key: each.default for key, each in parameters.items() if key not in GIVEN}


def defaults() -> dict[str, Any]:
    """Every setting with its default, nested as in rag.toml."""
    found: dict[str, Any] = {}
    for key, field in Settings.model_fields.items():
        value = field.default
        if key in PACKAGES:
            found[key] = options(key, value.name) | value.model_dump()
        else:
            found[key] = value.model_dump() if hasattr(value, "model_dump") else value
    return found | {"index": str(found["index"])}


def setting_names() -> set[str]:
    """Dotted names of all settings, every generator's options included."""
    found = set()
    for key, value in defaults().items():
        found |= {f"{key}.{name}" for name in value} if isinstance(value, dict) else {key}
    for section, package in PACKAGES.items():
        for name in backends.names(package):
            found |= {f"{section}.{option}" for option in options(section, name)}
    return found


def test_the_example_file_holds_every_setting_with_its_default() -> None:
    assert tomllib.loads(EXAMPLE) == defaults()


@pytest.mark.parametrize("name", [name for name in backends.names("rag.generators") if name != "extractive"])
def test_the_example_file_shows_every_other_generator_with_all_its_options(name: str) -> None:
    blocks = re.findall(r"(?:^# .*\n)+", EXAMPLE, re.MULTILINE)
    shown = [block for block in blocks if f'name = "{name}"' in block]
    assert len(shown) == 1
    block = tomllib.loads(re.sub(r"^# ", "", shown[0], flags=re.MULTILINE))["generator"]
    expected = options("generator", name)
    assert set(block) == set(expected)
    # An example is shown where the default is empty, nothing else differs.
    changed = {key for key in block if block[key] != expected[key]}
    assert all(not expected[key] for key in changed)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_guide_lists_every_setting_once_and_no_other(language: str) -> None:
    text = (ROOT / "docs/guide" / language / "06-settings.md").read_text("utf-8")
    listed = re.findall(r"^\| `([a-z_.]+)` \|", text, re.MULTILINE)
    assert sorted(listed) == sorted(set(listed))
    assert set(listed) == setting_names()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_guide_states_the_defaults(language: str) -> None:
    text = (ROOT / "docs/guide" / language / "06-settings.md").read_text("utf-8")
    flat = dict(_flat(defaults()))
    for section, package in PACKAGES.items():
        for name in backends.names(package):
            flat = {f"{section}.{key}": value for key, value in options(section, name).items()} | flat
    for name, stated in re.findall(r"^\| `([a-z_.]+)` \| ([^|]+?) \|", text, re.MULTILINE):
        value = flat[name]
        if isinstance(value, bool):
            assert stated == str(value).lower(), name
        elif isinstance(value, (int, float)):
            assert float(stated) == value, name
        elif value:
            assert stated == f"`{value}`", name
        else:
            assert stated in ("empty", "空"), name


def _flat(nested: dict[str, Any]) -> list[tuple[str, Any]]:
    return [
        (f"{key}.{name}" if name else key, inner)
        for key, value in nested.items()
        for name, inner in (value.items() if isinstance(value, dict) else [("", value)])
    ]


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_relative_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    targets = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if not re.match(r"[a-z]+:", link)]
    for target in targets:
        file, _, anchor = target.partition("#")
        aim = page.parent / file if file else page
        assert aim.exists(), target
        if anchor:
            assert anchor in _anchors(aim), target


def test_an_anchor_is_the_heading_as_github_writes_it(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# What is `k`, and why?\n\n## 引用 and rag.cite\n\ntext # no heading\n", encoding="utf-8"
    )
    assert _anchors(page) == {"what-is-k-and-why", "引用-and-ragcite"}


def _anchors(page: Path) -> set[str]:
    """The names under which a page's headings are linked to."""
    headings = re.findall(r"^#{1,6} (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_every_page_of_the_guide_is_there_in_both_languages() -> None:
    english, chinese = (
        sorted(page.name for page in (ROOT / "docs/guide" / language).glob("*.md"))
        for language in ("en", "zh")
    )
    assert english == chinese != []


@pytest.mark.parametrize("page", [page.name for page in sorted((ROOT / "docs/guide/en").glob("*.md"))])
def test_both_languages_of_a_page_have_the_same_shape(page: str) -> None:
    english, chinese = (
        (ROOT / "docs/guide" / language / page).read_text("utf-8") for language in ("en", "zh")
    )
    for mark in (r"^#+ ", r"^```", r"^\|", r"^- "):
        assert len(re.findall(mark, english, re.MULTILINE)) == len(re.findall(mark, chinese, re.MULTILINE)), (
            mark
        )


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_settings_a_page_names_exist(page: Path) -> None:
    """Dotted names in code marks, RAG_ variables and --set arguments."""
    known = setting_names() | {
        f"reranker.{option}"
        for name in backends.names("rag.rerankers")
        for option in inspect.signature(import_module(f"rag.rerankers.{name}").build).parameters
    }
    assert _settings_named(page.read_text("utf-8")) <= known


def test_a_setting_that_does_not_exist_would_be_seen_in_a_page() -> None:
    page = "`reranker.nmae` `ingest.secrets`, RAG_INGEST__GITIGNOR, `--set no_limit=3`, `splitter.py`, `a.md`"
    assert _settings_named(page) == {"reranker.nmae", "ingest.secrets", "ingest.gitignor", "no_limit"}


def _settings_named(text: str) -> set[str]:
    sections = {name.partition(".")[0] for name in setting_names() if "." in name}
    named = set(re.findall(r"--set ([a-z_.]+)=", text))
    named |= set(re.findall(rf"`((?:{'|'.join(sections)})\.[a-z_]+)`", text))
    variables = re.findall(r"\bRAG_([A-Z_]*[A-Z])\b", text)
    named |= {variable.lower().replace("__", ".") for variable in variables}
    return named - {f"{section}.{suffix}" for section in sections for suffix in ("py", "json")}


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_flags_a_page_shows_exist(page: Path) -> None:
    """Every `python -m program ... --flag` line, in code blocks and in code marks."""
    text = page.read_text("utf-8")
    for line in re.findall(r"python -m ((?:rag|ingest|api|eval)\b[^`\n]*)", text):
        program = line.split()[0]
        files = [*(ROOT / program).rglob("*.py"), ROOT / "rag/command.py"]
        source = "".join(file.read_text("utf-8") for file in files)
        for flag in re.findall(r"(?<=[\s\[])--[a-z-]+", line.split("#")[0]):
            assert f'"{flag}"' in source or f'"{flag.replace("--no-", "--", 1)}"' in source, line
