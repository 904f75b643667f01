"""Intervals that say 95 % cover about that often for statistics that are no means: areas under a curve, and slopes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.special import ndtr

from engine.spec.example import Outcome, Side
from engine.stats.evidence import Evidence, Run
from engine.stats.metric import Metric
from engine.stats.statistics._base import Statistic
from engine.stats.statistics.auc import Auc
from engine.stats.statistics.slope import Slope

TRIALS, CLUSTERS, ITEMS = 400, 40, 6
TRUTH = "feature:true"


@dataclass(frozen=True)
class World:
    """Two arms whose answers' scores are normal: skill * (+-1 for the label) + lean * x + cluster + luck + noise of 1.

    Attributes:
        skills, leans: Of the two arms.
        seed_sd: Of a run's skill and lean.
        cluster_sd: Of clusters, the same for both arms; `own_sd`: of a cluster for one arm; `luck`: of one run's.
    """

    skills: tuple[float, float] = (0.9, 0.6)
    leans: tuple[float, float] = (0.6, 0.3)
    seed_sd: float = 0.1
    cluster_sd: float = 0.5
    own_sd: float = 0.3
    luck: float = 0.2

    def area(self) -> float:
        """The difference of the arms' areas under the curve."""
        a, b = (self._area(skill, lean) for skill, lean in zip(self.skills, self.leans, strict=True))
        return a - b

    def slope(self) -> float:
        """The difference of the arms' slopes."""
        return self.leans[0] - self.leans[1]

    def _area(self, skill: float, lean: float) -> float:
        noise = 1 + self.cluster_sd**2 + self.own_sd**2 + self.luck**2 + lean**2 + self.seed_sd**2
        return float(ndtr(2 * skill / np.sqrt(2 * noise + 4 * self.seed_sd**2)))

    def draw(self, seeds: int, rng: np.random.Generator) -> list[tuple[str, int, list[Outcome]]]:
        """The outcomes of both arms' runs on the same items."""
        true, x = np.tile([0.0, 1.0], CLUSTERS * ITEMS // 2), rng.normal(0, 1, CLUSTERS * ITEMS)
        cluster = np.repeat(np.arange(CLUSTERS), ITEMS)
        shared = rng.normal(0, self.cluster_sd, CLUSTERS)
        found = []
        for arm, skill, lean in zip("ab", self.skills, self.leans, strict=True):
            own = shared + rng.normal(0, self.own_sd, CLUSTERS)
            for seed in range(seeds):
                skilled, leaning = rng.normal(skill, self.seed_sd), rng.normal(lean, self.seed_sd)
                shift = (own + rng.normal(0, self.luck, CLUSTERS))[cluster]
                value = skilled * (2 * true - 1) + leaning * x + shift + rng.normal(0, 1, len(x))
                found.append((arm, seed, [_outcome(at, c, v, t, d) for at, (c, v, t, d) in enumerate(
                    zip(cluster.tolist(), value.tolist(), true.tolist(), x.tolist(), strict=True))]))  # fmt: skip
        return found


def _outcome(at: int, cluster: int, value: float, true: float, x: float) -> Outcome:
    return Outcome.model_construct(
        item=f"i{at}", correct=None, split="s", cluster=f"c{cluster}", side=Side.NEUTRAL, output="", failure=None,
        value=value, features={"true": true, "x": x},
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [1, 5])
@pytest.mark.parametrize(
    ("statistic", "truth"),
    [(Auc(truth=TRUTH), World.area), (Slope(x="feature:x", held=(TRUTH,)), World.slope)],
    ids=["auc", "slope"],
)
def test_of_ninety_five_intervals_in_a_hundred_hold_the_truth(
    statistic: Statistic, truth: Callable[[World], float], seeds: int
) -> None:
    world = World(seed_sd=0.1 if seeds > 1 else 0.0)  # of one seed the interval speaks of other items alone
    assert 0.925 <= _covered(world, statistic, truth(world), seeds, TRIALS) <= 0.98


@pytest.mark.slow
def test_an_interval_that_ignores_items_would_not_pass() -> None:
    """The check itself can fail: seeds alone cover far too seldom where the arms differ by clusters."""
    world = World(seed_sd=0.02, own_sd=0.8)
    assert _covered(world, Auc(truth=TRUTH), world.area(), 10, 100, items=False) < 0.85


def _covered(world: World, statistic: Statistic, truth: float, seeds: int, trials: int, items: bool = True) -> float:
    """How often the interval of the paired difference holds the true one."""
    metrics = {"p.figure": Metric(name="figure", label="", unit="coefficient", statistic=statistic)}
    rng, hits = np.random.default_rng(seeds), 0
    for _ in range(trials):
        runs = [
            Run(arm, seed, True, {"p.figure": statistic.of(made) or 0.0}, {"p": made} if items else {})
            for arm, seed, made in world.draw(seeds, rng)
        ]
        found = Evidence(runs, metrics).difference("a", "b", "p.figure")
        assert found is not None
        assert found.ci is not None
        hits += found.ci[0] <= truth <= found.ci[1]
    return hits / trials
