"""A report as PDF, set by Typst (https://typst.app): tagged, with the page's figures, and with nothing to escape.

The report reaches the template as JSON, so that no text of it is ever read as Typst's markup.
"""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

from markupsafe import Markup

from engine.spec.errors import ReportError
from engine.stats.display.wording import together
from jobs.report.content.model import Command, Report
from jobs.report.formats.page import TEMPLATES

FONTS = TEMPLATES.parent / "styles" / "fonts"


def render(report: Report, standards: tuple[str, ...] = ()) -> bytes:
    """The document. The same report gives the same bytes on the same machine.

    Args:
        standards: What it must keep besides, e.g. "ua-1" (PDF/UA-1).

    Raises:
        ReportError: Typst is not installed, or finds that the report cannot be set, or not by these standards.
    """
    try:
        import typst  # here, not above: 40 MB that only a PDF needs
    except ImportError as error:
        raise ReportError("A PDF needs the library typst, which is not installed.", "Run the set-up again.") from error
    plain = {**_plain(report), "palette": _palette()}
    try:
        return typst.compile(
            TEMPLATES / "report.typ",
            root=TEMPLATES,
            font_paths=[FONTS],
            format="pdf",
            sys_inputs={"report": json.dumps(plain)},
            pdf_standards=list(standards),  # pyright: ignore[reportArgumentType] - a caller's own choice
        )
    except typst.TypstError as error:
        raise ReportError(f"This report cannot be set as a PDF: {error.message}.", "Write it as a web page.") from error


def _plain(value: Any) -> Any:
    """Values as JSON has them; a dataclass also says what it is."""
    if isinstance(value, Markup):
        return _alone(value)
    if isinstance(value, str):
        return together(value)
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    if isinstance(value, Command):
        return {"kind": "Command", "text": value.text}
    if dataclasses.is_dataclass(value):
        parts = {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {"kind": type(value).__name__, **parts}
    return value


def _alone(svg: Markup) -> str:
    """A drawing with its own style sheet, in the page's light colours."""
    style = _resolved((TEMPLATES / "figures.css").read_text(encoding="utf-8"))
    head, sign, rest = str(svg).partition(">")
    return f"{head}{sign}<style>{style} svg text {{ font-family: Inter; }}</style>{rest}"


def _resolved(style: str) -> str:
    colours = _palette()
    return re.sub(r"var\(--([a-z0-9]+)\)", lambda found: colours[found[1]], style)


def _palette() -> dict[str, str]:
    """The page's light colours by name."""
    light = (TEMPLATES / "report.css").read_text(encoding="utf-8").partition("}")[0]
    return dict(re.findall(r"--([a-z0-9]+): (#[0-9A-F]{6})", light))
