#!/usr/bin/env python3
"""Makes docs/guide/lectern-handbook.pdf from pages of the guide, in English and in Chinese.

    python docs/make_pdf.py [OUT]

Only the Markdown that the guide uses is understood: headings, paragraphs, lists, fenced code, tables,
`code`, **bold** and links. The same pages give the same bytes, so the file changes only when they do.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias
from xml.sax.saxutils import escape

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import (
    BaseDocTemplate,
    Frame,
    PageBreak,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    XPreformatted,
)

GUIDE = Path(__file__).parent / "guide"
HANDBOOK = GUIDE / "lectern-handbook.pdf"
PAGES = ("01-getting-started.md", "04-asking.md", "09-troubleshooting.md")
TITLES = {"en": "Lectern handbook", "zh": "Lectern 手册"}

CHINESE_FONT = "STSong-Light"  # every PDF reader knows it: nothing is embedded
INK, RULE, SHADE = colors.HexColor("#1f2430"), colors.HexColor("#c9ced6"), colors.HexColor("#f3f5f8")
# STSong's Latin letters are wide and pale: only these runs are set in it, the rest in Helvetica.
_CHINESE_RUN = re.compile(r"[\u2014\u2018-\u201d\u2026\u2192\u3000-\u303f\u3400-\u9fff\uff00-\uffef]+")

Look: TypeAlias = dict[str, ParagraphStyle]


def style(name: str, language: str, **changes: Any) -> ParagraphStyle:
    """A paragraph style of the handbook; Chinese lines may break between any two characters."""
    wrap = {"wordWrap": "CJK"} if language == "zh" else {}
    settings = {"fontName": "Helvetica", "fontSize": 10, "leading": 15, "textColor": INK, "spaceAfter": 6}
    return ParagraphStyle(name, **{**settings, **wrap, **changes})


def styles(language: str) -> Look:
    """The look of every kind of block in one language."""
    bold = {"fontName": "Helvetica-Bold", "keepWithNext": 1}
    return {
        "title": style("title", language, **bold, fontSize=22, leading=30, spaceAfter=12),
        "h1": style("h1", language, **bold, fontSize=16, leading=22, spaceAfter=8),
        "h2": style("h2", language, **bold, fontSize=12, leading=18, spaceBefore=8, spaceAfter=4),
        "h3": style("h3", language, **bold, fontSize=10.5, leading=16, spaceBefore=4, spaceAfter=3),
        "body": style("body", language),
        "item": style("item", language, leftIndent=14, bulletIndent=3, spaceAfter=3),
        "cell": style("cell", language, fontSize=8.5, leading=12, spaceAfter=0),
        "code": style("code", language, fontName="Courier", fontSize=8.5, leading=12, leftIndent=8,
                      backColor=SHADE, borderPadding=4, spaceBefore=5, spaceAfter=10, wordWrap=None),
    }  # fmt: skip


def set_chinese(text: str) -> str:
    """Escaped `text` with its Chinese runs marked to be set in the Chinese font."""
    return _CHINESE_RUN.sub(lambda run: f'<font name="{CHINESE_FONT}">{run[0]}</font>', escape(text))


def inline(block: SyntaxTreeNode) -> str:
    """The block's words as reportlab's paragraph markup; a link keeps its words only."""
    parts = []
    for token in block.children[0].to_tokens()[0].children or ():
        if token.type == "text":
            parts.append(set_chinese(token.content))
        elif token.type == "code_inline":
            parts.append(f'<font name="Courier">{set_chinese(token.content)}</font>')
        elif token.type in ("strong_open", "strong_close"):
            parts.append("<b>" if token.nesting == 1 else "</b>")
        elif token.type == "softbreak":
            parts.append(" ")
        elif token.type not in ("link_open", "link_close"):
            raise ValueError(f"the handbook cannot set {token.type!r} in {block.type!r}")
    return "".join(parts)


def items(block: SyntaxTreeNode, look: Look) -> Iterator[Any]:
    """A list, one paragraph an item."""
    for number, item in enumerate(block.children, start=1):
        bullet: str | None = f"{number}." if block.type == "ordered_list" else "-"
        for paragraph in item.children:
            yield Paragraph(inline(paragraph), look["item"], bulletText=bullet)
            bullet = None


def table(block: SyntaxTreeNode, look: Look) -> Any:
    """A table whose columns share the width by what they have to hold."""
    rows = [[inline(cell) for cell in row.children] for part in block.children for row in part.children]
    longest = [max(len(re.sub("<[^>]*>", "", cell)) for cell in column) for column in zip(*rows, strict=True)]
    shares = [min(max(length, 12), 60) for length in longest]
    grid = [("GRID", (0, 0), (-1, -1), 0.4, RULE), ("BACKGROUND", (0, 0), (-1, 0), SHADE),
            ("VALIGN", (0, 0), (-1, -1), "TOP")]  # fmt: skip
    return Table(
        [[Paragraph(cell, look["cell"]) for cell in row] for row in rows],
        colWidths=[170 * mm * share / sum(shares) for share in shares],
        repeatRows=1,
        style=grid,
        spaceBefore=4,
        spaceAfter=8,
    )


def flowables(markdown: str, look: Look) -> Iterator[Any]:
    """The page's blocks in order, ready to be set."""
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown)
    for block in SyntaxTreeNode(tokens).children:
        if block.type == "heading":
            yield Paragraph(inline(block), look[block.tag])
        elif block.type == "paragraph":
            yield Paragraph(inline(block), look["body"])
        elif block.type in ("bullet_list", "ordered_list"):
            yield from items(block, look)
        elif block.type == "table":
            yield table(block, look)
        elif block.type == "fence":
            yield XPreformatted(set_chinese(block.content.rstrip("\n")), look["code"])
        else:
            raise ValueError(f"the handbook cannot set {block.type!r}")


def footer(canvas: Any, document: Any) -> None:
    """The page number; drawn last, so that a page's text does not begin with it."""
    canvas.saveState()
    canvas.setFont("Helvetica", 8)
    canvas.setFillColor(INK)
    canvas.drawCentredString(A4[0] / 2, 12 * mm, f"Lectern handbook - {document.page}")
    canvas.restoreState()


def make(out: Path) -> None:
    """Write the handbook to `out`."""
    pdfmetrics.registerFont(UnicodeCIDFont(CHINESE_FONT))
    # <b> around Chinese asks for a family; there is one weight, so bold is the same font.
    pdfmetrics.registerFontFamily(CHINESE_FONT, *[CHINESE_FONT] * 4)
    story: list[Any] = []
    for language, title in TITLES.items():
        look = styles(language)
        story += [PageBreak()] if story else []
        story += [Paragraph(set_chinese(title), look["title"]), Spacer(1, 4 * mm)]
        for page in PAGES:
            story += flowables((GUIDE / language / page).read_text(encoding="utf-8"), look)
            story.append(Spacer(1, 6 * mm))
    document = BaseDocTemplate(str(out), pagesize=A4, invariant=1, title="Lectern handbook", author="Lectern")
    frame = Frame(18 * mm, 20 * mm, A4[0] - 36 * mm, A4[1] - 36 * mm)
    document.addPageTemplates(PageTemplate(frames=[frame], onPageEnd=footer))
    document.build(story)


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else HANDBOOK)
