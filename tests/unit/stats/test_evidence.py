"""Figures drawn from items say what the probes say; arms are paired as they should be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from engine.probes import probe_class
from engine.spec.example import Outcome, Side
from engine.stats.evidence import Evidence, Run
from engine.stats.inference.looks import Looks
from engine.stats.inference.paired import t_interval
from engine.stats.metric import Metric
from engine.stats.resampling.columns import Columns
from engine.stats.statistics._base import Linear
from engine.stats.statistics.by_side import BySide
from engine.stats.statistics.by_side_within import BySideWithin
from engine.stats.statistics.mean import Mean
from tests.support.planted import CALLS, NLI, make_runs, make_trial

METRICS = {
    "p.accuracy": Metric(name="accuracy", label="Accuracy", unit="share", statistic=Mean()),
    "p.reliance": Metric(name="reliance", label="Reliance", unit="difference", statistic=BySide()),
    "p.slope": Metric(name="slope", label="Slope", unit="coefficient", statistic=Mean(column="value")),
}


@pytest.mark.parametrize(("study", "rates"), [("function-calling", CALLS), ("nli-frequency", NLI)])
def test_every_metric_drawn_from_items_is_the_probes_own(study: str, rates) -> None:
    runs = make_runs(make_trial(study, 2), rates, items=60)
    for probe in runs[0].outcomes:
        columns = Columns([run.outcomes[probe] for run in runs])
        for metric in probe_class(probe).metrics:
            if not isinstance(metric.statistic, Linear):
                continue
            sums = columns.sums(metric.statistic)
            total, count = sums.total.sum(axis=2), sums.count.sum(axis=2)
            for at, run in enumerate(runs):
                name = f"{probe}.{metric.name}"
                if name in run.metrics:
                    assert (total[at] / count[at]) @ sums.signs == pytest.approx(run.metrics[name]), name
                else:
                    assert (count[at] == 0).any(), name


def outcomes(rights: dict[Side, list[bool]]) -> tuple[Outcome, ...]:
    return tuple(
        Outcome(item=f"{side}-{n}", correct=ok, split="s", cluster=f"c{n % 5}", side=side)
        for side, oks in rights.items()
        for n, ok in enumerate(oks)
    )


def run(arm: str, seed: int, value: float, seeded: bool = True, **metrics: float) -> Run:
    rng = np.random.default_rng(seed)
    rights = {side: list(rng.random(40) < value) for side in (Side.CONGRUENT, Side.CONFLICTING)}
    made = outcomes(rights)
    own = {"p.accuracy": float(np.mean([o.correct for o in made]))}
    return Run(arm, seed, seeded, own | {f"p.{k}": v for k, v in metrics.items()}, {"p": made})


def test_an_untrained_arm_is_paired_with_every_seed() -> None:
    evidence = Evidence([run("base", 0, 0.1, seeded=False), *(run("a", s, 0.8) for s in range(4))], METRICS)
    found = evidence.difference("a", "base", "p.accuracy")
    assert found is not None
    assert found.n_seeds == 4
    assert found.above
    assert found.value == pytest.approx(
        evidence.level("a", "p.accuracy").value - evidence.level("base", "p.accuracy").value  # pyright: ignore[reportOptionalMemberAccess]
    )
    back = evidence.difference("base", "a", "p.accuracy")
    assert back is not None
    assert back.value == pytest.approx(-found.value)
    assert back.below


def test_trained_arms_are_paired_on_the_seeds_they_share() -> None:
    evidence = Evidence([run("a", 0, 0.8), run("a", 2, 0.8), run("b", 1, 0.5), run("b", 2, 0.5)], METRICS)
    found = evidence.difference("a", "b", "p.accuracy")
    assert found is not None
    assert found.n_seeds == 1
    assert found.p is None
    assert found.ci is not None  # over items alone
    assert evidence.difference("a", "missing", "p.accuracy") is None
    assert Evidence([run("a", 0, 0.8), run("b", 1, 0.5)], METRICS).difference("a", "b", "p.accuracy") is None


def test_a_metric_that_no_stored_item_gives_has_students_interval_over_seeds() -> None:
    evidence = Evidence([run(a, s, 0.8, slope=v * s) for a, v in (("a", 1.0), ("b", 0.5)) for s in range(3)], METRICS)
    found = evidence.difference("a", "b", "p.slope")
    assert found is not None
    assert found.value == pytest.approx(0.5)
    assert found.ci == pytest.approx(t_interval([0.0, 0.5, 1.0]))
    same = Evidence([run(a, s, 0.8, slope=1.0) for a in ("a", "b") for s in range(3)], METRICS)
    alike = same.difference("a", "b", "p.slope")
    assert alike is not None
    assert alike.ci is None  # what does not vary over three seeds is not known without error
    one = Evidence([run("a", 0, 0.8, slope=1.0)], METRICS).level("a", "p.slope")
    assert one is not None
    assert one.ci is None


def test_figures_that_are_no_numbers_count_as_missing() -> None:
    evidence = Evidence([run("a", 0, 0.8, slope=float("nan")), run("a", 1, 0.8, slope=2.0)], METRICS)
    found = evidence.level("a", "p.slope")
    assert found is not None
    assert found.per_seed == (2.0,)


def test_order_of_runs_and_items_changes_nothing() -> None:
    runs = [run(arm, seed, rate) for arm, rate in (("a", 0.8), ("b", 0.6)) for seed in range(3)]
    turned = [Run(r.arm, r.seed, r.seeded, r.metrics, {"p": tuple(reversed(r.outcomes["p"]))}) for r in reversed(runs)]
    one, other = (Evidence(rs, METRICS).difference("a", "b", "p.accuracy") for rs in (runs, turned))
    assert one == other


def test_what_never_varies_is_known_as_far_as_its_clusters_reach() -> None:
    def all_right(arm: str, seed: int) -> Run:
        outcomes = [Outcome(item=f"i{n}", correct=True, split="s", cluster=f"c{n % 6}") for n in range(24)]
        return Run(arm, seed, True, {"p.accuracy": 1.0}, {"p": outcomes})

    evidence = Evidence([all_right(arm, seed) for arm in ("a", "b") for seed in range(3)], METRICS)
    level, difference = evidence.level("a", "p.accuracy"), evidence.difference("a", "b", "p.accuracy")
    exact = stats.binomtest(6, 6).proportion_ci(0.95, method="exact").low
    assert level is not None
    assert level.ci == pytest.approx((exact, 1.0))
    assert difference is not None
    assert difference.ci == pytest.approx((exact - 1, 1 - exact))


@pytest.mark.parametrize("statistic", [BySide(), BySideWithin(within="feature:kind")], ids=["plain", "within"])
def test_what_never_varies_by_side_is_known_as_far_as_the_side_with_fewer_clusters_reaches(statistic) -> None:
    sides = [Side.CONGRUENT] * 5 + [Side.CONFLICTING] * 20

    def all_right(seed: int) -> Run:
        outcomes = [
            Outcome(
                item=f"i{n}", correct=True, split="s", cluster=f"c{n}", side=side, features={"kind": float(n % 2)}
            )
            for n, side in enumerate(sides)
        ]  # fmt: skip
        return Run("a", seed, True, {"p.reliance": 0.0}, {"p": outcomes})

    metric = {"p.reliance": Metric(name="reliance", label="", unit="difference", statistic=statistic)}
    found = Evidence([all_right(seed) for seed in range(3)], metric).level("a", "p.reliance")
    reach = 1 - stats.binomtest(5, 5).proportion_ci(0.95, method="exact").low
    assert found is not None
    assert found.ci == pytest.approx((-reach, reach))


def test_an_arm_that_has_all_of_its_runs_is_judged_as_if_there_were_one_look() -> None:
    runs = [run(arm, seed, rate) for arm, rate in (("a", 0.8), ("b", 0.6)) for seed in range(3)]
    complete = [replace(one, complete=True) if one.arm == "a" else one for one in runs]
    first = Looks((3, 8), 0)
    once, early, whole = (Evidence(runs, METRICS), Evidence(runs, METRICS, first), Evidence(complete, METRICS, first))
    for a, b in (("a", "b"), ("b", "a")):
        assert whole.difference(a, b, "p.accuracy") == once.difference(a, b, "p.accuracy")
        assert whole.difference(a, b, "p.accuracy") != early.difference(a, b, "p.accuracy")
    assert whole.level("a", "p.accuracy") == once.level("a", "p.accuracy")
    assert whole.level("b", "p.accuracy") == early.level("b", "p.accuracy")


def test_only_the_figure_by_which_a_design_ended_has_the_interval_of_an_end() -> None:
    runs = [run(arm, seed, rate) for arm, rate in (("a", 0.8), ("b", 0.6), ("c", 0.3)) for seed in range(4)]
    looked = Evidence(runs, METRICS, Looks((2, 4, 6), 1))
    ended = looked.ended_by("a", "b", "p.accuracy")
    own, at_end = (one.difference("a", "b", "p.accuracy") for one in (looked, ended))
    assert own is not None
    assert at_end is not None
    assert (own.value, own.p, own.ci90) == (at_end.value, at_end.p, at_end.ci90)
    assert own.ci is not None
    assert at_end.ci is not None
    assert own.ci[0] <= at_end.ci[0]
    assert at_end.ci[1] <= own.ci[1]
    assert own.ci != at_end.ci
    assert ended.difference("a", "c", "p.accuracy") == looked.difference("a", "c", "p.accuracy")
    assert ended.level("a", "p.accuracy") == looked.level("a", "p.accuracy")


def test_clusters_of_other_splits_are_not_drawn_in_vain() -> None:
    """A split of six frames is resampled as six, however many clusters the rest of the probe has."""

    def outcomes(seed: int, more: int) -> list[Outcome]:
        rng = np.random.default_rng(seed)
        found = [
            Outcome(item=f"i{n}", correct=bool(rng.random() < 0.3 + 0.1 * (n % 6)), split="a", cluster=f"a{n % 6}")
            for n in range(60)
        ]
        return found + [Outcome(item=f"m{n}", correct=True, split="m", cluster=f"m{n}") for n in range(more)]

    metric = {"p.accuracy": Metric(name="accuracy", label="", unit="share", statistic=Mean(splits=("a",)))}
    alone, among = (
        Evidence([Run("a", s, True, {"p.accuracy": 0.5}, {"p": outcomes(s, more)}) for s in range(3)], metric)
        .level("a", "p.accuracy")
        for more in (0, 300)
    )  # fmt: skip
    assert alone == among
    assert alone is not None
    assert alone.clusters == 6


def test_six_clusters_give_about_students_width_over_them() -> None:
    rates = (0.1, 0.3, 0.4, 0.6, 0.7, 0.9)
    outcomes = [
        Outcome(item=f"{c}-{n}", correct=n < 10 * rate, split="s", cluster=f"c{c}")
        for c, rate in enumerate(rates)
        for n in range(10)
    ]
    found = Evidence([Run("a", 0, True, {"p.accuracy": 0.5}, {"p": outcomes})], METRICS).level("a", "p.accuracy")
    expected = t_interval(rates)
    assert found is not None
    assert found.ci is not None
    assert expected is not None
    assert found.ci[1] - found.ci[0] == pytest.approx(expected[1] - expected[0], rel=0.12)


def test_an_earlier_look_is_what_its_seeds_alone_say() -> None:
    runs = [
        run(arm, seed, rate) for arm, at in (("a", 0.4), ("b", 0.5)) for seed, rate in enumerate((at, at + 0.1, at))
    ]
    first = Looks((2, 3), 0)
    at_look = Evidence(runs, METRICS, Looks((2, 3), 1)).at_look(first)
    alone = Evidence([one for one in runs if one.seed < 2], METRICS, first)
    assert at_look.difference("a", "b", "p.accuracy") == alone.difference("a", "b", "p.accuracy")
    assert at_look.level("a", "p.accuracy") == alone.level("a", "p.accuracy")
    assert len(at_look.pairs("a", "b")) == 2


def test_what_gets_no_more_seeds_is_judged_as_if_looked_at_once() -> None:
    runs = [run("a", 0, 0.4), run("b", 0, 0.5)]
    early, once = Evidence(runs, METRICS, Looks((4, 8), 0)), Evidence(runs, METRICS)
    assert early.level("a", "p.accuracy") == once.level("a", "p.accuracy")
    assert early.difference("a", "b", "p.accuracy") == once.difference("a", "b", "p.accuracy")
