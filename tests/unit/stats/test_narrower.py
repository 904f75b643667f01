"""The 90 % interval beside the 95 % one: given where it alone shows what a sentence says, and nowhere else."""

from __future__ import annotations

import pytest

from engine.stats.display.wording import MINUS, judged_difference, judged_level
from engine.stats.estimate import Estimate
from engine.stats.inference.equivalence import short_of


@pytest.mark.parametrize(
    ("value", "ci", "ci90", "given"),
    [
        (-0.016, (-0.036, 0.004), (-0.029, 0.001), True),  # shown to be within 3 points by the narrower one alone
        (0.016, (-0.004, 0.036), (-0.001, 0.029), True),
        (0.001, (-0.025, 0.028), (-0.021, 0.024), False),  # both show it
        (0.016, (-0.004, 0.036), (-0.001, 0.031), False),  # neither does
        (0.25, (-0.08, 0.58), (0.02, 0.48), False),  # it would be taken for a finding
        (-0.12, (-0.33, 0.031), (-0.3, 0.029), True),  # shown not to be more by 3 points
        (0.01, (0.001, 0.031), (0.003, 0.029), True),
    ],
)
def test_it_is_given_where_it_alone_shows_it(value: float, ci: object, ci90: object, given: bool) -> None:
    found = Estimate(value, ci, ci90, (value,))  # pyright: ignore[reportArgumentType]
    assert (", 90 % [" in judged_difference(found, "share", 0.03)) == given
    assert (", 90 % [" in judged_level(found, "difference", 0.03)) == given


def test_it_is_written_as_the_other_one_is() -> None:
    found = Estimate(-0.016, (-0.036, 0.004), (-0.029, 0.001), (-0.016,))
    interval = f"[{MINUS}3.6, +0.4], 90 % [{MINUS}2.9, +0.1]"
    assert judged_difference(found, "share", 0.03) == f"{MINUS}1.6 points {interval}"
    assert judged_difference(Estimate(0.1, None, None, (0.1,)), "share", 0.03) == "+10.0 points"


def test_what_falls_short_of_what_was_expected() -> None:
    assert short_of((-0.2, 0.029), 0.03, "greater")
    assert not short_of((-0.2, 0.03), 0.03, "greater")
    assert short_of((-0.029, 0.2), 0.03, "less")
    assert not short_of((-0.03, 0.2), 0.03, "less")
    assert not short_of((-0.001, 0.001), 0.03, "equal"), "where no direction is expected none can be missed"
    assert not short_of(None, 0.03, "greater")
