"""Scales and ticks: from a value to a place on the axis of a plot."""

from __future__ import annotations

import math
from dataclasses import dataclass

# Nothing is told apart below it: a microsecond, a thousandth of a measure.
FINEST = 1e-3


@dataclass(frozen=True, slots=True)
class Axis:
    """A named scale from `low` to `high`; `ticks` are (value, how it is written)."""

    name: str
    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    logarithmic: bool = False

    def at(self, value: float) -> float:
        """Where a value lies: 0 at `low`, 1 at `high`; beyond them it is held at the end."""
        low, high, value = (math.log(v) if self.logarithmic else v for v in (self.low, self.high, value))
        return min(1.0, max(0.0, (value - low) / (high - low)))


def unit(name: str) -> Axis:
    """The whole range of a share, 0 to 1."""
    return Axis(name, 0.0, 1.0, _ticks(0.0, 1.0, 0.2))


def padded(name: str) -> Axis:
    """0 to 1 with room around it, for dots that lie on the border."""
    return Axis(name, -0.06, 1.06, _ticks(0.0, 1.0, 0.2))


def share(name: str, values: list[float]) -> Axis:
    """A part of 0 to 1 that holds the values, at least .2 wide: the numbers at the ticks say which part."""
    low = max(0.0, math.floor(min(values) * 10 - 0.2) / 10)
    high = min(1.0, math.ceil(max(values) * 10 + 0.2) / 10)
    low, high = (low, high) if high - low >= 0.2 else (max(0.0, high - 0.2), max(high, 0.2))
    width = high - low
    return Axis(name, low, high, _ticks(low, high, 0.05 if width <= 0.3 else 0.1 if width <= 0.6 else 0.2))


def differences(name: str, values: list[float]) -> Axis:
    """As far below zero as above it."""
    widest = max(FINEST, *map(abs, values))
    step = _step(widest / 2.2)
    top = step * math.ceil(widest / step - 1e-9)
    return Axis(name, -top, top, tuple((at, _signed(text)) for at, text in _ticks(-top, top, step)))


def cuts(name: str, values: list[int]) -> Axis:
    """Ranks on a log scale, a tick at each of 1, 2, 5, 10 ... that was measured."""
    round_ones = [v for v in values if str(v).rstrip("0") in {"1", "2", "5"}]
    return Axis(name, min(values), max(values), tuple((v, str(v)) for v in round_ones), logarithmic=True)


def times(name: str, values: list[float]) -> Axis:
    """Milliseconds from zero; on a log scale where the slowest takes more than ten times the fastest."""
    low, high = min(values), max(values)
    if low >= FINEST and high / low > 10:
        return _decades(name, low, high)
    high = max(high, FINEST)
    step = _step(high / 4)
    top = step * math.ceil(high * 1.02 / step)
    return Axis(name, 0.0, top, _ticks(0.0, top, step))


def _decades(name: str, low: float, high: float) -> Axis:
    places = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
    marks = [digit * 10.0**place for place in places for digit in (1, 2, 5)]
    first = max(mark for mark in marks if mark <= low)
    last = min(mark for mark in [*marks, 10.0**places.stop] if mark >= high)
    inside = [mark for mark in marks if first <= mark <= last]
    kept = inside if len(inside) <= 8 else [mark for mark in inside if f"{mark:e}".startswith("1")]
    return Axis(name, first, last, tuple((mark, f"{mark:g}") for mark in kept), logarithmic=True)


def _step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(digit * power for digit in (1, 2, 5, 10) if digit * power >= rough * 0.999)


def _ticks(low: float, high: float, step: float) -> tuple[tuple[float, str], ...]:
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return tuple((number * step, f"{round(number * step, 6):g}") for number in range(first, last + 1))


def _signed(text: str) -> str:
    """How a tick of a difference is written: +0.1, −0.1, 0."""
    return text.replace("-", "−") if text.startswith("-") or text == "0" else f"+{text}"
