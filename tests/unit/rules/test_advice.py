"""Following the advice settles the question most of the time, and comes from what really varies: by simulation."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtri, stdtrit

from engine.rules._advice import FEWEST, Aim, advice
from engine.stats.estimate import Estimate

MARGIN = 0.03
WORDS = re.compile(r"(?:(\d+) more seeds \((\d+) in all\))?(?: and )?(?:(\d+) times as many items)?\.$")


class World:
    """A true difference, with seeds and items that vary; data are drawn bit by bit, as a study that goes on draws them.

    Args:
        rng: What is drawn from.
        seed_sd: How much seeds differ.
        item_sd: How far the items of the first study are off, together; four times as many are off by half.
    """

    def __init__(self, rng: np.random.Generator, truth: float, seed_sd: float, item_sd: float) -> None:
        self.rng, self.truth, self.seed_sd, self.item_sd = rng, truth, seed_sd, item_sd
        self.seeds = list(rng.normal(0, seed_sd, 5))
        self.blocks = [float(rng.normal(0, item_sd))]  # each as many items as the first study had

    def estimate(self) -> Estimate:
        off = float(np.mean(self.blocks))
        values = [self.truth + off + one for one in self.seeds]
        n, items = len(values), self.item_sd / math.sqrt(len(self.blocks))
        by_seed, mean = float(np.std(values, ddof=1)) / math.sqrt(n), float(np.mean(values))
        wide, narrow = (math.hypot(stdtrit(n - 1, at) * by_seed, ndtri(at) * items) for at in (0.975, 0.95))
        bounds = ((mean - wide, mean + wide), (mean - narrow, mean + narrow))
        return Estimate(mean, *bounds, per_seed=tuple(values), item_spread=items)

    def follow(self, said: str) -> None:
        found = WORDS.search(said)
        assert found is not None, said
        self.seeds += list(self.rng.normal(0, self.seed_sd, int(found[1] or 0)))
        self.blocks += [float(self.rng.normal(0, self.item_sd)) for _ in range(int(found[3] or 1) - 1)]
        assert found[2] is None or len(self.seeds) == int(found[2])


def settled(found: Estimate, aim: Aim) -> bool:
    assert found.ci is not None
    assert found.ci90 is not None
    beyond, within = aim.beyond, aim.within
    shown = beyond is not None and found.ci[0] > 0 and found.value > beyond
    fell = beyond is not None and aim.both and found.ci[1] < 0 and found.value < -beyond
    absent = within is not None and found.ci90[1] < within and (not aim.both or found.ci90[0] > -within)
    return shown or fell or absent


@pytest.mark.parametrize("aim", [Aim(MARGIN, MARGIN), Aim(0.0, MARGIN, both=False), Aim(MARGIN)])
def test_following_it_settles_the_question_most_of_the_time(aim: Aim) -> None:
    rng, done = np.random.default_rng(1), Counter[bool]()
    for _ in range(3_000):
        sds = rng.choice([0.005, 0.02, 0.05]), rng.choice([0.002, 0.01, 0.02])
        world = World(rng, float(rng.choice([-0.05, 0.0, 0.0, 0.01, 0.05, 0.1])), *sds)
        if settled(world.estimate(), aim):
            continue
        said = advice(world.estimate(), aim)
        if said.startswith("To settle it: about"):
            world.follow(said)
            done[settled(world.estimate(), aim)] += 1
    assert sum(done.values()) > 100
    assert done[True] > 0.7 * sum(done.values()), done


def test_it_never_asks_for_one_more_seed() -> None:
    rng = np.random.default_rng(2)
    for _ in range(500):
        found = World(rng, float(rng.normal(0, 0.05)), 0.03, 0.005).estimate()
        said = re.search(r"(\d+) more seeds?", advice(found, Aim(MARGIN, MARGIN)))
        assert said is None or int(said[1]) >= FEWEST


@pytest.mark.parametrize(
    ("seed_sd", "item_sd", "said"),
    [(0.05, 0.001, r"^To settle it: about \d+ more seeds \(\d+ in all\)\.$"),
     (0.002, 0.03, r"^To settle it: about \d+ times as many items\.$")],
)  # fmt: skip
def test_it_asks_for_more_of_what_varies(seed_sd: float, item_sd: float, said: str) -> None:
    noise = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
    values = 0.06 + noise / np.std(noise, ddof=1) * seed_sd
    found = Estimate(0.06, (-0.01, 0.13), (0.0, 0.12), tuple(values), item_spread=item_sd)
    assert re.match(said, advice(found, Aim(MARGIN, MARGIN))), advice(found, Aim(MARGIN, MARGIN))


@pytest.mark.parametrize(("clusters", "few"), [(0, ""), (6, " in {} times as many clusters (now 6)"), (30, "")])
def test_items_of_the_same_few_clusters_are_not_what_it_asks_for(clusters: int, few: str) -> None:
    values = tuple(0.06 + 0.002 * one for one in (-1.0, -0.5, 0.0, 0.5, 1.0))
    found = Estimate(0.06, (-0.01, 0.13), (0.0, 0.12), values, item_spread=0.03, clusters=clusters)
    said = advice(found, Aim(MARGIN, MARGIN))
    times = re.match(r"To settle it: about (\d+) times", said)
    assert times is not None, said
    assert said == f"To settle it: about {times[1]} times as many items{few.format(times[1])}."


def test_an_arm_that_gets_no_more_seeds_is_not_asked_for_more() -> None:
    by_seeds = Estimate(0.04, (-0.01, 0.09), (0.0, 0.08), (0.0, 0.03, 0.05, 0.08), item_spread=0.001)
    assert "more seeds" in advice(by_seeds, Aim(MARGIN, MARGIN))
    said = "Not even 16 times as many items are likely to settle it with so few seeds."
    assert advice(by_seeds, Aim(MARGIN, MARGIN), capped=True) == said
    by_items = replace(by_seeds, per_seed=(0.055, 0.06, 0.065), value=0.06, item_spread=0.03)
    assert re.match(r"To settle it: about \d+ times as many items\.$", advice(by_items, Aim(MARGIN), capped=True))


def test_it_aims_at_what_is_asked() -> None:
    """A mean far from 0 needs fewer seeds to be shown to differ from it than to be known to within a narrow margin."""
    values = tuple(0.08 + 0.06 * one for one in (-1.0, -0.5, 0.0, 0.5, 1.0))
    found = Estimate(0.08, (-0.005, 0.165), (0.01, 0.15), values)
    not_zero = re.search(r"\((\d+) in all\)", advice(found, Aim(0.0, 0.005)))
    assert not_zero is not None
    assert int(not_zero[1]) <= 10
    assert "too near the limit" in advice(replace(found, value=0.0301), Aim(within=0.03, both=False))


def test_without_anything_that_varies_it_promises_nothing() -> None:
    flat = Estimate(0.0, (-0.4, 0.4), (-0.3, 0.3), (0.0, 0.0, 0.0))
    assert "more items" in advice(flat, Aim(MARGIN, MARGIN))
    assert advice(Estimate(0.1, None, None, (0.1,)), Aim(MARGIN)) == "To settle it: run more seeds."
    by_items = Estimate(0.1, (-0.1, 0.3), (-0.07, 0.27), (0.1,), item_spread=0.1)
    assert "times as many items" in advice(by_items, Aim(MARGIN)), "two arms that no seed changes need items"
