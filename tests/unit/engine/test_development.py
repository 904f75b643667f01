"""Recipes are chosen on seeds and examples that no study measures, by a rule that is stated."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from engine.analysis.recipes import Row, Search, best
from engine.run import development, sources
from engine.run.planned import runs_of
from engine.spec.errors import DataError, SpecError
from engine.spec.study import MOST_SEEDS
from engine.spec.trial import TrialSpec
from jobs.studies import load, plan
from tests.support.planted import make_trial
from tests.support.tiny import make_data


def test_no_study_can_have_a_development_seed() -> None:
    trial = make_trial("nli-frequency", 2)
    with pytest.raises(ValidationError, match="seeds"):
        TrialSpec.model_validate({**trial.model_dump(mode="json"), "seeds": MOST_SEEDS + 1})
    runs = development.runs(trial, trial.study.arm("balanced"), {"learning_rate": 1e-4}, 3)
    assert [run.seed for run in runs] == [development.FIRST_SEED + at for at in range(3)]
    assert min(run.seed for run in runs) > MOST_SEEDS
    assert all(run.probes == () for run in runs), "the study's endpoint is not even measured"
    assert {run.tune.method.settings["learning_rate"] for run in runs} == {1e-4}
    studied = {run.tune.hash for run in runs_of(trial)}
    assert not studied & {run.tune.hash for run in runs}


@pytest.mark.parametrize("study", ["nli-frequency", "function-calling", "prompting-ceiling"])
def test_what_is_set_aside_is_neither_trained_on_nor_measured(study: str) -> None:
    spec = load(study)
    data = sources.prepare(spec, None).data
    split = development.set_aside(data)
    trained, aside = ({repr(e.prompt) for e in part} for part in (split.train, split.aside))
    assert split.items == ()
    assert not trained & aside
    assert not aside & {repr(item.prompt) for item in data.items}
    assert len(split.train) + len(split.aside) == len(data.train)
    assert 0.1 < len(split.aside) / len(data.train) < 0.3
    assert development.set_aside(data) == split


@pytest.mark.parametrize("study", ["nli-frequency", "function-calling"])
def test_whole_clusters_are_set_aside(study: str) -> None:
    """A noun that is trained on tells nothing of how well others are learned."""
    split = development.set_aside(sources.prepare(load(study), None).data)
    trained, aside = ({e.cluster for e in part} for part in (split.train, split.aside))
    assert trained.isdisjoint(aside)
    assert len(aside) >= 2


def test_few_clusters_are_not_set_aside_whole() -> None:
    data = make_data(60)
    few = tuple(e.model_copy(update={"cluster": f"c{at % 3}"}) for at, e in enumerate(data.train))
    split = development.set_aside(data.model_copy(update={"train": few}))
    assert {e.cluster for e in split.train} == {e.cluster for e in split.aside} == {"c0", "c1", "c2"}


def test_too_few_examples_are_refused() -> None:
    with pytest.raises(DataError, match="too few"):
        development.set_aside(make_data(3))


def test_one_arm_stands_for_each_method_and_none_with_a_cue_where_another_has_none() -> None:
    nli = development.tuned_arms(make_trial("nli-frequency", 1))
    assert [arm.name for arm in nli] == ["balanced", "agree-95-dpo"]
    assert {arm.agreement for arm in nli} == {0.5}, "loss on examples with the cue would reward it"
    calls = development.tuned_arms(make_trial("function-calling", 1))
    assert [arm.name for arm in calls] == ["sft", "sft-dpo"], "controls are left out"
    assert development.rates_of(calls[1]) == {"learning_rate": 3e-4, "dpo_learning_rate": 2e-4}
    study = load("function-calling")
    assert development.own_rates(study, calls[0]) == {"learning_rate": 3e-4}
    assert development.own_rates(study, calls[1]) == {"dpo_learning_rate": 2e-4}, "its first phase is SFT's"
    steered = development.tuned_arms(plan(load("proxy-tuning")))
    assert [(arm.name, arm.model) for arm in steered] == [
        ("expert", "small"),
        ("direct", ""),
    ]


def test_settings_that_do_not_fit_are_refused() -> None:
    trial = make_trial("nli-frequency", 1)
    with pytest.raises(SpecError, match="learning_rate"):
        development.runs(trial, trial.study.arm("balanced"), {"learning_rate": -1.0}, 1)


def row(value: float, *after: float, before: float = 1.0, diverged: int = 0) -> Row:
    return Row(value=value, before=(before,) * len(after), after=after, diverged=diverged)


def test_of_settings_that_are_as_good_the_one_whose_seeds_agree_is_taken() -> None:
    wide, narrow, worse = row(1e-3, 0.10, 0.30, 0.20), row(3e-4, 0.21, 0.20, 0.22), row(1e-4, 0.50, 0.52, 0.51)
    assert best([worse, narrow, wide]) == narrow
    assert best([worse, wide]) == wide, "seeds that agree on a worse loss are no reason"
    assert best([worse]) == worse


def test_of_a_further_phase_the_most_is_taken_that_does_no_harm() -> None:
    rows = [row(1e-5, 0.40, 0.50), row(1e-4, 0.41, 0.49), row(1e-3, 0.50, 0.61)]
    assert best(rows, most=True) == rows[1]
    assert best(rows[:1], most=True) == rows[0]


def test_what_diverges_or_does_not_fall_is_never_taken() -> None:
    assert best([row(1e-1, 0.1, diverged=1), row(1e-2, 1.2, 1.3), row(1e-3, 0.4, 0.5)]) == row(1e-3, 0.4, 0.5)
    assert best([row(1e-1, diverged=2), row(1e-2, 1.2, 1.3)]) is None


def test_a_choice_at_the_edge_says_so() -> None:
    rows = (row(1e-4, 0.5), row(1e-3, 0.4), row(1e-2, 0.6))
    search = Search(method="sft", arm="a", model="m", setting="learning_rate", rows=rows, chosen=1e-3)
    assert not search.at_the_edge
    assert search.model_copy(update={"chosen": 1e-2}).at_the_edge
    assert not search.model_copy(update={"chosen": None}).at_the_edge
