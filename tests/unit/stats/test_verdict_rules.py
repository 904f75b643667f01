"""Planted truths get the verdict they deserve; what stands in the way of a verdict is said."""

from __future__ import annotations

from typing import Any

import pytest

from engine.analysis.analysis import analyse
from engine.analysis.command import command
from engine.spec.result import Result
from engine.spec.runs import Context, RunResult
from engine.spec.trial import TrialSpec
from jobs.report.content.sections import report_of
from jobs.report.content.sizes import of_shared_seeds
from tests.support.planted import CALLS, NLI, Rates, make_runs, make_trial


def result_of(study: str, rates: Rates, seeds: int = 5, **more: Any) -> Result:
    """So many items that the negative control, which compares with one run of the base, can be shown to hold."""
    trial, items = make_trial(study, seeds), 1600 if study == "nli-frequency" else 400
    return analyse(trial, make_runs(trial, rates, items=items, **{"clusters": 40, **more}))


PLANTED = {
    "learned": ("function-calling", CALLS),
    "learned-null": ("function-calling", CALLS | {"sft-dpo": (0.82, 0.76)}),
    "format": ("function-calling", CALLS | {"shuffled": (0.81, 0.77), "sft": (0.82, 0.77), "sft-dpo": (0.82, 0.77)}),
    "mixed": ("function-calling", CALLS | {"sft": (0.60, 0.55), "sft-dpo": (0.97, 0.68)}),
    "shortcut": ("function-calling", CALLS | {"sft-dpo": (0.97, 0.58)}),
    "shortcut-in-all": (
        "function-calling",
        CALLS | {"shuffled": (0.30, 0.02), "sft": (0.90, 0.02), "sft-dpo": (0.91, 0.02), "planted": (0.99, 0.0)},
    ),
    "shortcut-nli": ("nli-frequency", NLI),
    "learned-nli": ("nli-frequency", NLI | {"agree-95": (0.80, 0.78)}),
    "mixed-nli": ("nli-frequency", NLI | {"balanced": (0.64, 0.64), "agree-95": (0.99, 0.80)}),
    "shortcut-by-what-it-costs": ("nli-frequency", NLI | {"balanced": (0.64, 0.64), "agree-95": (0.99, 0.45)}),
    "mixed-in-all": (
        "function-calling",
        CALLS | {"shuffled": (0.30, 0.02), "sft": (0.91, 0.20), "sft-dpo": (0.91, 0.20), "planted": (0.99, 0.0)},
    ),
    "inconclusive-floor": ("function-calling", CALLS | {"sft-dpo": (0.10, 0.08)}),
    "inconclusive-ceiling": ("nli-frequency", NLI | {"base": (1.0, 0.99)}),
    "inconclusive-positive-control": ("function-calling", CALLS | {"planted": (0.80, 0.79)}),
    "inconclusive-negative-control": ("nli-frequency", NLI | {"balanced": (0.90, 0.60)}),
    "equal": ("nli-frequency", NLI | {"base": (0.78, 0.78), "agree-95": (0.78, 0.78)}),
    "small": ("nli-frequency", NLI | {"base": (0.76, 0.76), "agree-95": (0.79, 0.79)}),
    "worse": ("nli-frequency", NLI | {"base": (0.80, 0.80), "balanced": (0.82, 0.81), "agree-95": (0.62, 0.61)}),
    "inconclusive-recipe-that-unlearns": ("function-calling", CALLS | {"base": (0.95, 0.94), "sft-dpo": (0.80, 0.79)}),
    "debiased": ("function-calling", CALLS | {"base": (0.40, 0.80), "sft": (0.40, 0.80), "sft-dpo": (0.76, 0.76)}),
    "mixed-by-its-level": (
        "function-calling",
        CALLS | {"base": (0.55, 0.15), "shuffled": (0.55, 0.15), "sft": (0.55, 0.15), "sft-dpo": (0.80, 0.40)},
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted(name: str) -> None:
    study, rates = PLANTED[name]
    result = result_of(study, rates, seeds=10 if name.startswith("learned") else 5)
    assert result.verdict.code == name.split("-", maxsplit=1)[0], (result.verdict, result.checks)
    assert result.verdict.text.endswith(".")
    assert result.verdict.reasons


@pytest.mark.slow
def test_it_does_not_depend_on_the_draw() -> None:
    codes = [result_of("nli-frequency", NLI, seed=seed).verdict.code for seed in range(6)]
    assert codes.count("shortcut") >= 5


def test_a_null_is_called_one_and_says_what_could_have_been_seen() -> None:
    text = result_of(*PLANTED["learned-null"], seeds=10).verdict
    assert "no difference in accuracy" in text.text or "too little to matter" in text.text
    assert "SFT → DPO learned the task" in text.text
    assert any("four times in five" in reason for reason in text.reasons)


def test_the_answer_to_the_question_stands_in_the_sentence_with_its_interval() -> None:
    result = result_of("nli-frequency", NLI)
    primary = next(c for c in result.contrasts if c.primary)
    assert f"{100 * primary.difference:+.1f} points [" in result.verdict.text
    assert "as claimed" in result.verdict.text
    assert "against the claim" in result_of("nli-frequency", NLI | {"agree-95": (0.75, 0.82)}).verdict.text


@pytest.fixture
def trial() -> TrialSpec:
    return make_trial("function-calling", 3)


@pytest.fixture
def runs(trial: TrialSpec) -> list[RunResult]:
    return make_runs(trial, CALLS)


def test_missing_runs(trial: TrialSpec, runs: list[RunResult]) -> None:
    result = analyse(trial, runs[:-3])
    assert result.verdict.code == "inconclusive"
    assert result.verdict.text == "No verdict yet: 3 of 11 runs are missing."
    assert not next(c for c in result.checks if c.name == "runs").ok


def test_failed_runs_are_listed_with_their_reason(trial: TrialSpec, runs: list[RunResult]) -> None:
    broken = runs[4].model_copy(
        update={"record": runs[4].record.model_copy(update={"state": "failed", "reason": "It ran out of memory."})}
    )
    result = analyse(trial, [*runs[:4], broken, *runs[5:]])
    assert result.verdict.code == "inconclusive"
    entry = next(r for a in result.arms for r in a.runs if r.status == "failed")
    assert entry.reason == "It ran out of memory."
    assert entry.metrics == {}


def test_no_run_at_all(trial: TrialSpec) -> None:
    result = analyse(trial, [])
    assert result.verdict.code == "inconclusive"
    assert [arm.runs for arm in result.arms] == [()] * 5
    assert result.contrasts == ()


def test_any_part_of_the_runs_is_analysed(trial: TrialSpec, runs: list[RunResult]) -> None:
    for at in range(len(runs)):
        assert analyse(trial, runs[: at + 1]).study.trial == trial.id


def test_smoke_scale_has_no_verdict_and_says_so() -> None:
    trial = make_trial("nli-frequency", 3, "smoke")
    result = analyse(trial, make_runs(trial, NLI))
    assert result.verdict.code == "inconclusive"
    assert "smoke" in result.verdict.text
    assert "mean nothing" in result.study.note


def test_one_seed_has_no_verdict() -> None:
    result = result_of("nli-frequency", NLI, seeds=1)
    assert result.verdict.code == "inconclusive"
    assert any("One seed" in reason for reason in result.verdict.reasons)
    assert {c.n_seeds for c in result.contrasts} == {1}
    assert {c.p for c in result.contrasts} == {None}


@pytest.mark.parametrize("name", ["adapter-on", "adapter-off", "template", "greedy", "overlap"])
def test_every_check_is_a_gate(trial: TrialSpec, runs: list[RunResult], name: str) -> None:
    checks = tuple((n, ok and n != name, detail) for n, ok, detail in runs[5].checks)
    result = analyse(trial, [*runs[:5], runs[5].model_copy(update={"checks": checks}), *runs[6:]])
    assert result.verdict.code == "inconclusive"
    assert [c.name for c in result.checks if not c.ok] == [name]
    assert "1 of" in next(c for c in result.checks if not c.ok).detail
    silent = runs[5].model_copy(update={"checks": tuple(c for c in runs[5].checks if c[0] != name)})
    assert [c.name for c in analyse(trial, [*runs[:5], silent, *runs[6:]]).checks if not c.ok] == [name]


def test_a_control_that_was_not_run_fails(runs: list[RunResult]) -> None:
    trial = make_trial("function-calling", 3, arms=("base", "sft", "sft-dpo", "shuffled"))
    result = analyse(trial, make_runs(trial, CALLS))
    assert result.verdict.code == "inconclusive"
    assert {c.name for c in result.checks if not c.ok} == {"positive-control", "negative-control"}
    assert "--arms base,sft,sft-dpo,shuffled" in command(trial)


def test_the_figures_of_the_window_fit_together() -> None:
    result = result_of("function-calling", CALLS)
    assert sum(step.gain for step in result.decomposition) == pytest.approx(result.decomposition[-1].level)
    assert [step.arm for step in result.decomposition] == ["base", "shuffled", "sft", "sft-dpo"]
    for contrast in result.contrasts:
        assert contrast.ci is not None
        assert contrast.ci[0] <= contrast.difference <= contrast.ci[1]
    assert sum(c.primary for c in result.contrasts) == 1
    assert set(result.failures) == {arm.name for arm in result.arms}
    for arm in result.arms:
        for level in arm.summary:
            values = [run.metrics[level.metric] for run in arm.runs if level.metric in run.metrics]
            assert level.mean == pytest.approx(sum(values) / len(values))
            assert level.n_seeds == len(values)


def test_the_command_is_quoted_for_a_shell(trial: TrialSpec) -> None:
    own = trial.model_copy(
        update={
            "model": trial.model.model_copy(update={"path": "models/my model; rm"}),
            "data": trial.data.model_copy(update={"path": "it's.jsonl"}),
        }
    )
    assert command(own).endswith("""--model 'models/my model; rm' --data 'it'"'"'s.jsonl' --batch 16""")


def test_answers_that_cannot_be_read_say_nothing() -> None:
    verdict = result_of("function-calling", CALLS | {"sft-dpo": (0.40, 0.32)}).verdict
    assert verdict.code == "format", "few right answers are a result as long as they can be read"
    assert "too few answers" not in verdict.text
    trial = make_trial("function-calling", 3)
    runs = [
        run.model_copy(update={"metrics": run.metrics | {"calls.parses": 0.4}}) if run.record.arm == "sft-dpo" else run
        for run in make_runs(trial, CALLS)
    ]
    found = analyse(trial, runs).verdict
    assert found.code == "inconclusive"
    assert "“recipe healthy” did not pass" in found.text
    said = " ".join(found.reasons)
    assert "Too few answers of SFT → DPO can be read (40.0 %, the floor is 50.0 %)" in said
    assert "Only 40.0 % of the answers of SFT → DPO can be read" in said


def test_what_was_not_measured_is_no_pass() -> None:
    trial = make_trial("function-calling", 3)
    mute = [
        run.model_copy(update={"metrics": {n: v for n, v in run.metrics.items() if n != "calls.parses"}})
        for run in make_runs(trial, CALLS)
    ]
    found = analyse(trial, mute).verdict
    assert found.code == "inconclusive"
    assert "How many answers of SFT → DPO can be read was not measured" in " ".join(found.reasons)
    bare = [run.model_copy(update={"outcomes": {}}) for run in make_runs(trial, CALLS)]
    found = analyse(trial, bare).verdict
    assert found.code == "inconclusive"
    assert "Accuracy of SFT → DPO and base where the shortcut misleads could not be compared" in " ".join(found.reasons)


def test_threats_are_those_that_apply() -> None:
    many, few = (result_of("function-calling", CALLS, seeds=seeds).threats for seeds in (6, 3))
    assert any("p cannot fall below 0.250" in threat for threat in few)
    assert not any("p cannot fall below" in threat for threat in many)
    trial = make_trial("nli-frequency", 8).model_copy(update={"looks": (4, 8)})
    looked = analyse(
        trial, [run for run in make_runs(trial, NLI) if run.record.seed < 4], Context(queued=0.0, begun=4)
    )  # fmt: skip
    assert any("4 pairs of seeds" in threat for threat in looked.threats)
    assert not any("p cannot fall below" in threat for threat in looked.threats), "its p is that of the interval"
    assert any("generated from templates" in threat for threat in many)
    assert any("one run (planted overlap)" in threat for threat in many)
    assert any("fall into 6 clusters" in threat for threat in result_of("function-calling", CALLS, clusters=6).threats)
    trial = make_trial("function-calling", 3)
    runs = make_runs(trial, CALLS)
    odd = next(at for at, run in enumerate(runs) if run.record.arm == "sft")
    assert not any("precision" in threat for threat in analyse(trial, runs).threats)
    runs[odd] = runs[odd].model_copy(update={"notes": (("precision", "in float32"),)})
    assert any("Not all of the 6 runs" in threat and "precision" in threat for threat in analyse(trial, runs).threats)
    failed = result_of("function-calling", CALLS | {"planted": (0.80, 0.79)}).threats
    assert "Not every check passed" in failed[0]


def cut_in(run: RunResult, share: float) -> RunResult:
    """The run with so many of its answers at the limit."""
    outcomes = run.outcomes["calls"]
    count = round(share * len(outcomes))
    marked = tuple(
        o.model_copy(update={"features": o.features | {"cut": float(at < count)}}) for at, o in enumerate(outcomes)
    )
    return run.model_copy(update={"outcomes": run.outcomes | {"calls": marked}})


def test_answers_that_reached_the_limit_are_a_threat_where_they_could_matter() -> None:
    trial = make_trial("function-calling", 3)
    runs = make_runs(trial, CALLS)

    def said(share: float, arm: str) -> list[str]:
        made = [cut_in(run, share if run.record.arm == arm else 0.0) for run in runs]
        return [threat for threat in analyse(trial, made).threats if "limit of tokens" in threat]

    treated, other = trial.study.primary.contrast
    assert said(0.0, treated) == []
    assert said(0.005, treated) == []
    for arm in (treated, other):
        (threat,) = said(0.2, arm)
        assert f"20.0 % of {trial.study.arm(arm).label}" in threat
    outside = next(arm for arm in trial.arms if arm not in trial.study.primary.contrast)
    assert said(0.2, outside) == []


@pytest.mark.parametrize("name", ["long-prompts", "long-examples"])
def test_what_was_cut_from_prompts_is_a_threat(name: str) -> None:
    trial = make_trial("function-calling", 3)
    runs = make_runs(trial, CALLS)
    at = next(at for at, run in enumerate(runs) if run.record.arm == trial.study.primary.contrast[0])
    runs[at] = runs[at].model_copy(update={"notes": ((name, "3 evaluation prompts were cut."),)})
    (threat,) = [threat for threat in analyse(trial, runs).threats if "longer than the model takes" in threat]
    assert "in 1 of 6 runs" in threat
    assert "3 evaluation prompts were cut." in threat


def test_steps_add_up_where_an_arm_has_fewer_seeds() -> None:
    """The shuffled control has four; one further run of another arm is missing."""
    trial = make_trial("function-calling", 8)
    runs = [r for r in make_runs(trial, CALLS, luck=0.04) if (r.record.arm, r.record.seed) != ("sft", 2)]
    result = analyse(trial, runs)
    steps = result.decomposition
    assert sum(step.gain for step in steps) == pytest.approx(steps[-1].level)
    assert [step.seeds for step in steps] == [1, 3, 3, 3]
    by_run = {(r.record.arm, r.record.seed): r.metrics["calls.accuracy"] for r in runs}
    for at, arm in enumerate(("shuffled", "sft", "sft-dpo"), 1):
        assert steps[at].level == pytest.approx(sum(by_run[arm, seed] for seed in (0, 1, 3)) / 3)
    assert of_shared_seeds(result) == "of the 3 seeds that all of these arms have"
    drawn = {section.name: section.caption for section in report_of(result).sections}
    assert drawn["gain"].endswith("; of the 3 seeds that all of these arms have")
    assert drawn["chain"] == "of the 3 seeds that all of these arms have"


def test_where_an_arm_has_all_its_runs_at_the_first_look_the_steps_are_of_a_design_with_one() -> None:
    """What is said of them does not change from look to look; the contrast of more seeds has the look's interval."""
    trial = make_trial("function-calling", 8).model_copy(update={"looks": (4, 6, 8)})
    runs = make_runs(trial, CALLS, luck=0.04)
    first, result = (analyse(trial, runs, Context(queued=0.0, begun=seeds)) for seeds in (4, 8))
    fixed = analyse(trial.model_copy(update={"looks": (), "seeds": 4}), runs)
    assert [step.seeds for step in result.decomposition] == [1, 4, 4, 4]
    assert result.decomposition == first.decomposition == fixed.decomposition
    assert next(c for c in result.contrasts if c.primary).n_seeds == 8


def test_where_all_arms_have_as_many_seeds_nothing_is_said_of_them() -> None:
    assert of_shared_seeds(result_of("function-calling", CALLS, seeds=4)) == ""


def test_each_step_says_what_it_does_to_reliance() -> None:
    first, *steps = result_of("function-calling", CALLS).decomposition
    assert (first.leaning, first.leaning_ci) == (None, None)
    assert all(step.leaning is not None and step.leaning_ci is not None for step in steps)
    last = steps[-1]
    assert last.reliance == pytest.approx(steps[-2].reliance + last.leaning, abs=1e-9)
