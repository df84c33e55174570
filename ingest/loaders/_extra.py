"""Imports what an optional extra installs, or says how to install it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from rag.errors import DocumentError


def need(module: str, extra: str) -> Any:
    """The module. Raises DocumentError naming the pip command, for this file alone: the others go on."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise DocumentError(f'needs the package {error.name}: pip install -e ".[{extra}]"') from error
