"""A local model that answers: batched greedy decoding and sampling, at the speed a tiny model needs.

transformers' own `generate` gives the same tokens and is as fast as long as no row has ended, but it carries ended
rows along to the last step. Here they leave the batch (a quarter less time where answers differ in length, 2.4 M
parameters on a CPU), a stop is seen between batches, and samples come from a generator of their own, so that
measuring never moves the random state that training depends on.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.spec import stopping
from engine.spec.example import Prompt
from engine.subject import decoding, scoring
from engine.subject.decoding import Decoded, Pick
from engine.subject.limits import Limit, Limits
from engine.subject.protocol import Answer
from engine.subject.rendering import Renderer, context_of

BATCH_TOKENS = 16384  # prompt tokens in one batch
BATCH_ROWS = 128
CACHE_BYTES = 128 << 20  # keys and values of one batch


class LocalSubject:
    """A model with its tokenizer as `engine.subject.protocol.Subject`; never touches torch's global random state.

    Args:
        model: Any Hugging Face causal language model, with or without an adapter.
        tokenizer: Its tokenizer.
        stop: Looked at between batches; raises Stopped where it is set.
        renderer: The renderer that training uses, so that both use one template.
        limits: From which the room for answers follows; None: the least there is.

    Attributes:
        truncated: Prompts that were longer than the model's context and were cut from the left.
        limit: The room that was last asked for; None where none was.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        stop: threading.Event | None = None,
        renderer: Renderer | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.stop = stop
        self.renderer = renderer or renderer_of(model, tokenizer)
        self.limits = limits or Limits((), ())
        self.limit: Limit | None = None
        self._cut: set[int] = set()

    @property
    def truncated(self) -> int:
        """Prompts that had to be cut so far, each counted once."""
        return len(self._cut)

    def room(self, think_tokens: int = 0, asked: int | None = None) -> int:
        """Tokens that an answer may take, as `engine.subject.protocol.Subject` has it."""
        if asked is not None:
            return self.renderer.room(asked)
        self.limit = self.limits.of(self.renderer, think_tokens)
        return self.limit.tokens

    def rendered(self, prompt: Prompt, answer: Mapping[str, Any]) -> str:
        """An answer as the model's template writes it, without the end token."""
        return self.renderer.answer_of(self.renderer.answer_text(prompt, answer))

    def generate(self, prompts: Sequence[Prompt], max_new_tokens: int) -> list[Answer]:
        """Greedy answers, in the order of the prompts, without the end token."""
        steps = self.renderer.room(max_new_tokens)
        return [self._answer(found) for found in self._decode([self._fit(p, steps) for p in prompts], steps, _greedy)]

    def answer_ids(self, prompts: Sequence[tuple[int, ...]], max_new_tokens: int) -> list[list[int]]:
        """Greedy answers to prompts of token ids, as token ids without the end token."""
        return [found.ids for found in self._decode(prompts, max_new_tokens, _greedy)]

    def sample(
        self, prompts: Sequence[Prompt], count: int, temperature: float, seed: int, max_new_tokens: int
    ) -> list[list[Answer]]:
        """`count` sampled answers per prompt; the same seed gives the same answers on one device."""
        generator = torch.Generator(device=self.model.device).manual_seed(seed)

        def pick(logits: Tensor) -> Tensor:
            # One random number a row, against one for each word of the vocabulary in torch.multinomial.
            upto = torch.softmax(logits.float() / temperature, dim=-1).cumsum(-1)
            at = torch.rand(len(upto), 1, generator=generator, device=upto.device) * upto[:, -1:]
            return torch.searchsorted(upto, at, right=True).squeeze(1).clamp_(max=upto.shape[-1] - 1)

        steps = self.renderer.room(max_new_tokens)
        decoded = self._decode([self._fit(p, steps) for p in prompts], steps, pick, count)
        answers = [self._answer(found) for found in decoded]
        return [answers[at * count : (at + 1) * count] for at in range(len(prompts))]

    def option_logprobs(self, prompts: Sequence[Prompt], options: Sequence[Sequence[str]]) -> list[np.ndarray]:
        """Total log-probability in nats of each option as the whole answer, end token included: [n_options] each."""
        pairs = []
        for prompt, texts in zip(prompts, options, strict=True):
            for text in texts:
                answer = self.renderer.answer_text(prompt, {"role": "assistant", "content": text})
                fitted = self.renderer.fit(self.renderer.prompt_ids(prompt), self.renderer.ids(answer))
                self._count(prompt, fitted.cut)
                pairs.append((fitted.prompt, fitted.completion))
        totals = scoring.completion_logprobs(self.model, pairs, self.renderer.pad_id, self.stop)
        ends = np.cumsum([len(texts) for texts in options])
        return [totals[end - len(texts) : end] for end, texts in zip(ends, options, strict=True)]

    def text_nll(self, texts: Sequence[str]) -> list[tuple[float, int]]:
        """Negative log-likelihood (nats, summed) and number of predicted tokens of each plain text."""
        bos = self.tokenizer.bos_token_id
        start = (bos,) if bos is not None else ()
        rows = [(*start, *self.renderer.ids(text))[: self.renderer.context] for text in texts]
        pairs = [(row[:1], row[1:]) for row in rows]  # a text of one token predicts nothing
        totals = scoring.completion_logprobs(self.model, pairs, self.renderer.pad_id, self.stop)
        return [(-float(total), len(rest)) for total, (_, rest) in zip(totals, pairs, strict=True)]

    def _answer(self, found: Decoded) -> Answer:
        return Answer(self.renderer.text(found.ids), found.cut)

    def _fit(self, prompt: Prompt, steps: int) -> tuple[int, ...]:
        ids = self.renderer.prompt_ids(prompt)
        room = max(1, self.renderer.context - steps)
        self._count(prompt, len(ids) - room)
        return ids[-room:]

    def _count(self, prompt: Prompt, cut: int) -> None:
        if cut > 0:
            self._cut.add(id(prompt))

    @torch.inference_mode()
    def _decode(self, prompts: Sequence[tuple[int, ...]], steps: int, pick: Pick, count: int = 1) -> list[Decoded]:
        """`count` answers to each prompt, in order."""
        answers: list[Decoded] = [Decoded([], False)] * (len(prompts) * count)
        renderer = self.renderer
        with evaluating(self.model):
            longest = max((len(ids) for ids in prompts), default=0) + steps
            rows = min(BATCH_ROWS, CACHE_BYTES // (longest * cache_bytes(self.model)))
            for batch in scoring.batches([len(ids) for ids in prompts], BATCH_TOKENS, max(1, rows // count)):
                stopping.check(self.stop)
                chosen = [prompts[at] for at in batch]
                found = decoding.decode(self.model, chosen, steps, pick, count, renderer.pad_id, renderer.end_ids)
                for place, answer in enumerate(found):
                    answers[batch[place // count] * count + place % count] = answer
        return answers


class evaluating:  # noqa: N801 - reads as a statement
    """Puts a model into evaluation mode, and back into the mode it was in."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def __enter__(self) -> None:
        self.was = self.model.training
        if self.was:
            self.model.eval()

    def __exit__(self, *_: object) -> None:
        if self.was:
            self.model.train()


def cache_bytes(model: Any) -> int:
    """Bytes of keys and values that a token leaves behind, in all layers; at least 1."""
    config = model.config.get_text_config()
    heads = getattr(config, "num_attention_heads", None) or 1
    hidden = getattr(config, "hidden_size", None) or 1
    head = getattr(config, "head_dim", None) or hidden // heads
    pairs = getattr(config, "num_key_value_heads", None) or heads
    return max(1, 2 * (getattr(config, "num_hidden_layers", None) or 1) * pairs * head * model.dtype.itemsize)


def renderer_of(model: Any, tokenizer: Any) -> Renderer:
    """A renderer that ends where the model's own generation settings end, too."""
    ends = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
    ends = ends if isinstance(ends, list) else [ends] if isinstance(ends, int) else []
    return Renderer(tokenizer, context_of(model.config, tokenizer), ends)


def _greedy(logits: Tensor) -> Tensor:
    return logits.argmax(-1)
