"""Few-shot prompting: answered training examples stand before every question; nothing is trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import Field

from engine.methods._base import Answering, MethodConfig, Shown
from engine.methods._wording import Reworded
from engine.spec.example import Example, Prompt
from engine.subject.protocol import Subject


class FewShotConfig(MethodConfig):
    """Settings of few-shot prompting."""

    shots: int = Field(4, ge=1, le=64, description="Answered examples before every question.")


class FewShot(Shown[FewShotConfig]):
    """The first of the run's training examples, as turns of the chat; another seed draws others."""

    name: ClassVar[str] = "few-shot"
    label: ClassVar[str] = "Few-shot"
    source: ClassVar[str] = "arXiv:2005.14165"
    Config: ClassVar[type[MethodConfig]] = FewShotConfig

    def answerer(self, kit: Answering) -> Subject:
        """The model, asked after the answered examples."""
        turns = shown(kit.examples[: self.config.shots])
        return Reworded(kit.subject, lambda prompt: after(prompt, turns))


def shown(examples: Sequence[Example]) -> list[dict[str, Any]]:
    """Examples as turns: what each asks last, and its answer."""
    return [message for e in examples for message in (dict(e.prompt.messages[-1]), dict(e.answer))]


def after(prompt: Prompt, turns: Sequence[dict[str, Any]]) -> Prompt:
    """A prompt with turns before its last message; what stands before that (a system message) stays first."""
    *before, last = prompt.messages
    return prompt.model_copy(update={"messages": (*before, *turns, last)})
