"""Which examples are shown is a matter of a rule."""

from __future__ import annotations

from engine.analysis.flips import flipped
from engine.spec.example import Outcome
from engine.stats.evidence import Run


def run(arm: str, seed: int, rights: str, seeded: bool = True) -> Run:
    made = [
        Outcome(item=f"i{n}", correct=right == "1", split="s", cluster="c", output=f"{arm}{seed}")
        for n, right in enumerate(rights)
    ]
    return Run(arm, seed, seeded, {}, {"p": made})


def test_those_that_flip_in_the_most_pairs_come_first_and_ties_by_name() -> None:
    pairs = [
        (run("a", 0, "110100"), run("b", 0, "000011")),
        (run("a", 1, "010010"), run("b", 1, "001001")),
    ]
    found = [(f.a_right, f.right.item, f.times, f.seed) for f in flipped(pairs, "p", most=2)]
    assert found == [(True, "i1", 2, 0), (True, "i0", 1, 0), (False, "i5", 2, 0), (False, "i2", 1, 1)]


def test_the_words_are_those_of_the_pair() -> None:
    (found,) = flipped([(run("a", 3, "1"), run("b", 3, "0"))], "p")
    assert (found.right.output, found.wrong.output, found.seed) == ("a3", "b3", 3)


def test_the_untouched_base_stands_for_every_seed() -> None:
    base = run("base", 0, "0", seeded=False)
    (found,) = flipped([(run("a", 4, "1"), base), (run("a", 5, "1"), base)], "p")
    assert (found.times, found.seed) == (2, 4)
    assert flipped([(base, run("a", 4, "1"))], "p")[0].seed == 4


def test_nothing_flips_where_runs_agree_or_share_no_item() -> None:
    assert flipped([(run("a", 0, "10"), run("b", 0, "10"))], "p") == []
    assert flipped([(run("a", 0, "1"), run("b", 0, "0"))], "other") == []


def test_an_item_that_was_not_scored_flips_in_neither_direction() -> None:
    right, wrong = run("a", 0, "11"), run("b", 0, "00")
    unscored = [right.outcomes["p"][0].model_copy(update={"correct": None}), right.outcomes["p"][1]]
    for pair in ((Run("a", 0, True, {}, {"p": unscored}), wrong), (wrong, Run("a", 0, True, {}, {"p": unscored}))):
        assert [found.right.item for found in flipped([pair], "p")] == ["i1"]
