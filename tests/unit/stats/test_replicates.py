"""Every statistic is redrawn as if its clusters were drawn by hand, and left out one by one."""

from __future__ import annotations

import numpy as np
import pytest

from engine.spec.example import Outcome, Side
from engine.stats.evidence import Evidence, Run
from engine.stats.metric import Metric
from engine.stats.resampling import replicates
from engine.stats.resampling.bootstrap import Resampler
from engine.stats.resampling.columns import Columns
from engine.stats.statistics._base import Statistic
from engine.stats.statistics.alpha import Alpha
from engine.stats.statistics.auc import Auc
from engine.stats.statistics.by_side import BySide
from engine.stats.statistics.d_prime import DPrime
from engine.stats.statistics.mean import Mean
from engine.stats.statistics.rank_correlation import RankCorrelation
from engine.stats.statistics.ratio import Ratio
from engine.stats.statistics.slope import Slope
from engine.stats.statistics.weights import Weight

TRUTH, CLUSTERS, DRAWS = "feature:true", 9, 40
STATISTICS: list[Statistic] = [
    Mean(),
    Mean(column="value"),
    BySide(),
    Ratio(per="feature:tokens"),
    Auc(truth=TRUTH),
    DPrime(truth=TRUTH),
    Weight(weight="truth", truth=TRUTH),
    Weight(weight="shortcut", truth=TRUTH),
    Slope(x="feature:x", held=(TRUTH,)),
    RankCorrelation(y="feature:x"),
    Alpha(column="correct", scale="nominal"),
]
every = pytest.mark.parametrize("statistic", STATISTICS, ids=lambda s: f"{type(s).__name__}-{STATISTICS.index(s)}")


def items(seed: int, clusters: int = CLUSTERS, each: int = 6, skill: float = 1.0) -> list[Outcome]:
    """Sided yes/no items with a value, a feature that it depends on, and a few that say nothing of either."""
    rng = np.random.default_rng(seed)
    found = []
    for cluster in range(clusters):
        shift = rng.normal(0, 0.5)
        for n in range(each):
            true, x = float(n % 2), float(rng.normal())
            value = skill * (2 * true - 1) + 0.6 * x + shift + float(rng.normal())
            side = Side.CONGRUENT if (x > 0) == bool(true) else Side.CONFLICTING
            found.append(
                Outcome(
                    item=f"{cluster}-{n}", correct=(value > 0) == bool(true), split="s", cluster=f"c{cluster}",
                    side=side, output="yes" if value > 0 else "no", value=value,
                    features={"true": true, "x": x, "tokens": float(rng.integers(1, 9))},
                )
            )  # fmt: skip
    return [*found, Outcome(item="none", correct=None, split="other", cluster="alone")]


@every
def test_each_draw_is_the_figure_of_the_clusters_that_were_drawn(statistic: Statistic) -> None:
    runs = [items(1), items(2)]
    sampler = Resampler(CLUSTERS, DRAWS)
    found = replicates.draws(Columns(runs), statistic, lambda clusters: sampler)
    assert found is not None
    assert found.replicates.shape == (DRAWS, 2)
    for at, counts in enumerate(sampler.counts):
        for run, outcomes in enumerate(runs):
            redrawn = [
                o.model_copy(update={"cluster": f"{o.cluster}-{copy}"})
                for o in outcomes[:-1]
                for copy in range(int(counts[int(o.cluster[1:])]))
            ]
            expected = statistic.of(redrawn)
            assert found.replicates[at, run] == pytest.approx(
                np.nan if expected is None else expected, nan_ok=True, rel=1e-5
            )


@every
def test_influence_is_what_leaving_a_cluster_out_takes_away(statistic: Statistic) -> None:
    runs = [items(1), items(2)]
    found = replicates.draws(Columns(runs), statistic, lambda clusters: Resampler(clusters, DRAWS))
    assert found is not None
    assert found.influence.shape == (CLUSTERS, 2)
    for run, outcomes in enumerate(runs):
        left = [statistic.of([o for o in outcomes if o.cluster != f"c{cluster}"]) for cluster in range(CLUSTERS)]
        expected = np.mean(left) - np.array(left, dtype=float)
        own = found.influence[:, run] - found.influence[:, run].mean()
        assert own == pytest.approx(expected, abs=1e-9)


@every
def test_the_resampler_has_only_the_clusters_that_the_figure_reads(statistic: Statistic) -> None:
    asked = []
    replicates.draws(Columns([items(1)]), statistic, lambda clusters: asked.append(clusters) or Resampler(clusters, 5))
    assert asked == [CLUSTERS]
    nothing = [Outcome(item="i", correct=None, split="s", cluster="c")]
    assert replicates.draws(Columns([nothing]), statistic, lambda clusters: Resampler(clusters, 5)) is None


def test_a_run_without_the_figure_has_no_draws_and_the_others_have() -> None:
    one_sided = [o for o in items(1) if o.features.get("true") == 1.0]
    found = replicates.draws(Columns([items(1), one_sided, []]), Auc(truth=TRUTH), lambda n: Resampler(n, 20))
    assert found is not None
    assert np.isnan(found.replicates).all(axis=0).tolist() == [False, True, True]
    assert (found.influence[:, 1:] == 0).all()


@pytest.mark.parametrize("statistic", [Weight(weight="shortcut", truth=TRUTH), BySide()], ids=["weight", "by_side"])
def test_a_placebo_reads_drawn_sides_whatever_the_statistic(statistic: Statistic) -> None:
    """What follows the shortcut throughout follows no cue that was drawn by lot."""
    made = []
    for n in range(400):
        true, congruent = float(n % 2), n % 4 < 2
        said = bool(true) == congruent
        made.append(
            Outcome(
                item=f"i{n}", correct=congruent, split="s", cluster=f"c{n % 20}", output="yes" if said else "no",
                side=Side.CONGRUENT if congruent else Side.CONFLICTING, features={"true": true},
            )
        )  # fmt: skip
    columns = Columns([made, made])
    followed, lot = columns.figures(statistic), columns.figures(statistic, placebo=True)
    assert followed[0] >= 1
    assert abs(lot[0]) < followed[0] / 8
    assert lot[0] == lot[1]
    drawn = replicates.draws(columns, statistic, lambda clusters: Resampler(clusters, 200), placebo=True)
    assert drawn is not None
    assert drawn.replicates.mean() == pytest.approx(lot[0], abs=0.1)


METRICS = {
    "p.auc": Metric(name="auc", label="AUC", unit="share", statistic=Auc(truth=TRUTH)),
    "p.rank": Metric(
        name="rank", label="Rank correlation", unit="correlation", statistic=RankCorrelation(y="feature:x")
    ),
}


def run(arm: str, seed: int, skill: float, **more: float) -> Run:
    made = items(0, clusters=20, skill=skill + 0.1 * seed)
    figures = {name: metric.statistic.of(made) for name, metric in METRICS.items()}
    return Run(arm, seed, True, {n: v for n, v in figures.items() if v is not None} | more, {"p": made})


@pytest.mark.parametrize("metric", METRICS)
def test_evidence_has_the_items_part_of_any_statistic(metric: str) -> None:
    runs = [run(arm, seed, skill) for arm, skill in (("a", 1.5), ("b", 0.2)) for seed in range(3)]
    evidence = Evidence(runs, METRICS, 500)
    found = evidence.difference("a", "b", metric)
    assert found is not None
    assert found.value == pytest.approx(
        np.mean([x.metrics[metric] - y.metrics[metric] for x, y in evidence.pairs("a", "b")])
    )
    assert found.item_spread > 0
    assert evidence.clusters(metric) == 20
    alone = Evidence([runs[0]], METRICS, 500).level("a", metric)
    assert alone is not None
    assert alone.ci is not None, "one seed has an interval over items"
    assert alone.ci[0] < alone.value < alone.ci[1]


def test_what_never_varies_is_bounded_for_shares_alone() -> None:
    """That no cluster is otherwise bounds a share; it does not bound an area under a curve, which has no interval."""
    perfect = [o.model_copy(update={"value": o.features.get("true")}) for o in items(0)]
    level = Evidence([Run("a", 0, True, {"p.auc": 1.0}, {"p": perfect})], METRICS, 200).level("a", "p.auc")
    assert level is not None
    assert level.ci is None


def test_bounds_end_where_a_correlation_does() -> None:
    made = [o.model_copy(update={"value": o.features.get("x", 0.0) ** 3}) for o in items(0)]
    made[0] = made[0].model_copy(update={"value": -9.0})
    level = Evidence([Run("a", 0, True, {"p.rank": 0.999}, {"p": made})], METRICS, 500).level("a", "p.rank")
    assert level is not None
    assert level.ci is not None
    assert level.ci[1] <= 1.0


def test_another_statistic_of_the_same_items_is_not_read_from_the_runs_figures() -> None:
    runs = [run("a", 0, 1.5), run("b", 0, 0.2)]
    found = Evidence(runs, METRICS, 200).difference("a", "b", "p.auc", Mean())
    right = [np.mean([o.correct for o in r.outcomes["p"] if o.correct is not None]) for r in runs]
    assert found is not None
    assert found.value == pytest.approx(right[0] - right[1])
