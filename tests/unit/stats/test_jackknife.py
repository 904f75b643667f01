"""The influence of clusters on every statistic is what leaving them out by hand gives."""

from __future__ import annotations

import numpy as np
import pytest

from engine.spec.example import Outcome, Side
from engine.stats.evidence import Evidence, Run
from engine.stats.metric import Metric
from engine.stats.resampling.columns import Columns
from engine.stats.resampling.jackknife import influence
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

TRUTH, CLUSTERS = "feature:true", 9
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
def test_influence_is_what_leaving_a_cluster_out_takes_away(statistic: Statistic) -> None:
    runs = [items(1), items(2)]
    found = influence(Columns(runs), statistic)
    assert found is not None
    assert [way.shape for way in found.ways] == [(CLUSTERS, 2)]
    assert found.read.tolist() == [CLUSTERS, CLUSTERS]
    assert found.lost.tolist() == [0.0, 0.0]
    for run, outcomes in enumerate(runs):
        left = [statistic.of([o for o in outcomes if o.cluster != f"c{cluster}"]) for cluster in range(CLUSTERS)]
        assert found.ways[0][:, run] == pytest.approx(np.mean(left) - np.array(left, dtype=float), abs=1e-9)


@every
def test_a_second_factor_and_the_cells_are_left_out_too(statistic: Statistic) -> None:
    made = [o.model_copy(update={"crossed": f"h{at % 4}"}) for at, o in enumerate(items(1)[:-1])]
    found = influence(Columns([made]), statistic)
    assert found is not None
    if not statistic.crosses:
        assert len(found.ways) == 1
        return
    assert found.clusters == 4
    for way, of in zip(found.ways[1:], (lambda o: o.crossed, lambda o: o.cluster + o.crossed), strict=True):
        left = np.array(
            [statistic.of([o for o in made if of(o) != one]) for one in sorted({of(o) for o in made})], float
        )
        assert way[:, 0] == pytest.approx(np.mean(left) - left, abs=1e-9)


@every
def test_only_clusters_that_the_figure_reads_count(statistic: Statistic) -> None:
    found = influence(Columns([items(1)]), statistic)
    assert found is not None
    assert found.clusters == CLUSTERS  # "alone" holds nothing that a figure reads
    nothing = [Outcome(item="i", correct=None, split="s", cluster="c")]
    assert influence(Columns([nothing]), statistic) is None


@every
def test_names_and_order_change_nothing(statistic: Statistic) -> None:
    made = items(1)
    names = dict(zip([o.cluster for o in made], np.random.default_rng(0).permutation(1000), strict=False))
    other = [o.model_copy(update={"item": f"x{at}", "cluster": f"{names[o.cluster]}"}) for at, o in enumerate(made)]
    found = [influence(Columns([each]), statistic) for each in (made, other[::-1])]
    one, two = (np.sort(each.ways[0][:, 0]) for each in found if each is not None)
    assert one == pytest.approx(two, abs=1e-12)


def test_a_run_without_the_figure_has_no_influence_and_the_others_have() -> None:
    one_sided = [o for o in items(1) if o.features.get("true") == 1.0]
    found = influence(Columns([items(1), one_sided, []]), Auc(truth=TRUTH))
    assert found is not None
    assert found.lost.tolist() == [0.0, 1.0, 1.0]
    assert (found.ways[0][:, 1:] == 0).all()


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
    evidence = Evidence(runs, METRICS)
    found = evidence.difference("a", "b", metric)
    assert found is not None
    assert found.value == pytest.approx(
        np.mean([x.metrics[metric] - y.metrics[metric] for x, y in evidence.pairs("a", "b")])
    )
    assert found.item_spread > 0
    assert evidence.clusters(metric) == 20
    alone = Evidence([runs[0]], METRICS).level("a", metric)
    assert alone is not None
    assert alone.ci is not None, "one seed has an interval over items"
    assert alone.ci[0] < alone.value < alone.ci[1]


def test_what_never_varies_is_bounded_for_shares_alone() -> None:
    """That no cluster is otherwise bounds a share; it does not bound an area under a curve, which has no interval."""
    perfect = [o.model_copy(update={"value": o.features.get("true")}) for o in items(0)]
    level = Evidence([Run("a", 0, True, {"p.auc": 1.0}, {"p": perfect})], METRICS).level("a", "p.auc")
    assert level is not None
    assert level.ci is None


def test_bounds_end_where_a_correlation_does() -> None:
    made = [o.model_copy(update={"value": o.features.get("x", 0.0) ** 3}) for o in items(0)]
    made[0] = made[0].model_copy(update={"value": -9.0})
    level = Evidence([Run("a", 0, True, {"p.rank": 0.999}, {"p": made})], METRICS).level("a", "p.rank")
    assert level is not None
    assert level.ci is not None
    assert level.ci[1] <= 1.0


def test_another_statistic_of_the_same_items_is_not_read_from_the_runs_figures() -> None:
    runs = [run("a", 0, 1.5), run("b", 0, 0.2)]
    found = Evidence(runs, METRICS).difference("a", "b", "p.auc", Mean())
    right = [np.mean([o.correct for o in r.outcomes["p"] if o.correct is not None]) for r in runs]
    assert found is not None
    assert found.value == pytest.approx(right[0] - right[1])
