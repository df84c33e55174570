"""Where a quote stands in a text, also where line breaks and blanks have changed since."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(slots=True)
class Quotable:
    """A document's text, and once it is needed, the same without white space."""

    text: str
    _dense: tuple[str, npt.NDArray[np.int64]] | None = field(default=None, init=False)

    def find(self, quote: str, near: int | None) -> tuple[tuple[int, int] | None, bool]:
        """The range where the quote stands, if it does, and whether it stands several times.

        Of several places it is the one nearest to the character `near`, or the first. A quote of white
        space alone stands nowhere.
        """
        if not quote.strip():
            return None, False
        at, several = _occurrence(self.text, quote, near)
        if at is not None:
            return (at, at + len(quote)), several
        dense, places = self._without_space()
        quote = "".join(quote.split())
        near = None if near is None else int(places.searchsorted(near))
        at, several = _occurrence(dense, quote, near)
        if at is None:
            return None, False
        return (int(places[at]), int(places[at + len(quote) - 1]) + 1), several

    def _without_space(self) -> tuple[str, npt.NDArray[np.int64]]:
        """The text without white space and where each of its characters stands."""
        import numpy as np

        if self._dense is None:
            places = [at for at, character in enumerate(self.text) if not character.isspace()]
            self._dense = "".join(self.text.split()), np.array(places, dtype=np.int64)
        return self._dense


def _occurrence(text: str, quote: str, near: int | None) -> tuple[int | None, bool]:
    """Where the quote begins, and whether it stands several times."""
    first = text.find(quote)
    if first < 0:
        return None, False
    several = text.find(quote, first + 1) >= 0
    if near is None or not several:
        return first, several
    before, after = text.rfind(quote, 0, near + len(quote)), text.find(quote, near)
    found = [at for at in (before, after) if at >= 0]
    return min(found, key=lambda at: abs(at - near)), True
