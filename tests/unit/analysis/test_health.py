"""Every sign of recipe health, shown and not shown, on runs whose training is invented."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from engine.analysis.analysis import analyse
from engine.analysis.health import LABEL, NAME
from engine.analysis.loss import FASTER, FITTING, SLOWER, loss_sign
from engine.analysis.runs_apart import runs_apart
from engine.spec.events import Entered, Finished, Scored, Stepped
from engine.spec.result import Check, Result
from engine.spec.runs import RunResult
from engine.spec.study import StudySpec
from engine.spec.training import PhaseLog, Training, training_of
from jobs.studies import load
from tests.support.planted import CALLS, NLI, Rates, make_runs, make_trial

STEPS = 100


def phase(start: float, end: float, seed: int = 0, steps: int = STEPS, **more: Any) -> PhaseLog:
    """A phase whose batches' losses run from one level to another, with the long tails that they have."""
    rng = np.random.default_rng(seed)
    losses = np.geomspace(start, end, steps) * rng.lognormal(0, 0.5, steps)
    return PhaseLog(name=more.pop("name", "sft"), losses=tuple(losses.tolist()), **more)


def training(start: float, end: float, seed: int = 0, held: bool = True, **more: Any) -> Training:
    """Of a run whose loss goes from one level to another, on batches and on held-out examples alike."""
    rng = np.random.default_rng(seed + 100)
    hard = rng.lognormal(0, 1, 64)
    noise = rng.lognormal(0, 0.3, 64)
    before, after = ((start * hard).tolist(), (end * hard * noise).tolist()) if held else ((), ())
    return Training(phases=(phase(start, end, seed, **more),), before=tuple(before), after=tuple(after))


def told(runs: list[RunResult], how: dict[str, Callable[[int], Training | None]] | None = None) -> list[RunResult]:
    """The runs with their training: as `how` has it for an arm, else with a loss that falls."""
    made = how or {}
    return [
        run.model_copy(update={"training": made.get(run.record.arm, falling)(run.record.seed)}) if run.adapter else run
        for run in runs
    ]


def result_of(
    study: str | StudySpec, rates: Rates, how: dict[str, Callable[[int], Training | None]] | None = None, **more: Any
) -> Result:
    trial = make_trial(study, more.pop("seeds", 5), more.pop("scale", "quick"))
    runs = make_runs(trial, rates, **{"items": 300, **more})
    return analyse(trial, told(runs, how))


def check_of(result: Result) -> Check:
    return next(check for check in result.checks if check.name == NAME)


def falling(seed: int) -> Training:
    return training(1.0, 0.1, seed)


def rising(seed: int) -> Training:
    return training(0.02, 0.3, seed)


def test_a_healthy_recipe_passes_and_says_what_that_rests_on() -> None:
    result = result_of("nli-frequency", NLI, {"balanced": falling, "agree-95": falling})
    check = check_of(result)
    assert check.ok
    assert check.label == LABEL
    assert "The loss of balanced on examples that it was not trained on fell from" in check.detail
    assert "balanced is more accurate than base" in check.detail
    assert "95 % agreement is more accurate" not in check.detail, "its data hold a cue"


def test_a_loss_that_rises_stands_against_a_verdict() -> None:
    result = result_of("nli-frequency", NLI, {"balanced": falling, "agree-95": rising})
    check = check_of(result)
    assert not check.ok
    assert check.detail.startswith("Recipe unhealthy: The loss of 95 % agreement")
    assert "rose from" in check.detail
    assert check.detail.endswith(SLOWER)
    assert result.verdict.code == "inconclusive"
    assert any("recipe healthy" in reason for reason in result.verdict.reasons)


def test_an_arm_without_a_cue_must_not_unlearn() -> None:
    unlearned = NLI | {"base": (0.93, 0.92), "balanced": (0.86, 0.85), "agree-95": (0.99, 0.60)}
    check = check_of(result_of("nli-frequency", unlearned))
    assert not check.ok
    assert "balanced fell below base in accuracy (−" in check.detail
    assert "95 % agreement fell" not in check.detail, "an arm with a cue may lose by it: that is a finding"


def still(seed: int) -> Training:
    return training(1.0, 1.0, seed)


def test_an_arm_that_got_worse_is_not_told_to_train_faster() -> None:
    """Its loss was not shown to fall, but that is no sign of too little training."""
    unlearned = NLI | {"base": (0.93, 0.92), "balanced": (0.86, 0.85), "agree-95": (0.99, 0.60)}
    check = check_of(result_of("nli-frequency", unlearned, {"balanced": still}))
    assert "The loss of balanced was not shown to fall from" in check.detail
    assert "balanced fell below base" in check.detail
    assert check.detail.endswith(f"{FITTING} {SLOWER}")
    alike = check_of(result_of("nli-frequency", NLI, {"balanced": still}))
    assert alike.detail.endswith(FASTER)


def test_a_fall_that_is_not_shown_or_trivial_fails_nothing() -> None:
    alike = NLI | {"base": (0.80, 0.80), "balanced": (0.80, 0.79), "agree-95": (0.95, 0.65)}
    check = check_of(result_of("nli-frequency", alike, items=60, luck=0.03))
    assert check.ok
    assert "balanced was not shown to fall below base" in check.detail


def test_controls_are_asked_nothing() -> None:
    """Shuffled instructions and planted shortcuts train as badly as they are meant to."""
    rates = CALLS | {"base": (0.30, 0.30), "shuffled": (0.02, 0.02), "planted": (0.2, 0.0)}
    result = result_of("function-calling", rates, dict.fromkeys(("shuffled", "planted"), rising))
    assert check_of(result).ok
    assert "shuffled" not in check_of(result).detail
    assert not any("planted overlap" in threat and "loss" in threat for threat in result.threats)


def test_an_arm_that_is_to_show_a_fall_may_fall() -> None:
    study = load("nli-frequency")
    primary = study.primary.model_copy(
        update={"metric": "accuracy", "contrast": ("balanced", "base"), "expected": "less", "margin": 0.03}
    )
    rule = study.rule.model_copy(update={"name": "effect", "settings": {"floor": None}})
    lower = NLI | {"base": (0.93, 0.92), "balanced": (0.80, 0.80)}
    made = study.model_copy(update={"primary": primary, "rule": rule, "controls": ()})
    assert not any(check.name == NAME and not check.ok for check in result_of(made, lower).checks)
    greater = made.model_copy(update={"primary": primary.model_copy(update={"expected": "greater"})})
    assert not check_of(result_of(greater, lower)).ok


def test_an_arm_that_the_rule_does_not_read_is_warned_of() -> None:
    result = result_of("nli-frequency", NLI, {"balanced": falling, "agree-95": falling, "agree-95-dpo": rising})
    assert check_of(result).ok
    assert any("95 % → DPO" in t and "rose" in t and "No verdict rests on that arm" in t for t in result.threats)


def test_answers_that_can_no_longer_be_read() -> None:
    trial = make_trial("function-calling", 4)
    runs = make_runs(trial, CALLS | {"base": (0.85, 0.80), "sft": (0.86, 0.82)}, items=300)
    assert check_of(analyse(trial, told(runs))).ok
    broken = []
    for run in runs:
        if run.record.arm == "sft":
            mute = {"parses": 0.0, "function": 0.0, "arguments": 0.0, "values": 0.0}
            calls = [
                o.model_copy(update={"features": {**o.features, **mute}}) if o.features and n % 5 == 0 else o
                for n, o in enumerate(run.outcomes["calls"])
            ]
            parses = float(np.mean([o.features["parses"] for o in calls if "parses" in o.features]))
            figures = run.metrics | {"calls.parses": parses}
            run = run.model_copy(update={"outcomes": run.outcomes | {"calls": tuple(calls)}, "metrics": figures})
        broken.append(run)
    check = check_of(analyse(trial, told(broken)))
    assert not check.ok
    assert "Fewer answers of SFT can be read than of base" in check.detail


def test_smoke_scale_says_nothing_of_health() -> None:
    result = result_of("nli-frequency", NLI, {"balanced": rising}, scale="smoke")
    assert all(check.name != NAME for check in result.checks), "neither passed nor failed"
    assert "Recipe health is not asked at smoke scale: 10 steps say nothing about it." in result.notes


def test_what_was_not_recorded_is_said_and_passes_for_nothing() -> None:
    trial = make_trial("nli-frequency", 3, arms=("balanced", "agree-95"))
    result = analyse(trial, make_runs(trial, NLI, items=20))
    assert all(check.name != NAME for check in result.checks)
    (note,) = [note for note in result.notes if note.startswith("Whether the recipe was healthy is not known.")]
    assert "The loss of balanced was not recorded." in note


def test_a_base_that_knows_it_all_is_said_to_leave_little_to_gain() -> None:
    known = NLI | {"base": (0.93, 0.93), "balanced": (0.97, 0.96), "agree-95": (0.99, 0.9)}
    assert any("little is left to gain" in threat for threat in result_of("nli-frequency", known).threats)
    assert not any("little is left to gain" in threat for threat in result_of("nli-frequency", NLI).threats)


def test_gradients_that_are_always_clipped_are_said_and_gate_nothing() -> None:
    def clipped(seed: int) -> Training:
        return training(1.0, 0.1, seed, norms=(5.0,) * STEPS, max_grad_norm=1.0)

    def mostly(seed: int) -> Training:
        return training(1.0, 0.1, seed, norms=(*(5.0,) * 90, *(0.5,) * 10), max_grad_norm=1.0)

    result = result_of("nli-frequency", NLI, {"balanced": clipped, "agree-95": mostly})
    assert check_of(result).ok
    said = [threat for threat in result.threats if "were clipped" in threat]
    assert len(said) == 1
    assert "Gradients of balanced were clipped in 100.0 % of 500 steps" in said[0]


def test_a_collapsed_run_is_named_among_the_threats() -> None:
    trial = make_trial("nli-frequency", 5)
    runs = [
        r.model_copy(update={"metrics": r.metrics | {"entailment.accuracy": 0.5}})
        if (r.record.arm, r.record.seed) == ("balanced", 3) else r
        for r in make_runs(trial, NLI, items=300)
    ]  # fmt: skip
    threats = [threat for threat in analyse(trial, runs).threats if "collapsed" in threat]
    assert len(threats) == 1
    assert threats[0].startswith("balanced, seed 3, collapsed: 50.0 % in accuracy")
    assert not any("collapsed" in threat for threat in analyse(trial, make_runs(trial, NLI, items=300)).threats)


def test_two_outcomes_are_named_as_two() -> None:
    (said,) = runs_apart("SFT", list(enumerate((0.51, 0.88, 0.52, 0.89, 0.87, 0.88))))
    assert said.startswith("The 6 runs of SFT fall into two groups in accuracy, 2 about 51.5 % and 4 about 88.0 %")


SIGNS = {
    "held-out loss falls": ("good", [training(0.04, 0.02, s) for s in range(2)]),
    "held-out loss rises": ("bad", [training(0.04, 0.09, s) for s in range(2)]),
    "only batches, and they fall": ("good", [training(1.0, 0.2, s, held=False) for s in range(2)]),
    "only batches, and they rise": ("bad", [training(0.02, 0.3, s, held=False) for s in range(2)]),
    "one run is enough to see a fall": ("good", [training(1.0, 0.1)]),
    "too few steps": ("open", [training(1.0, 0.1, held=False, steps=10)]),
    "batches that cannot be compared": ("open", [training(1.0, 2.0, held=False, comparable=False)]),
    "nothing recorded": ("open", []),
    "nothing left to learn": ("good", [training(0.01, 0.01, s, held=False) for s in range(2)]),
    "nothing learned": ("bad", [training(1.0, 1.0, s, held=False) for s in range(2)]),
}


@pytest.mark.parametrize("name", SIGNS)
def test_the_sign_of_the_loss(name: str) -> None:
    state, trainings = SIGNS[name]
    sign = loss_sign("SFT", trainings)
    assert sign.state == state, sign
    assert sign.said.endswith(".")
    assert bool(sign.remedy) == (state == "bad")
    assert sign.remedy == (FASTER if name == "nothing learned" else SLOWER if state == "bad" else "")


def test_a_loss_that_shoots_up_at_once_does_not_pass_for_falling() -> None:
    """Its first tenth is far above its last, and its last far above where it began."""

    def run(seed: int, held: bool) -> Training:
        shot = phase(4.0, 1.0, seed)
        losses = (0.01, *shot.losses[1:])
        made = training(0.01, 1.0, seed, held=held)
        return made.model_copy(update={"phases": (shot.model_copy(update={"losses": losses}),)})

    for held in (True, False):
        sign = loss_sign("SFT", [run(seed, held) for seed in range(3)])
        assert sign.state == "bad", sign
    assert "ends above where it began" in sign.said


def test_each_phase_is_asked_by_itself() -> None:
    def run(seed: int, end: float) -> Training:
        two = (phase(1.0, 0.1, seed), phase(0.7, end, seed + 50, name="dpo"))
        return Training(phases=two)

    assert loss_sign("SFT, DPO", [run(seed, 0.3) for seed in range(3)]).state == "good"
    bad = loss_sign("SFT, DPO", [run(seed, 3.0) for seed in range(3)])
    assert bad.state == "bad"
    assert "phase 2, dpo" in bad.said


def test_events_tell_the_training() -> None:
    def step(n: int, name: str, norm: float | None = 2.0) -> Stepped:
        return Stepped(seq=n, step=n, loss=1 / n, learning_rate=0.1, phase=name, elapsed=0.0, gradient_norm=norm)

    def entered(name: str, first: int) -> Entered:
        return Entered(seq=0, phase=name, first=first, steps=2, max_grad_norm=1.0, comparable=name == "sft")

    events = [
        Scored(seq=0, step=0, losses=(2.0, 3.0)), entered("sft", 0), step(1, "sft"), step(2, "sft", 0.5),
        entered("dpo", 2), step(3, "dpo"), step(4, "dpo", None), Scored(seq=0, step=4, losses=(1.0, 2.0)),
        Finished(seq=9, seconds=1.0),
    ]  # fmt: skip
    found = training_of(events)
    assert found is not None
    assert [(p.name, p.losses, p.norms, p.comparable) for p in found.phases] == [
        ("sft", (1.0, 0.5), (2.0, 0.5), True),
        ("dpo", (1 / 3, 1 / 4), (), False),
    ]
    assert [p.clipped for p in found.phases] == [0.5, None]
    assert (found.before, found.after) == ((2.0, 3.0), (1.0, 2.0))
    old = training_of([e for e in events if isinstance(e, Stepped)])
    assert old is not None
    assert [(p.name, len(p.losses), p.max_grad_norm) for p in old.phases] == [("sft", 2, None), ("dpo", 2, None)]
    assert training_of(events[-1:]) is None
