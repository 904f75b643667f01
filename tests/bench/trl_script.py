"""What a competent user would write without the lab: one arm at one seed with TRL and PEFT, then an evaluation.

`python trl_script.py FOLDER`. The folder holds job.json (settings), train.jsonl (in the order in which it is to be
read), items.jsonl, live.jsonl and texts.json; the outcomes are printed as JSON. TRL's and PEFT's defaults stand
wherever the study does not fix a value. The benchmark starts a fresh process for every run, as a shell loop would.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from random import Random
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from torch.utils.data import SequentialSampler
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast, TrainerCallback, set_seed
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

from engine.spec.example import Gold
from engine.subject.grading import grade

EVAL_BATCH = 64
Row = dict[str, Any]


class Ordered(SFTTrainer):
    """Reads the rows as they lie, so that each seed sees the lab's own batches."""

    def _get_train_sampler(self, dataset: Any = None) -> SequentialSampler:
        return SequentialSampler(self.train_dataset)  # type: ignore[arg-type]


class OrderedDPO(DPOTrainer):
    """The same for pairs."""

    def _get_train_sampler(self, dataset: Any = None) -> SequentialSampler:
        return SequentialSampler(self.train_dataset)  # type: ignore[arg-type]


class Live(TrainerCallback):
    """The curves: the live sample's accuracy at the study's intervals; the last point is the evaluation's."""

    def __init__(
        self, job: Row, model: Any, tokenizer: Any, items: list[Row], first: int, seconds: list[float]
    ) -> None:
        self.job, self.model, self.tokenizer = job, model, tokenizer
        self.items, self.first, self.seconds = items, first, seconds

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        step = self.first + state.global_step
        if step % self.job["live_every"] == 0 and step < self.job["sft_steps"] + self.job["dpo_steps"]:
            began = time.perf_counter()
            evaluate(self.job, self.model, self.tokenizer, self.items, [])
            self.model.train()
            self.seconds.append(time.perf_counter() - began)


def common(job: Row, folder: Path, steps: int, rate: float) -> Row:
    return {
        "output_dir": str(folder / "out"), "per_device_train_batch_size": job["batch_size"], "max_steps": steps,
        "learning_rate": rate, "warmup_steps": round(job["warmup"] * steps), "max_grad_norm": job["max_grad_norm"],
        "seed": job["seed"], "report_to": "none", "use_cpu": not torch.cuda.is_available(), **job["overrides"],
    }  # fmt: skip


def train(
    job: Row, folder: Path, model: Any, tokenizer: Any, rows: list[Row], live: list[Row], seconds: list[float]
) -> Any:
    lora = LoraConfig(
        r=job["rank"], lora_alpha=job["alpha"], lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    steps = job["sft_steps"]
    used = rows[: steps * job["batch_size"]]
    dataset = Dataset.from_list([{"prompt": r["prompt"], "completion": r["completion"]} for r in used])
    trainer = Ordered(
        model=model, args=SFTConfig(**common(job, folder, steps, job["learning_rate"])), train_dataset=dataset,
        processing_class=tokenizer, peft_config=lora,
    )  # fmt: skip
    trainer.add_callback(Live(job, trainer.model, tokenizer, live, 0, seconds))
    trainer.train()
    if not job["dpo_steps"]:
        return trainer.model
    pairs = negatives(job, trainer.model, tokenizer, rows)
    needed = job["dpo_steps"] * job["batch_size"]
    order: list[Row] = []
    rng = Random(job["seed"])
    while len(order) < needed:
        order += rng.sample(pairs, len(pairs))
    settings = common(job, folder, job["dpo_steps"], job["dpo_learning_rate"])
    args = DPOConfig(beta=job["beta"], loss_type=["sigmoid", "sft"], loss_weights=[1.0, job["sft_weight"]], **settings)
    second = OrderedDPO(
        model=trainer.model, args=args, train_dataset=Dataset.from_list(order[:needed]), processing_class=tokenizer
    )
    second.add_callback(Live(job, second.model, tokenizer, live, steps, seconds))
    second.train()
    return second.model


def negatives(job: Row, model: Any, tokenizer: Any, rows: list[Row]) -> list[Row]:
    """Sampled answers that are graded wrong, at most one of a failure type per prompt."""
    model.eval()
    asked = Random(job["seed"]).sample(rows, len(rows))
    found: list[Row] = []
    for start in range(0, len(asked), 96):
        chunk = asked[start : start + 96]
        texts = generate(
            model, tokenizer, [r["prompt"] for r in chunk], job["max_new_tokens"],
            do_sample=True, temperature=job["temperature"], num_return_sequences=job["samples"],
        )  # fmt: skip
        for at, row in enumerate(chunk):
            seen = set()
            for text in texts[at * job["samples"] : (at + 1) * job["samples"]]:
                said = grade(text.removesuffix(job["end"]), Gold(**row["gold"]))
                if said.failure and said.parses and said.failure not in seen:
                    seen.add(said.failure)
                    rejected = text.removesuffix(job["end"]) + job["end"]
                    found.append({"prompt": row["prompt"], "chosen": row["completion"], "rejected": rejected})
        if len(found) >= job["pairs"]:
            break
    return found[: job["pairs"]]


@torch.inference_mode()
def generate(model: Any, tokenizer: Any, prompts: list[str], most: int, **how: Any) -> list[str]:
    inputs = tokenizer(prompts, return_tensors="pt", padding=True, add_special_tokens=False).to(model.device)
    inputs.pop("token_type_ids", None)
    out = model.generate(**inputs, max_new_tokens=most, pad_token_id=tokenizer.pad_token_id, **how)
    new = out[:, inputs["input_ids"].shape[1] :]
    texts = tokenizer.batch_decode(new, clean_up_tokenization_spaces=False)
    return [text.split(tokenizer.pad_token)[0] if tokenizer.pad_token in text else text for text in texts]


@torch.inference_mode()
def evaluate(job: Row, model: Any, tokenizer: Any, items: list[Row], texts: list[str]) -> Row:
    model.eval()
    tokenizer.padding_side = "left"
    right: dict[str, list[bool]] = {}
    for start in range(0, len(items), EVAL_BATCH):
        batch = items[start : start + EVAL_BATCH]
        answers = generate(model, tokenizer, [i["prompt"] for i in batch], job["max_new_tokens"], do_sample=False)
        for item, text in zip(batch, answers, strict=True):
            said = grade(text.removesuffix(job["end"]), Gold(**item["gold"])).correct
            for key in (item["split"], item["side"]):
                right.setdefault(key, []).append(said)
    losses = []
    for text in texts:
        ids = tokenizer(text, return_tensors="pt", add_special_tokens=False)["input_ids"].to(model.device)
        if tokenizer.bos_token_id is not None:
            ids = torch.cat([ids.new_full((1, 1), tokenizer.bos_token_id), ids], 1)
        losses.append(float(model(input_ids=ids, labels=ids).loss))
    share = {name: sum(some) / len(some) for name, some in right.items()}
    return {
        "accuracy": share["wording"], "accuracy_tools": share["tools"], "no_tool": share["no_tool"],
        "reliance": share["congruent"] - share["conflicting"], "nll": sum(losses) / max(1, len(losses)),
    }  # fmt: skip


def main(folder: Path) -> None:
    job = json.loads((folder / "job.json").read_text("utf-8"))
    set_seed(job["seed"])
    tokenizer = PreTrainedTokenizerFast.from_pretrained(job["model"])
    model = AutoModelForCausalLM.from_pretrained(job["model"], dtype=torch.float32)
    items, live = (
        [json.loads(line) for line in (folder / name).read_text("utf-8").splitlines()]
        for name in ("items.jsonl", "live.jsonl")
    )
    seconds: list[float] = []
    if job["sft_steps"]:
        rows = [json.loads(line) for line in (folder / "train.jsonl").read_text("utf-8").splitlines()]
        model = train(job, folder, model, tokenizer, rows, live, seconds)
    else:
        evaluate(job, model, tokenizer, live, [])
    found = evaluate(job, model, tokenizer, items, json.loads((folder / "texts.json").read_text("utf-8")))
    print(json.dumps({**found, "live_seconds": sum(seconds)}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
