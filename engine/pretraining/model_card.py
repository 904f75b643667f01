"""The card of a bundled model: where it comes from, how it was trained, what it can do. Written by a command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FILES = ("README.md", "loss.svg")


def write(folder: Path, table: str, how: str = "") -> Path:
    """Write `README.md` and `loss.svg` beside the weights from `training.json` and a competence table.

    Args:
        how: With which options the table was measured, such as "--items 300".

    Returns:
        The card's path.
    """
    facts = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    recipe, curve = facts["recipe"], facts["curve"]
    steps = recipe["steps"] + recipe["drill"] + recipe["finish"]
    shape = f"{recipe['layers']} layers, hidden {recipe['hidden']}, {recipe['heads']} heads"
    command = f"python main.py competence {folder.name} {how}".rstrip()
    (folder / "loss.svg").write_text(_curve(curve), encoding="utf-8")
    text = f"""# {folder.name}

A small causal language model for laboratory use, pretrained by this project on a world it generates itself
(`engine/world/`). It knows nothing of the real world and is of no use outside experiments.

| | |
|---|---|
| architecture | Qwen2, {shape}, feed-forward {recipe["feed_forward"]} |
| parameters | {facts["parameters"]:,} (embeddings tied, stored as float16) |
| tokens seen | {facts["tokens"]:,} in {steps:,} steps of {recipe["rows"]} x {recipe["row_tokens"]} |
| world | version {facts["world"]}; corpus sha256 `{facts["corpus_sha256"]}` |
| schedule | AdamW, peak rate {recipe["rate"]}; {_schedule(facts["schedule"])} |
| lessons | {_lessons(facts)} |
| slower | circuits set by hand, embeddings (`engine/pretraining/recipes.py`) |
| start | copying and comparing circuits set by hand in three layers (`engine/pretraining/induction.py`) |
| embeddings | forms of a word and words of one meaning begin near each other and share vectors in training |
| loss | requests count {facts["weights"]["prompt"]}, running text {facts["weights"]["running"]}, all else 1 |
{_made(facts)}
| last training loss | {curve[-1][1]:.3f} nats a token |

![Training loss in nats a token against the step](loss.svg)

## Competence

Measured by `{command}`. "By guessing" is what chance gives;
the intervals (Wilson) take items as independent.

{table}

## Limits

The chat template, the words and the formats are the project's own. Text from elsewhere is spelled letter by letter.
Licence: Apache-2.0, like the project.
"""
    path = folder / "README.md"
    path.write_text(text, encoding="utf-8")
    return path


def _schedule(line: list[list[float]]) -> str:
    """The rate's course in words."""
    parts = [f"{factor:.0%} of it at {share:.3g} of the run" for share, factor in line]
    return "a straight line through " + ", ".join(parts)


def _lessons(facts: dict[str, Any]) -> str:
    """The stretches in which more is read of something, in words."""
    recipe = facts["recipe"]
    taught = (
        ("opening", f"in the first {recipe['opening']:,} steps most of what is read is about kinds of things"),
        ("drill", f"in {recipe['drill']:,} steps after the schedule half is reasoning"),
        ("finish", f"in {recipe['finish']:,} steps after those much is calls"),
    )
    said = [words for name, words in taught if recipe[name]]
    if recipe["drill"] or recipe["finish"]:
        said.append(f"the rate after the schedule, each time: {_schedule(facts['closing'])}")
    return "; ".join(said) or "none"


def _made(facts: dict[str, Any]) -> str:
    """Rows on seed, twin, time and machine, as far as the training noted them."""
    rows = [("seed, torch", f"{facts['recipe']['seed']}, {facts['torch']}")]
    if facts["recipe"].get("twin"):
        rows.append(("twin", "reads the frequency twin's corpus: the nouns of each pair exchanged in running text"))
    if "seconds" in facts:
        rows.append(("time", f"{facts['seconds'] / 60:,.0f} minutes"))
    if "hardware" in facts:
        rows.append(("hardware", facts["hardware"]))
    rows.append(("precision", facts["precision"]))
    return "\n".join(f"| {name} | {value} |" for name, value in rows)


def _curve(curve: list[list[float]], width: int = 640, height: int = 240) -> str:
    """Loss against step as a small drawing, from 0 nats at the bottom."""
    top = max(loss for _, loss in curve)
    last = curve[-1][0]
    points = " ".join(
        f"{40 + (width - 60) * s / last:.1f},{height - 30 - (height - 50) * v / top:.1f}" for s, v in curve
    )
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"
  font-family="sans-serif" font-size="11">
<title>Training loss, nats a token</title>
<rect width="{width}" height="{height}" fill="#FFFFFF"/>
<path d="M40 20V{height - 30}H{width - 20}" fill="none" stroke="#6A6F76"/>
<text x="36" y="24" text-anchor="end">{top:.1f}</text><text x="36" y="{height - 28}" text-anchor="end">0</text>
<text x="40" y="{height - 12}">step 0</text><text x="{width - 20}" y="{height - 12}" text-anchor="end">{last:,}</text>
<polyline points="{points}" fill="none" stroke="#0072B2" stroke-width="1.5"/>
</svg>
"""
