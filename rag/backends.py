"""A backend is a file: `[generator] name = "openai"` is rag/generators/openai.py and its `build`.

The folder is the registry and the signature of `build` the schema of its options, so a new backend
is one new file and nothing to register.
"""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable, Collection
from importlib import import_module
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from rag.config import shown
from rag.errors import SettingError
from rag.sections import Backend


def names(package: str) -> list[str]:
    """The backends in a package, sorted. A leading underscore marks what backends share."""
    folder = import_module(package)
    return sorted(found.name for found in pkgutil.iter_modules(folder.__path__) if found.name[0] != "_")


def build(setting: str, package: str, backend: Backend, **given: Any) -> Any:
    """Build the backend that `setting` names; `given` are arguments the composition root supplies.

    Raises SettingError as `check` does.
    """
    function, options = check(setting, package, backend, given)
    try:
        return function(**given, **options)
    except ModuleNotFoundError as error:
        raise _not_installed(setting, backend, error) from error


def check(
    setting: str, package: str, backend: Backend, given: Collection[str] = ()
) -> tuple[Callable[..., Any], dict[str, Any]]:
    """The backend's `build` and its options as the types it declares; `given` names are not options.

    Raises SettingError for an unknown name or option, listing the valid ones, a value of the wrong
    type, or a package that is not installed, naming the pip command.
    """
    if backend.name not in (valid := names(package)):
        raise SettingError(f"{setting}.name: there is no {backend.name!r}; valid: {', '.join(valid)}")
    try:
        function: Callable[..., Any] = import_module(f"{package}.{backend.name}").build
    except ModuleNotFoundError as error:
        raise _not_installed(setting, backend, error) from error
    types = get_type_hints(function)
    offered = [name for name in inspect.signature(function).parameters if name not in given]
    options = {}
    for name, value in backend.options.items():
        if name not in offered:
            listed = ", ".join(f"{setting}.{option}" for option in offered) or "none"
            raise SettingError(f"{setting}.{name}: {backend.name} has no such option; valid: {listed}")
        try:
            options[name] = TypeAdapter(types[name]).validate_python(value)
        except ValidationError as error:
            reason = error.errors(include_url=False)[0]["msg"]
            raise SettingError(f"{setting}.{name}: {reason} ({shown(name, value)})") from error
    return function, options


def _not_installed(setting: str, backend: Backend, error: ModuleNotFoundError) -> SettingError:
    return SettingError(
        f"{setting}.name = {backend.name!r} needs the package {error.name}: "
        f'pip install -e ".[{backend.name}]"'
    )
