"""Pretraining of the bundled models: `python main.py pretrain fork-s`. Resumable; may be stopped at any moment.

Each step's rows are a pure function of recipe and step, so a resumed run sees what an undisturbed one would.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from engine.errors import ModelError, SpecError
from engine.spec import digest
from engine.world import VERSION, card, competence, induction, tokenizer
from engine.world.recipes import DRILLED, OVERALL, RECIPES, Recipe, rate_factors
from engine.world.rows import PROMPT_WEIGHT, RUNNING_WEIGHT, corpus_hash, rows_of

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerFast, Qwen2ForCausalLM

    from engine.world.stems import SharedStems

BUNDLED = Path(__file__).resolve().parent.parent / "resources" / "models"
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
        attn_implementation="eager",  # over rows this short twice as fast on a CPU as torch's kernel (docs/log.md)
        bos_token_id=None,
        eos_token_id=end,
        pad_token_id=pad,
    )
    model = Qwen2ForCausalLM(config)
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
        {"params": [stems.meaning, stems.word, stems.own], "kind": "embedding", "weight_decay": 0.0},
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

    from engine.world.stems import SharedStems

    torch.set_num_threads(threads)
    device, half = device_and_precision(precision)
    encode = tokenizer.build()
    model: Any = build(recipe, encode)
    model.to(device)
    embedding = model.model.embed_tokens.weight
    stems = SharedStems(embedding, encode)
    induction.hold(model)
    optimizer = torch.optim.AdamW(_groups(model, stems), lr=recipe.rate, betas=(0.9, 0.95), fused=True)
    state = _State(folder, model, stems, optimizer, digest([encode.get_vocab(), asdict(recipe), VERSION, half]))
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


def _precision(asked: str) -> str:
    return "float32 with bfloat16 products" if device_and_precision(asked)[1] else "float32"


def _autocast(device: str, half: bool) -> AbstractContextManager[Any]:
    import torch

    return torch.autocast(device, dtype=torch.bfloat16) if half else nullcontext()


class _State:
    """What a run needs to go on: kept in one file, written beside and renamed, so that a kill leaves a whole one.

    Attributes:
        curve: [step, mean loss in nats] of each stretch.
        seconds: Spent training so far.
        identity: What must be the same for a checkpoint to be resumed.
    """

    def __init__(self, folder: Path, model: Any, stems: Any, optimizer: Any, identity: str) -> None:
        self.path = folder / "checkpoint.pt"
        self.model, self.stems, self.optimizer, self.identity = model, stems, optimizer, identity
        self.curve: list[list[float]] = []
        self.seconds = 0.0

    def save(self, done: int) -> None:
        import torch

        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_suffix(".part")
        parts = {"model": self.model, "stems": self.stems, "optimizer": self.optimizer}
        facts = {"done": done, "curve": self.curve, "seconds": self.seconds, "identity": self.identity}
        with part.open("wb") as file:
            torch.save({name: it.state_dict() for name, it in parts.items()} | facts, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, self.path)

    def resume(self) -> int:
        """The step to go on from.

        Raises:
            ModelError: The checkpoint is of another recipe, precision or world.
        """
        import torch

        if not self.path.exists():
            return 0
        try:
            state = torch.load(self.path, weights_only=True)
            identity = state["identity"]
        except Exception as error:  # the reader falls over damage in many ways
            raise ModelError(
                f"{self.path} is no checkpoint, or a damaged one.", "Delete it to start anew. Nothing was changed."
            ) from error
        if identity != self.identity:
            raise ModelError(
                f"{self.path} was trained by another recipe, in another precision or on other words.",
                "Delete it to start anew, or go back to the former state of both. Nothing was changed.",
            )
        self.model.load_state_dict(state["model"])
        self.stems.load_state_dict(state["stems"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.curve, self.seconds = state["curve"], state["seconds"]
        return state["done"]


def ship(recipe: Recipe, model: Any, folder: Path, work: Path, precision: str = "auto") -> None:
    """Write weights (float16 safetensors), tokenizer and the facts of training to `folder`, file by file whole.

    A card that is there is removed: it tells of another model.
    """
    import copy

    import torch

    encode = tokenizer.build()
    small: Any = copy.deepcopy(model)
    small.to("cpu", torch.float16)
    small.generation_config.eos_token_id = encode.eos_token_id
    small.generation_config.pad_token_id = encode.pad_token_id
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder, prefix=".") as made:
        part = Path(made)
        small.save_pretrained(part)
        encode.save_pretrained(part)
        facts = _facts(recipe, model, work) | {"precision": _precision(precision)}
        (part / "training.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
        for name in card.FILES:
            (folder / name).unlink(missing_ok=True)
        for file in part.iterdir():
            os.replace(file, folder / file.name)


def _facts(recipe: Recipe, model: Any, work: Path) -> dict[str, Any]:
    import torch

    state = torch.load(work / "checkpoint.pt", weights_only=True)
    device = next(model.parameters()).device
    return {
        "recipe": asdict(recipe),
        "schedule": OVERALL,
        "drilled": DRILLED,
        "weights": {"prompt": PROMPT_WEIGHT, "running": RUNNING_WEIGHT},
        "world": VERSION,
        "corpus_sha256": corpus_hash(recipe),
        "tokens": recipe.tokens,
        "parameters": sum(p.numel() for p in model.parameters()),
        "curve": state["curve"],
        "seconds": round(state["seconds"]),
        "hardware": torch.cuda.get_device_name()
        if device.type == "cuda"
        else f"{platform.machine()} CPU, threads: {torch.get_num_threads()}",
        "torch": torch.__version__,
    }


def main(argv: list[str]) -> int:
    """`pretrain NAME [--out DIR] [--work DIR] [--steps N] [--threads N] [--every N] [--precision P] [--no-card]`."""
    parser = argparse.ArgumentParser(
        prog="main.py pretrain", description="Pretrain a bundled model; resumes where it was stopped."
    )
    parser.add_argument("name", choices=sorted(RECIPES), help="which model")
    parser.add_argument("--out", type=Path, help="where the finished model goes (default: resources/models/NAME)")
    parser.add_argument("--work", type=Path, help="where checkpoints go (default: build/pretrain/NAME)")
    parser.add_argument("--steps", type=int, help="of the schedule, fewer or more than the recipe's, without its drill")
    parser.add_argument("--threads", type=int, default=1, help="more are rarely faster at this size (default 1)")
    parser.add_argument("--every", type=int, default=50, help="steps between checkpoints (default 50)")
    parser.add_argument("--precision", choices=PRECISIONS, default="auto")
    parser.add_argument("--no-card", action="store_true", help="do not measure what it can do for its card (minutes)")
    options = parser.parse_args(argv)
    recipe = RECIPES[options.name]
    if options.steps is not None:
        recipe = replace(recipe, steps=options.steps, opening=min(recipe.opening, options.steps), drill=0)
        if options.out is None:
            raise SpecError("--steps makes another model than the bundled one.", "Name a folder for it with --out.")
    if min(recipe.steps, options.threads, options.every) < 1:
        raise SpecError("--steps, --threads and --every must be at least 1.")
    work = _folder(options.work or Path("build") / "pretrain" / options.name)
    out = _folder(options.out or BUNDLED / options.name)
    try:
        model = train(recipe, work, threads=options.threads, every=options.every, precision=options.precision)
    except KeyboardInterrupt:
        kept = (work / "checkpoint.pt").exists()
        then = f"the same command goes on from the last checkpoint in {work}" if kept else "nothing was kept yet"
        print(f"stopped; {then}")
        return 130
    ship(recipe, model, out, work, options.precision)
    print(f"written to {out}", flush=True)
    return 0 if options.no_card else competence.main([str(out), "--card"])


def _folder(path: Path) -> Path:
    """A folder that can be written to, made where it is missing. Raises ModelError, before hours are spent."""
    path = path.expanduser()
    try:
        path.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=path, prefix="."):
            return path
    except OSError as error:
        raise ModelError(
            f"{str(path)!a} cannot be written to ({error.strerror}).", "Name another folder with --out or --work."
        ) from error
