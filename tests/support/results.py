"""Results of invented figures with every part filled, and a very large one."""

from __future__ import annotations

import math
from functools import cache

from engine.analysis.analysis import analyse
from engine.probes import probe_class
from engine.spec.result import Curve, Flip, Look, MetricInfo, NamedFigure, Registration, Result
from engine.spec.runs import Context
from tests.support.planted import CALLS, NLI, make_runs, make_trial

PROMPT = "Instruction: answer with a call. Tools: get_weather(city), send_mail(to, text).\nUser: Is it raining in Bern?"


@cache
def small(study: str = "function-calling", seeds: int = 3, scale: str = "quick") -> Result:
    """A trial of a bundled study, with registration, flips, curves and threats filled."""
    trial = make_trial(study, seeds, scale)  # type: ignore[arg-type]
    rates = CALLS if study == "function-calling" else NLI
    return filled(analyse(trial, make_runs(trial, rates, items=80)))


@cache
def until_settled() -> Result:
    """A trial that was to go on to eight seeds, and was settled before."""
    trial = make_trial("nli-frequency", 8).model_copy(update={"looks": (4, 6, 8)})
    runs = [run for run in make_runs(trial, NLI, items=1600, clusters=100, lean=0.02) if run.record.seed < 6]
    return filled(analyse(trial, runs, Context(queued=0.0, begun=6)))


def filled(result: Result) -> Result:
    """The same, every optional part there."""
    registration = Registration(
        digest="12ab" * 16,
        queued="2026-11-20T08:30:00+00:00",
        detectable=0.0437,
        basis="from the spread of 3 seeds of an earlier study of this model",
    )
    study = result.study.model_copy(update={"registration": registration})
    threats = (
        "One base model and one synthetic world: nothing says that other models lean the same way.",
        "The reference was tuned with the same budget, so a longer run could close the gap.",
    )
    return result.model_copy(
        update={"study": study, "flips": _flips(result), "curves": _curves(result), "threats": threats}
    )


@cache
def other() -> Result:
    """Of a rule that measures a gap: no reliance, no decomposition, figures of its own, and a unit of one's own."""
    plain = small()
    assert plain.rule is not None
    gap = NamedFigure(label="Gap closed", value=0.41, ci=(0.22, 0.6), unit="share")
    none = NamedFigure(label="Answers’ length", value=None, unit="furlongs", note="Not measured.")
    update = {"code": "partly", "label": "Partly closed", "tone": "mixed", "figures": (gap, none)}
    roles = {"treated": "sft-dpo", "base": "base", "target": "sft"}
    rule = {"name": "gap-closed", "label": "Gap closed", "roles": roles, "reads": (plain.accuracy,),
            "thresholds": {"smallest_gap": 0.03, "margin": 0.05}}  # fmt: skip
    length = MetricInfo(metric="calls.length", label="Answers’ length", unit="furlongs", direction=None)
    accurate = tuple(c for c in plain.contrasts if c.metric == plain.accuracy)
    long = accurate[1].model_copy(
        update={"metric": "calls.length", "difference": 3.5, "ci": (3.0, 4.0), "primary": False}
    )
    return plain.model_copy(
        update={
            "reliance": None, "decomposition": (), "contrasts": (*accurate, long), "further": (),
            "metrics": (*plain.metrics, length), "verdict": plain.verdict.model_copy(update=update),
            "rule": plain.rule.model_copy(update=rule),
        }
    )  # fmt: skip


def looked_at(result: Result) -> Result:
    """The same, queued after a look at fewer seeds."""
    study = result.study
    assert study.registration is not None
    at = "2026-11-19T07:05:00+00:00"
    looks = (Look(trial="function-calling-quick-0a1b2c3d", seeds=2, at=at, shown="result"),)
    update = {
        "primary": study.primary.model_copy(update={"registered": False}),
        "registration": study.registration.model_copy(update={"looks": looks}),
    }
    return result.model_copy(update={"study": study.model_copy(update=update)})


def _flips(result: Result) -> tuple[Flip, ...]:
    a, b = result.study.primary.contrast
    return tuple(
        Flip(
            item=f"call-{n}", split="wording", side="conflicting" if n % 2 else "congruent", right=a if n < 2 else b,
            wrong=b if n < 2 else a, seeds=3 - n % 2, pairs=3, seed=n % 3, prompt=PROMPT,
            gold='get_weather(city="Bern")', output_right='<tool_call>{"name": "get_weather"}</tool_call>',
            output_wrong="" if n == 3 else "I would send a mail.", failure="wrong function" if n != 3 else "no call",
        )
        for n in range(4)
    )  # fmt: skip


def _curves(result: Result) -> tuple[Curve, ...]:
    probe = result.study.primary.probe
    names = ["loss", *(f"{probe}.{name}" for name in probe_class(probe).live)]
    steps = tuple(float(s) for s in range(0, 125, 5))
    found = []
    for metric in names:
        for at, arm in enumerate(arm for arm in result.arms if arm.trains):
            end = (0.4 + 0.2 * at) if metric == "loss" else 0.85 - 0.13 * at
            start = 3.0 if metric == "loss" else 0.1
            mean = tuple(end + (start - end) * math.exp(-s / 30) for s in steps)
            wide = 0.04 + 0.01 * at
            found.append(
                Curve(
                    metric=metric, arm=arm.name, steps=steps, mean=mean, low=tuple(m - wide for m in mean),
                    high=tuple(m + 0.7 * wide for m in mean), seeds=3 if arm.role == "arm" else 1,
                )
            )  # fmt: skip
    return tuple(found)


@cache
def big() -> Result:
    """Twelve arms with long names and twenty seeds: every table and figure at its widest."""
    plain = small()
    arms = []
    for n in range(12):
        like = plain.arms[n % len(plain.arms)]
        runs = tuple(
            like.runs[seed % len(like.runs)].model_copy(update={"seed": seed, "run": f"{n}-{seed}"})
            for seed in range(20)
        )
        label = f"{like.label}, {('warm', 'cold')[n % 2]} start with a rather long description no. {n + 1}"
        name = like.name if n < len(plain.arms) else f"{like.name}-{n}"
        arms.append(like.model_copy(update={"name": name, "label": label, "runs": runs}))
    trained = [arm.name for arm in arms if arm.trains]
    curves = tuple(
        c.model_copy(update={"arm": arm, "mean": tuple(v * (1 - n / 40) for v in c.mean)})
        for n, arm in enumerate(trained)
        for c in plain.curves
        if c.arm == "sft"
    )
    more = tuple(c.model_copy(update={"metric": m.metric}) for m in plain.metrics[2:8] for c in curves[1::2])
    pairs = tuple(
        plain.contrasts[n % len(plain.contrasts)].model_copy(update={"a": a, "b": "base", "primary": False})
        for n, a in enumerate(trained * 3)
    )
    steps = tuple(
        plain.decomposition[n % len(plain.decomposition)].model_copy(update={"arm": arm, "label": f"step {n} of many"})
        for n, arm in enumerate(trained[:7])
    )
    return plain.model_copy(
        update={
            "arms": tuple(arms), "curves": (*curves, *more), "contrasts": (*plain.contrasts, *pairs),
            "decomposition": (*plain.decomposition[:1], *steps),
            "failures": {arm.name: {f"a rather long type of failure {k}": 0.01 * k for k in range(11)} for arm in arms},
        }
    )  # fmt: skip
