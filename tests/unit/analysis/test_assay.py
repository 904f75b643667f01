"""What controls show: a negative one is shown to be absent or not known, a positive one holds of the runs at hand."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from engine.analysis.account import as_run
from engine.analysis.analysis import analyse
from engine.analysis.assay import as_they_are
from engine.analysis.figures import check_figures, metrics_of
from engine.spec.errors import SpecError
from engine.spec.result import Check, Result
from engine.spec.runs import RunResult
from engine.spec.study import ControlSpec, StudySpec
from engine.stats.evidence import Evidence
from jobs.studies import load
from tests.support.planted import CALLS, NLI, Rates, make_runs, make_trial

ACCURACY = "calls.accuracy"


def study_with(*controls: ControlSpec, planted: int = 1) -> StudySpec:
    study = load("function-calling")
    arms = tuple(arm.model_copy(update={"seeds": planted}) if arm.name == "planted" else arm for arm in study.arms)
    return study.model_copy(update={"controls": controls or study.controls, "arms": arms})


def result_of(study: StudySpec, rates: Rates, seeds: int = 5, **more: float) -> Result:
    trial = make_trial(study, seeds)
    return analyse(trial, make_runs(trial, rates, **{"items": 200, **more}))  # type: ignore[arg-type]


def check(result: Result, name: str) -> Check:
    return next(one for one in result.checks if one.name == name)


NEGATIVE = ControlSpec(kind="negative", arm="sft-dpo", against="sft", metric=ACCURACY, margin=0.05)


@pytest.mark.parametrize(
    ("rates", "luck", "ok", "said"),
    [
        ((0.82, 0.76), 0.005, True, "shown to be less than 5.0 points"),
        ((0.60, 0.55), 0.005, True, "shown to be less than 5.0 points"),
        ((0.82, 0.76), 0.15, False, "not known; it may be as large as +"),
        ((0.97, 0.93), 0.005, False, "detected, and should not be"),
    ],
)
def test_a_negative_control_is_shown_or_not_known(rates: tuple[float, float], luck: float, ok: bool, said: str) -> None:
    """A difference that was merely not detected, since seeds differ much, is no pass."""
    result = result_of(study_with(NEGATIVE), {**CALLS, "sft-dpo": rates}, luck=luck)
    found = check(result, "negative-control")
    assert (found.ok, said in found.detail) == (ok, True), found.detail
    if not ok:
        assert result.verdict.code == "inconclusive"


@pytest.mark.parametrize(
    ("rates", "ok", "said"),
    [
        ((0.82, 0.76), True, "shown to lie within 5.0 points of zero"),
        ((0.70, 0.64), False, "detected, and should not be"),
        ((0.97, 0.93), False, "detected, and should not be"),
    ],
)
def test_arms_that_are_to_be_the_same_may_not_be_worse_either(rates: tuple[float, float], ok: bool, said: str) -> None:
    """A fault that makes an arm worse would pass a control that only asks whether it is better."""
    runs = {**CALLS, "sft-dpo": rates}
    found = check(result_of(study_with(NEGATIVE.model_copy(update={"either": True})), runs), "negative-control")
    assert (found.ok, said in found.detail) == (ok, True), found.detail
    assert found.label == "right call, new wording must be the same with SFT → DPO as with SFT"
    if rates < CALLS["sft"]:
        assert check(result_of(study_with(NEGATIVE), runs), "negative-control").ok


def test_either_goes_with_a_negative_control() -> None:
    with pytest.raises(ValidationError, match="goes with a negative control"):
        ControlSpec(kind="positive", arm="planted", against="sft", either=True)


BLIND = ControlSpec(kind="negative", arm="shuffled", margin=0.1)


@pytest.mark.parametrize(
    ("rates", "luck", "ok", "said"),
    [
        ((0.50, 0.50), 0.005, True, "shown to lie within 10.0 points of zero"),
        ((0.50, 0.50), 0.15, False, "not known; it may lie from −"),
        ((0.60, 0.30), 0.005, False, "detected, and should not be"),
        ((0.30, 0.60), 0.005, False, "detected, and should not be"),
    ],
)
def test_a_negative_control_of_one_arm_asks_for_its_own_level(rates: Rates, luck: float, ok: bool, said: str) -> None:
    """Whatever other arms do: the others lean by 40 points here."""
    others = dict.fromkeys(("base", "sft", "sft-dpo"), (0.85, 0.45))
    result = result_of(study_with(BLIND), {**CALLS, **others, "shuffled": rates}, lean=luck, items=400)
    found = check(result, "negative-control")
    assert (found.ok, said in found.detail) == (ok, True), found.detail
    assert "against" not in found.detail


@pytest.mark.parametrize("kind", [{"kind": "positive"}, {"kind": "negative", "placebo": True}])
def test_other_controls_name_what_they_are_held_against(kind: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="name the arm that they are held against"):
        ControlSpec(arm="sft", **kind)


def answering_as_sft(runs: list[RunResult]) -> list[RunResult]:
    """The same runs, those of "sft-dpo" with the answers of the first "sft" run."""
    sft = next(run for run in runs if run.record.arm == "sft")
    answers = {"outcomes": sft.outcomes, "metrics": sft.metrics}
    return [run.model_copy(update=answers) if run.record.arm == "sft-dpo" else run for run in runs]


def test_two_arms_that_answer_every_item_alike_are_known_not_to_differ() -> None:
    """However few clusters there are: whether they answer alike is asked item by item."""
    trial = make_trial(study_with(NEGATIVE), 1)
    found = check(analyse(trial, answering_as_sft(make_runs(trial, CALLS, items=200, clusters=6))), "negative-control")
    assert found.ok
    assert "the same outcome on each of" in found.detail
    few = answering_as_sft(make_runs(trial, CALLS, items=10, clusters=6))
    assert not check(analyse(trial, few), "negative-control").ok, "so few items do not tell"


def test_alike_are_arms_whose_numbers_of_the_figure_itself_are_the_same() -> None:
    """Both are wrong throughout, the one by calls and the other without: of readable answers they differ by all."""
    about = ControlSpec(kind="negative", arm="sft-dpo", against="sft", metric="calls.parses", margin=0.05)
    trial = make_trial(study_with(about), 2)

    def wrong(run: RunResult) -> RunResult:
        parses = float(run.record.arm != "sft")
        answers = tuple(
            o.model_copy(update={"correct": False, "features": o.features | {"parses": parses} if o.features else {}})
            for o in run.outcomes["calls"]
        )
        metrics = run.metrics | {ACCURACY: 0.0, "calls.parses": parses}
        return run.model_copy(update={"outcomes": run.outcomes | {"calls": answers}, "metrics": metrics})

    runs = [wrong(run) if run.record.arm in about.arms else run for run in make_runs(trial, CALLS, items=200)]
    found = check(analyse(trial, runs), "negative-control")
    assert not found.ok
    assert "+100.0 points" in found.detail
    right = about.model_copy(update={"metric": ACCURACY})
    alike = check(analyse(make_trial(study_with(right), 2), runs), "negative-control")
    assert alike.ok
    assert "the same outcome on each of" in alike.detail


def test_items_that_the_figure_does_not_read_are_none_on_which_arms_are_alike() -> None:
    trial = make_trial(study_with(NEGATIVE), 1)

    def unscored(run: RunResult) -> RunResult:
        answers = tuple(
            o.model_copy(update={"correct": None} if at % 5 else {}) for at, o in enumerate(run.outcomes["calls"])
        )
        return run.model_copy(update={"outcomes": run.outcomes | {"calls": answers}})

    runs = [unscored(run) for run in answering_as_sft(make_runs(trial, CALLS, items=200))]
    found = check(analyse(trial, runs), "negative-control")
    assert "the same outcome on each of 60 items: at most 4.9 %" in found.detail, "of 300 items of its splits"


def test_a_negative_control_needs_a_margin_before_anything_runs() -> None:
    bare = ControlSpec(kind="negative", arm="sft", against="base", metric="calls.no_tool")
    with pytest.raises(SpecError, match=r"has no margin for calls\.no_tool"):
        check_figures(study_with(bare))
    check_figures(study_with(bare.model_copy(update={"margin": 0.05})))


@pytest.mark.parametrize("planted", [1, 2, 3])
def test_one_more_planted_run_does_not_fail_the_positive_control(planted: int) -> None:
    """Student's interval over two seeds is twelve times as wide as they differ."""
    found = check(result_of(study_with(planted=planted), CALLS, lean=0.1), "positive-control")
    assert found.ok, found.detail
    assert ("these" in found.detail) == (planted > 1)


def test_a_shortcut_that_was_not_learned_fails_it_however_many_runs() -> None:
    for planted in (1, 3):
        found = check(result_of(study_with(planted=planted), {**CALLS, "planted": (0.80, 0.78)}), "positive-control")
        assert not found.ok
        assert "not detected, and should be" in found.detail


def test_a_difference_to_an_arm_that_leans_the_other_way_is_no_planted_lean() -> None:
    rates = {**CALLS, "sft": (0.60, 0.85), "sft-dpo": (0.60, 0.85), "planted": (0.50, 0.50)}
    found = check(result_of(study_with(), rates), "positive-control")
    assert not found.ok
    assert "but the level itself" in found.detail
    assert check(result_of(study_with(), {**rates, "planted": (0.80, 0.30)}), "positive-control").ok


def test_what_is_not_known_of_other_planted_seeds_is_a_threat() -> None:
    steady = result_of(study_with(planted=3), CALLS, lean=0.001)
    loose = result_of(study_with(planted=3), CALLS, lean=0.6, seed=3)
    said = "That the shortcut would be seen is shown by 3 runs"
    assert check(loose, "positive-control").ok
    assert any(threat.startswith(said) for threat in loose.threats)
    assert not any(threat.startswith(said) for threat in steady.threats)


def test_a_negative_control_of_one_run_is_a_threat() -> None:
    study = load("nli-frequency")
    threats = result_of(study, NLI).threats
    said = "That the shortcut is not found where it cannot be is shown by one run (hypothesis only (95 %)); another"
    assert [threat.startswith(said) for threat in threats].count(True) == 1
    arms = tuple(arm.model_copy(update={"seeds": None}) if arm.seeds == 1 else arm for arm in study.arms)
    assert not any(t.startswith(said[:30]) for t in result_of(study.model_copy(update={"arms": arms}), NLI).threats)


def test_the_runs_at_hand_have_the_mean_of_their_seeds_and_an_interval_of_items() -> None:
    trial = make_trial(study_with(planted=3), 3)
    runs = make_runs(trial, CALLS, items=200)
    metrics = metrics_of(trial.study)
    evidence = Evidence((as_run(run, run.record.arm != "base") for run in runs), metrics)
    found, reliance = as_they_are(evidence, "planted", "sft", "calls.reliance"), "calls.reliance"
    whole, single = evidence.difference("planted", "sft", reliance), Evidence(_seed(runs, 0), metrics)
    one = single.difference("planted", "sft", reliance)
    assert found is not None
    assert whole is not None
    assert one is not None
    assert found.value == whole.value
    assert found.n_seeds == 3
    assert found.ci is not None
    assert one.ci is not None
    assert found.ci[1] - found.ci[0] < 0.8 * (one.ci[1] - one.ci[0]), "three runs on the same items tell more than one"


def _seed(runs: list[RunResult], seed: int) -> list:
    return [as_run(run, run.record.arm != "base") for run in runs if run.record.seed == seed]
