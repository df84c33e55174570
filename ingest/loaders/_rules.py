"""Blocks that markdown-it does not know of itself: admonitions in their three notations, and display math."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.ruler import RuleOptionsType
    from markdown_it.rules_block import StateBlock

_INTERRUPTS: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_OPENS = re.compile(r"(/{3,}|:{3,})[ \t]*([^\s/:].*)$")
_CLOSES = re.compile(r"(/{3,}|:{3,})$")
_INDENTED = re.compile(r"(?:!!!|\?\?\?\+?)[ \t]+\S")
_MATH = {"$$": "$$", r"\[": r"\]"}
# What may follow the closing mark of a formula: its number or label.
_LABEL = re.compile(r"[ \t]*(\([^()]*\)|\{[^{}]*\})?[ \t]*$")
# A formula has no blank line; what runs on for longer than this is none.
_MOST_MATH_LINES = 500


def add_rules(parser: MarkdownIt) -> None:
    """Teach `parser` the blocks "container" (`/// note`, `::: note`, `!!! note`) and "math_block"."""
    for name, rule in (("container", _container), ("admonition", _admonition), ("math_block", _math)):
        parser.block.ruler.before("fence", name, rule, _INTERRUPTS)


def _line(state: StateBlock, number: int) -> str:
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]].rstrip()


def _container(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """`/// name` or `::: name` up to the line that repeats the mark; without one it is none."""
    if state.is_code_block(start) or not _OPENS.match(_line(state, start)):
        return False
    last = _closers(state).get(start)
    if last is None or last >= end:
        return False
    if not silent:
        _push(state, start, last + 1, lambda: state.md.block.tokenize(state, start + 1, last))
    return True


def _closers(state: StateBlock) -> dict[int, int]:
    """The closing line of every container that has one, by its opening line; found once a text."""
    if "containers" not in state.env:
        pairs: dict[int, int] = {}
        waiting: dict[str, list[int]] = {}
        fence = ""
        # Not up to lineMax: inside an admonition that is where the admonition ends.
        for number in range(len(state.bMarks) - 1):
            line = _line(state, number)
            if mark := _FENCE.match(line):
                if not fence:
                    fence = mark[1]
                elif line.startswith(fence) and not line.strip(fence[0]):
                    fence = ""
            elif fence:
                continue
            elif closes := _CLOSES.match(line):
                if opened := waiting.get(closes[1]):
                    pairs[opened.pop()] = number
            elif opens := _OPENS.match(line):
                waiting.setdefault(opens[1], []).append(number)
        state.env["containers"] = pairs
    found: dict[int, int] = state.env["containers"]
    return found


def _admonition(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """`!!! note` and `??? note` with the lines indented below it."""
    if state.is_code_block(start) or not _INDENTED.match(_line(state, start)):
        return False
    inside = state.sCount[start] + 4
    last = number = start + 1
    while number < end and (state.isEmpty(number) or state.sCount[number] >= inside):
        number += 1
        if not state.isEmpty(number - 1):
            last = number
    if not silent:

        def tokenize() -> None:
            indent, state.blkIndent = state.blkIndent, inside
            state.md.block.tokenize(state, start + 1, last)
            state.blkIndent = indent

        _push(state, start, last, tokenize)
    return True


def _push(state: StateBlock, start: int, after: int, tokenize: Callable[[], None]) -> None:
    """The tokens of a container whose lines are `[start, after)`."""
    token = state.push("container_open", "div", 1)
    token.map = [start, after]
    parent, most = state.parentType, state.lineMax
    state.parentType, state.lineMax = "container", after
    tokenize()
    state.parentType, state.lineMax = parent, most
    state.push("container_close", "div", -1)
    state.line = after


def _math(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    r"""`$$ ... $$` or `\[ ... \]` that begins a line, over as many lines as it takes."""
    if state.is_code_block(start):
        return False
    first = _line(state, start)
    closing = _MATH.get(first[:2])
    if closing is None:
        return False
    number, rest = start, first[2:]
    while not _ends(rest, closing):
        number += 1
        if number >= min(end, start + _MOST_MATH_LINES) or state.isEmpty(number) or closing in rest:
            return False
        rest = _line(state, number)
    if not silent:
        token: Any = state.push("math_block", "math", 0)
        token.map = [start, number + 1]
        state.line = number + 1
    return True


def _ends(line: str, closing: str) -> bool:
    at = line.find(closing)
    return at >= 0 and bool(_LABEL.match(line, at + len(closing)))
