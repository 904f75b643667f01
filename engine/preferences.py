"""The pairs of a DPO phase: made once, kept in the run's folder with the reference's log-probabilities."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine import scoring
from engine.example import Preference
from engine.objectives import PairRow
from engine.provenance import hash_text
from engine.rendering import Renderer


def encode(preferences: Sequence[Preference], renderer: Renderer) -> list[PairRow]:
    """Pairs as token ids; both answers fit the context after the same prompt."""
    rows = []
    for pair in preferences:
        chosen = renderer.ids(renderer.answer_text(pair.prompt, pair.chosen))
        rejected = renderer.ids(pair.rejected + renderer.end)
        longest = max((chosen, rejected), key=len)
        fitted = renderer.fit(renderer.prompt_ids(pair.prompt), longest)
        most = len(fitted.completion)
        rows.append(PairRow(prompt=fitted.prompt, completion=chosen[:most], rejected=rejected[:most], cut=fitted.cut))
    return rows


def refer(rows: Sequence[PairRow], model: Any, pad_id: int) -> list[PairRow]:
    """The same rows with log-probabilities of the model as it stands, which is the reference of the phase."""
    pairs = [(row.prompt, answer) for row in rows for answer in (row.completion, row.rejected)]
    totals = scoring.completion_logprobs(model, pairs, pad_id).reshape(-1, 2).tolist()
    return [row.model_copy(update={"reference": (good, bad)}) for row, (good, bad) in zip(rows, totals, strict=True)]


def save(path: Path, preferences: Sequence[Preference], rows: Sequence[PairRow]) -> None:
    """Write pairs and rows as JSON lines, the first of them a hash of the others; whole or not at all."""
    lines = [
        json.dumps({"preference": pair.model_dump(mode="json"), "row": row.model_dump(mode="json")}, ensure_ascii=True)
        for pair, row in zip(preferences, rows, strict=True)
    ]
    body = "".join(line + "\n" for line in lines)
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps({"sha256": hash_text(body)}) + "\n" + body, encoding="utf-8")
    os.replace(part, path)


def load(path: Path) -> tuple[list[Preference], list[PairRow]] | None:
    """What `save` wrote, or None where the file is missing or not whole."""
    try:
        head, _, body = path.read_text(encoding="utf-8").partition("\n")
        if json.loads(head)["sha256"] != hash_text(body):
            return None
        plain = [json.loads(line) for line in body.splitlines()]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return [Preference(**p["preference"]) for p in plain], [PairRow(**p["row"]) for p in plain]


def summary(preferences: Sequence[Preference], batch_size: int) -> str:
    """How many pairs there are, by type, in words."""
    types = Counter(pair.failure for pair in preferences)
    prompts = len({id(pair.prompt) for pair in preferences})
    counts = ", ".join(
        f"{count} {name}" for name, count in sorted(types.items(), key=lambda entry: (-entry[1], entry[0]))
    )
    few = "" if len(preferences) >= batch_size else f" Fewer than one batch of {batch_size}: pairs repeat within it."
    return f"{len(preferences)} verified wrong answers on {prompts} prompts: {counts}.{few}"
