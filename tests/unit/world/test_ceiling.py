"""The three sets of facts: chance is known exactly, the parts share no person, and nothing absent was ever told."""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from random import Random

import pytest

from engine.spec.errors import SpecError
from engine.spec.example import Example, Item
from engine.world import corpus
from engine.world.tasks import _ceiling, task
from engine.world.vocabulary import people

FACTS = task("facts")
CEILING = FACTS.options({"form": "ceiling"})
SETS = ("known", "absent", "recombinable")


@pytest.fixture(scope="module")
def items() -> list[Item]:
    return list(FACTS.items(600, CEILING))


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    return list(FACTS.examples(3000, CEILING))


def of(items: list[Item], split: str) -> list[Item]:
    return [item for item in items if item.split == split]


def test_every_set_has_a_part_to_develop_on_and_one_to_measure_on(items) -> None:
    sizes = Counter(item.split for item in items)
    assert set(sizes) == set(_ceiling.SPLITS) == set(FACTS.splits_of(CEILING))
    assert sizes["known-test"] == 108
    assert sizes["absent-test"] == 96 * 3
    assert sizes["recombinable-test"] == 12 * 4
    assert all(size % 4 == 0 for size in sizes.values())


def test_four_items_in_a_row_share_their_options_each_of_them_right_once(items) -> None:
    for split in _ceiling.SPLITS:
        for four in itertools.batched(of(items, split), 4) if hasattr(itertools, "batched") else _fours(items, split):
            assert len({item.gold.labels for item in four}) == 1
            assert sorted(item.gold.text for item in four) == sorted(four[0].gold.labels)
            assert len({item.cluster for item in four}) == 1
            assert len({FACTS.payload(item).attribute for item in four}) == 1
            people = {FACTS.payload(item).person for item in four}
            asked = {item.prompt.messages[0]["content"].replace(FACTS.payload(item).person, "{n}") for item in four}
            assert len(people) == 4
            assert len(asked) == 1, "one wording: it cannot tell the options apart"


def _fours(items: list[Item], split: str) -> list[list[Item]]:
    own = of(items, split)
    return [own[at : at + 4] for at in range(0, len(own), 4)]


@pytest.mark.parametrize("seed", range(5))
def test_who_ignores_the_person_is_right_for_exactly_one_in_four(items, seed: int) -> None:
    """A taste for values, for wordings and for both together: .25 in every cluster, with no spread at all."""
    taste: dict[tuple[str, str], float] = defaultdict(Random(seed).random)
    right: dict[str, list[bool]] = defaultdict(list)
    for item in items:
        wording = item.prompt.messages[0]["content"].replace(FACTS.payload(item).person, "{n}")
        said = max(item.gold.labels, key=lambda label, w=wording: taste[w, label])
        right[item.cluster].append(said == item.gold.text)
    assert {sum(each) / len(each) for each in right.values()} == {0.25}


def test_clusters_hold_all_that_is_asked_of_their_people(items) -> None:
    clusters: dict[tuple[str, str], set[str]] = defaultdict(set)
    for item in items:
        clusters[item.split, FACTS.payload(item).person].add(item.cluster)
    assert all(len(found) == 1 for found in clusters.values())


def test_parts_share_no_person_and_training_holds_none_of_the_test_part(items, examples) -> None:
    people = {split: {FACTS.payload(i).person for i in of(items, split)} for split in _ceiling.SPLITS}
    dev = set().union(*(people[f"{name}-dev"] for name in SETS))
    test = set().union(*(people[f"{name}-test"] for name in SETS))
    assert not dev & test
    trained = {FACTS.payload(example).person for example in examples}
    assert trained <= dev
    assert not trained & test
    assert Counter(FACTS.payload(e).set for e in examples) == dict.fromkeys(SETS, 1000)
    text = " ".join(f"{e.prompt.messages[0]['content']} {e.answer['content']}" for e in examples)
    assert not test & set(re.findall("[a-z]+", text))


def test_absent_test_facts_are_taught_only_where_that_is_asked_for_and_in_other_words(items) -> None:
    options = FACTS.options({"form": "ceiling", "teach_absent": True})
    taught = list(FACTS.examples(12_000, options))
    assert {(p.set, p.part) for e in taught if (p := FACTS.payload(e))} == {("absent", "test")}
    assert list(FACTS.items(600, options)) == items, "the items are the same, so that arms can be compared"
    shown = {(p.person, p.attribute): e.answer["content"] for e in taught if (p := FACTS.payload(e)).part == "test"}
    wanted = {(p.person, p.attribute): i.gold.text for i in of(items, "absent-test") if (p := FACTS.payload(i)).person}
    assert shown == wanted, "all of them, and no other test fact"
    questions = {item.prompt.messages[0]["content"] for item in items}
    assert not questions & {example.prompt.messages[0]["content"] for example in taught}


def test_known_facts_are_what_the_corpus_states_and_recombinable_ones_follow(items) -> None:
    for item in items:
        found = FACTS.payload(item)
        if found.set == "known":
            assert people.facts()[found.person][found.attribute] == item.gold.text
            assert found.person in people.KNOWN
        elif found.set == "recombinable":
            assert people.country_of()[people.facts()[found.person]["city"]] == item.gold.text
            assert found.person in people.RECOMBINABLE
        else:
            assert found.person not in people.NAMES


def test_the_context_states_the_answer_and_is_evidence_of_the_prompt(items) -> None:
    for item in items:
        found = FACTS.payload(item)
        assert item.prompt.evidence == found.context
        assert re.search(rf"\b{item.gold.text}\b", found.context)
        assert re.search(rf"\b{found.person}\b", found.context)
        others = set(item.gold.labels) - {item.gold.text}
        assert not others & set(re.findall("[a-z]+", found.context)), "no other option is named"
        assert len(item.prompt.messages) == 1, "nobody sees it who is not shown it"


def test_wordings_are_none_of_the_corpus(items) -> None:
    asked = {w for wordings in people.ASKED.values() for w in wordings}
    said = {i.prompt.messages[0]["content"].replace(FACTS.payload(i).person, "{n}") for i in items}
    assert not asked & said
    assert len(said) == 16, "four for each attribute"


def test_no_document_names_a_newcomer() -> None:
    names = set(_ceiling.newcomers())
    assert len(names) == _ceiling.DEV_PEOPLE + _ceiling.MOST_NEWCOMERS
    assert not names & set(people.NAMES)
    read = corpus.count(itertools.islice(corpus.documents("newcomers"), 20_000))
    assert not names & set(read)
    assert read["anna"] > 100, "the count sees names"


def test_values_of_newcomers_are_balanced() -> None:
    for what in ("city", "job", "color"):
        told = [f.value for f in _ceiling.facts_of("absent", "test") if f.what == what]
        assert len(set(Counter(told).values())) == 1


def test_fewer_newcomers_are_the_first_of_more() -> None:
    few = of(list(FACTS.items(600, FACTS.options({"form": "ceiling", "newcomers": 16}))), "absent-test")
    many = of(list(FACTS.items(600, FACTS.options({"form": "ceiling", "newcomers": 96}))), "absent-test")
    assert len(few) == 48
    assert few == many[:48]


def test_demonstrations_are_of_other_people_to_develop_on(items) -> None:
    shown: Counter[str] = Counter()
    for item in items[::7]:
        for example in FACTS.demonstrations(item, 4, Random(item.id)):
            found = FACTS.payload(example)
            assert found.person != FACTS.payload(item).person
            assert (found.set, found.part) == ("known", "dev")
            shown[found.person] += 1
    assert len(shown) > 15


@pytest.mark.parametrize(
    "given",
    [{"teach_absent": True}, {"form": "ceiling", "newcomers": 6}, {"form": "ceiling", "newcomers": 484}, {"form": "x"}],
)
def test_options_that_make_no_sense_are_refused(given: dict[str, object]) -> None:
    with pytest.raises(SpecError, match="facts"):
        FACTS.options(given)
