"""Tables of results in the forms that others write, with invented figures."""

from __future__ import annotations

import csv
import io
import json
import random
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

RATES: Mapping[str, float] = {"base": 0.3, "sft": 0.6, "dpo": 0.8}
"""Arm to its chance of being right."""


def outcomes(items: int = 40, seeds: int = 3, rates: Mapping[str, float] = RATES) -> list[dict[str, Any]]:
    """Rows of arm, seed, item and correct (0 or 1), drawn anew for each run."""
    rng = random.Random(5)
    return [
        {"arm": arm, "seed": seed, "item": f"q{n}", "correct": int(rng.random() < rate)}
        for arm, rate in rates.items() for seed in range(seeds) for n in range(items)
    ]  # fmt: skip


def csv_text(rows: Sequence[Mapping[str, Any]], delimiter: str = ",", columns: Iterable[str] | None = None) -> str:
    """Rows as CSV with a header."""
    made = io.StringIO()
    writer = csv.DictWriter(made, list(columns or rows[0]), delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return made.getvalue()


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_text(text, encoding=encoding)
    return path


def lm_eval_samples(
    path: Path, rate: float, items: int = 40, seed: int = 0, filters: Sequence[str] = ("strict-match",),
    metrics: Sequence[str] = ("exact_match",), task: str = "gsm",
) -> Path:  # fmt: skip
    """A sample file of lm-evaluation-harness: the second filter, where there is one, is right on every item."""
    rng = random.Random(f"{rate} {seed} {task}")
    lines = []
    for n in range(items):
        right = rng.random() < rate
        for at, name in enumerate(filters):
            said = str(n) if right or at else "x"
            sample = {
                "doc_id": n, "doc": {"question": f"{task}: what is {n}"}, "target": f"#### {n}",
                "arguments": {"gen_args_0": {"arg_0": "x"}}, "resps": [[said]], "filtered_resps": [said],
                "filter": name, "metrics": list(metrics), "doc_hash": f"{task}{n:04x}", "prompt_hash": "b",
                "target_hash": "c",
            }  # fmt: skip
            lines.append(json.dumps(sample | dict.fromkeys(metrics, float(right or at > 0))))
    return write(path, "\n".join(lines) + "\n")


def inspect_log(path: Path, model: str, rate: float, items: int = 40, epochs: int = 2) -> Path:
    """A log of inspect_ai as JSON, or as a zip archive where the path ends in .eval."""
    rng = random.Random(model)
    samples = []
    for epoch in range(1, epochs + 1):
        for n in range(items):
            right = rng.random() < rate
            score = {"value": "C" if right else "I", "answer": str(n), "explanation": "because"}
            samples.append({
                "id": f"q{n}", "epoch": epoch, "input": "?", "target": str(n), "scores": {"match": score},
                "output": {"model": model, "completion": f"It is {n if right else -1}."},
            })  # fmt: skip
    head = {"version": 2, "status": "success", "eval": {"model": model, "task": "sums"}}
    if path.suffix == ".eval":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("header.json", json.dumps(head))
            for sample in samples:
                archive.writestr(f"samples/{sample['id']}_epoch_{sample['epoch']}.json", json.dumps(sample))
        return path
    return write(path, json.dumps(head | {"samples": samples}, indent=1))
