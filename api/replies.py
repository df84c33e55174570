"""JSON replies, encoded by pydantic's encoder: several times as fast as the standard library's."""

from __future__ import annotations

from typing import Any

from pydantic_core import to_json
from starlette.responses import Response

__all__ = ["Json", "to_json"]


class Json(Response):
    """A reply of plain dictionaries, lists, texts and numbers."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """UTF-8 without spaces; a number that is none becomes null, as JSON has no name for it."""
        return to_json(content, inf_nan_mode="null")
