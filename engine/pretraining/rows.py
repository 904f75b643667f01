"""The rows of one pretraining step and what each token's loss counts: a pure function of recipe and step."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from random import Random
from typing import TYPE_CHECKING, Any

from engine.pretraining.recipes import Recipe
from engine.world import VERSION, corpus

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

PROMPT_WEIGHT, RUNNING_WEIGHT = 0.2, 0.3
"""What a token of a request, and one of running text, counts in the loss.

Both are drawn at random and most of the corpus: hardly more of them than word frequencies can be learned, and at full
weight their noise drowns the few tokens of an answer that decide something (docs/log.md).
"""
_SPECIAL = 9  # ids below are special tokens
_REPEATED_TWICE_UNTIL = 0.5


def rows_of(recipe: Recipe, step: int, encode: PreTrainedTokenizerFast) -> tuple[list[list[int]], list[list[float]]]:
    """Token ids and weights, each [rows][row_tokens]: packed documents, and one or two repeated random sequences."""
    rng = Random(f"{recipe.seed}:{step}")
    documents = _documents(recipe, step)
    ids, weights = [], []
    for _ in range(2 if step < recipe.steps * _REPEATED_TWICE_UNTIL else 1):
        row, counts = _repeated(rng, recipe.row_tokens, len(encode))
        ids.append(row)
        weights.append(counts)
    while len(ids) < recipe.rows:
        row, counts = [], []
        while len(row) < recipe.row_tokens:
            text, is_running = next(documents)
            found = encode.encode(text, add_special_tokens=False)
            row += found
            counts += [RUNNING_WEIGHT] * len(found) if is_running else answer_weights(found, encode)
        ids.append(row[: recipe.row_tokens])
        weights.append(counts[: recipe.row_tokens])
    return ids, weights


def _documents(recipe: Recipe, step: int) -> Iterator[tuple[str, bool]]:
    lesson = corpus.LESSONS[recipe.lesson(step)]
    return corpus.drawn(f"{recipe.seed}:{step}", recipe.swap, lesson)


def answer_weights(ids: list[int], encode: PreTrainedTokenizerFast) -> list[float]:
    """1 for plain text and a chat's answers, `PROMPT_WEIGHT` for its other turns; same length as `ids`."""
    asking, answering = _turns(encode)
    weight, found = 1.0, []
    for token in ids:
        found.append(weight)
        if token in asking:
            weight = PROMPT_WEIGHT
        elif token == answering:
            weight = 1.0
    return found


def _turns(encode: PreTrainedTokenizerFast) -> tuple[frozenset[int], int]:
    names = ["<|assistant|>", "<|system|>", "<|user|>", "<|tools|>", "<|tool|>"]
    ids: Any = encode.convert_tokens_to_ids(names)
    return frozenset(ids[1:]), ids[0]


def _repeated(rng: Random, length: int, vocabulary: int) -> tuple[list[int], list[float]]:
    """A random sequence over and over; only its repetitions count."""
    period = rng.randint(4, 60)
    unit = [rng.randrange(_SPECIAL, vocabulary) for _ in range(period)]
    return (unit * (length // period + 1))[:length], ([0.0] * period + [1.0] * length)[:length]


def corpus_hash(recipe: Recipe, steps: int = 50) -> str:
    """sha256 over what determines the corpus and the first documents of its first and last steps: names all of it."""
    read = (recipe.steps, recipe.opening, recipe.drill, recipe.finish, recipe.rows, recipe.row_tokens)
    parts = (VERSION, recipe.seed, recipe.twin, *read)
    found = hashlib.sha256(repr(parts).encode())
    for step in sorted({*range(steps), *range(max(0, recipe.last - steps), recipe.last)}):
        for text, _ in itertools.islice(_documents(recipe, step), 40):
            found.update(text.encode())
    return found.hexdigest()
