"""A model's shape, read from its folder without torch, and what its work costs by that alone.

Counts of multiplications and of bytes by this module are relative: where a model can be tried, a measurement on this
machine gives them their scale (`engine/run/costs/speed.py`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

_NAMES = {  # as configurations spell it, the first that is there
    "hidden": ("hidden_size", "n_embd", "d_model", "dim"),
    "layers": ("num_hidden_layers", "n_layer", "n_layers", "num_layers"),
    "inner": ("intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size"),
    "words": ("vocab_size",),
    "heads": ("num_attention_heads", "n_head", "n_heads"),
    "pairs": ("num_key_value_heads",),
    "head": ("head_dim",),
    "context": ("max_position_embeddings", "n_positions", "n_ctx"),
}
SLOW = 5
"""How much slower an attention's products run than a layer's: they are small."""


class Shape(NamedTuple):
    """Sizes of a decoder.

    Attributes:
        hidden: Width; `inner`: of its MLPs.
        words: Rows of the embedding.
        pairs: Heads that have keys and values of their own.
        head: Width of a head.
        context: Longest sequence, in tokens.
        parameters: All weights.
    """

    hidden: int = 768
    layers: int = 12
    inner: int = 3072
    words: int = 50_000
    heads: int = 12
    pairs: int = 12
    head: int = 64
    context: int = 1024
    parameters: int = 0

    @property
    def linear(self) -> int:
        """Weights of the layers, which every token is multiplied with."""
        attention = 2 * self.hidden * self.head * (self.heads + self.pairs)
        gated = self.layers * (attention + 3 * self.hidden * self.inner)
        rest = self.parameters - self.words * self.hidden
        return rest if 0 < rest <= 1.2 * gated else gated

    def products(self, tokens: float, length: float, scored: float) -> float:
        """Multiplications of a forward pass, an attention's weighed by how slow they are.

        Args:
            tokens: In the whole batch, padding included.
            length: Tokens that a token may look at.
            scored: Places at which logits are made.
        """
        attention = 2 * SLOW * length * self.heads * self.head * self.layers
        return tokens * (self.linear + attention) + scored * self.words * self.hidden

    def activations(self, tokens: float, length: float, scored: float, half: bool) -> float:
        """Bytes that a training step keeps for its backward pass, and its logits with their gradient."""
        width = 2 if half else 4
        attention = self.heads * self.head + 2 * self.pairs * self.head
        kept = 4 * 6 * self.hidden + width * (3 * self.hidden + 3 * attention + 5 * self.inner)
        scores = width * 2 * self.heads * length  # eager attention keeps what it multiplies the values with
        return tokens * self.layers * (kept + scores) + 4 * 3 * scored * self.words

    def passing(self, tokens: float, length: float, scored: float) -> float:
        """Bytes that a forward pass without a gradient needs at its peak, and its logits."""
        widest = max(3 * self.inner, 3 * self.heads * self.head) + 4 * self.hidden
        return 4 * (tokens * (widest + length) + 3 * scored * self.words)

    def cache(self, tokens: float) -> float:
        """Bytes of keys and values."""
        return 4 * 2 * tokens * self.layers * self.pairs * self.head


def shape_of(config: Mapping[str, Any], parameters: int = 0) -> Shape:
    """The shape that a configuration (config.json) tells; what it leaves out is guessed from the rest."""
    inside = config.get("text_config")
    plain = inside if isinstance(inside, dict) else config
    found: dict[str, int] = {}
    for field, names in _NAMES.items():
        values = (plain.get(name) for name in names)
        known = next((v for v in values if isinstance(v, int) and not isinstance(v, bool) and v > 0), None)
        if known is not None:
            found[field] = known
    hidden = found.setdefault("hidden", Shape().hidden)
    found.setdefault("inner", 4 * hidden)
    heads = found.setdefault("heads", max(1, hidden // 64))
    found.setdefault("pairs", heads)
    found.setdefault("head", max(1, hidden // heads))
    shape = Shape(**found)
    guessed = shape.words * hidden + shape.linear
    return shape._replace(parameters=parameters or guessed)


def read_shape(folder: Path, parameters: int = 0) -> Shape:
    """The shape of a model's folder; the default one where its config.json cannot be read (the run itself says so)."""
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError):
        config = None
    return shape_of(config if isinstance(config, dict) else {}, parameters)
