"""The page: one self-contained HTML document, plots inline, without scripts and without requests."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.resources import files
from typing import TYPE_CHECKING

from eval.reporting import drawing
from eval.reporting.sections import overview, section
from eval.reporting.tables import Evaluation

if TYPE_CHECKING:
    from markupsafe import Markup


def breakable(text: str) -> Markup:
    """The text, escaped, with places where a long name or path may go on in the next line."""
    from markupsafe import Markup

    return Markup("<wbr>").join(re.split(r"(?<=[/#_])(?=.)|(?<=\.)(?=\D)", text))


def page(evaluations: Sequence[Evaluation]) -> str:
    """The page of these evaluations. All text in it that comes from data is escaped by the template."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    environment.filters["breakable"] = breakable
    source = files("eval.reporting").joinpath("template.html").read_text("utf-8")
    sections = [section(each) for each in evaluations]
    return environment.from_string(source).render(
        sections=sections,
        overview=overview(evaluations) if len(sections) > 1 else None,
        sheet=drawing,
    )
