"""Pretraining of the bundled models: `python main.py pretrain fork-s`. Resumable; may be stopped at any moment.

Each step's rows are a pure function of seed and step, so a resumed run sees what an undisturbed one would.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.errors import ModelError
from engine.spec import digest
from engine.world import VERSION, corpus, induction, tokenizer

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerFast, Qwen2ForCausalLM

BUNDLED = Path(__file__).resolve().parent.parent / "resources" / "models"


@dataclass(frozen=True)
class Recipe:
    """A bundled model's shape and schedule. `rate` is AdamW's peak learning rate."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    steps: int
    seed: int = 0
    rows: int = 16
    row_tokens: int = 160
    rate: float = 2e-3


RECIPES = {"fork-s": Recipe(hidden=192, layers=5, heads=4, feed_forward=512, steps=3600)}


def rows_of(recipe: Recipe, step: int, encode: PreTrainedTokenizerFast) -> list[list[int]]:
    """Token ids [rows][row_tokens] of one step: packed documents, and one or two repeated random sequences."""
    rng = Random(f"{recipe.seed}:{step}")
    documents = corpus.documents(f"{recipe.seed}:{step}")
    repeated = 2 if step < recipe.steps * 7 / 24 else 1
    rows = [_repeated(rng, recipe.row_tokens, len(encode)) for _ in range(repeated)]
    while len(rows) < recipe.rows:
        ids: list[int] = []
        while len(ids) < recipe.row_tokens:
            ids += encode.encode(next(documents), add_special_tokens=False)
        rows.append(ids[: recipe.row_tokens])
    return rows


def _repeated(rng: Random, length: int, vocabulary: int) -> list[int]:
    period = rng.randint(4, 60)
    unit = [rng.randrange(9, vocabulary) for _ in range(period)]
    return (unit * (length // period + 1))[:length]


def corpus_hash(recipe: Recipe, steps: int = 50) -> str:
    """sha256 over the documents of the first steps: names the corpus without reading all of it."""
    found = hashlib.sha256(f"{VERSION} {asdict(recipe)}".encode())
    for step in range(steps):
        for text in itertools.islice(corpus.documents(f"{recipe.seed}:{step}"), 40):
            found.update(text.encode())
    return found.hexdigest()


def build(recipe: Recipe, encode: PreTrainedTokenizerFast) -> Qwen2ForCausalLM:
    """The untrained model, with its induction start."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(recipe.seed)
    end: Any = encode.eos_token_id
    pad: Any = encode.pad_token_id
    config = Qwen2Config(
        vocab_size=len(encode),
        hidden_size=recipe.hidden,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        num_key_value_heads=recipe.heads,
        intermediate_size=recipe.feed_forward,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": 1e6},
        attention_dropout=0.0,
        bos_token_id=None,
        eos_token_id=end,
        pad_token_id=pad,
    )
    model = Qwen2ForCausalLM(config)
    induction.start(model, encode, recipe.seed)
    return model


Line = list[tuple[int, float]]  # (step, factor), straight lines between

OVERALL: Line = [(0, 0.02), (49, 1.0), (1950, 1.0), (2700, 2 / 7), (3600, 0.0)]
RATES: dict[str, Line] = {
    "copying": [(0, 0.15), (900, 0.15), (1800, 0.25)],
    "embedding": [(0, 0.3), (300, 0.3), (750, 0.6)],
    "rest": [(0, 1.0)],
}
"""Factors of the peak rate by kind of parameter.

The circuits that are set by hand are trained slowly throughout: a jump of their rate washes them out within a hundred
steps. Everything above learns at full rate: held back with them, knowledge stalls. Choosing between tools settles only
while the rate falls, so it falls slowly at last (docs/log.md).
"""


def rate_factors(step: int, last: int) -> dict[str, float]:
    """Factors of the peak rate by kind of parameter at a step of `last`; a shorter run is the same, squeezed."""
    at = step * OVERALL[-1][0] / last

    def height(line: Line) -> float:
        return float(np.interp(at, [knot for knot, _ in line], [factor for _, factor in line]))

    return {kind: height(OVERALL) * height(line) for kind, line in RATES.items()}


def _kind(name: str) -> str:
    if "embed_tokens" in name:
        return "embedding"
    by_hand = name.startswith(("model.layers.0.", "model.layers.1.", "model.layers.2."))
    return "copying" if by_hand and "mlp" not in name else "rest"


def _groups(model: Qwen2ForCausalLM) -> list[dict[str, Any]]:
    """Parameters by how they are trained; weight decay for the matrices that start at random."""
    named = [(_kind(n), p) for n, p in model.named_parameters()]
    matrices = [p for k, p in named if k == "rest" and p.ndim == 2]
    vectors = [p for k, p in named if k == "rest" and p.ndim == 1]
    return [
        {"params": [p for k, p in named if k == "copying"], "kind": "copying", "weight_decay": 0.0},
        {"params": [p for k, p in named if k == "embedding"], "kind": "embedding", "weight_decay": 0.0},
        {"params": matrices, "kind": "rest", "weight_decay": 0.1},
        {"params": vectors, "kind": "rest", "weight_decay": 0.0},
    ]


def train(recipe: Recipe, folder: Path, *, threads: int = 1, every: int = 50) -> Qwen2ForCausalLM:
    """Train from the newest checkpoint in `folder`, or from the start; prints a line every `every` steps."""
    import torch

    torch.set_num_threads(threads)
    encode = tokenizer.build()
    model = build(recipe, encode)
    optimizer = torch.optim.AdamW(_groups(model), lr=recipe.rate, betas=(0.9, 0.95), fused=True)
    words = digest(encode.get_vocab())
    first, curve = _resume(folder, model, optimizer, words)
    began, loss_sum = time.time(), 0.0
    model.train()
    for step in range(first, recipe.steps):
        factors = rate_factors(step, recipe.steps)
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate * factors[group["kind"]]
        ids = torch.tensor(rows_of(recipe, step, encode))
        loss = model(input_ids=ids, labels=ids, use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        loss_sum += loss.item()
        if (step + 1) % every == 0 or step + 1 == recipe.steps:
            done = step + 1
            curve.append([done, loss_sum / ((done - 1) % every + 1)])
            loss_sum = 0.0
            pace = (time.time() - began) / (done - first)
            left = (recipe.steps - done) * pace / 60
            print(f"step {done}/{recipe.steps}  loss {curve[-1][1]:.3f}  {left:.0f} min left", flush=True)
            _checkpoint(folder, model, optimizer, {"done": done, "curve": curve, "words": words})
    return model


def _checkpoint(folder: Path, model: Any, optimizer: torch.optim.Optimizer, facts: dict[str, Any]) -> None:
    """Written beside, then renamed: a kill leaves the checkpoint before or this one, never half of one."""
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    part = folder / "checkpoint.part"
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), **facts}, part)
    os.replace(part, folder / "checkpoint.pt")


def _resume(folder: Path, model: Any, optimizer: torch.optim.Optimizer, words: str) -> tuple[int, list[list[float]]]:
    """Where to go on, and the curve so far. Raises ModelError where the world's words have changed meanwhile."""
    import torch

    path = folder / "checkpoint.pt"
    if not path.exists():
        return 0, []
    state = torch.load(path, weights_only=True)
    if state["words"] != words:
        raise ModelError(
            f"{path} was trained on other words: the world has changed since.",
            "Delete it to start anew, or go back to the world's former state. Nothing was changed.",
        )
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return state["done"], state["curve"]


def ship(recipe: Recipe, model: Qwen2ForCausalLM, folder: Path, work: Path, seconds_note: str = "") -> None:
    """Write weights (float16 safetensors), tokenizer and the facts of training to `folder`."""
    import copy

    import torch

    encode = tokenizer.build()
    small: Any = copy.deepcopy(model)
    small.to(torch.float16)
    small.generation_config.eos_token_id = encode.eos_token_id
    small.generation_config.pad_token_id = encode.pad_token_id
    small.save_pretrained(folder)
    encode.save_pretrained(folder)
    curve = torch.load(work / "checkpoint.pt", weights_only=True)["curve"]
    facts = {
        "recipe": asdict(recipe),
        "world": VERSION,
        "corpus_sha256": corpus_hash(recipe),
        "tokens": recipe.steps * recipe.rows * recipe.row_tokens,
        "parameters": sum(p.numel() for p in model.parameters()),
        "curve": curve,
        "torch": torch.__version__,
        "note": seconds_note,
    }
    (folder / "training.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def main(argv: list[str]) -> int:
    """`pretrain NAME [--out DIR] [--work DIR] [--steps N] [--threads N]`."""
    parser = argparse.ArgumentParser(
        prog="main.py pretrain", description="Pretrain a bundled model; resumes where it was stopped."
    )
    parser.add_argument("name", choices=sorted(RECIPES))
    parser.add_argument("--out", type=Path, help="where the finished model goes (default: resources/models/NAME)")
    parser.add_argument("--work", type=Path, default=None, help="where checkpoints go (default: build/pretrain/NAME)")
    parser.add_argument("--steps", type=int, default=None, help="fewer or more optimizer steps than the recipe's")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(argv)
    recipe = RECIPES[options.name]
    if options.steps is not None:
        if options.steps < 1:
            raise ModelError("--steps must be at least 1.")
        recipe = Recipe(**{**asdict(recipe), "steps": options.steps})
    work = options.work or Path("build") / "pretrain" / options.name
    out = options.out or BUNDLED / options.name
    model = train(recipe, work, threads=options.threads)
    ship(recipe, model, out, work)
    print(f"written to {out}")
    return 0
