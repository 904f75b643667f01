"""Which looks count: those by which arms that a study compares can be compared."""

from __future__ import annotations

import pytest

from engine.analysis.registration import looked, looks_at, probes_read
from engine.spec.result import Look, Shown
from engine.spec.runs import Identity, LookNoted
from jobs.studies import load

STUDY = load("function-calling")
"""Its primary contrast is SFT and DPO against SFT; its rule reads other pairs as well, and not "shuffled"."""


def runs(*arms: str, seeds: int = 1) -> tuple[Identity, ...]:
    return tuple(Identity(arm=arm, seed=n, run=f"{arm}{n}", tune=f"w-{arm}{n}") for arm in arms for n in range(seeds))


def noted(trial: str, at: float, *shown: Identity, how: Shown = "result") -> LookNoted:
    return LookNoted(
        at=at, trial=trial, shown=how, metric="calls.accuracy", contrast=STUDY.primary.contrast, runs=shown
    )


OWN = runs("base", "sft", "sft-dpo", "shuffled", seeds=3)


@pytest.mark.parametrize(
    ("arms", "counts"),
    [
        (("sft", "sft-dpo"), True),
        (("base", "sft-dpo"), True),
        (("sft", "shuffled"), False),
        (("sft-dpo",), False),
        ((), False),
    ],
    ids=["primary", "also-read", "not-read", "one-arm", "none"],
)
def test_a_look_counts_where_the_rule_reads_the_pair(arms: tuple[str, ...], counts: bool) -> None:
    found = looks_at(STUDY, OWN, [noted("other", 5.0, *runs(*arms))])
    assert [(look.trial, look.seeds, look.at) for look in found] == (
        [("other", 1, "1970-01-01T00:00:05+00:00")] if counts else []
    )


def test_runs_are_known_by_weights_and_answers_whatever_they_are_called() -> None:
    theirs = (
        Identity(arm="x", seed=7, run="x7", tune="w-sft1"),
        Identity(arm="y", seed=8, run="y8", tune="w-y8", outcomes=("said",)),
    )
    assert looks_at(STUDY, OWN, [noted("other", 5.0, *theirs)]) == ()
    answered = tuple(
        run.model_copy(update={"outcomes": ("said", "more")}) if run.arm == "sft-dpo" and run.seed == 0 else run
        for run in OWN
    )
    (look,) = looks_at(STUDY, answered, [noted("other", 5.0, *theirs)])
    assert (look.trial, look.seeds) == ("other", 2)


def test_one_run_that_is_known_again_as_two_arms_compares_nothing() -> None:
    """Arms that nothing trains may answer alike: that one of them was shown tells no difference of the two."""
    alike = tuple(run.model_copy(update={"outcomes": ("same",)}) if run.seed == 0 else run for run in OWN)
    theirs = Identity(arm="x", seed=0, run="x0", outcomes=("same",))
    assert looks_at(STUDY, alike, [noted("other", 5.0, theirs), noted("again", 6.0, theirs)]) == ()
    another = theirs.model_copy(update={"run": "y0"})
    assert [look.trial for look in looks_at(STUDY, alike, [noted("other", 5.0, theirs, another)])] == ["other"]


@pytest.mark.parametrize(
    ("study", "probes"),
    [("nli-frequency", {"entailment"}), ("prompting-ceiling", {"facts"}), ("proxy-tuning", {"calls"})],
)
def test_answers_that_no_verdict_reads_are_no_answers_to_its_question(study: str, probes: set[str]) -> None:
    """All studies measure what the base forgot, by the same items: an untrained arm answers them alike in each."""
    assert probes_read(load(study)) == probes


def test_very_old_runs_without_weights_are_not_all_one() -> None:
    old = tuple(Identity(arm=arm, seed=0, run=arm) for arm in ("sft", "sft-dpo"))
    others = tuple(Identity(arm=arm, seed=0, run=f"other-{arm}") for arm in ("sft", "sft-dpo"))
    assert looks_at(STUDY, old, [noted("other", 5.0, *others)]) == ()


def test_the_first_look_is_told_first_and_seeds_add_up() -> None:
    found = looks_at(
        STUDY,
        OWN,
        [
            noted("late", 9.0, *runs("sft", "sft-dpo", seeds=3)),
            noted("early", 3.0, *runs("sft", "sft-dpo", seeds=1), how="live"),
            noted("early", 4.0, *runs("sft", "sft-dpo", seeds=2)),
        ],
    )
    assert [(look.trial, look.seeds, look.shown) for look in found] == [("early", 2, "live"), ("late", 3, "result")]
    assert looked(found) == (
        "since live curves of early (2 seeds) were shown on 1970-01-01 00:00 UTC, before it was queued, "
        "and spent the whole 5 %"
    )


def test_a_result_from_before_looks_were_noted_says_what_it_said() -> None:
    look = Look.model_validate({"trial": "t", "seeds": 1})
    assert looked([look]) == "since figures of t (1 seed) were there when it was queued, and spent the whole 5 %"
