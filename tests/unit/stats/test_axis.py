"""Axes of any unit: factor, word, ends, round marks, and figures without the unit that the axis says."""

from __future__ import annotations

import math

import pytest

from engine.stats.display import wording
from engine.stats.display.axis import axis, bare, ticks, titled


@pytest.mark.parametrize(
    ("unit", "factor", "word", "compared", "ends"),
    [
        ("share", 100, "%", "points", (0, 100)),
        ("difference", 100, "points", "points", (-100, 100)),
        ("nats", 1, "nats", "nats", None),
        ("furlongs", 1, "furlongs", "furlongs", None),
        ("", 1, "", "", None),
    ],
)
def test_units_that_are_known_and_ones_own(unit: str, factor: float, word: str, compared: str, ends: object) -> None:
    assert axis(unit) == (factor, word, compared, ends)


def test_shares_and_their_differences_share_an_axis_and_others_do_not() -> None:
    assert axis("share").family == axis("difference").family
    assert axis("tokens").family != axis("share").family != axis("nats").family != axis("tokens").family


@pytest.mark.parametrize("unit", ["share", "difference", "nats", "tokens", "coefficient", "furlongs", ""])
@pytest.mark.parametrize("value", [0.051, -3.2, 0.0])
def test_a_bare_figure_is_the_worded_one_without_its_unit(unit: str, value: float) -> None:
    ci = (value - 0.5, value + 0.25)
    level, difference = bare(value, ci, unit), bare(value, ci, unit, compared=True)
    assert wording.level(value, unit) == f"{level.partition(' [')[0]} {axis(unit).word}".rstrip()
    assert wording.difference(value, unit) == f"{difference.partition(' [')[0]} {axis(unit).compared}".rstrip()
    assert level.endswith(wording.bounds(ci, unit, signed=False))
    assert difference.endswith(wording.bounds(ci, unit))
    assert "[" not in bare(value, None, unit)


def test_a_bare_figure_as_it_is_read() -> None:
    assert bare(0.051, (0.022, 0.08), "share", compared=True) == "+5.1 [+2.2, +8.0]"
    assert bare(0.5, None, "share") == "50.0"
    assert titled("accuracy", "%") == "accuracy, %"
    assert titled("weight", "") == "weight"


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 0), (-0.31, 0.52), (1e-9, 2e-9), (-5, 5000)])
def test_ticks_span_the_range_with_round_steps(low: float, high: float) -> None:
    marks = ticks(low, high)
    assert marks[0] <= low + 1e-12
    assert marks[-1] >= high - 1e-12
    assert 2 <= len(marks) <= 9


def test_whole_ticks_have_no_fractions() -> None:
    assert all(mark == int(mark) for mark in ticks(0, 3, 6, whole=True))


@pytest.mark.parametrize("end", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_has_no_ticks(end: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        ticks(0.0, end)
