"""Figures as people read them."""

from __future__ import annotations

import pytest

from engine.stats.display import wording


@pytest.mark.parametrize(
    ("value", "unit", "level", "difference"),
    [
        (0.8324, "share", "83.2 %", "+83.2 points"),
        (-0.0412, "difference", "−4.1 points", "−4.1 points"),
        (2.31449, "nats", "2.314 nats", "+2.314 nats"),
        (0.5, "coefficient", "+0.500", "+0.500"),
        (-0.0001, "share", "0.0 %", "0.0 points"),
        (0.0, "difference", "0.0 points", "0.0 points"),
        (0.42, "correlation", "+0.420", "+0.420"),
        (3.14, "tokens", "3.1 tokens", "+3.1 tokens"),
        (-2.5, "seconds", "−2.50 seconds", "−2.50 seconds"),
        (0.448, "", "0.448", "+0.448"),
        (7.0, "yen", "7.000 yen", "+7.000 yen"),
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


def test_rough_sizes() -> None:
    said = [wording.about(*case) for case in ((0.162, "share"), (-0.008, "difference"), (0.021, "nats"), (0.3, "yen"))]
    assert said == ["16 points", "0.8 points", "0.02 nats", "0.3 yen"]
    assert wording.about(38.2, "tokens") == "38 tokens", "no 4e+01"
    assert wording.about(0.2, "correlation") == "0.2"


def test_what_two_arms_can_differ_in() -> None:
    assert wording.exists(1.0, "share")
    assert not wording.exists(1.01, "share")
    assert wording.exists(-1.9, "correlation")
    assert not wording.exists(2.1, "difference")
    assert wording.exists(1e9, "tokens")


def test_bounds_have_the_digits_of_their_figure() -> None:
    assert wording.bounds((1.0, 2.25), "tokens", signed=False) == "[1.0, 2.2]"
    assert wording.bounds((-0.1, 0.25), "correlation", signed=False) == "[−0.100, +0.250]"
    assert wording.together("3.1 tokens [1.0, 5.2]") == "3.1\N{NO-BREAK SPACE}tokens [1.0,\N{NO-BREAK SPACE}5.2]"


def test_labels_within_a_sentence() -> None:
    assert wording.lowered("Right call") == "right call"
    assert wording.lowered("SFT") == "SFT"
    assert wording.counted(1, "seed") == "1 seed"
    assert wording.counted(3, "seed") == "3 seeds"
