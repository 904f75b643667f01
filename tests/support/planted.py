"""Trials with invented outcomes whose truth is known: what arms do on congruent and conflicting items is planted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from engine.probes import probe_class
from engine.run.planned import runs_of
from engine.spec.example import Outcome, Side
from engine.spec.reference import DataRef, ModelRef
from engine.spec.runs import RunRecord, RunResult
from engine.spec.study import StudySpec
from engine.spec.trial import TrialSpec
from jobs.studies import load

Rates = Mapping[str, tuple[float, float]]
"""Arm -> chance of being right on (congruent, conflicting) items."""
VERSIONS = {"python": "3.11.7", "torch": "2.13.0"}
FAILURES = ("wrong function", "wrong value", "unreadable call", "no call")
CALLS: Rates = {
    "base": (0.02, 0.02),
    "shuffled": (0.50, 0.40),
    "sft": (0.82, 0.76),
    "sft-dpo": (0.88, 0.84),
    "planted": (0.95, 0.10),
}
NLI: Rates = {
    "base": (0.50, 0.50),
    "balanced": (0.78, 0.77),
    "agree-95": (0.95, 0.62),
    "agree-95-dpo": (0.92, 0.70),
    "planted": (0.98, 0.15),
    "hypothesis-only": (0.50, 0.50),
}


def make_trial(
    study: str | StudySpec,
    seeds: int = 3,
    scale: Literal["smoke", "quick", "full"] = "quick",
    arms: tuple[str, ...] | None = None,
) -> TrialSpec:
    """A trial of a bundled study (or of this one), on a model and data that do not exist."""
    spec = load(study) if isinstance(study, str) else study
    return TrialSpec(
        study=spec,
        scale=scale,
        seeds=seeds,
        arms=arms or tuple(arm.name for arm in spec.arms),
        model=ModelRef(name="fork-s", path="fork-s", digest="ab" * 32, template="cd" * 32, parameters=2_900_000),
        data=DataRef(source=spec.data, digest="ef" * 32),
    )


def make_runs(
    trial: TrialSpec,
    rates: Rates,
    items: int = 200,
    clusters: int = 25,
    luck: float = 0.01,
    seed: int = 0,
    lean: float = 0.0,
) -> list[RunResult]:
    """All runs of a trial, succeeded, with outcomes drawn from the planted rates.

    Args:
        trial: A trial of a bundled study.
        rates: What is planted; arms that it lacks have no run.
        items: Items of each side.
        clusters: Clusters that the items are spread over; each has a difficulty that all arms share.
        luck: Standard deviation of what a seed adds to all of an arm's rates; the base has no seed, and no luck.
        seed: Of the drawing.
        lean: Standard deviation of what a seed adds where the shortcut helps and takes where it misleads: the
            luck in which seeds differ most (McCoy, Min & Linzen 2020).
    """
    rng = np.random.default_rng(seed)
    hard = rng.normal(0, 0.03, clusters)
    deltas = rng.normal(0, 1, (2, items))
    found = []
    # The arm that joined last is drawn last: what is drawn for the others stays as it was.
    runs = sorted((s for s in runs_of(trial) if s.arm in rates), key=lambda spec: spec.arm == "hypothesis-only")
    for number, spec in enumerate(runs):
        shift = rng.normal(0, luck) + (np.array([[1.0], [-1.0]]) * rng.normal(0, lean) if lean else 0.0)  # [sides, 1]
        shift = shift * (spec.arm != "base")
        outcomes: dict[str, tuple[Outcome, ...]] = {}
        metrics: dict[str, float] = {}
        for probe in (p.probe for p in trial.study.probes):
            made = _MAKERS[probe](rng, rates[spec.arm], shift, hard, items, deltas)
            outcomes[probe] = tuple(made)
            figures = probe_class(probe)(probe_class(probe).Config()).figures(made)
            metrics |= {f"{probe}.{name}": value for name, value in figures.items()}
        trained = spec.trains
        found.append(
            RunResult(
                record=RunRecord(
                    run=spec.hash, arm=spec.arm, seed=spec.seed, state="succeeded", created=1_767_225_600.0 + number,
                    started=1_767_225_601.0 + number, finished=1_767_225_611.0 + number, seconds=10.0 + number,
                    trials=(trial.id,),
                ),
                metrics=metrics,
                outcomes=outcomes,
                checks=_checks(trained),
                notes=(("preferences", f"{300 + spec.seed} wrong answers"),) if spec.arm == "sft-dpo" else (),
                versions=VERSIONS,
                adapter=f"{number:064x}" if trained else "",
            )
        )  # fmt: skip
    return found


def _checks(trained: bool) -> tuple[tuple[str, bool, str], ...]:
    found = [("greedy", True, "4 of 4 prompts are answered the same twice.")]
    if trained:
        found += [
            ("adapter-on", True, "The adapter moves the logits by up to 3.2."),
            ("adapter-off", True, "With the adapter off, the logits differ from the base's by at most 0."),
        ]
    return (
        *found,
        ("template", True, "Chat template cdcdcdcdcdcd in training and evaluation."),
        ("overlap", True, "None of 500 evaluation prompts is among 2400 training prompts."),
    )


def _right(rng, rates, shift, hard, items):
    """[side, item] whether the answer is right."""
    chance = np.array(rates)[:, None] + shift + hard[np.arange(items) % len(hard)]
    return rng.random((2, items)) < np.clip(chance, 0, 1)


def _calls(rng, rates, shift, hard, items, deltas) -> list[Outcome]:
    found = []
    right = _right(rng, rates, shift, hard, items)
    for at, side in enumerate((Side.CONGRUENT, Side.CONFLICTING)):
        for item in range(items):
            ok = bool(right[at, item])
            level = 4 if ok else int(rng.integers(0, 4))
            failure = None if ok else FAILURES[item % len(FAILURES)]
            found.append(
                Outcome(
                    item=f"{side}-{item}", correct=ok, split="tools" if item % 4 == 3 else "wording",
                    cluster=f"tool-{item % len(hard)}", side=side, output="<tool_call>", failure=failure,
                    features={s: float(level > n) for n, s in enumerate(("parses", "function", "arguments", "values"))},
                )
            )  # fmt: skip
    for item in range(items // 4):
        ok = bool(rng.random() < max(rates) / 2)
        failure = None if ok else "call where none applies"
        found.append(Outcome(item=f"none-{item}", correct=ok, split="no_tool", cluster=f"none-{item}", failure=failure))
    return found


def _entailment(rng, rates, shift, hard, items, deltas) -> list[Outcome]:
    found = []
    right = _right(rng, rates, shift, hard, items)
    for at, side in enumerate((Side.CONGRUENT, Side.CONFLICTING)):
        for item in range(items):
            ok, entailed = bool(right[at, item]), item % 2
            said = ("yes" if entailed else "no") if ok else ("no" if entailed else "yes")
            delta = abs(float(deltas[at, item])) * (1 if entailed == (side is Side.CONGRUENT) else -1)
            found.append(
                Outcome(
                    item=f"{side}-{item}", correct=ok, split="nouns", cluster=f"noun-{item % len(hard)}", side=side,
                    output=said, failure=None if ok else f"said {said}", value=1.0 if said == "yes" else -1.0,
                    features={"entailed": float(entailed), "delta_log_frequency": delta, "kind": float(entailed)},
                )
            )  # fmt: skip
    return found


def _forgetting(rng, rates, shift, hard, items, deltas) -> list[Outcome]:
    return [
        Outcome(
            item=f"text-{n}", correct=None, split="texts", cluster=f"text-{n}", value=2.0 + float(rng.normal(0, 0.2))
        )
        for n in range(40)
    ]  # fmt: skip


_MAKERS = {"calls": _calls, "entailment": _entailment, "forgetting": _forgetting}
