"""Whether a model can say the right answers: rendered by its own template, each must be read back and graded right."""

from __future__ import annotations

from collections.abc import Iterable

from engine.errors import LabError
from engine.example import Example
from engine.grading import grade
from engine.rendering import Renderer
from engine.understanding import Refused


def check(examples: Iterable[Example], renderer: Renderer) -> list[Refused]:
    """The examples whose right answer the model cannot say, or says so that it is not read back as right."""
    found: list[Refused] = []
    for example in examples:
        try:
            said = renderer.answer_text(example.prompt, example.answer)
        except LabError as error:
            found.append(Refused(row=example.row, example=example.id, reason=error.message))
            continue
        graded = grade(renderer.answer_of(said), example.gold, example.prompt.tools)
        if not graded.correct:
            found.append(Refused(row=example.row, example=example.id, reason=f"{graded.failure}: {said[:200]!r}"))
    return found
