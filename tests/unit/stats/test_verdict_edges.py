"""Single conditions of the rules, each where it alone decides."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from engine.analysis import contrasts
from engine.analysis.account import as_run
from engine.analysis.analysis import analyse
from engine.analysis.figures import metrics_of
from engine.rules import Case, Reading, decide, gained, no_more, rule_of
from engine.rules._shortcut_finding import explains
from engine.spec.errors import SpecError
from engine.spec.example import Outcome
from engine.spec.result import Result
from engine.spec.runs import RunResult
from engine.spec.study import StudySpec
from engine.stats.evidence import Estimate, Evidence, Run
from engine.stats.metric import share_metric
from jobs.studies import load
from tests.support.planted import CALLS, Rates, make_runs, make_trial


def estimate(value: float, half: float, half90: float | None = None, seeds: int = 6, **more: float) -> Estimate:
    """A figure whose intervals reach so far to either side."""
    wide = half * 0.8 if half90 is None else half90
    per_seed = tuple(value + half * (-1) ** n for n in range(seeds))
    return Estimate(value, (value - half, value + half), (value - wide, value + wide), per_seed, **more)


def evidence_of(rates: Rates, seeds: int = 6) -> tuple[StudySpec, Evidence]:
    trial = make_trial("function-calling", seeds)
    runs = make_runs(trial, rates, items=100, clusters=20)
    return trial.study, Evidence((as_run(run, run.record.arm != "base") for run in runs), metrics_of(trial.study))


def test_gained_needs_the_interval_above_zero_and_the_mean_above_the_margin() -> None:
    assert gained(estimate(0.05, 0.04), 0.03)
    assert not gained(estimate(0.05, 0.06), 0.03)
    assert not gained(estimate(0.02, 0.01), 0.03)


def test_no_more_goes_by_the_upper_end_of_the_ninety_percent_interval() -> None:
    assert no_more(estimate(0.0, 0.04, 0.02), 0.03)
    assert not no_more(estimate(0.0, 0.02, 0.04), 0.03)
    assert not no_more(replace(estimate(0.0, 0.01), ci90=None), 0.03)


def test_a_format_arm_explains_all_but_the_margin_or_most_even_at_the_intervals_end() -> None:
    gain = estimate(0.6, 0.05)
    assert explains(estimate(0.0, 0.5, 0.02), gain, 0.03) == "all"  # by the ninety percent interval alone
    assert explains(estimate(0.0, 0.2, 0.2), gain, 0.03) == "most"  # at most .2 of .6 by its end
    assert explains(estimate(0.0, 0.4, 0.35), gain, 0.03) == ""
    assert explains(estimate(0.04, 0.01, 0.01), gain, 0.03) == ""


def test_too_little_to_matter_is_judged_by_the_ninety_percent_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    study, evidence = evidence_of(CALLS)
    monkeypatch.setattr(evidence, "difference", lambda *a, **k: estimate(0.0, 0.06, 0.02))
    primary = next(c for c in contrasts.family(study, rule_of(study), evidence) if c.primary)
    assert primary.equivalent
    sentence = Reading(Case(study, evidence, (1, 1), False, ())).primary_clause()
    assert "by too little to matter" in sentence
    monkeypatch.setattr(evidence, "difference", lambda *a, **k: estimate(0.0, 0.06, 0.04))
    assert not next(c for c in contrasts.family(study, rule_of(study), evidence) if c.primary).equivalent
    monkeypatch.setattr(evidence, "difference", lambda *a, **k: estimate(0.0, 0.001, seeds=1))
    assert next(c for c in contrasts.family(study, rule_of(study), evidence) if c.primary).equivalent is None


@pytest.mark.parametrize(("expected", "said"), [("greater", "as claimed"), ("less", "against the claim")])
def test_the_direction_of_the_claim_counts(expected: str, said: str) -> None:
    study = load("function-calling")
    study = study.model_copy(update={"primary": study.primary.model_copy(update={"expected": expected})})
    trial = make_trial(study, 5)
    assert said in analyse(trial, make_runs(trial, CALLS | {"sft-dpo": (0.95, 0.91)}, items=400)).verdict.text


def leaning(monkeypatch: pytest.MonkeyPatch, study: StudySpec, evidence: Evidence, rises: dict[str, Estimate]) -> None:
    """Give the treated arm a lean of 7 points, too little to be called one, and these differences of reliance."""
    plain, level = evidence.difference, evidence.level

    def difference(a: str, b: str, metric: str, *more: object, **named: object) -> Estimate | None:
        if metric == study.reliance and not more:
            return rises[b]
        return plain(a, b, metric, *more, **named)  # type: ignore[arg-type]

    def levels(arm: str, metric: str) -> Estimate | None:
        return estimate(0.07, 0.02) if (arm, metric) == ("sft-dpo", study.reliance) else level(arm, metric)

    monkeypatch.setattr(evidence, "difference", difference)
    monkeypatch.setattr(evidence, "level", levels)


@pytest.mark.parametrize("rise", [0.03, 0.06])
def test_a_rise_of_reliance_that_is_not_ruled_out_leaves_it_open(monkeypatch: pytest.MonkeyPatch, rise: float) -> None:
    study, evidence = evidence_of(CALLS)
    leaning(monkeypatch, study, evidence, {"sft": estimate(rise, 0.10), "base": estimate(0.0, 0.02)})
    decision = decide(rule_of(study), Case(study, evidence, (1, 1), False, ()))
    assert decision.code == "inconclusive"
    assert "leans on the shortcut more than SFT is open" in decision.text


@pytest.mark.parametrize(("rise", "code"), [(0.04, "learned"), (0.06, "inconclusive")])
def test_reliance_over_a_base_that_can_do_the_task_is_judged_by_its_mean(
    monkeypatch: pytest.MonkeyPatch, rise: float, code: str
) -> None:
    study, evidence = evidence_of(CALLS | {"base": (0.5, 0.5)})
    leaning(monkeypatch, study, evidence, {"sft": estimate(0.0, 0.03), "base": estimate(rise, 0.10)})
    assert decide(rule_of(study), Case(study, evidence, (1, 1), False, ())).code == code


def lost(result: Result, arm: str, metric: str, seeds: int) -> int:
    """How many of an arm's first runs have no such figure."""
    runs = next(entry for entry in result.arms if entry.name == arm).runs[:seeds]
    return sum(metric not in run.metrics for run in runs)


def test_a_figure_that_seeds_lack_is_no_reason_to_leave_them_out() -> None:
    trial = make_trial("function-calling", 5)
    runs = [
        run.model_copy(update={"metrics": run.metrics | {"calls.reliance": math.nan}})
        if run.record.arm == "sft-dpo" and run.record.seed < 3
        else run
        for run in make_runs(trial, CALLS)
    ]
    result = analyse(trial, runs)
    assert lost(result, "sft-dpo", "calls.reliance", 3) == 3
    assert result.verdict.code == "inconclusive"
    assert "a figure of SFT → DPO or SFT is missing in 3 seeds" in result.verdict.text


@pytest.mark.parametrize(("share", "gated"), [(0.3, True), (0.02, False)])
def test_arms_that_are_measured_on_other_items_are_not_compared(share: float, gated: bool) -> None:
    trial = make_trial("function-calling", 5)
    runs = [_unanswered(run, share) if run.record.arm == "sft" else run for run in make_runs(trial, CALLS)]
    result = analyse(trial, runs)
    said = "have a figure in one arm only"
    assert (said in result.verdict.text) is gated
    assert any(said in threat for threat in result.threats)
    assert said not in str(analyse(trial, make_runs(trial, CALLS)).model_dump())


def _unanswered(run: RunResult, share: float) -> RunResult:
    """The run with the first of its wrong answers not scored."""
    outcomes = list(run.outcomes["calls"])
    wrong = [at for at, outcome in enumerate(outcomes) if not outcome.correct][: round(share * len(outcomes))]
    for at in wrong:
        outcomes[at] = outcomes[at].model_copy(update={"correct": None})
    return run.model_copy(update={"outcomes": run.outcomes | {"calls": tuple(outcomes)}})


def test_one_seed_of_any_arm_that_is_read_gives_no_verdict() -> None:
    study = load("function-calling")
    arms = tuple(arm.model_copy(update={"seeds": 1}) if arm.name == "shuffled" else arm for arm in study.arms)
    trial = make_trial(study.model_copy(update={"arms": arms}), 5)
    verdict = analyse(trial, make_runs(trial, CALLS)).verdict
    assert verdict.code == "inconclusive"
    assert "one seed cannot tell an effect from luck (SFT → DPO against shuffled control)" in verdict.text


def test_the_treated_arm_is_one_of_the_primary_contrast() -> None:
    study = load("function-calling")
    primary = study.primary.model_copy(update={"contrast": ("sft", "shuffled")})
    with pytest.raises(SpecError, match="must be in the primary contrast"):
        rule_of(study.model_copy(update={"primary": primary}))


@pytest.mark.parametrize("scored", [20, 15])
def test_a_share_that_never_varies_is_as_sure_as_its_scored_items_are_many(scored: int) -> None:
    outcomes = tuple(
        Outcome(item=f"i{n}", correct=False if n < scored else None, split="s", cluster=f"c{n}") for n in range(20)
    )
    other = tuple(outcome.model_copy(update={"correct": False}) for outcome in outcomes)
    metric = {"p.right": share_metric("right", "Right")}
    runs = [Run("a", seed, True, {"p.right": 0.0}, {"p": outcomes}) for seed in range(3)]
    runs += [Run("b", seed, True, {"p.right": 0.0}, {"p": other}) for seed in range(3)]
    found = Evidence(runs, metric).level("a", "p.right")
    assert found is not None
    assert found.ci == pytest.approx((0.0, 1 - 0.025 ** (1 / scored)))
