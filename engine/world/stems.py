"""Embeddings that are shared between the forms of a word while a model is pretrained.

" ticket", "_ticket" and "ticket" are three tokens; each one's vector is the sum of one for the word and one of its own.
What is learned of one form is so learned of all, and copying from one form into another survives training. The sum is
an ordinary embedding: nothing of this is left in the finished model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from engine.world.tokenizer import stem

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


class SharedStems(torch.nn.Module):
    """The two parts of an embedding, trained in its place.

    Attributes:
        shared: [words, width], starts at 0.
        own: [vocabulary, width], starts as the embedding itself.
    """

    def __init__(self, embedding: torch.nn.Parameter, encode: PreTrainedTokenizerFast) -> None:
        super().__init__()
        tokens = encode.convert_ids_to_tokens(list(range(len(encode))))
        words = {s: i for i, s in enumerate(dict.fromkeys(map(stem, tokens)))}
        self.register_buffer("word_of", torch.tensor([words[stem(t)] for t in tokens]).to(embedding.device))
        self.shared = torch.nn.Parameter(torch.zeros(len(words), embedding.shape[1], device=embedding.device))
        self.own = torch.nn.Parameter(embedding.detach().clone())

    def take(self, gradient: torch.Tensor) -> None:
        """Give each part its share of the embedding's gradient [vocabulary, width]."""
        self.own.grad = gradient
        self.shared.grad = torch.zeros_like(self.shared).index_add_(0, self.word_of, gradient)

    @torch.no_grad()
    def put(self, embedding: torch.nn.Parameter) -> None:
        """Write the sum into the embedding."""
        embedding.copy_(self.shared[self.word_of] + self.own)
