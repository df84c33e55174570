"""A backend is a file: `[generator] name = "openai"` is rag/generators/openai.py and its `build`.

The folder is the registry and the signature of `build` the schema of its options, so a new backend
is one new file and nothing to register.
"""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable
from importlib import import_module
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from rag.config import Backend
from rag.errors import SettingError


def names(package: str) -> list[str]:
    """The backends in a package, sorted. A leading underscore marks what backends share."""
    folder = import_module(package)
    return sorted(found.name for found in pkgutil.iter_modules(folder.__path__) if found.name[0] != "_")


def build(setting: str, package: str, backend: Backend, **given: Any) -> Any:
    """Build the backend that `setting` names; `given` are arguments the composition root supplies.

    Raises SettingError for an unknown name or option (listing the valid ones), a value of the wrong
    type, or a package that is not installed (naming the pip command).
    """
    valid = names(package)
    if backend.name not in valid:
        raise SettingError(f"{setting}.name: there is no {backend.name!r}; valid: {', '.join(valid)}")
    function: Callable[..., Any] = import_module(f"{package}.{backend.name}").build
    options = _checked(setting, backend, function, given)
    try:
        return function(**given, **options)
    except ModuleNotFoundError as error:
        raise SettingError(
            f"{setting}.name = {backend.name!r} needs the package {error.name}: "
            f'pip install "lectern[{backend.name}]"'
        ) from error


def _checked(
    setting: str, backend: Backend, function: Callable[..., Any], given: dict[str, Any]
) -> dict[str, Any]:
    types = get_type_hints(function)
    valid = [name for name in inspect.signature(function).parameters if name not in given]
    options = {}
    for name, value in backend.options.items():
        if name not in valid:
            offered = ", ".join(f"{setting}.{option}" for option in valid) or "none"
            raise SettingError(f"{setting}.{name}: {backend.name} has no such option; valid: {offered}")
        try:
            options[name] = TypeAdapter(types[name]).validate_python(value)
        except ValidationError as error:
            reason = error.errors(include_url=False)[0]["msg"]
            raise SettingError(f"{setting}.{name}: {reason} (it is {value!r})") from error
    return options
