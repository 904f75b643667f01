"""A report as GitHub's Markdown: tables as tables, drawings as the words that say the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from engine.stats.display import wording
from jobs.report.content.model import (
    Block,
    Bullets,
    Checks,
    Command,
    Examples,
    Facts,
    Figure,
    Paragraph,
    Report,
    Section,
    Table,
    Value,
)

_SPECIAL = re.compile(r"[\\`*_{}\[\]<>#|~$]|&(?=#?\w+;)")
_LINK = re.compile(r":(?=//)|(?<=\bwww)\.|@", re.IGNORECASE)  # GitHub makes links of bare addresses
_INTERVAL = re.compile(
    rf"\\\[([+{wording.MINUS}\d.]+, [+{wording.MINUS}\d.]+)\\\](?![(\[:])"
)  # no link, so left as it is
# What would begin a list, underline a heading or draw a rule.
_OPENING = re.compile(r"^(\d{1,9})([.)])(?=\s|$)|^([-+])(?=\s|$)|^([-=])(?=[-=\s]*$)")


def render(report: Report) -> str:
    """The report as text that GitHub, and any reader of CommonMark with tables, shows as written."""
    blocks = [f"# {escaped(report.title)}", escaped(report.subtitle)]
    blocks.append(f"**{escaped(report.verdict.headline)}.** {escaped(report.verdict.text)}")
    blocks += [*_note(report), _bullets(report.verdict.reasons)]
    for section in report.sections:
        blocks += _section(section, report)
    blocks += ["---", escaped(report.footer)]
    return "\n\n".join(block for block in blocks if block) + "\n"


def escaped(text: str) -> str:
    """A text of which nothing is markup, wherever it stands."""
    plain = _LINK.sub(r"\\\g<0>", _SPECIAL.sub(r"\\\g<0>", " ".join(text.split())))
    readable = _INTERVAL.sub(r"[\1]", plain)
    return _OPENING.sub(lambda found: f"{found[1] or ''}\\{found[2] or found[3] or found[4]}", readable)


def _section(section: Section, report: Report) -> Iterable[str]:
    status = f" ({section.status})" if section.status else ""
    yield f"## {escaped(section.title)}{status}"
    if section.caption:
        yield _emphasised(section.caption, "*")
    for block in section.blocks:
        yield _SHOWN[type(block)](block)
        if isinstance(block, Table | Figure | Value):
            yield from _note(report)


def _note(report: Report) -> list[str]:
    return [_emphasised(report.note, "**")] if report.note.strip() else []


def _emphasised(text: str, sign: str) -> str:
    return f"{sign}{escaped(text)}{sign}" if text.strip() else ""


def _bullets(items: Iterable[str]) -> str:
    return "\n".join(f"- {escaped(item)}" for item in items)


def _facts(facts: Facts) -> str:
    return "\n".join(f"- {escaped(name)}: {escaped(value)}" for name, value in facts.pairs)


def _table(table: Table) -> str:
    rule = ["---" if at in table.words else "--:" for at in range(len(table.head))]
    lines = [[escaped(cell) for cell in table.head], rule]
    for at, row in enumerate(table.rows):
        lines.append([_emphasised(cell, "**") if at in table.strong else escaped(cell) for cell in row])
    drawn = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    return f"{escaped(table.caption)}:\n\n{drawn}"


def _checks(checks: Checks) -> str:
    return "\n".join(
        f"- {'✓' if check.ok else '✗'} **{check.word}** {escaped(check.label)}: {escaped(check.detail)}"
        for check in checks.entries
    )


def _examples(examples: Examples) -> str:
    return "\n\n".join(
        "\n".join([f"### {escaped(example.title)}", "", *(f"- {escaped(w)}: {escaped(t)}" for w, t in example.said)])
        for example in examples.entries
    )


def _command(command: Command) -> str:
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", command.text)), default=0))
    return f"{fence}sh\n{command.text}\n{fence}"


_SHOWN: dict[type[Block], Callable[[Any], str]] = {
    Paragraph: lambda block: _emphasised(block.text, "**") if block.voice == "note" else escaped(block.text),
    Bullets: lambda block: _bullets(block.items),
    Value: lambda block: f"**{escaped(block.figure)}** {escaped(block.detail)}",
    Facts: _facts,
    Table: _table,
    Figure: lambda block: f"Figure: {escaped(block.title)}. {escaped(block.description)}",
    Checks: _checks,
    Examples: _examples,
    Command: _command,
}
