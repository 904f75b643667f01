"""A part of every prompt is withheld, in training and when the arm is measured: what can be reached without it."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import ClassVar

from pydantic import Field

from engine.methods._base import Answering, LoraConfig, Method, MethodConfig
from engine.methods._wording import Reworded
from engine.spec.errors import DataError
from engine.spec.example import Example, Prompt
from engine.subject.protocol import Subject


class WithheldConfig(LoraConfig):
    """Settings of what is withheld."""

    after: str = Field("", description="Words of the last message after which text is withheld; none: its beginning.")
    before: str = Field("", description="Words after those, before which it goes on; none: its end.")


class Withheld(Method[WithheldConfig]):
    """Fine-tuning as ever, on prompts without what stands between two markers in their last message.

    With the premise withheld it is the hypothesis-only baseline of Poliak et al. (2018), as strong as the model itself.
    """

    name: ClassVar[str] = "withheld"
    label: ClassVar[str] = "A part withheld (control)"
    source: ClassVar[str] = "arXiv:1805.01042"
    control: ClassVar[bool] = True
    Config: ClassVar[type[MethodConfig]] = WithheldConfig

    def treat(self, examples: Sequence[Example], rng: Random) -> list[Example]:
        """The examples with the text withheld.

        Raises:
            DataError: A prompt does not hold the markers, one after the other.
        """
        return [example.model_copy(update={"prompt": self.without(example.prompt)}) for example in examples]

    def answerer(self, kit: Answering) -> Subject:
        """The tuned model, which is shown every prompt without that text."""
        return Reworded(kit.subject, self.without)

    def without(self, prompt: Prompt) -> Prompt:
        """A prompt without that text; the markers stay. Raises DataError where it does not have them."""
        *others, last = prompt.messages
        text, after, before = str(last.get("content") or ""), self.config.after, self.config.before
        start = text.find(after)
        end = text.find(before, start + len(after)) if before else len(text)
        if start < 0 or end < 0:
            raise DataError(
                f"A prompt does not hold {after!r} and then {before!r}, so nothing can be withheld between them.",
                "Name words that stand in every prompt (the settings `after` and `before` of the arm).",
            )
        message = {**last, "content": f"{text[: start + len(after)]} {text[end:]}".strip()}
        return prompt.model_copy(update={"messages": (*others, message)})
