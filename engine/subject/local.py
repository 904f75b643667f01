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
from engine.spec.errors import ModelError
from engine.spec.example import Prompt
from engine.subject import decoding, scoring
from engine.subject.decoding import Decoded, Pick
from engine.subject.ensemble import members_of
from engine.subject.limits import Limit, Limits
from engine.subject.protocol import Answer, Scored
from engine.subject.rendering import Renderer, context_of
from engine.subject.scoring import evaluating

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

    Raises:
        ModelError: The renderer's context is longer than that of one of several models.

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
        if len(members_of(model)) > 1 and self.renderer.context > (shortest := _context(model, tokenizer)):
            raise ModelError(
                f"Prompts and answers may take {self.renderer.context} tokens; one of the models sees {shortest}.",
                "Render for all of them: engine.subject.local.renderer_of.",
            )
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
        """A whole answer as the model's template writes it, without the end token."""
        return self.renderer.whole_answer(prompt, answer)

    def generate(self, prompts: Sequence[Prompt], max_new_tokens: int) -> list[Answer]:
        """Greedy answers, in the order of the prompts, without the end token."""
        steps = self.renderer.room(max_new_tokens)
        decoded = self._decode([self._fit(p, steps) for p in prompts], steps, _greedy)
        return [self._answer(prompt, found) for prompt, found in zip(prompts, decoded, strict=True)]

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
        groups = [decoded[at * count : (at + 1) * count] for at in range(len(prompts))]
        return [[self._answer(prompt, one) for one in some] for prompt, some in zip(prompts, groups, strict=True)]

    def score(
        self, prompts: Sequence[Prompt], answers: Sequence[str | Answer], entropies: bool = False, end: bool = True
    ) -> list[Scored]:
        """Each token of one answer for each prompt, as `engine.subject.protocol.Subject` has it."""
        pairs = [self._pair(prompt, answer, end) for prompt, answer in zip(prompts, answers, strict=True)]
        found = scoring.token_scores(self.model, pairs, self.renderer.pad_id, self.stop, entropies)
        return [Scored(ids, *scores) for (_, ids), scores in zip(pairs, found, strict=True)]

    def option_logprobs(self, prompts: Sequence[Prompt], options: Sequence[Sequence[str]]) -> list[np.ndarray]:
        """Total log-probability in nats of each option as the whole answer, end token included: [n_options] each."""
        pairs = [self._pair(p, text, end=True) for p, texts in zip(prompts, options, strict=True) for text in texts]
        totals = scoring.completion_logprobs(self.model, pairs, self.renderer.pad_id, self.stop)
        ends = np.cumsum([len(texts) for texts in options])
        return [totals[end - len(texts) : end] for end, texts in zip(ends, options, strict=True)]

    def text_nll(self, texts: Sequence[str]) -> list[tuple[float, int]]:
        """Negative log-likelihood (nats, summed) and number of predicted tokens of each plain text."""
        renderer, bos = self.renderer, self.tokenizer.bos_token_id
        start = (bos,) if bos is not None else ()
        room = renderer.context - len(renderer.prefix)
        rows = [(*start, *renderer.ids(text))[:room] for text in texts]
        # A text's first token is never predicted, whether there is a prefix or not: all models are asked for the same.
        pairs = [((*renderer.prefix, *row[:1]), row[1:]) for row in rows]
        totals = scoring.completion_logprobs(self.model, pairs, renderer.pad_id, self.stop)
        return [(-float(total), len(rest)) for total, (_, rest) in zip(totals, pairs, strict=True)]

    def _answer(self, prompt: Prompt, found: Decoded) -> Answer:
        return Answer(self.renderer.said(prompt, found.ids), found.cut)

    def _pair(self, prompt: Prompt, answer: str | Answer, end: bool) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Token ids of a prompt, cut as the answer needs it, and of what follows in the answer."""
        renderer = self.renderer
        if isinstance(answer, Answer):
            ids = renderer.following(prompt, answer.text + (renderer.end if end and not answer.cut else ""))
        else:
            message = {"role": "assistant", "content": answer}
            ids = (
                renderer.answer_ids(prompt, message)
                if end
                else renderer.following(prompt, renderer.whole_answer(prompt, message))
            )
        fitted = renderer.fit(renderer.prompt_ids(prompt), ids)
        if fitted.lost:
            raise ModelError(
                f"An answer of {len(ids)} tokens cannot be scored: the model sees {renderer.context} in all.",
                "Use shorter answers, or a model with a longer context.",
            )
        self._count(prompt, fitted.cut)
        return fitted.prompt, fitted.completion

    def _fit(self, prompt: Prompt, steps: int) -> tuple[int, ...]:
        ids = self.renderer.prompt_ids(prompt)
        shown = self.renderer.cut(ids, self.renderer.context - steps)
        self._count(prompt, len(ids) - len(shown))
        return shown

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


def cache_bytes(model: Any) -> int:
    """Bytes of keys and values that a token leaves behind, in all layers of each model that is read; at least 1."""
    return sum(_cache_bytes(member) for member in members_of(model))


def _cache_bytes(model: Any) -> int:
    config = model.config.get_text_config()
    heads = getattr(config, "num_attention_heads", None) or 1
    hidden = getattr(config, "hidden_size", None) or 1
    head = getattr(config, "head_dim", None) or hidden // heads
    pairs = getattr(config, "num_key_value_heads", None) or heads
    return max(1, 2 * (getattr(config, "num_hidden_layers", None) or 1) * pairs * head * model.dtype.itemsize)


def renderer_of(model: Any, tokenizer: Any) -> Renderer:
    """A renderer that ends where the model's own generation settings end, too, with the shortest context of several."""
    ends = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
    ends = ends if isinstance(ends, list) else [ends] if isinstance(ends, int) else []
    return Renderer(tokenizer, _context(model, tokenizer), ends)


def _context(model: Any, tokenizer: Any) -> int:
    return min(context_of(member.config, tokenizer) for member in members_of(model))


def _greedy(logits: Tensor) -> Tensor:
    return logits.argmax(-1)
