"""What a plot is made of, as places on a sheet: the page's template draws it as inline SVG.

Drawn so, a plot has the page's own text and colours in light and dark, needs no font and no script, and
is the same bytes everywhere. Coordinates are SVG units on a sheet of WIDTH x HEIGHT, y downwards.
"""

from __future__ import annotations

from dataclasses import dataclass

from eval.reporting.axes import Axis

WIDTH, HEIGHT = 360, 280
LEFT, RIGHT, TOP, BOTTOM = 54, 346, 12, 232
COLOURS = 7
INK, GREY = 6, COLOURS


@dataclass(frozen=True, slots=True)
class Series:
    """A system in a plot. `colour` is its number in the palette; COLOURS means grey: one of the rest."""

    name: str
    colour: int


@dataclass(frozen=True, slots=True)
class Line:
    """A curve through "x,y x,y ..."; `kind` is its style: a system's curve, a whisker or a guide."""

    points: str
    colour: int
    kind: str = "curve"


@dataclass(frozen=True, slots=True)
class Dot:
    """A point with the text shown when it is pointed at; a bubble lets what is below it be seen."""

    x: float
    y: float
    radius: float
    colour: int
    text: str
    kind: str = "dot"


@dataclass(frozen=True, slots=True)
class Label:
    """A text inside the plot, centred at x."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Plot:
    """One figure: axes, what is drawn inside them, its legend and a line below it."""

    title: str
    x: Axis
    y: Axis
    lines: tuple[Line, ...] = ()
    dots: tuple[Dot, ...] = ()
    labels: tuple[Label, ...] = ()
    legend: tuple[Series, ...] = ()
    note: str = ""

    def across(self, value: float) -> float:
        """The x coordinate of a value."""
        return round(LEFT + self.x.at(value) * (RIGHT - LEFT), 1)

    def up(self, value: float) -> float:
        """The y coordinate of a value."""
        return round(BOTTOM - self.y.at(value) * (BOTTOM - TOP), 1)
