"""What the frequency twin's comparison measures."""

from __future__ import annotations

from engine.pretraining.competence import twin
from engine.spec.example import Outcome
from engine.world.study_data import study_data
from engine.world.vocabulary import running


def outcomes(says_yes) -> list[Outcome]:
    items = twin.reversed_items(study_data("entailment", train=4, per_split=400).items)
    found = []
    for item in items:
        right = says_yes(item) == (item.gold.text == "yes")
        found.append(
            Outcome(
                item=item.id,
                correct=right,
                split=item.split,
                cluster=item.cluster,
                side=item.side,
                features=item.features,
            )
        )
    return found


def test_the_items_hold_exchanged_nouns_and_both_sides_of_both_answers() -> None:
    items = twin.reversed_items(study_data("entailment").items)
    cells = {(i.side, i.gold.text) for i in items}
    assert len(items) > 300
    assert len(cells) == 4
    swap = running.swapped()
    assert all(set(i.prompt.messages[0]["content"].replace(".", "").split()) & set(swap) for i in items)


def test_no_example_holds_an_exchanged_noun() -> None:
    swap = set(running.swapped())
    train = study_data("entailment", train=2000, per_split=16).train
    assert not any(set(e.prompt.messages[0]["content"].replace(".", "").split()) & swap for e in train)


def test_reliance_is_of_english_frequency_and_ignores_a_taste_for_yes() -> None:
    leans = twin._reliance(outcomes(lambda i: i.features["delta_log_frequency"] > 0))
    leans_on_the_twin_s = twin._reliance(outcomes(lambda i: i.features["twin_delta_log_frequency"] > 0))
    assert leans == 1.0
    assert leans_on_the_twin_s == -1.0
    assert twin._reliance(outcomes(lambda _: True)) == 0.0
    assert twin._reliance(outcomes(lambda i: i.gold.text == "yes")) == 0.0
