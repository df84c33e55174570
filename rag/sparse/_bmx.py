"""baguetter's BMX without the rest of baguetter.

Importing the package's root brings 2,300 modules and two seconds, makes a folder in the user's home,
reads a .env file and loads Unidecode, which is under the GPL. The module that builds and scores needs
none of that, so it is imported beside its parents instead of through them.
"""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

_MODULE = "baguetter.indices.sparse.models.bmx.index"


@cache
def bmx() -> Any:
    """The module `baguetter.indices.sparse.models.bmx.index`. Raises ModuleNotFoundError."""
    if "baguetter" in sys.modules:
        return import_module(_MODULE)
    spec = find_spec("baguetter")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("No module named 'baguetter'", name="baguetter")
    parents = _parents(Path(spec.origin).parent)
    sys.modules.update(parents)
    try:
        return import_module(_MODULE)
    finally:
        for name in parents:  # whoever imports baguetter itself gets the whole of it
            del sys.modules[name]


def _parents(root: Path) -> dict[str, ModuleType]:
    """Empty packages in place of the module's parents, that know only where their files are."""
    parts = _MODULE.split(".")[:-1]
    found = {}
    for depth in range(1, len(parts) + 1):
        package = ModuleType(".".join(parts[:depth]))
        package.__path__ = [str(root.joinpath(*parts[1:depth]))]
        found[package.__name__] = package
    return found
