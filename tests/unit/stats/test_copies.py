"""Runs that agree on every item are copies where that is telling, and not where anybody's runs would agree."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

import pytest

from engine.analysis.copies import CHANCE, same_outcomes, telling
from engine.spec.example import Outcome, Side


def made(
    items: int, right: Callable[[int], bool], output: Callable[[int], str] = lambda n: "", sides: bool = True,
    value: Callable[[int], float | None] = lambda n: None,
) -> list[Outcome]:  # fmt: skip
    return [
        Outcome(
            item=f"i{n}", correct=right(n), split="all", cluster="c", output=output(n), value=value(n),
            side=(Side.CONGRUENT, Side.CONFLICTING)[n % 2] if sides else Side.NEUTRAL,
        )
        for n in range(items)
    ]  # fmt: skip


def lot(items: int, rate: float, seed: int = 3) -> Callable[[int], bool]:
    rng = random.Random(seed)
    drawn = [rng.random() < rate for _ in range(items)]
    return lambda n: drawn[n]


@pytest.mark.parametrize(
    ("outcomes", "tells"),
    [
        (made(488, lot(488, 0.66)), True),
        (made(40, lot(40, 0.5)), True),
        (made(30, lot(30, 0.3)), True),
        (made(20, lambda n: n < 10, sides=False), True),
        (made(2000, lot(2000, 0.9)), True),
        (made(10, lambda n: n % 4 < 2), False),  # a handful
        (made(488, lambda n: True), False),
        (made(488, lambda n: False), False),
        (made(488, lambda n: n % 2 == 0), False),  # follows the shortcut wherever it points
        (made(500, lambda n: n not in (3, 77, 200, 431)), False),  # few items, hard for every seed
        (made(500, lambda n: n % 50 != 3), False),
        (made(200, lot(200, 0.5), output=lambda n: "yes"), False),  # one answer to everything
        (made(200, lot(200, 0.5), output=lambda n: f"answer {n % 7}"), True),
        (made(200, lambda n: True, value=lambda n: -0.1 * n), True),  # log-probabilities to the last digit
        ([], False),
    ],
)
def test_what_is_telling(outcomes: Sequence[Outcome], tells: bool) -> None:
    assert telling(outcomes) is tells


def test_what_is_the_same() -> None:
    one = made(40, lot(40, 0.5))
    runs = {
        ("a", 0): one, ("a", 1): one[::-1], ("a", 2): made(40, lot(40, 0.5, 4)), ("b", 0): one,
        ("b", 1): [o.model_copy(update={"output": "said otherwise"}) for o in one],
        ("c", 0): [o.model_copy(update={"value": 0.5}) for o in one], ("c", 1): one[:-1], ("d", 0): [], ("d", 1): [],
    }  # fmt: skip
    assert same_outcomes(runs) == [(("a", 0), ("a", 1), ("b", 0))]


def test_what_was_not_scored_tells_nothing_and_is_no_wrong_answer() -> None:
    one = made(40, lot(40, 0.5))
    unscored = [o.model_copy(update={"correct": None}) for o in one]
    assert telling(unscored) is False
    assert telling([*one, *(o.model_copy(update={"item": f"more-{o.item}"}) for o in unscored * 30)]) is True
    wrong = [o.model_copy(update={"correct": False}) for o in one]
    assert same_outcomes({"a": unscored, "b": wrong, "c": unscored}) == [("a", "c")]


def test_runs_that_are_drawn_anew_are_hardly_ever_taken_for_copies() -> None:
    """Items of very different difficulty, three seeds: where none is certain, no two runs are the same."""
    rng = random.Random(11)
    taken = 0
    for _ in range(400):
        chances = [rng.betavariate(0.3, 0.3) for _ in range(60)]
        runs = {seed: made(60, lambda n, c=chances: rng.random() < c[n]) for seed in range(3)}
        taken += any(telling(runs[group[0]]) for group in same_outcomes(runs))
    assert taken == 0
    assert math.log(CHANCE) < 0
