"""What is asked of a model, in tokens: answers and scores, and a subject that keeps count of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from engine.spec.example import Prompt
from engine.subject.limits import Limits
from engine.subject.protocol import Answer, Scored
from engine.subject.rendering import Renderer


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


class Measured(NamedTuple):
    """What one measurement with all of a study's probes asks for."""

    asked: tuple[Asked, ...] = ()
    scored: tuple[AskedScores, ...] = ()

    def longer(self, more: int) -> Measured:
        """The same with so many more tokens in every prompt."""
        return Measured(longer(self.asked, more), longer_scores(self.scored, more))


def longer(asked: Sequence[Asked], more: int) -> tuple[Asked, ...]:
    """The same answers after prompts of so many more tokens."""
    return tuple(one._replace(prompts=tuple(size + more for size in one.prompts)) for one in asked)


def longer_scores(scored: Sequence[AskedScores], more: int) -> tuple[AskedScores, ...]:
    """The same scores after prompts of so many more tokens."""
    return tuple(AskedScores(tuple((size + more, answers) for size, answers in one.blocks)) for one in scored)


def nothing(prompt: Prompt) -> str:
    """No answer."""
    return ""


@dataclass
class Counted:
    """An `engine.subject.protocol.Subject` that does nothing, and keeps what it was asked.

    Attributes:
        says: What it answers.
    """

    renderer: Renderer
    limits: Limits
    says: Callable[[Prompt], str] = nothing
    asked: list[Asked] = field(default_factory=list)
    scored: list[AskedScores] = field(default_factory=list)

    @property
    def idle(self) -> bool:
        """Whether it was asked for nothing."""
        return not self.asked and not self.scored

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
        return [Answer(self.says(prompt)) for prompt in prompts]

    def sample(
        self, prompts: Sequence[Prompt], count: int, temperature: float, seed: int, max_new_tokens: int
    ) -> list[list[Answer]]:
        """The same answer `count` times for each prompt."""
        self._ask(prompts, count, max_new_tokens)
        return [[Answer(self.says(prompt))] * count for prompt in prompts]

    def score(
        self, prompts: Sequence[Prompt], answers: Sequence[str | Answer], entropies: bool = False, end: bool = True
    ) -> list[Scored]:
        """Zeros."""
        sizes = []
        for prompt, answer in zip(prompts, answers, strict=True):
            text, ended = (answer.text, not answer.cut) if isinstance(answer, Answer) else (answer, True)
            sizes.append(self._tokens(prompt, text) - (not (end and ended)))
        lengths = [len(self.renderer.prompt_ids(prompt)) for prompt in prompts]
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
