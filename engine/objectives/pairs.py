"""The pairs of a DPO phase: made once, kept in the run's folder with the reference's log-probabilities."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.methods._base import Sampled
from engine.objectives.lean import PairRow
from engine.spec.events import Finding
from engine.spec.example import Preference
from engine.spec.provenance import hash_text
from engine.subject import scoring
from engine.subject.rendering import Renderer
from engine.subject.sameness import alike


def usable(preferences: Sequence[Preference], renderer: Renderer) -> list[Preference]:
    """The pairs whose two answers fit the context whole and are different tokens."""
    found = []
    for pair in preferences:
        chosen, rejected = _answers(pair, renderer)
        fits = max(len(chosen), len(rejected)) < renderer.context
        if fits and chosen != rejected:
            found.append(pair)
    return found


def encode(preferences: Sequence[Preference], renderer: Renderer) -> list[PairRow]:
    """Pairs as token ids; both answers fit the context after the same prompt."""
    rows = []
    for pair in preferences:
        chosen, rejected = _answers(pair, renderer)
        longest = max((chosen, rejected), key=len)
        fitted = renderer.fit(renderer.prompt_ids(pair.prompt), longest)
        most = len(fitted.completion)
        rows.append(PairRow(prompt=fitted.prompt, completion=chosen[:most], rejected=rejected[:most], cut=fitted.cut))
    return rows


def finding(preferences: Sequence[Preference], rows: Sequence[PairRow], renderer: Renderer) -> Finding:
    """Whether no rejected answer is its chosen one: neither in tokens nor in what it says or calls."""
    equal = [
        at
        for at, (pair, row) in enumerate(zip(preferences, rows, strict=True))
        if row.completion == row.rejected
        or alike(pair.rejected, _said(pair, renderer), pair.prompt.tools)
        or alike(
            renderer.said(pair.prompt, row.rejected), renderer.said(pair.prompt, row.completion), pair.prompt.tools
        )
    ]
    detail = f"None of {len(rows)} rejected answers says what its chosen one says."
    if equal:
        first = preferences[equal[0]].rejected
        shown = "".join(c if c.isprintable() else " " for c in first[:200])
        detail = f"{len(equal)} of {len(rows)} rejected answers say what their chosen ones say, first: {shown}"
    return Finding("negatives", not equal, detail)


def _said(pair: Preference, renderer: Renderer) -> str:
    return renderer.whole_answer(pair.prompt, pair.chosen)


def _answers(pair: Preference, renderer: Renderer) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Token ids of the chosen and of the rejected answer, ends included, as they follow the prompt."""
    chosen = renderer.answer_ids(pair.prompt, pair.chosen)
    last = renderer.text(chosen[-1:])
    # Some templates end calls otherwise than words (<|eom_id|>): both answers end alike, so that only the rest counts.
    end = last if chosen[-1:] and chosen[-1] in renderer.end_ids and not renderer.end.endswith(last) else renderer.end
    return chosen, renderer.following(pair.prompt, pair.rejected + end)


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


def summary(preferences: Sequence[Preference], sampled: Sampled, batch_size: int) -> str:
    """How many pairs there are, by type, and what was left out, in words."""
    types = Counter(pair.failure for pair in preferences)
    prompts = len({id(pair.prompt) for pair in preferences})
    counts = ", ".join(
        f"{count} {name}" for name, count in sorted(types.items(), key=lambda entry: (-entry[1], entry[0]))
    )
    few = "" if len(preferences) >= batch_size else f" Fewer than one batch of {batch_size}: pairs repeat within it."
    cut = f" {left_out(sampled)}" if sampled.cut else ""
    return f"{len(preferences)} verified wrong answers on {prompts} prompts: {counts}.{few}{cut}"


def left_out(sampled: Sampled) -> str:
    """How many of the sampled answers reached the limit, in words."""
    return (
        f"{sampled.cut} of {sampled.answers} sampled answers reached the limit of {sampled.limit} tokens and were "
        "left out."
    )
