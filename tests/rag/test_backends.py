"""A backend is a file: what is wrong with a name, an option or an installation is said in one line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from rag import backends
from rag.errors import SettingError
from rag.sections import Backend

WEATHER = '''
"""A backend of a package made for this test."""
from pathlib import Path

def build(folder: Path, degrees: float = 20.0, name_of_sea: str = "", depths: list[int] | None = None,
          loud: bool = False) -> tuple:
    return (folder, degrees, name_of_sea, depths, loud)
'''


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package with two backends, one of which needs a package that is not installed."""
    home = tmp_path / "seas"
    home.mkdir()
    (home / "__init__.py").touch()
    (home / "baltic.py").write_text(WEATHER, encoding="utf-8")
    (home / "adriatic.py").write_text(
        "def build(depth: int = 1) -> object:\n    import no_such_package\n    return no_such_package\n",
        encoding="utf-8",
    )
    (home / "_shared.py").write_text("raise RuntimeError('never imported')", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.split(".")[0] == "seas"]:
        monkeypatch.delitem(sys.modules, name)
    return "seas"


def built(package: str, name: str, **options: Any) -> Any:
    return backends.build("sea", package, Backend(name=name, **options), folder=Path("x"))


def test_the_files_of_the_folder_are_the_names(package: str) -> None:
    assert backends.names(package) == ["adriatic", "baltic"]
    assert backends.names("rag.generators") == ["extractive", "openai", "transformers"]


def test_options_are_given_their_types(package: str) -> None:
    assert built(package, "baltic") == (Path("x"), 20.0, "", None, False)
    made = built(package, "baltic", degrees="3", name_of_sea="B", depths=["1", 2], loud="true")
    assert made == (Path("x"), 3.0, "B", [1, 2], True)


def test_an_unknown_name_lists_the_valid_ones(package: str) -> None:
    for name in ("balltic", "_shared", "", "baltic.x", "../baltic", "os"):
        with pytest.raises(SettingError, match=r"^sea\.name: there is no '.*'; valid: adriatic, baltic$"):
            built(package, name)


def test_an_unknown_option_lists_the_valid_ones(package: str) -> None:
    message = (
        r"^sea\.degree: baltic has no such option; "
        r"valid: sea\.degrees, sea\.name_of_sea, sea\.depths, sea\.loud$"
    )
    with pytest.raises(SettingError, match=message):
        built(package, "baltic", degree=3)


def test_what_the_program_gives_is_no_option(package: str) -> None:
    with pytest.raises(SettingError, match=r"^sea\.folder: baltic has no such option"):
        backends.build("sea", package, Backend(name="baltic", folder="/"), folder=Path("x"))


def test_a_backend_without_options_says_so() -> None:
    with pytest.raises(SettingError, match=r"^sparse\.k1: baguetter has no such option; valid: none$"):
        backends.build("sparse", "rag.sparse", Backend(name="baguetter", k1=2))


def test_an_option_of_the_wrong_type_says_which_and_what_it_is(package: str) -> None:
    with pytest.raises(SettingError, match=r"^sea\.degrees: .*valid number.* \(it is 'warm'\)$"):
        built(package, "baltic", degrees="warm")
    with pytest.raises(SettingError, match=r"^sea\.depths: .*valid integer.*deep"):
        built(package, "baltic", depths=["deep"])


def test_a_key_of_the_wrong_type_is_named_and_not_shown() -> None:
    with pytest.raises(SettingError, match=r"^generator\.api_key: .*its value is not shown") as caught:
        backends.check("generator", "rag.generators", Backend(name="openai", api_key=["s3cret"]))
    assert "s3cret" not in str(caught.value)


def test_a_missing_package_names_the_pip_command(package: str) -> None:
    message = r"^sea\.name = 'adriatic' needs the package no_such_package: pip install -e \"\.\[adriatic\]\"$"
    with pytest.raises(SettingError, match=message):
        backends.build("sea", package, Backend(name="adriatic"))


def test_a_file_that_imports_what_is_missing_names_the_pip_command(package: str, tmp_path: Path) -> None:
    (tmp_path / "seas" / "caspian.py").write_text("import no_such_package", encoding="utf-8")
    with pytest.raises(SettingError, match=r"'caspian' needs the package no_such_package: pip install"):
        built(package, "caspian")
