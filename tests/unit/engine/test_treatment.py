"""Which examples a run sees: pairs over arms, exact agreement, balanced labels."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.spec.errors import DataError
from engine.spec.example import Example, Gold, Prompt, Side
from engine.tuning.draw import choose, order


def pool(size: int = 600) -> list[Example]:
    sides = (Side.CONGRUENT, Side.CONFLICTING, Side.NEUTRAL)
    return [
        Example(
            id=str(at), prompt=Prompt(messages=({"role": "user", "content": str(at)},)),
            answer={"role": "assistant", "content": "x"},
            gold=Gold(text=("yes", "no")[at // 3 % 2], labels=("yes", "no")), family="t", cluster="c",
            side=sides[at % 3],
        )
        for at in range(size)
    ]  # fmt: skip


@pytest.mark.parametrize("agreement", [0.0, 0.3, 0.5, 0.95, 1.0])
def test_agreement_is_exact_and_labels_stay_balanced(agreement: float) -> None:
    drawn = choose(pool(), 150, agreement, 3)
    sided = [e for e in drawn if e.side is not Side.NEUTRAL]
    congruent = [e for e in sided if e.side is Side.CONGRUENT]
    assert len(congruent) == round(agreement * len(sided))
    assert len({e.id for e in drawn}) == len(drawn) == 150
    for side in (Side.CONGRUENT, Side.CONFLICTING):
        labels = Counter(e.gold.text for e in sided if e.side is side)
        assert abs(labels["yes"] - labels["no"]) <= 1


def test_arms_of_a_seed_are_pairs() -> None:
    assert choose(pool(), 150, 0.5, 1) == choose(pool(), 150, 0.5, 1)
    assert choose(pool(), 150, 0.5, 1) != choose(pool(), 150, 0.5, 2)
    low, high = choose(pool(), 150, 0.5, 1), choose(pool(), 150, 0.95, 1)
    assert [e.id for e in low if e.side is Side.NEUTRAL] == [e.id for e in high if e.side is Side.NEUTRAL]
    moved = sum(a.side is Side.CONGRUENT and b.side is Side.CONFLICTING for a, b in zip(low, high, strict=True))
    assert moved == 0


def test_a_pool_that_is_short_of_one_side_gives_fewer_examples_not_another_agreement() -> None:
    short = [e for e in pool() if e.side is not Side.CONFLICTING] + [e for e in pool() if e.side is Side.CONFLICTING][
        :5
    ]
    sides = Counter(e.side for e in choose(short, 400, 0.5, 0))
    assert abs(sides[Side.CONGRUENT] - sides[Side.CONFLICTING]) <= 1
    assert sides[Side.CONFLICTING] <= 5


def test_what_cannot_be_drawn_is_said() -> None:
    with pytest.raises(DataError, match="no training examples"):
        choose([], 10, None, 0)
    with pytest.raises(DataError, match="agreement"):
        choose([e for e in pool() if e.side is Side.CONGRUENT], 10, 0.0, 0)
    with pytest.raises(DataError, match="no side"):
        choose([e for e in pool() if e.side is Side.NEUTRAL], 10, 0.5, 0)


def test_without_an_agreement_the_pool_is_drawn_as_it_is() -> None:
    assert len(choose(pool(), 10_000, None, 0)) == 600
    assert {e.side for e in choose(pool(), 60, None, 0)} == set(Side)


@given(st.integers(1, 50), st.integers(1, 8), st.integers(1, 30), st.integers(0, 5))
def test_every_pass_shows_every_example_once(examples: int, batch: int, steps: int, seed: int) -> None:
    found = order(examples, batch, steps, seed)
    assert [len(b) for b in found] == [batch] * steps
    flat = [at for b in found for at in b]
    for start in range(0, len(flat) - examples + 1, examples):
        assert sorted(flat[start : start + examples]) == list(range(examples))
    assert found == order(examples, batch, steps, seed)
