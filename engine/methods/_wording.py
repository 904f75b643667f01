"""A subject that is asked in other words: every prompt is changed before the model sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from engine.spec.example import Prompt
from engine.subject.protocol import Answer, Scored, Subject


class Reworded:
    """A subject behind a change of prompts; texts that are no prompts (`text_nll`) are left as they are.

    Args:
        subject: Who answers.
        change: Makes of a prompt what is asked in its place.
    """

    def __init__(self, subject: Subject, change: Callable[[Prompt], Prompt]) -> None:
        self._subject = subject
        self._change = change
        self._changed: dict[int, tuple[Prompt, Prompt]] = {}  # by identity: the prompts are kept beside their change

    def _all(self, prompts: Sequence[Prompt]) -> list[Prompt]:
        found = []
        for prompt in prompts:
            known = self._changed.get(id(prompt))
            if known is None or known[0] is not prompt:
                known = self._changed[id(prompt)] = (prompt, self._change(prompt))
            found.append(known[1])
        return found

    def room(self, think_tokens: int = 0, asked: int | None = None) -> int:
        """As the subject."""
        return self._subject.room(think_tokens, asked)

    def rendered(self, prompt: Prompt, answer: Mapping[str, Any]) -> str:
        """As the subject, after the changed prompt."""
        return self._subject.rendered(self._all([prompt])[0], answer)

    def generate(self, prompts: Sequence[Prompt], max_new_tokens: int) -> list[Answer]:
        """As the subject."""
        return self._subject.generate(self._all(prompts), max_new_tokens)

    def sample(
        self, prompts: Sequence[Prompt], count: int, temperature: float, seed: int, max_new_tokens: int
    ) -> list[list[Answer]]:
        """As the subject."""
        return self._subject.sample(self._all(prompts), count, temperature, seed, max_new_tokens)

    def score(
        self, prompts: Sequence[Prompt], answers: Sequence[str | Answer], entropies: bool = False, end: bool = True
    ) -> list[Scored]:
        """As the subject."""
        return self._subject.score(self._all(prompts), answers, entropies, end)

    def option_logprobs(self, prompts: Sequence[Prompt], options: Sequence[Sequence[str]]) -> list[np.ndarray]:
        """As the subject."""
        return self._subject.option_logprobs(self._all(prompts), options)

    def text_nll(self, texts: Sequence[str]) -> list[tuple[float, int]]:
        """As the subject."""
        return self._subject.text_nll(texts)
