"""The model under study, as probes and teachers see it: words in, words and numbers out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from engine.spec.example import Prompt


class Answer(NamedTuple):
    """What a model wrote, without the end token; `cut`: it reached the limit before it ended."""

    text: str
    cut: bool = False


class Subject(Protocol):
    """A model with its tokenizer and chat template (`engine/subject/local.py` implements it)."""

    def room(self, think_tokens: int = 0, asked: int | None = None) -> int:
        """Tokens that an answer may take: as the data need, or as many as are asked for where the context has them.

        Args:
            think_tokens: Given besides where the template thinks before it answers, and none are asked for.
            asked: So many at most; None: as the data need.
        """
        ...

    def rendered(self, prompt: Prompt, answer: Mapping[str, Any]) -> str:
        """An answer as the model's template writes it, without the end token."""
        ...

    def generate(self, prompts: Sequence[Prompt], max_new_tokens: int) -> list[Answer]:
        """Greedy answers, in the order of the prompts; special tokens other than the end stay."""
        ...

    def sample(
        self, prompts: Sequence[Prompt], count: int, temperature: float, seed: int, max_new_tokens: int
    ) -> list[list[Answer]]:
        """`count` sampled answers per prompt; the same seed gives the same answers on one device."""
        ...

    def option_logprobs(self, prompts: Sequence[Prompt], options: Sequence[Sequence[str]]) -> list[np.ndarray]:
        """Total log-probability in nats of each option as the answer: one array [n_options] per prompt."""
        ...

    def text_nll(self, texts: Sequence[str]) -> list[tuple[float, int]]:
        """Negative log-likelihood (nats, summed) and number of predicted tokens of each plain text."""
        ...
