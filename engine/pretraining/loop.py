"""Pretraining of the bundled models: `python main.py pretrain fork-s`. Resumable; may be stopped at any moment.

Each step's rows are a pure function of recipe and step, so a resumed run sees what an undisturbed one would.
"""

from __future__ import annotations

import argparse
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

from engine.pretraining import induction, progress, shipping, tokenizer
from engine.pretraining.competence import command
from engine.pretraining.recipes import RECIPES, Recipe, rate_factors
from engine.pretraining.rows import rows_of
from engine.spec import provenance
from engine.spec.errors import SpecError
from engine.spec.run import digest
from engine.world import VERSION

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerFast, Qwen2ForCausalLM

    from engine.pretraining.stems import SharedStems

BUNDLED = Path(__file__).resolve().parents[2] / "resources" / "models"
PRECISIONS = ("auto", "float32", "bfloat16")


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
    # Written out, attention over rows this short is twice as fast on a CPU as torch's fused kernel (docs/log.md).
    model.set_attn_implementation("eager")
    induction.start(model, encode, recipe.seed)
    return model


def _groups(model: Qwen2ForCausalLM, stems: SharedStems) -> list[dict[str, Any]]:
    """Parameters by how they are trained; weight decay for the matrices that start at random."""
    by_hand = ("model.layers.0.", "model.layers.1.", "model.layers.2.")
    named = [(n, p) for n, p in model.named_parameters() if "embed_tokens" not in n]
    circuits = [p for n, p in named if n.startswith(by_hand) and "mlp" not in n]
    rest = [p for n, p in named if not n.startswith(by_hand) or "mlp" in n]
    return [
        {"params": circuits, "kind": "circuits", "weight_decay": 0.0},
        {"params": [stems.meaning], "kind": "meaning", "weight_decay": 0.0},
        {"params": [stems.word, stems.own], "kind": "form", "weight_decay": 0.0},
        {"params": [p for p in rest if p.ndim == 2], "kind": "rest", "weight_decay": 0.1},
        {"params": [p for p in rest if p.ndim == 1], "kind": "rest", "weight_decay": 0.0},
    ]


def weighted_loss(model: Any, ids: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Mean negative log-likelihood in nats of each next token, by weight.

    Args:
        ids: [rows, tokens].
        weights: [rows, tokens]; the first column says nothing, for nothing predicts it.
    """
    import torch

    logits = model(input_ids=ids, use_cache=False).logits[:, :-1].float()
    losses = torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), reduction="none")
    counted = weights[:, 1:].flatten()
    return (losses * counted).sum() / counted.sum()


def device_and_precision(asked: str = "auto") -> tuple[str, bool]:
    """Where to train, and whether in bfloat16: of itself only where the hardware multiplies it faster.

    A CPU with AMX or AVX-512's own bfloat16 multiplies two to five times as fast as in float32 (docs/log.md).
    """
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    if asked != "auto":
        return device, asked == "bfloat16"
    if device == "cuda":
        return device, torch.cuda.is_bf16_supported()
    able = torch.cpu.get_capabilities()
    return device, bool(able.get("amx_bf16") or able.get("avx512_bf16"))


def train(
    recipe: Recipe, folder: Path, *, threads: int = 1, every: int = 50, precision: str = "auto"
) -> Qwen2ForCausalLM:
    """Train from the newest checkpoint in `folder`, or from the start; prints a line every `every` steps."""
    import torch

    from engine.pretraining.stems import SharedStems

    torch.set_num_threads(threads)
    device, half = device_and_precision(precision)
    encode = tokenizer.build()
    model: Any = build(recipe, encode)
    model.to(device)
    embedding = model.model.embed_tokens.weight
    stems = SharedStems(embedding, encode)
    induction.hold(model)
    optimizer = torch.optim.AdamW(_groups(model, stems), lr=recipe.rate, betas=(0.9, 0.95), fused=True)
    identity = digest([encode.get_vocab(), asdict(recipe), VERSION, half])
    state = progress.Progress(folder, identity, model=model, stems=stems, optimizer=optimizer)
    first = state.resume()
    began, spent, losses = time.monotonic(), state.seconds, []
    model.train()
    for step in range(first, recipe.last):
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate * rate_factors(step, recipe)[group["kind"]]
        ids, weights = (torch.tensor(rows, device=device) for rows in rows_of(recipe, step, encode))
        with _autocast(device, half):
            loss = weighted_loss(model, ids, weights)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        stems.take(embedding.grad)
        optimizer.step()
        stems.put(embedding)
        model.zero_grad(set_to_none=True)
        losses.append(loss.item())
        done = step + 1
        if done % every == 0 or done == recipe.last:
            state.curve.append([done, mean(losses)])
            losses.clear()
            took = time.monotonic() - began
            state.seconds = spent + took
            state.save(done)
            left = (recipe.last - done) * took / (done - first) / 60
            print(f"step {done}/{recipe.last}  loss {state.curve[-1][1]:.3f}  {left:.0f} min left", flush=True)
    return model


def _autocast(device: str, half: bool) -> AbstractContextManager[Any]:
    import torch

    return torch.autocast(device, dtype=torch.bfloat16) if half else nullcontext()


def main(argv: list[str]) -> int:
    """`pretrain NAME [--out DIR] [--work DIR] [--steps N] [--threads N] [--every N] [--precision P] [--no-card]`."""
    parser = argparse.ArgumentParser(
        prog="main.py pretrain", description="Pretrain a bundled model; resumes where it was stopped."
    )
    parser.add_argument("name", choices=sorted(RECIPES), help="which model")
    parser.add_argument("--out", type=Path, help="where the finished model goes (default: resources/models/NAME)")
    parser.add_argument("--work", type=Path, help="where checkpoints go (default: build/pretrain/NAME)")
    parser.add_argument(
        "--steps", type=int, help="of the schedule, fewer or more than the recipe's, without its last ones"
    )
    parser.add_argument("--threads", type=int, default=1, help="more are rarely faster at this size (default 1)")
    parser.add_argument("--every", type=int, default=50, help="steps between checkpoints (default 50)")
    parser.add_argument(
        "--precision", choices=PRECISIONS, default="auto", help="of products (default: what is fast here)"
    )
    parser.add_argument("--no-card", action="store_true", help="do not measure what it can do for its card (minutes)")
    options = parser.parse_args(argv)
    provenance.quiet()
    recipe = RECIPES[options.name]
    if options.steps is not None:
        recipe = replace(recipe, steps=options.steps, opening=min(recipe.opening, options.steps), drill=0, finish=0)
        if options.out is None or options.work is None:
            raise SpecError(
                "--steps makes another model than the bundled one.", "Name folders for it with --work and --out."
            )
    if min(recipe.steps, options.threads, options.every) < 1:
        raise SpecError("--steps, --threads and --every must be at least 1.")
    work = shipping.ready(options.work or Path("build") / "pretrain" / options.name, "--work")
    out = shipping.ready(options.out or BUNDLED / options.name, "--out")
    if work.resolve() == out.resolve():
        raise SpecError("--work and --out are the same folder.", "A model's folder must hold nothing but the model.")
    shipping.check_own(out)
    try:
        model = train(recipe, work, threads=options.threads, every=options.every, precision=options.precision)
    except KeyboardInterrupt:
        kept = progress.path(work).exists()
        then = f"the same command goes on from the last checkpoint in {work}" if kept else "nothing was kept yet"
        print(f"stopped; {then}")
        return 130
    half = device_and_precision(options.precision)[1]
    shipping.ship(recipe, model, out, work, "float32 with bfloat16 products" if half else "float32")
    print(f"written to {out}", flush=True)
    return 0 if options.no_card else command.main([str(out), "--card"])
