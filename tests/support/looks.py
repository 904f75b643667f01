"""Looks of a trial that goes on until it is settled. Their figures are INVENTED."""

from __future__ import annotations

from engine.spec.sequential import Ends, LookResult, Sequential

PLAN = tuple(range(4, 13))
FIGURES = {4: (0.112, (-0.041, 0.265)), 5: (0.098, (-0.012, 0.208)), 6: (0.091, (0.004, 0.172))}


def seen(last: int = 5, decision: Ends = "go-on", further: tuple[int, int] | None = (1, 3)) -> Sequential:
    """Looks after every seed, from the fourth to the last."""
    looks = tuple(
        LookResult(seeds=seeds, difference=value, ci=ci, decision="effect" if ci[0] > 0 else "go-on")
        for seeds, (value, ci) in FIGURES.items()
        if seeds <= last
    )
    return Sequential(
        metric="calls.accuracy", contrast=("sft-dpo", "sft"), unit="share", margin=0.03, max_seeds=PLAN[-1], plan=PLAN,
        looks=looks, decision=decision, further=further if decision == "go-on" else None,
    )  # fmt: skip
