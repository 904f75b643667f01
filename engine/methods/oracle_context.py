"""Oracle context: the text that states the answer stands before the question; nothing is trained."""

from __future__ import annotations

from typing import ClassVar

from engine.methods._base import Answering, MethodConfig, Untrained
from engine.methods._wording import Reworded
from engine.spec.example import Prompt
from engine.subject.protocol import Subject


class OracleContext(Untrained[MethodConfig]):
    """What a prompt could add at most: the missing fact itself, in words."""

    name: ClassVar[str] = "oracle-context"
    label: ClassVar[str] = "Oracle context"
    source: ClassVar[str] = "arXiv:2502.10708"
    Config: ClassVar[type[MethodConfig]] = MethodConfig

    def answerer(self, kit: Answering) -> Subject:
        """The model, asked after the evidence of each question that has any."""
        return Reworded(kit.subject, told)


def told(prompt: Prompt) -> Prompt:
    """A prompt with its evidence before the question."""
    if not prompt.evidence:
        return prompt
    *before, last = prompt.messages
    message = {**last, "content": f"{prompt.evidence} {last.get('content') or ''}"}
    return prompt.model_copy(update={"messages": (*before, message)})
