from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student

from engine.spec.runs import Point
from gui.curves import MOST_POINTS, CurveStore, t95
from gui.widgets.chart import ticks


def points(run: str, *pairs: tuple[int, float], name: str = "loss") -> list[Point]:
    return [Point(run=run, name=name, step=s, value=v) for s, v in pairs]


def test_the_band_is_a_t_interval() -> None:
    store = CurveStore()
    values = [0.2, 0.5, 0.6]
    for n, value in enumerate(values):
        store.add(points(f"r{n}", (10, value)))
    band = store.band("loss", ["r0", "r1", "r2"])
    half = student.ppf(0.975, 2) * np.std(values, ddof=1) / math.sqrt(3)
    assert band.mean[0] == pytest.approx(np.mean(values))
    assert band.high[0] - band.mean[0] == pytest.approx(half, rel=1e-3)
    assert band.seeds == 3


def test_one_seed_has_no_band() -> None:
    store = CurveStore()
    store.add(points("r0", (1, 1.0), (2, 0.5)))
    band = store.band("loss", ["r0", "r1"])
    assert list(band.mean) == [1.0, 0.5]
    assert np.isnan(band.low).all()
    assert band.seeds == 1


def test_t_quantiles() -> None:
    for seeds in (2, 3, 10, 31, 40, 1000):
        assert t95(np.array([seeds]))[0] == pytest.approx(student.ppf(0.975, seeds - 1), rel=2e-3)


def test_repeats_and_what_is_no_number_change_nothing() -> None:
    store = CurveStore()
    assert store.add(points("r", (1, 1.0))) == {"loss"}
    assert store.add(points("r", (1, 9.0), (2, float("nan")), (3, float("inf")))) == set()
    assert list(store.single("loss", "r")[1]) == [1.0]


def test_long_curves_are_averaged_until_they_can_be_seen() -> None:
    store = CurveStore()
    store.add(points("r", *((n, float(n)) for n in range(1, 1001))))
    width = store.width("loss", 1000)
    steps, values = store.single("loss", "r", width)
    assert len(steps) <= MOST_POINTS
    assert values.mean() == pytest.approx(500.5)
    assert steps[-1] == 1000


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 300), st.floats(-9, 9)), min_size=1, max_size=80), st.integers(1, 40))
def test_averages_that_grow_are_those_made_at_once(points: list[tuple[int, float]], width: int) -> None:
    growing, whole = CurveStore(), CurveStore()
    for at, (step, value) in enumerate(points):
        growing.add([Point(run="r", name="loss", step=step, value=value)])
        if at % 3 == 0:
            growing.single("loss", "r", width)
    whole.add(Point(run="r", name="loss", step=step, value=value) for step, value in points)
    for ours, theirs in zip(growing.single("loss", "r", width), whole.single("loss", "r", width), strict=True):
        np.testing.assert_allclose(ours, theirs)


def test_nothing_gives_nothing() -> None:
    store = CurveStore()
    assert store.band("loss", ["r"]).last is None
    store.add(points("r", (1, 1.0)))
    store.clear()
    assert store.band("loss", ["r"]).seeds == 0


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-0.3, 0.7), (5, 5), (0, 1e-9), (float("nan"), 3), (-1e6, 1e6)])
def test_ticks_are_round_and_cover_the_range(low: float, high: float) -> None:
    found = ticks(low, high, 5)
    assert 2 <= len(found) <= 9
    if low < high:
        assert found[0] <= low + 1e-9 * abs(low)
        assert found[-1] >= high - 1e-9 * abs(high)
