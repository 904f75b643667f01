"""The user's file as it was read: its form, what its answers are, and which rows were left out."""

from __future__ import annotations

from engine.spec.result import Result
from jobs.inspecting.words import facts, left_out
from jobs.report.content.model import Block, Bullets, Facts, Paragraph, Section


def section(result: Result) -> Section | None:
    """The section; None where the data are the study's own."""
    found = result.understanding
    if found is None:
        return None
    blocks: list[Block] = [Facts("read", "What was read", facts(found))]
    if found.notes:
        blocks.append(Bullets(found.notes))
    if found.left_out_count:
        blocks += [Paragraph(left_out(found)), Bullets(found.left_out)]
    return Section("read", "The data as they were read", tuple(blocks))
