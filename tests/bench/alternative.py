"""The function-calling study as files for trl_script.py: the same examples, order, steps and items as the lab's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

from engine.methods import method_class
from engine.models import load as load_model
from engine.probes import probe_class
from engine.run.sources import load as load_data
from engine.spec.run import RunSpec
from engine.subject.local import renderer_of
from engine.tuning import draw
from engine.tuning.loop import stretches_of


class Writer:
    """Writes one folder for each run. Prompts and answers are rendered once, as a user's prepared file would be."""

    def __init__(self, first: RunSpec) -> None:
        self.data = load_data(first.data)
        model, tokenizer = load_model(first.model, "cpu")
        self.renderer = renderer_of(model, tokenizer)

    def write(self, spec: RunSpec, folder: Path, overrides: Mapping[str, Any] | None = None) -> Path:
        """The run's folder for the script; `overrides` are TRL settings that differ from its defaults."""
        folder.mkdir(parents=True)
        tune, size = spec.tune, spec.tune.size
        cls = method_class(tune.method.name)
        config = cls.Config.model_validate(tune.method.settings)
        method = cls(config)
        stretches = stretches_of(method, size.steps)
        calls = probe_class("calls")(probe_class("calls").Config())
        job = {
            "model": spec.model.path, "seed": spec.seed, "overrides": dict(overrides or {}),
            "batch_size": size.batch_size, "end": self.renderer.end,
            "live_every": spec.sample.live_every,
            "sft_steps": sum(s.steps for s in stretches[:1]), "dpo_steps": sum(s.steps for s in stretches[1:]),
            **config.model_dump(), "max_new_tokens": 48,
        }  # fmt: skip
        (folder / "job.json").write_text(json.dumps(job), "utf-8")
        if method.trains:
            chosen = draw.choose(self.data.train, size.train_examples, tune.agreement, spec.seed)
            treated = method.treat(chosen, Random(f"{spec.seed}:treat"))
            batches = draw.order(len(treated), size.batch_size, size.steps, spec.seed, "order-0")
            rows = [
                {
                    "prompt": self.renderer.prompt_text(e.prompt),
                    "completion": self.renderer.answer_text(e.prompt, e.answer),
                    "gold": e.gold.model_dump(mode="json"),
                }
                for batch in batches for e in (treated[at] for at in batch)
            ]  # fmt: skip
            (folder / "train.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows), "utf-8")
        for name, count in (("items", spec.sample.items), ("live", spec.sample.live_items)):
            shown = [
                {
                    "prompt": self.renderer.prompt_text(i.prompt), "gold": i.gold.model_dump(mode="json"),
                    "split": i.split, "side": i.side.value,
                }
                for i in calls.items(self.data, count)
            ]  # fmt: skip
            (folder / f"{name}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in shown), "utf-8")
        (folder / "texts.json").write_text(json.dumps(self.data.texts[: spec.sample.items]), "utf-8")
        return folder
