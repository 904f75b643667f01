"""What a run consists of: its optimizer steps, the answers it asks for and the texts it scores, in tokens.

Probes and methods are asked what they would do, with a subject that answers at once and keeps count: none is named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple

import numpy as np

from engine.methods._base import Method
from engine.objectives import pairs
from engine.objectives.lean import PairRow
from engine.probes._base import Probe
from engine.spec.example import Example, Item, Prompt
from engine.subject.limits import Limits
from engine.subject.protocol import Answer, Scored
from engine.subject.rendering import Renderer

NEAR = 50  # prompts among which another answer is looked for


class Asked(NamedTuple):
    """Answers that are asked for at once.

    Attributes:
        prompts: Tokens of each prompt, as it is cut to fit.
        limit: The longest answer, in tokens.
        each: Answers for each prompt.
    """

    prompts: tuple[int, ...]
    limit: int
    each: int = 1


class AskedScores(NamedTuple):
    """Answers whose log-probability is asked for at once: tokens of each prompt, and of each of its answers."""

    blocks: tuple[tuple[int, tuple[int, ...]], ...]


@dataclass
class Counted:
    """An `engine.subject.protocol.Subject` that does nothing, and keeps what it was asked.

    Attributes:
        says: What it answers, by the identity of the prompt; "" for any other.
    """

    renderer: Renderer
    limits: Limits
    says: dict[int, str] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    scored: list[AskedScores] = field(default_factory=list)

    def room(self, think_tokens: int = 0, asked: int | None = None) -> int:
        """Tokens that an answer may take, as `engine.subject.local.LocalSubject` gives them."""
        if asked is not None:
            return self.renderer.room(asked)
        return self.limits.of(self.renderer, think_tokens).tokens

    def rendered(self, prompt: Prompt, answer: Mapping[str, Any]) -> str:
        """A whole answer as the model's template writes it, without the end token."""
        return self.renderer.whole_answer(prompt, answer)

    def generate(self, prompts: Sequence[Prompt], max_new_tokens: int) -> list[Answer]:
        """An answer for each prompt."""
        self._ask(prompts, 1, max_new_tokens)
        return [Answer(self.says.get(id(prompt), "")) for prompt in prompts]

    def sample(
        self, prompts: Sequence[Prompt], count: int, temperature: float, seed: int, max_new_tokens: int
    ) -> list[list[Answer]]:
        """The same answer `count` times for each prompt."""
        self._ask(prompts, count, max_new_tokens)
        return [[Answer(self.says.get(id(prompt), ""))] * count for prompt in prompts]

    def score(
        self, prompts: Sequence[Prompt], answers: Sequence[str | Answer], entropies: bool = False, end: bool = True
    ) -> list[Scored]:
        """Zeros, for one token less where the end does not count."""
        texts = [answer.text if isinstance(answer, Answer) else answer for answer in answers]
        sizes = [self._tokens(prompt, text) + end - 1 for prompt, text in zip(prompts, texts, strict=True)]
        lengths = (len(self.renderer.prompt_ids(prompt)) for prompt in prompts)
        self.scored.append(AskedScores(tuple((length, (size,)) for length, size in zip(lengths, sizes, strict=True))))
        return [Scored((0,) * size, np.zeros(size), np.zeros(size) if entropies else None) for size in sizes]

    def option_logprobs(self, prompts: Sequence[Prompt], options: Sequence[Sequence[str]]) -> list[np.ndarray]:
        """Zeros."""
        blocks = tuple(
            (len(self.renderer.prompt_ids(prompt)), tuple(self._tokens(prompt, text) for text in texts))
            for prompt, texts in zip(prompts, options, strict=True)
        )
        self.scored.append(AskedScores(blocks))
        return [np.zeros(len(texts)) for texts in options]

    def text_nll(self, texts: Sequence[str]) -> list[tuple[float, int]]:
        """One nat and one token each."""
        before = len(self.renderer.prefix) + 1
        sizes = [min(self.renderer.context - before, len(self.renderer.ids(text))) for text in texts]
        self.scored.append(AskedScores(tuple((before, (size,)) for size in sizes)))
        return [(1.0, 1)] * len(texts)

    def _tokens(self, prompt: Prompt, text: str) -> int:
        """About as many tokens as follow a prompt in a whole answer, its end included."""
        return max(1, 1 + len(self.renderer.ids(text)) - len(self.renderer.begun_ids(prompt)))

    def _ask(self, prompts: Sequence[Prompt], count: int, limit: int) -> None:
        limit = self.renderer.room(limit)
        room = max(1, self.renderer.context - limit)
        lengths = tuple(min(room, len(self.renderer.prompt_ids(prompt))) for prompt in prompts)
        self.asked.append(Asked(lengths, limit, count))


class Measured(NamedTuple):
    """What one measurement with all of a study's probes asks for."""

    asked: tuple[Asked, ...] = ()
    scored: tuple[AskedScores, ...] = ()


def measured(probes: Sequence[Probe], items: dict[str, list[Item]], renderer: Renderer, limits: Limits) -> Measured:
    """What the probes ask of a model on their items, by the probe's name."""
    subject = Counted(renderer, limits)
    for probe in probes:
        if items.get(probe.name):
            probe.measure(subject, items[probe.name])
    return Measured(tuple(subject.asked), tuple(subject.scored))


class Taught(NamedTuple):
    """What a DPO phase asks of its teacher.

    Attributes:
        least: Where every answer is a wrong one; `most`: where none is.
        rows: The pairs of the first case: each prompt with its right answer and another prompt's.
    """

    least: tuple[Asked, ...]
    most: tuple[Asked, ...]
    rows: tuple[PairRow, ...]


def taught(
    method: Method, examples: Sequence[Example], pool: Sequence[Example], renderer: Renderer, limits: Limits
) -> Taught:
    """What the method's phase of preferences samples, and pairs of the lengths that it will have."""
    asked = method.asked(examples, pool)
    never, always = Counted(renderer, limits), Counted(renderer, limits, _others(asked, renderer))
    method.preferences(never, asked, Random(0))
    made = method.preferences(always, asked, Random(0)).pairs
    return Taught(tuple(always.asked), tuple(never.asked), tuple(pairs.encode(made, renderer)))


def _others(examples: Sequence[Example], renderer: Renderer) -> dict[int, str]:
    """For each prompt its own beginning and the right answer of another one: wrong, and as long as answers are."""
    texts = [renderer.answer_of(renderer.answer_text(e.prompt, e.answer)) for e in examples]
    found: dict[int, str] = {}
    for at, example in enumerate(examples):
        after = (texts[(at + more) % len(texts)] for more in range(1, min(len(texts), NEAR)))
        other = next((text for text in after if text != texts[at]), "")
        found[id(example.prompt)] = renderer.begun_text(example.prompt) + other if other else ""
    return found
