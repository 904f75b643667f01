"""The best of several prompts, chosen on training examples: nothing is trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from pydantic import Field

from engine.methods._base import Answering, MethodConfig, Shown
from engine.methods._wording import Reworded
from engine.spec.errors import SpecError
from engine.spec.example import Example, Prompt
from engine.subject.protocol import Subject

PLACE = "{question}"


class BestPromptConfig(MethodConfig):
    """Settings of the choice among prompts."""

    prompts: tuple[str, ...] = Field(
        ("{question}",),
        min_length=1,
        description="The wordings to choose from; {question} stands for what the item asks.",
    )
    tried_on: int = Field(100, ge=1, description="Training examples on which the wordings are compared.")


class BestPrompt(Shown[BestPromptConfig]):
    """Each wording is tried on the run's training examples, and the best is used on the items that are measured.

    The choice never sees an evaluation item: choosing on those would fake a gain. Another seed draws other examples.
    Of equally good wordings the first is used.
    """

    name: ClassVar[str] = "best-prompt"
    label: ClassVar[str] = "Best of several prompts"
    source: ClassVar[str] = "arXiv:2502.10708"
    Config: ClassVar[type[MethodConfig]] = BestPromptConfig

    def answerer(self, kit: Answering) -> Subject:
        """The model, asked in the best wording.

        Raises:
            SpecError: A wording does not say where the question stands, or no example has options to choose from.
        """
        for wording in self.config.prompts:
            if PLACE not in wording:
                raise SpecError(f"The prompt {wording!r} has no {PLACE}.", "Say where the item's question stands.")
        tried = [example for example in kit.examples if example.gold.labels][: self.config.tried_on]
        if not tried:
            raise SpecError(
                "No training example has options, so prompts cannot be compared.", "Use data whose answers are options."
            )
        subjects = [
            Reworded(kit.subject, lambda prompt, w=wording: asked(prompt, w)) for wording in self.config.prompts
        ]
        return max(subjects, key=lambda subject: right(subject, tried))


def asked(prompt: Prompt, wording: str) -> Prompt:
    """A prompt whose last message is put into a wording."""
    *before, last = prompt.messages
    message = {**last, "content": wording.replace(PLACE, str(last.get("content") or ""))}
    return prompt.model_copy(update={"messages": (*before, message)})


def right(subject: Subject, examples: Sequence[Example]) -> float:
    """Share of examples of which the right option is the likeliest."""
    scores = subject.option_logprobs([e.prompt for e in examples], [e.gold.labels for e in examples])
    said = [e.gold.labels[int(np.argmax(score))] for e, score in zip(examples, scores, strict=True)]
    return sum(one == e.gold.text for one, e in zip(said, examples, strict=True)) / len(examples)
