"""The model under study, as probes and teachers see it: words in, words and numbers out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from engine.spec.example import Prompt


class Answer(NamedTuple):
    """A whole answer without its end token: the beginning that its prompt gave, and what the model wrote.

    `cut`: it reached the limit before it ended.
    """

    text: str
    cut: bool = False


class Scored(NamedTuple):
    """An answer's tokens as a model predicts them, without those of the beginning that its prompt gave.

    Attributes:
        ids: Token ids.
        logprobs: Log-probability of each, float64 [tokens], nats.
        entropies: Entropy of the distribution that each was predicted from, float64 [tokens], nats; None: not asked
            for.
    """

    ids: tuple[int, ...]
    logprobs: np.ndarray
    entropies: np.ndarray | None = None


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
        """A whole answer as the model's template writes it, without the end token."""
        ...

    def generate(self, prompts: Sequence[Prompt], max_new_tokens: int) -> list[Answer]:
        """Greedy answers, in the order of the prompts; special tokens other than the end stay.

        Args:
            max_new_tokens: Of what follows the beginning that a prompt may give.
        """
        ...

    def sample(
        self, prompts: Sequence[Prompt], count: int, temperature: float, seed: int, max_new_tokens: int
    ) -> list[list[Answer]]:
        """`count` sampled answers per prompt; the same seed gives the same answers on one device."""
        ...

    def score(
        self, prompts: Sequence[Prompt], answers: Sequence[str | Answer], entropies: bool = False, end: bool = True
    ) -> list[Scored]:
        """Each token of one whole answer for each prompt; neighbours with equal prompts read it once.

        Args:
            answers: A string is the content of a message, which the template renders; an `Answer` is taken as the
                model wrote it. Both include the beginning that their prompt gives.
            entropies: Whether entropies are asked for, too.
            end: Whether the end token is scored, too; that of a cut answer never is.

        Raises:
            DataError: An answer does not begin as its prompt says.
            ModelError: An answer is longer than the model's context.
        """
        ...

    def option_logprobs(self, prompts: Sequence[Prompt], options: Sequence[Sequence[str]]) -> list[np.ndarray]:
        """Total log-probability in nats of each option as the whole answer: one array [n_options] per prompt.

        Args:
            options: As the strings of `score`, whose errors are raised; the end token counts.
        """
        ...

    def text_nll(self, texts: Sequence[str]) -> list[tuple[float, int]]:
        """Negative log-likelihood (nats, summed) and number of predicted tokens of each plain text."""
        ...
