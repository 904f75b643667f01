"""Several models that answer as one: a weighted sum of their logits, as in proxy-tuning.

Proxy-tuning (Liu et al. 2024, arXiv:2401.08565, section 2) steers a large base by what tuning did to a small model:
logits = base + alpha (expert - antiexpert), for every next token, before temperature. The terms are (1, base),
(alpha, expert) and (-alpha, antiexpert).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from engine.spec.errors import ModelError

_TRIED = 8  # token ids that every model is tried on
_TEXT = 'The river ran 27 miles; it didn\'t stop. {"name": "x"}\n\tÜber naïve café'
_SHOWN = 40  # characters of a token that an error quotes


class Term(NamedTuple):
    """A model whose logits are added with a weight."""

    weight: float
    model: Any


class Predicted(NamedTuple):
    """What a forward pass gives: logits [rows, length, vocabulary]."""

    logits: Tensor


class _Part(NamedTuple):
    """weight * (logits[plus] - logits[minus]), as places in `WeightedModels.members`; minus None: logits[plus]."""

    weight: float
    plus: int
    minus: int | None = None


class WeightedModels(torch.nn.Module):
    """Causal language models with one vocabulary, decoded and scored as one (`decoding.decode`, `packing.logits`).

    Two terms with opposite weights are added as weight * (one - other): where both predict the same, they cancel to
    the bit, and the first term's logits are left as they are. A model that several terms name is read once, and one
    whose terms cancel or weigh 0 is not read at all. The sum is float32.

    Models may predict more ids than the tokenizer has, since embeddings are padded: of the first model's ids, those
    that a difference lacks are left as they are, and what others predict beyond them is cut off (as the authors'
    alisawuffles/proxy-tuning does).

    Args:
        terms: (weight, model); the first is the base, and is never part of a difference. All on one device.
        vocabulary: How many ids the tokenizer uses, from `same_vocabulary`.

    Attributes:
        members: The models that are read, each once; the base comes first.

    Raises:
        ModelError: There is no base, a model predicts fewer ids than the vocabulary has, or no numbers, or a tuned
            model and the model inside it are two terms: both have the adapter, so that they would cancel.
    """

    def __init__(self, terms: Sequence[tuple[float, Any]], vocabulary: int) -> None:
        super().__init__()
        if not terms or terms[0][0] == 0:
            raise ModelError("A weighted sum of models has no base.", "Give the base first, with a weight.")
        listed = [Term(float(weight), model) for weight, model in terms]
        models, parts = _differences(listed)
        self.parts = parts
        self.members = torch.nn.ModuleList(models)
        self.training = any(model.training for model in models)
        if len({id(m.get_base_model() if hasattr(m, "get_base_model") else m) for m in models}) < len(models):
            raise ModelError(
                "Two of the models are one: a tuned model, and the model inside it, which has the adapter, too.",
                "Take the base of a tuned model with engine.subject.without_adapter.",
            )
        widths = [_width(model, vocabulary) for model in models]
        alone = [part.plus for part in parts if part.minus is None]
        if narrow := [widths[at] for at in alone if widths[at] < widths[0]]:
            raise ModelError(
                f"A model that is added on its own predicts {narrow[0]} tokens, the base {widths[0]}.",
                "Give it as one of two models with opposite weights, or use a base that predicts as many.",
            )

    @property
    def base(self) -> Any:
        """The first term's model."""
        return self.members[0]

    @property
    def config(self) -> Any:
        """The base's configuration. The context is the shortest of all: see `engine.subject.local.renderer_of`."""
        return self.base.config

    @property
    def generation_config(self) -> Any:
        """The base's settings of generation: where answers end."""
        return getattr(self.base, "generation_config", None)

    @property
    def device(self) -> torch.device:
        """Where the base is."""
        return self.base.device

    @property
    def dtype(self) -> torch.dtype:
        """The base's precision."""
        return self.base.dtype

    def get_input_embeddings(self) -> Any:
        """The base's."""
        return self.base.get_input_embeddings()

    def combined(self, logits: Sequence[Tensor]) -> Tensor:
        """The sum, float32 [..., the base's vocabulary], of the logits of each member, [..., its own vocabulary]."""
        first, *rest = self.parts
        total = logits[first.plus].float()
        total = total if first.weight == 1 else total * first.weight
        for weight, plus, minus in rest:
            added = logits[plus].float()
            width = min(total.shape[-1], added.shape[-1])
            if minus is not None:
                other = logits[minus].float()
                width = min(width, other.shape[-1])
                added = added[..., :width] - other[..., :width]
            added = added[..., :width] * weight
            missing = total.shape[-1] - width
            total = total + (torch.nn.functional.pad(added, (0, missing)) if missing else added)
        return total

    def forward(self, input_ids: Tensor, use_cache: bool = False, **given: Any) -> Predicted:
        """Logits [rows, length, vocabulary] of whole texts, without a cache.

        Args:
            input_ids: [rows, length].
            use_cache: False: each model has a cache of its own, in `decoding.Together`.
            given: Whatever all of the models take, e.g. an attention mask.
        """
        if use_cache:
            raise ValueError("Several models have no common cache; use engine.subject.decoding.")
        found = [member(input_ids=input_ids, use_cache=False, **given).logits for member in self.members]
        return Predicted(self.combined(found))


def members_of(model: Any) -> list[Any]:
    """The models that are read where this one is: itself, or the members of a sum."""
    return list(model.members) if isinstance(model, WeightedModels) else [model]


@torch.inference_mode()
def first_logits(model: Any) -> Tensor:
    """Logits of a short text, [1, length, vocabulary]."""
    ids = torch.arange(_TRIED, device=model.device)[None] + 1
    was = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        return model(input_ids=ids, use_cache=False).logits
    finally:
        for module, training in was:
            module.training = training


def same_vocabulary(tokenizers: Mapping[str, Any]) -> int:
    """Whether models with these tokenizers read and predict the same ids for the same tokens.

    Others may have further tokens; they must have all of the first one's, under the same ids, and must cut a text into
    the same tokens.

    Args:
        tokenizers: By the name of their model; the first is the base's, with which texts are read.

    Returns:
        How many ids the first one uses: its largest id and one.

    Raises:
        ModelError: They differ; names the models and the first token that differs.
    """
    (base, first), *others = tokenizers.items()
    want: dict[str, int] = first.get_vocab()
    hint = "Use models of one family, with the same tokenizer."
    for name, tokenizer in others:
        have: dict[str, int] = tokenizer.get_vocab()
        for token, at in sorted(want.items(), key=lambda entry: entry[1]):
            if have.get(token) != at:
                there = f"token {have[token]}" if token in have else "no token"
                raise ModelError(f"{token[:_SHOWN]!r} is token {at} of {base} and {there} of {name}.", hint)
        taken = {at: token for token, at in have.items() if token not in want}
        if clash := sorted(set(taken) & set(want.values())):
            raise ModelError(f"{name} has {taken[clash[0]][:_SHOWN]!r} where {base} has another token.", hint)
        if _cut(tokenizer) != _cut(first):
            raise ModelError(f"{base} and {name} cut the same text into different tokens.", hint)
    return max(want.values(), default=-1) + 1


def _differences(terms: Sequence[Term]) -> tuple[list[Any], tuple[_Part, ...]]:
    """The models that must be read, each once, and what is added; terms of opposite weights become one difference."""
    models: list[Any] = []

    def place(model: Any) -> int:
        known = [at for at, other in enumerate(models) if other is model]
        if known:
            return known[0]
        models.append(model)
        return len(models) - 1

    found = [_Part(terms[0].weight, place(terms[0].model))]
    rest = [term for term in terms[1:] if term.weight != 0]
    while rest:
        term = rest.pop(0)
        opposite = [at for at, other in enumerate(rest) if other.weight == -term.weight]
        cancelling = [at for at in opposite if rest[at].model is term.model]
        if cancelling:
            rest.pop(cancelling[0])
        elif opposite:
            found.append(_Part(term.weight, place(term.model), place(rest.pop(opposite[0]).model)))
        else:
            found.append(_Part(term.weight, place(term.model)))
    return models, tuple(found)


def _width(model: Any, vocabulary: int) -> int:
    """How many ids a model predicts. Raises ModelError where they are too few, or its logits no numbers."""
    logits = first_logits(model)
    if logits.shape[-1] < vocabulary:
        raise ModelError(
            f"One of the models predicts {logits.shape[-1]} tokens, its tokenizer has {vocabulary}.",
            "Use models with one vocabulary.",
        )
    if not bool(logits.isfinite().all()):
        raise ModelError("One of the models predicts no numbers.", "Use another model.")
    return logits.shape[-1]


def _cut(tokenizer: Any) -> list[int]:
    return tokenizer(_TEXT, add_special_tokens=False)["input_ids"]
