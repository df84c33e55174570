"""The running text of a document: sections, paragraphs and sentences, each at its place.

Code, tables, front matter, formulas and HTML are left out: no question is made of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING

from rag.prompt import Language, language
from rag.text import CJK_CHARACTER, sentences

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(?:.*\n)*?(?:---|\.\.\.)[ \t]*(?:\n|\Z)")
_ATTRIBUTES = re.compile(r"\s*\{:?\s*[#.][^{}]*\}\s*$")
# What opens a line or a list item and is no part of its sentence.
_MARKS = re.compile(r"(?:[>\s]|[-*+]\s|\d+[.)、]\s|\[[ xX]\]\s)+")
# Roles and formulas of Sphinx, MyST and d2l (:eqref:`x`, $y$), footnote marks, emoji.
_NOISE = re.compile(r":\w+:`[^`]*`|\[\^[^\]]*\]|[\u2600-\u27bf\ufe0f\U0001f000-\U0001faff]")
_FORMULA = re.compile(r"\$|\\[a-zA-Z]+\{|:\w+:`")
_BLOCK_MATH = re.compile(r"\$\$.*?\$\$", re.DOTALL)
_NUMBERING = re.compile(
    r"^(?:\d+(?:\.\d+)*[.)、]?\s+|第[一二三四五六七八九十\d]+[章节部分]+\s*|[一二三四五六七八九十]+、)"
)
# d2l marks what its slides show with brackets: [**text**] and (**text**).
_IN_BRACKETS = re.compile(r"\([^()]*\)|（[^（）]*）")
_BRACKETS = re.compile(r"[\[\]]|\*\*")
# A question is no answer: it may not be quoted.
_ENDS = {"en": re.compile(r"[.!][)\"'”’\]*_`]*$"), "zh": re.compile(r"[。！；.!][”’」』）)*_`]*$")}
_BEGINS_ZH = re.compile(r"[“「《（(]?[^\W_]")
_BEGINS_EN = re.compile(r"[\"'“‘(]?[A-Z0-9]")
_LEAST = {"en": 20, "zh": 10}
_MOST = {"en": 400, "zh": 200}


@dataclass(frozen=True, slots=True)
class Source:
    """One document: its path under the corpus folder, what was read of it, and where its chunks lie.

    `pages` and `chunks` are character ranges of `text`; `markdown` says whether it has markup.
    """

    path: str
    text: str
    markdown: bool
    pages: tuple[tuple[int, int], ...] = ()
    chunks: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence: `document.text[start:end]`, and `plain`, its words without markup.

    `code` are the words that stood in it as code; `fit` says whether it may be quoted as an answer.
    """

    start: int
    end: int
    plain: str
    code: frozenset[str]
    language: Language
    fit: bool


@dataclass(slots=True)
class Section:
    """What stands under one heading; `titles` is its path, outermost first, () before the first one."""

    titles: tuple[str, ...] = ()
    paragraphs: list[list[Sentence]] = field(default_factory=list)

    @property
    def sentences(self) -> Iterator[Sentence]:
        return (sentence for paragraph in self.paragraphs for sentence in paragraph)


def sections(source: Source) -> list[Section]:
    """The sections of a document in order; one without titles for a document that has no markup."""
    text = source.text
    if source.markdown:
        return _markdown_sections(text)
    ranges = source.pages or ((0, len(text)),)
    places = [place for start, end in ranges for place in _gaps(text, start, end)]
    return [Section((), [_sentences(text, start, end, markup=False) for start, end in places])]


def _gaps(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Ranges between blank lines."""
    at = start
    for gap in re.compile(r"\n[ \t]*\n").finditer(text, start, end):
        yield at, gap.start()
        at = gap.end()
    yield at, end


def _markdown_sections(text: str) -> list[Section]:
    front = _FRONT_MATTER.match(text)
    begin = front.end() if front else 0
    lines = text[begin:].split("\n")
    starts = list(accumulate((len(line) + 1 for line in lines), initial=begin))
    found = [Section()]
    path: list[tuple[int, str]] = []
    tokens = _parser().parse(text[begin:])
    for at, token in enumerate(tokens):
        if token.type == "heading_open":
            level = int(token.tag[1:])
            path = [each for each in path if each[0] < level]
            path.append((level, _title(tokens[at + 1].content)))
            found.append(Section(tuple(title for _, title in path)))
        elif token.type == "paragraph_open" and token.map:
            first, last = token.map
            end = min(starts[last], len(text))
            found[-1].paragraphs.append(_sentences(text, starts[first], end, markup=True))
    return found


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table").disable("inline")


@cache
def _inline() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark")


def _title(content: str) -> str:
    words, _, _ = _plain(_ATTRIBUTES.sub("", content))
    words = _NUMBERING.sub("", _BRACKETS.sub("", words)).strip()
    return words[1:-1].strip() if _IN_BRACKETS.fullmatch(words) else words


def _plain(content: str) -> tuple[str, frozenset[str], float]:
    """The words without markup, those that were code, and the share of letters that are link text."""
    pieces: list[str] = []
    code: set[str] = set()
    linked = 0
    for piece, kind in _pieces(_inline().parseInline(content)):
        pieces.append(piece)
        linked += len(piece) if kind == "link" else 0
        if kind == "code":
            code.add(piece)
    words = "".join(pieces)
    share = linked / len(words) if words else 1.0
    return " ".join(_NOISE.sub(" ", words).split()), frozenset(code), share


def _pieces(tokens: Sequence[Token]) -> Iterator[tuple[str, str]]:
    linked = 0
    for token in tokens:
        if token.children:
            yield from _pieces(token.children)
        elif token.type in ("link_open", "link_close"):
            linked += token.nesting
        elif token.type in ("text", "text_special", "code_inline"):
            kind = "code" if token.type == "code_inline" else "link" if linked else "text"
            yield token.content, kind
        elif token.type in ("softbreak", "hardbreak"):
            yield "\n", "text"


def _sentences(text: str, start: int, end: int, *, markup: bool) -> list[Sentence]:
    found = []
    width = max(map(len, text[start:end].split("\n")))
    formulas = [(math.start(), math.end()) for math in _BLOCK_MATH.finditer(text, start, end)]
    for first, last in sentences(text[start:end]):
        begin, stop = start + first, start + last
        if marks := _MARKS.match(text, begin, stop):
            begin = marks.end()
        if begin < stop and not any(a < stop and begin < b for a, b in formulas):
            whole = markup or not _joined(text, begin, stop, width)
            found.append(_sentence(text, begin, stop, markup=markup, whole=whole))
    return found


def _joined(text: str, start: int, end: int, width: int) -> bool:
    """Whether lines run together that are not one sentence: a heading without markup ends early."""
    breaks = [at for at in range(start, end) if text[at] == "\n"]
    return any(at - (text.rfind("\n", 0, at) + 1) < 0.6 * width for at in breaks)


def _sentence(text: str, start: int, end: int, *, markup: bool, whole: bool) -> Sentence:
    raw = text[start:end]
    plain, code, linked = _plain(raw) if markup else (" ".join(raw.split()), frozenset(), 0.0)
    plain = join_lines(plain)
    spoken = language(plain)
    fit = (
        whole
        and _LEAST[spoken] <= len(plain) <= _MOST[spoken]
        and len(raw) >= _LEAST[spoken]
        and bool(_ENDS[spoken].search(plain))
        and bool((_BEGINS_ZH if spoken == "zh" else _BEGINS_EN).match(plain))
        and linked < 0.5
        and not _FORMULA.search(raw)
        and "\n>" not in raw
        and not raw.startswith((":", "/", "|", "#", "!"))
        and _balanced(raw)
        and _wordy(plain)
    )
    return Sentence(start, end, plain, code, spoken, fit)


def _balanced(raw: str) -> bool:
    """No quotation, bracket or code is cut off by where the sentence was taken to end."""
    pairs = all(
        raw.count(left) == raw.count(right) for left, right in ("()", "（）", "[]", "“”", "「」", "《》")
    )
    return pairs and raw.count("`") % 2 == 0 and raw.count('"') % 2 == 0


def _wordy(plain: str) -> bool:
    """Most of it is letters: no row of figures, no path, no leader dots."""
    letters = sum(character.isalpha() for character in plain)
    return letters >= 0.6 * len(plain.replace(" ", ""))


def join_lines(plain: str) -> str:
    """Chinese text without the spaces that its line breaks became."""
    han = CJK_CHARACTER.pattern
    return re.sub(rf"(?<={han[:-1]}，。；：、）（？！]) (?={han[:-1]}，。；：、）（？！])", "", plain)
