"""Embeddings whose parts are shared between tokens while a model is pretrained.

" ticket", "_ticket" and "ticket" are three tokens of one word, and "pass" is a word of the same meaning. Each token's
vector is the sum of one for the meaning, one for the word and one of its own. What is learned of one form is so learned
of all, and heads that compare words go on finding them while everything moves. The sum is an ordinary embedding:
nothing of this is left in the finished model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from engine.pretraining.tokenizer import stem
from engine.world.vocabulary import tools

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


def families(encode: PreTrainedTokenizerFast) -> tuple[list[int], list[int]]:
    """Token id -> number of its meaning, and of its word."""
    stems = [stem(t) for t in encode.convert_ids_to_tokens(list(range(len(encode))))]
    return _numbered([tools.meanings().get(s, s) for s in stems]), _numbered(stems)


def _numbered(names: Sequence[str]) -> list[int]:
    rows = {name: i for i, name in enumerate(dict.fromkeys(names))}
    return [rows[name] for name in names]


class SharedStems(torch.nn.Module):
    """The parts of an embedding, trained in its place.

    Attributes:
        meaning: [meanings, width], starts at 0.
        word: [words, width], starts at 0.
        own: [vocabulary, width], starts as the embedding itself.
    """

    meaning_of: torch.Tensor
    word_of: torch.Tensor

    def __init__(self, embedding: torch.nn.Parameter, encode: PreTrainedTokenizerFast) -> None:
        super().__init__()
        meanings, words = families(encode)
        self.register_buffer("meaning_of", torch.tensor(meanings, device=embedding.device))
        self.register_buffer("word_of", torch.tensor(words, device=embedding.device))
        width = embedding.shape[1]
        self.meaning = torch.nn.Parameter(torch.zeros(max(meanings) + 1, width, device=embedding.device))
        self.word = torch.nn.Parameter(torch.zeros(max(words) + 1, width, device=embedding.device))
        self.own = torch.nn.Parameter(embedding.detach().clone())

    def take(self, gradient: torch.Tensor | None) -> None:
        """Give each part its share of the embedding's gradient [vocabulary, width]."""
        assert gradient is not None, "the embedding took part in the loss"
        self.own.grad = gradient
        self.word.grad = torch.zeros_like(self.word).index_add_(0, self.word_of, gradient)
        self.meaning.grad = torch.zeros_like(self.meaning).index_add_(0, self.meaning_of, gradient)

    @torch.no_grad()
    def put(self, embedding: torch.nn.Parameter) -> None:
        """Write the sum into the embedding."""
        embedding.copy_(self.meaning[self.meaning_of] + self.word[self.word_of] + self.own)
