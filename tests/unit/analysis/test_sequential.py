"""What a result says of a design with several looks, on invented runs whose truth is known."""

from __future__ import annotations

import pytest

from engine.analysis.account import as_run
from engine.analysis.analysis import analyse
from engine.analysis.figures import metrics_of
from engine.spec.result import Result
from engine.spec.runs import Context
from engine.stats.evidence import Evidence
from engine.stats.inference.looks import Looks
from jobs.studies import load
from tests.support.planted import CALLS, NLI, Rates, make_runs, make_trial

PLAN = (4, 6, 8)


def result_after(
    seeds: int, rates: Rates = NLI, looks: tuple[int, ...] = PLAN, lean: float = 0.02, items: int = 200
) -> Result:
    trial = make_trial("nli-frequency", looks[-1]).model_copy(update={"looks": looks})
    runs = [run for run in make_runs(trial, rates, items, lean=lean) if run.record.seed < seeds]
    return analyse(trial, runs, Context(queued=0.0, begun=seeds))


def test_a_fixed_design_has_no_looks() -> None:
    trial = make_trial("nli-frequency", 4)
    assert analyse(trial, make_runs(trial, NLI)).sequential is None


def test_each_look_has_its_own_interval_and_the_last_decides() -> None:
    told = result_after(6).sequential
    assert told is not None
    assert (told.max_seeds, told.plan) == (8, PLAN)
    assert [look.seeds for look in told.looks] == [4, 6]
    first, second = told.looks
    assert first.ci is not None
    assert second.ci is not None
    assert second.ci[1] - second.ci[0] < first.ci[1] - first.ci[0]
    assert second.decision == "effect"


def test_it_says_what_is_looked_at_so_that_its_figures_can_be_read() -> None:
    found = result_after(6)
    told, primary = found.sequential, found.study.primary
    assert told is not None
    assert (told.metric, told.contrast) == (f"{primary.probe}.{primary.metric}", primary.contrast)
    assert told.margin == primary.margin
    assert told.unit == next(info.unit for info in found.metrics if info.metric == told.metric)


def test_an_early_look_finds_less_than_a_design_that_is_looked_at_once() -> None:
    trial = make_trial("nli-frequency", 6)
    once, early = (found.contrasts[0] for found in (analyse(trial, make_runs(trial, NLI, lean=0.02)), result_after(6)))
    assert once.detectable is not None
    assert early.detectable is not None
    assert early.detectable > 1.05 * once.detectable


@pytest.mark.parametrize(("lean", "rates"), [(0.0, NLI), (0.06, NLI | {"agree-95": (0.83, 0.80)})])
def test_a_seed_that_repeats_another_one_is_no_run_that_is_missing(lean: float, rates: Rates) -> None:
    """At the last look nothing may be left to go on with."""
    trial = make_trial("nli-frequency", PLAN[-1]).model_copy(update={"looks": PLAN})
    runs = make_runs(trial, rates, lean=lean, items=800)
    at = {(run.record.arm, run.record.seed): n for n, run in enumerate(runs)}
    first, again = runs[at["balanced", 0]], runs[at["balanced", 3]]
    runs[at["balanced", 3]] = first.model_copy(update={"record": again.record})
    found = analyse(trial, runs, Context(queued=0.0, begun=PLAN[-1]))
    assert "missing" not in found.verdict.text
    assert found.sequential is not None
    # The control of one run (hypothesis only) is not shown to lie within its margin where runs lean by luck.
    assert found.sequential.decision == ("stopped" if lean else "settled")
    assert next(one for one in found.arms if one.name == "balanced").summary[0].n_seeds == PLAN[-1] - 1
    assert (found.verdict.code == "inconclusive") == bool(lean)


def test_its_seeds_are_those_that_were_queued_and_none_is_missing() -> None:
    found = result_after(6)
    assert found.study.seeds == 6
    assert next(check for check in found.checks if check.name == "runs").ok


def test_to_claim_a_difference_takes_more_than_in_a_design_that_is_looked_at_once() -> None:
    trial = make_trial("nli-frequency", 4)
    once = analyse(trial, make_runs(trial, NLI, lean=0.02))
    for a, b in zip(once.contrasts, result_after(4).contrasts, strict=True):
        assert a.ci is not None
        assert b.ci is not None
        towards_zero = [ci[0] if a.difference > 0 else -ci[1] for ci in (a.ci, b.ci)]
        assert towards_zero[1] < towards_zero[0]
        assert b.p is not None
        assert (b.p < 0.05) == (b.ci[0] > 0 or b.ci[1] < 0)


@pytest.mark.parametrize("seeds", PLAN)
def test_a_verdict_settles_it_and_an_open_one_goes_on_to_the_last_look(seeds: int) -> None:
    clear = result_after(seeds, lean=0.0)
    assert clear.sequential is not None
    assert (clear.sequential.decision == "settled") == (clear.verdict.code != "inconclusive")
    open_one = result_after(seeds, {**NLI, "agree-95": (0.83, 0.74)}, lean=0.15)
    assert open_one.sequential is not None
    assert open_one.verdict.code == "inconclusive"
    assert open_one.sequential.decision == ("most-seeds" if seeds == 8 else "go-on")


def test_a_verdict_alone_does_not_settle_it_while_the_primary_contrast_is_open() -> None:
    """An arm that gained 60 points has learned, whatever it has over the arm that it is to beat."""
    for looks, decision in ((PLAN, "most-seeds"), ((*PLAN, 12), "go-on")):
        trial = make_trial("function-calling", looks[-1]).model_copy(update={"looks": looks})
        rates = {**CALLS, "sft-dpo": (0.82, 0.76)}
        runs = [run for run in make_runs(trial, rates, 400, 40, luck=0.04, seed=2) if run.record.seed < 8]
        found = analyse(trial, runs, Context(queued=0.0, begun=8))
        assert found.verdict.code == "learned"
        assert found.sequential is not None
        assert found.sequential.looks[-1].decision == "go-on"
        assert found.sequential.decision == decision


def test_at_the_last_look_it_is_an_answer_that_the_difference_is_not_what_was_expected() -> None:
    """Whether negatives help is answered, although they may harm by more than the margin; before it goes on."""
    for looks, answer, decision in ((PLAN, "not-greater", "settled"), ((*PLAN, 12), "go-on", "go-on")):
        trial = make_trial("function-calling", looks[-1]).model_copy(update={"looks": looks})
        rates = {**CALLS, "sft-dpo": (0.78, 0.72)}
        runs = [run for run in make_runs(trial, rates, 400, 40, luck=0.04, seed=2) if run.record.seed < 8]
        found = analyse(trial, runs, Context(queued=0.0, begun=8))
        assert found.sequential is not None
        last = found.sequential.looks[-1]
        assert last.ci90 is not None
        assert last.ci90[0] < -trial.study.primary.margin
        assert last.ci90[1] < trial.study.primary.margin
        assert (last.decision, found.sequential.decision) == (answer, decision)
        assert "accuracy is not higher by 3.0 points or more with SFT → DPO than with SFT: " in found.verdict.text


def test_the_interval_of_an_end_is_given_where_the_primary_contrast_ended_it_and_nowhere_else() -> None:
    early, late = (result_after(seeds, lean=0.0, items=1600) for seeds in (4, 6))
    assert early.sequential is not None
    assert late.sequential is not None
    assert early.sequential.decision == "settled"
    ended, own = early.sequential.looks[0], late.sequential.looks[0]
    assert ended.difference == own.difference
    assert ended.decision == own.decision == "effect"
    assert ended.ci is not None
    assert own.ci is not None
    assert own.ci[0] <= ended.ci[0] < ended.ci[1] <= own.ci[1]
    assert ended.ci != own.ci, "an earlier look keeps its own"
    trial = make_trial("nli-frequency", PLAN[-1]).model_copy(update={"looks": PLAN})
    runs = [run for run in make_runs(trial, NLI, items=1600, lean=0.0) if run.record.seed < 6]
    read = [as_run(run, run.record.arm != "base") for run in runs]
    primary, looked = trial.study.primary, Evidence(read, metrics_of(trial.study), Looks(PLAN, 1))
    alone = looked.difference(*primary.contrast, primary.figure)
    assert alone is not None
    assert late.sequential.looks[1].ci == alone.ci, "it had shown a difference before: this is no end of its own"


def test_a_control_that_has_all_of_its_runs_ends_it_and_one_that_gets_more_does_not() -> None:
    """Of the planted shortcut there is one run: what it does not show, further seeds of other arms cannot mend."""
    for rates, failed, decision in (
        ({**NLI, "planted": NLI["balanced"]}, "positive-control", "stopped"),
        ({**NLI, "hypothesis-only": (0.70, 0.50)}, "negative-control-2", "stopped"),
        ({**NLI, "balanced": (0.83, 0.73), "base": (0.50, 0.47)}, "negative-control-1", "go-on"),
    ):
        trial = make_trial("nli-frequency", PLAN[-1]).model_copy(update={"looks": PLAN})
        runs = [run for run in make_runs(trial, rates, lean=0.0, items=1600) if run.record.seed < PLAN[0]]
        found = analyse(trial, runs, Context(queued=0.0, begun=PLAN[0]))
        assert [check.name for check in found.checks if not check.ok] == [failed]
        assert found.sequential is not None
        assert found.sequential.decision == decision


def test_an_arm_that_no_seed_changes_is_compared_anew_at_every_look() -> None:
    """That its file gives the base one seed says nothing: each look compares it with more runs of the other arm."""
    plain = load("nli-frequency")
    arms = tuple(arm.model_copy(update={"seeds": 1}) if arm.name == "base" else arm for arm in plain.arms)
    found = []
    for study in (plain, plain.model_copy(update={"arms": arms})):
        trial = make_trial(study, PLAN[-1]).model_copy(update={"looks": PLAN})
        runs = [run for run in make_runs(trial, NLI, lean=0.02) if run.record.seed < PLAN[0]]
        result = analyse(trial, runs, Context(queued=0.0, begun=PLAN[0]))
        found.append([c for c in result.contrasts if (c.a, c.b) == ("agree-95", "base")])
    assert found[0]
    assert found[0] == found[1]


def test_where_the_contrast_is_answered_nothing_is_forecast() -> None:
    """Also where the answer is that the difference is too small to matter."""
    trial = make_trial("function-calling", PLAN[-1]).model_copy(update={"looks": PLAN})
    rates = {**CALLS, "sft-dpo": CALLS["sft"]}
    runs = [run for run in make_runs(trial, rates, 3000, 300, luck=0.0) if run.record.seed < 6]
    told = analyse(trial, runs, Context(queued=0.0, begun=6)).sequential
    assert told is not None
    assert told.looks[-1].decision == "no-effect"
    assert (told.further, told.stays_open) == (None, None)


def test_a_figure_that_may_settle_soon_is_forecast() -> None:
    open_one = result_after(4, {**NLI, "agree-95": (0.86, 0.72)}, lean=0.05).sequential
    assert open_one is not None
    assert open_one.looks[-1].decision == "go-on"
    assert open_one.further is not None
    low, high = open_one.further
    assert 2 <= low <= high <= 4
    assert open_one.stays_open is not None
    assert 0 <= open_one.stays_open < 0.8
