"""Figures as people read them."""

from __future__ import annotations

import pytest

from engine.stats import wording


@pytest.mark.parametrize(
    ("value", "unit", "level", "difference"),
    [
        (0.8324, "share", "83.2 %", "+83.2 points"),
        (-0.0412, "difference", "−4.1 points", "−4.1 points"),
        (2.31449, "nats", "2.314 nats", "+2.314 nats"),
        (0.5, "coefficient", "+0.500", "+0.500"),
        (-0.0001, "share", "0.0 %", "0.0 points"),
        (0.0, "difference", "0.0 points", "0.0 points"),
    ],
)
def test_figures(value: float, unit: str, level: str, difference: str) -> None:
    assert wording.level(value, unit) == level
    assert wording.difference(value, unit) == difference


def test_bounds_and_probabilities() -> None:
    assert wording.bounds((-0.02, 0.081), "share") == "[−2.0, +8.1]"
    assert wording.bounds((0.02, 0.081), "share", signed=False) == "[2.0, 8.1]"
    assert wording.bounds((0.02, 0.081), "difference", signed=False) == "[+2.0, +8.1]"
    assert wording.bounds(None, "share") == ""
    assert wording.probability(0.0625) == "0.062"
    assert wording.probability(0.0004) == "< 0.001"
    assert wording.probability(None) == ""
    assert [wording.p_phrase(p) for p in (0.25, 0.0001, None)] == ["p = 0.250", "p < 0.001", ""]


def test_labels_within_a_sentence() -> None:
    assert wording.lowered("Right call") == "right call"
    assert wording.lowered("SFT") == "SFT"
    assert wording.counted(1, "seed") == "1 seed"
    assert wording.counted(3, "seed") == "3 seeds"
