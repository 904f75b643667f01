"""The pairs of a DPO phase: answers that fit and differ, as token ids with the reference's log-probabilities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from engine.objectives._kit import Kit
from engine.spec.events import Finding
from engine.spec.example import Preference
from engine.subject.rendering import Encoded, Renderer
from engine.subject.sameness import alike


class PairRow(Encoded):
    """A pair as token ids, with the reference's log-probabilities (nats) of the chosen and the rejected answer."""

    rejected: tuple[int, ...]
    reference: tuple[float, float] = (0.0, 0.0)


class Sampled(NamedTuple):
    """Pairs for a DPO phase, and what became of the answers they were chosen from.

    Attributes:
        answers: Answers that were sampled.
        cut: Of them, those that reached the limit before they ended; they are in no pair.
        right: Of the others, those that are right or say what the chosen answer says; they are in no pair either.
        limit: Tokens that an answer could take.
    """

    pairs: list[Preference]
    answers: int = 0
    cut: int = 0
    right: int = 0
    limit: int = 0


def usable(preferences: Sequence[Preference], renderer: Renderer) -> list[Preference]:
    """The pairs whose two answers fit the context whole and are different tokens."""
    found = []
    for pair in preferences:
        chosen, rejected = _answers(pair, renderer)
        fits = len(renderer.prefix) + max(len(chosen), len(rejected)) < renderer.context
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


def refer(rows: Sequence[PairRow], kit: Kit) -> list[PairRow]:
    """The same rows with log-probabilities of the model as it stands, which is the reference of the phase."""
    pairs = [(row.prompt, answer) for row in rows for answer in (row.completion, row.rejected)]
    totals = kit.logprobs(pairs).reshape(-1, 2).tolist()
    return [row.model_copy(update={"reference": (good, bad)}) for row, (good, bad) in zip(rows, totals, strict=True)]


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
