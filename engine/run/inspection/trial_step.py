"""One small step of everything a run does with a model, before anything is queued on it: what cannot be done is said.

Architectures differ in ways that their configurations do not tell. Here a model reads, is trained through an adapter
and answers, each on a few tokens, and every value is compared with the plainest way to compute it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from engine.adaptations import _quick_lora, lora
from engine.methods._settings import LoraSettings
from engine.spec.errors import ModelError
from engine.subject import decoding
from engine.subject.forward import packing, windows
from engine.subject.forward.packing import Block
from engine.subject.scoring import evaluating

SAME = 1e-3  # largest difference, as a share of the largest value, that is no more than rounding
_TEXT = "What is the weather in Rome? It is sunny, and the sea is warm; bring a hat, some water and two old books."
_TOKENS = 24
_STEPS = 4
_HINT = (
    "Nothing was trained or measured. Choose a causal language model of another architecture, such as Llama or Qwen2."
)


class _Unfit(Exception):
    """What a model cannot do, in words."""


def require(name: str, model: Any, tokenizer: Any) -> None:
    """Raise ModelError where a model cannot be trained or scored here; `name` is what people call it."""
    reason = try_model(model, tokenizer)
    if reason:
        raise ModelError(f"The model {name!r} cannot be used here: {reason}.", _HINT)


def try_model(model: Any, tokenizer: Any) -> str:
    """Why a model cannot be trained or scored here, in words; "" where it can. The model is left as it was.

    Args:
        model: The base model, without an adapter.
        tokenizer: Its tokenizer.

    Raises:
        MemoryError, RuntimeError: There is not enough memory for the trial.
    """
    for what, check in _CHECKS:
        try:
            with evaluating(model):
                check(model, _words(model, tokenizer))
        except _Unfit as unfit:
            return str(unfit)
        except Exception as error:  # a model's code may raise anything on what it does not expect
            if isinstance(error, MemoryError) or "memory" in str(error).lower():
                raise
            return f"{what} fails ({type(error).__name__}: {_first_line(error)})"
    return ""


def _reads(model: Any, words: Sequence[int]) -> None:
    """Values are numbers, do not depend on words that come later, and not on the rows beside or on padding."""
    if model.get_input_embeddings() is None or model.get_output_embeddings() is None:
        raise _Unfit("it has no layer of words at its start or at its end")
    ids = torch.tensor([words], device=model.device)
    with torch.inference_mode():
        logits = model(input_ids=ids, use_cache=False).logits
        if logits.shape[:2] != ids.shape or not bool(logits.isfinite().all()):
            raise _Unfit("its output layer gives values that are not numbers, or not one for every word")
        changed = ids.clone()
        changed[0, -1] = words[0] if words[0] != words[-1] else words[1]
        if not _same(model(input_ids=changed, use_cache=False).logits[:, :-1], logits[:, :-1]):
            raise _Unfit("it looks at the words that come next, so it is no causal language model")
        short = len(words) // 3
        padded = ids.repeat(2, 1)
        padded[1, short:] = 0
        together = model(input_ids=padded, use_cache=False).logits
        if not _same(together[1, :short], logits[0, :short]) or not _same(together[0], logits[0]):
            raise _Unfit("what it predicts for a text depends on the other texts of its batch")


def _learns(model: Any, words: Sequence[int]) -> None:
    """An adapter gets a gradient through the rows that runs are trained on, and folded in it computes the same."""
    size = len(words) // 3
    prompt, good, bad = (tuple(words[at * size : (at + 1) * size]) for at in range(3))
    blocks = [Block(prompt, (good, bad)), Block(good, (bad,))]
    try:
        attached = lora.attached(model, LoraSettings.model_validate({}), 0)
        with attached as tuned:
            _check_adapter(tuned, packing.layout_of(tuned, max(b.size for b in blocks)).pack(blocks, 0))
    except ValueError as error:  # PEFT's word for a model that has nothing it can adapt
        raise _Unfit(f"LoRA cannot adapt its layers ({_first_line(error)})") from error


def _check_adapter(tuned: Any, packed: packing.Packed) -> None:
    generator = torch.Generator().manual_seed(0)
    for name, weight in tuned.named_parameters():
        if "lora_B" in name:  # a fresh adapter changes nothing
            torch.nn.init.normal_(weight, std=0.02, generator=generator)
    _quick_lora.quicken(tuned)
    packed = packed.to(tuned.device)
    weights = [weight for weight in tuned.parameters() if weight.requires_grad]
    loss = -packing.logprobs(tuned, packed).mean()
    gradients = [g for g in torch.autograd.grad(loss, weights, allow_unused=True) if g is not None]
    if not bool(loss.isfinite()) or not all(bool(g.isfinite().all()) for g in gradients):
        raise _Unfit("its loss or its gradient is not a number")
    if not any(bool(g.any()) for g in gradients):
        raise _Unfit("no gradient reaches an adapter on its layers, so it would learn nothing")
    with torch.inference_mode():
        apart = packing.logprobs(tuned, packed)
        with lora.folded(tuned):
            folded = packing.logprobs(tuned.get_base_model(), packed)
    if not _same(folded, apart):
        raise _Unfit("it reads some weights past their layers, so an adapter is not seen in training as in answering")


def _answers(model: Any, words: Sequence[int]) -> None:
    """Ragged prompts, decoded together, get the logits that each gets alone and without a cache."""
    prompts = [tuple(words[:size]) for size in (len(words) - _STEPS, 3, len(words) // 2)]
    alone = [_logits(decoding.Anew, model, [prompt]) for prompt in prompts]
    together = _logits(decoding.way_of(model), model, prompts)
    for row in range(len(prompts)):
        if not all(_same(step[row], own[0]) for step, own in zip(together, alone[row], strict=True)):
            raise _Unfit("prompts of different lengths are answered differently together and alone")


def _logits(way: decoding.Way, model: Any, prompts: Sequence[tuple[int, ...]]) -> list[Tensor]:
    """Logits [prompts, vocabulary] at each step, the same tokens being added whatever they say."""
    found = []

    def pick(logits: Tensor) -> Tensor:
        found.append(logits.float())
        return torch.full((len(logits),), len(found), device=logits.device)

    with torch.inference_mode():
        decoding.answers(way(model, prompts, 0), _STEPS, pick, 1, frozenset())
    return found


_CHECKS: tuple[tuple[str, Callable[[Any, Sequence[int]], None]], ...] = (
    ("reading a text", _reads),
    ("a step of training", _learns),
    ("answering a prompt", _answers),
)


def _words(model: Any, tokenizer: Any) -> list[int]:
    """Some token ids, no more than the context takes."""
    rows = model.get_input_embeddings().weight.shape[0] if model.get_input_embeddings() is not None else 1
    own = [token for token in tokenizer(_TEXT, add_special_tokens=False)["input_ids"] if token < rows]
    most = min(_TOKENS, windows.context(model.config) or _TOKENS)
    return (own + [(5 + 3 * at) % rows for at in range(_TOKENS)])[:most]


def _same(a: Tensor, b: Tensor) -> bool:
    return bool((a - b).abs().max() <= SAME * max(1.0, float(b.abs().max())))


def _first_line(error: Exception) -> str:
    line = next(_lines(error), type(error).__name__)
    return "".join(c if c.isprintable() else "?" for c in line[:200])


def _lines(error: Exception) -> Iterator[str]:
    return (line.strip() for line in str(error).splitlines() if line.strip())
