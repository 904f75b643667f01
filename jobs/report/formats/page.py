"""A report as one page of HTML that needs nothing else: no script, no network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from engine.stats.display.wording import together
from jobs.report.content.model import Report

TEMPLATES = Path(__file__).resolve().parents[3] / "resources" / "report"
_STYLES = ("report.css", "figures.css")


def render(report: Report) -> str:
    """The page, in light or dark as whoever reads it likes."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_figures_together,
    )
    environment.tests["shown_as"] = lambda block, name: type(block).__name__ == name
    style = "".join((TEMPLATES / name).read_text(encoding="utf-8") for name in _STYLES)
    template = environment.get_template("report.html.j2")
    return template.render(report=report, style=Markup(style))  # noqa: S704 - our own files


def _figures_together(value: Any) -> Any:
    return together(value) if isinstance(value, str) and not isinstance(value, Markup) else value
