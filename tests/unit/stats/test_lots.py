"""Cues drawn by lot: how often nothing is taken for something, whatever items and rows are called."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from engine.rules import gained
from engine.spec.example import Outcome, Side
from engine.stats.estimate import Estimate
from engine.stats.resampling.lots import LOTS, FalseAlarms, false_alarms
from engine.stats.statistics._base import Statistic
from engine.stats.statistics.by_side import BySide
from engine.stats.statistics.weights import Weight

Pairs = list[tuple[list[Outcome], list[Outcome]]]


def outcomes(rng: np.random.Generator, rates: tuple[float, float], items: int, clusters: int = 20) -> list[Outcome]:
    """Items of which one side is right so often, and the other; clusters lie on both sides."""
    made = []
    for n in range(items):
        side = (Side.CONGRUENT, Side.CONFLICTING)[n % 2]
        right = bool(rng.random() < rates[n % 2])
        made.append(
            Outcome(
                item=f"i{n}", correct=right, split="s", cluster=f"c{n // 2 % clusters}", side=side,
                output="yes" if right == (n % 4 < 2) else "no", features={"true": float(n % 4 < 2)},
            )
        )  # fmt: skip
    return made


def pairs(seed: int = 0, seeds: int = 3, items: int = 240) -> Pairs:
    rng = np.random.default_rng(seed)
    return [(outcomes(rng, (0.95, 0.2), items), outcomes(rng, (0.7, 0.7), items)) for _ in range(seeds)]


def shown(found: Estimate) -> bool:
    return gained(found, 0.0)


def alarms(given: Pairs, statistic: Statistic | None = None, unit: str = "difference") -> FalseAlarms:
    found = false_alarms(given, statistic or BySide(), unit, shown)
    assert found is not None
    return found


def test_a_planted_shortcut_gives_no_more_false_alarms_than_the_test_allows() -> None:
    counts = [alarms(pairs(seed)).detected for seed in range(6)]
    assert max(counts) <= 0.05 * LOTS
    assert sum(counts) > 0, "a test that never errs would not have its level"


def test_lots_are_as_wide_as_the_randomization_distribution() -> None:
    """Its variance is known: 4 S² / n over the items' own differences (Neyman 1923)."""
    given = pairs(seeds=1, items=400)
    own = np.array([float(a.correct or 0) - float(b.correct or 0) for a, b in zip(*given[0], strict=True)])
    low, high = alarms(given).ends
    assert (high - low) / 2 == pytest.approx(1.96 * 2 * own.std(ddof=1) / np.sqrt(400), rel=0.15)
    assert low < 0 < high


def test_neither_the_names_of_items_nor_the_order_of_rows_matter() -> None:
    given = pairs()
    rng = Random(3)
    names = {f"i{n}": f"{rng.random()}" for n in range(240)}
    renamed = [tuple([o.model_copy(update={"item": names[o.item]}) for o in one] for one in pair) for pair in given]
    turned = [tuple(rng.sample(one, len(one)) for one in pair) for pair in renamed]
    assert alarms(given) == alarms(renamed) == alarms(turned)  # type: ignore[arg-type]


def test_seeds_change_places() -> None:
    given = pairs(items=120)
    assert alarms(given).ends == pytest.approx(alarms(given[::-1]).ends, abs=0.01)


def test_where_clusters_lie_on_one_side_whole_clusters_are_drawn() -> None:
    """Twelve clusters of which each is all right or all wrong: a lot of items would hide how few there are."""

    def clustered(right: int) -> list[Outcome]:
        return [
            Outcome(item=f"i{n}", correct=n // 20 % 3 < right, split="s", cluster=f"c{n // 20}",
                    side=Side.CONGRUENT if n // 20 % 2 else Side.CONFLICTING)
            for n in range(240)
        ]  # fmt: skip

    low, high = alarms([(clustered(2), clustered(0))]).ends
    assert high - low > 0.6, "twelve units"


def test_any_figure_by_side() -> None:
    found = alarms(pairs(seeds=1), Weight(weight="shortcut", truth="feature:true"), "coefficient")
    assert found.lots == LOTS
    assert found.detected <= 0.05 * LOTS


def test_items_without_sides_give_none() -> None:
    neutral = [o.model_copy(update={"side": Side.NEUTRAL}) for o in outcomes(np.random.default_rng(0), (0.5, 0.5), 40)]
    assert false_alarms([(neutral, neutral)], BySide(), "difference", shown) is None


def test_a_test_that_errs_too_often_is_found_out() -> None:
    assert false_alarms(pairs(), BySide(), "difference", lambda found: found.value > 0) is not None
    bad = false_alarms(pairs(), BySide(), "difference", lambda found: found.value > 0)
    assert bad is not None
    assert bad.detected > 0.3 * LOTS
