"""SFT, then DPO against wrong answers that a teacher sampled and that were verified to be wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import ClassVar, Literal

from pydantic import Field

from engine.methods._base import Method, MethodConfig, Objective, Phase, Sampled
from engine.models.teacher import teacher
from engine.spec.example import Example, Preference, Side
from engine.subject.grading import grade
from engine.subject.protocol import Answer, Subject
from engine.subject.sameness import alike

_CHUNK = 96  # prompts sampled at once; sampling ends once there are enough pairs


class SftDpoConfig(MethodConfig):
    """Settings of SFT followed by DPO on a teacher's negatives."""

    dpo_share: float = Field(0.33, gt=0, lt=1, description="Share of the optimizer steps that are DPO.")
    dpo_learning_rate: float = Field(1e-3, gt=0, le=1, description="Peak learning rate of DPO.")
    beta: float = Field(0.1, gt=0, le=10, description="DPO's beta: how strongly the policy is held to the reference.")
    sft_weight: float = Field(1.0, ge=0, le=100, description="Weight of the SFT term beside DPO's own loss.")
    teacher: str = Field(
        "self", min_length=1, description='Who samples wrong answers: "self", a bundled model ("fork-m"), or a folder.'
    )
    temperature: float = Field(1.0, gt=0, le=5, description="Temperature of the teacher's sampling.")
    samples: int = Field(3, ge=1, le=64, description="Answers sampled per prompt.")
    max_new_tokens: int | None = Field(
        None,
        ge=1,
        le=32768,
        description="Longest sampled answer, in tokens; unset: as the longest right answer needs. What reaches it is "
        "never learned from.",
    )
    think_tokens: int = Field(
        512,
        ge=0,
        le=32768,
        description="Tokens that a sampled answer may take besides where the teacher's template thinks before it "
        "answers, and no longest answer is set.",
    )
    pairs: int = Field(320, ge=1, le=100_000, description="Sampling stops once there are so many pairs.")
    negatives_on: Literal["all", "conflicting"] = Field(
        "all", description='Which examples are sampled: "all", or those on which the shortcut points to a wrong answer.'
    )
    unreadable: bool = Field(
        False,
        description="Whether answers that cannot be read (no call, bad JSON) are learned from beside readable ones; "
        "otherwise only where the teacher gives no readable wrong answer at all.",
    )


class SftDpo(Method[SftDpoConfig]):
    """Supervised fine-tuning, then direct preference optimisation with an SFT term.

    The reference is the policy as it stands when the DPO phase begins.
    """

    name: ClassVar[str] = "sft-dpo"
    label: ClassVar[str] = "SFT, then DPO"
    source: ClassVar[str] = "arXiv:2305.18290"
    Config: ClassVar[type[MethodConfig]] = SftDpoConfig

    def phases(self) -> tuple[Phase, ...]:
        """SFT, then DPO."""
        config = self.config
        (first,) = super().phases()
        return (
            first.model_copy(update={"share": 1 - config.dpo_share}),
            Phase(
                objective=Objective.DPO, share=config.dpo_share, learning_rate=config.dpo_learning_rate,
                beta=config.beta, sft_weight=config.sft_weight,
            ),
        )  # fmt: skip

    def asked(self, examples: Sequence[Example], pool: Sequence[Example]) -> Sequence[Example]:
        """The run's own examples; adversarial ones come from the whole pool, for a biased run has few of its own."""
        return examples if self.config.negatives_on == "all" else [e for e in pool if e.side is Side.CONFLICTING]

    def preferences(self, subject: Subject, examples: Sequence[Example], rng: Random) -> Sampled:
        """Sampled answers that ended and were graded wrong, at most one of each failure type per prompt."""
        config = self.config
        asked = list(examples)
        rng.shuffle(asked)
        sampler = teacher(config.teacher, subject)
        limit = sampler.room(config.think_tokens, config.max_new_tokens)
        readable: list[Preference] = []
        unreadable: list[Preference] = []
        fates: Counter[str] = Counter()
        for start in range(0, len(asked), _CHUNK):
            chunk = asked[start : start + _CHUNK]
            prompts = [example.prompt for example in chunk]
            answers = sampler.sample(prompts, config.samples, config.temperature, rng.getrandbits(32), limit)
            for example, given in zip(chunk, answers, strict=True):
                said = subject.rendered(example.prompt, example.answer)
                other = readable if config.unreadable else unreadable
                fates.update(_sort(example, said, given, readable, other))
            if len(readable) >= config.pairs:
                break
        pairs = (readable or unreadable)[: config.pairs]
        return Sampled(pairs, fates.total(), fates["cut"], fates["right"], limit)


def _sort(
    example: Example, said: str, answers: Sequence[Answer], readable: list[Preference], other: list[Preference]
) -> list[str]:
    """Add each wrong answer, one of a failure type, to the readable ones or to the others.

    Args:
        said: The chosen answer as the model's template writes it. What says the same is not wrong.

    Returns:
        What became of each answer: "cut", "right" or "wrong".
    """
    seen: set[str] = set()
    fates = []
    for text, cut in answers:
        verdict = grade(text, example.gold, example.prompt.tools)
        right = verdict.failure is None or alike(text, said, example.prompt.tools)
        fates.append("cut" if cut else "right" if right else "wrong")
        if cut or right or verdict.failure is None or not text.strip() or verdict.failure in seen:
            continue
        seen.add(verdict.failure)
        pair = Preference(prompt=example.prompt, chosen=example.answer, rejected=text, failure=verdict.failure)
        (readable if verdict.parses else other).append(pair)
    return fates
