"""What answers without doing a task: it must be no better than guessing, or as good on both sides that are compared."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from random import Random

import pytest

from engine.spec.example import Example, Item, Side
from engine.world.tasks import entailment, routes, task, tasks
from engine.world.tasks._base import chance
from engine.world.vocabulary import tools

ENTAILED = task("entailment")


@pytest.fixture(scope="module")
def asked() -> tuple[list[Example], list[Item]]:
    return list(ENTAILED.examples(6000)), list(ENTAILED.items(1600))


def nouns(one: Example | Item) -> tuple[str, str]:
    premise, hypothesis = one.prompt.messages[0]["content"].split(". hypothesis: ")
    pairs = zip(premise.split()[1:], hypothesis.split(), strict=False)
    first, second = next((a, b) for a, b in pairs if a != b and a not in ("a", "an"))
    return first.rstrip("."), second.rstrip(".")


@pytest.mark.parametrize("which", [0, 1], ids=["premise", "hypothesis"])
def test_one_noun_of_an_entailment_question_says_little(asked, which: int) -> None:
    examples, items = asked
    answers: dict[str, Counter[str]] = defaultdict(Counter)
    for example in examples:
        answers[nouns(example)[which]][example.gold.text] += 1
    found = Counter(
        answers[nouns(i)[which]].most_common(1)[0][0] == i.gold.text if nouns(i)[which] in answers else None
        for i in items
    )
    assert found[True] <= 0.58 * (found[True] + found[False] or 1), "a majority by noun, learned from the examples"


def test_a_hypothesis_is_an_inner_noun_whatever_the_answer(asked) -> None:
    inner = {h for _, h in entailment.entailed_pairs()}
    assert all(nouns(one)[1] in inner for part in asked for one in part)


def fitting(asked: tools.Request) -> list[tools.Tool]:
    """The tools whose parameters are of the kinds that the request gives values for."""
    kinds = {key for key, _ in asked.right.parameters} if asked.right else set()
    return [t for t in asked.tools if {key for key, _ in t.parameters} == kinds]


@pytest.mark.parametrize("unseen", [False, True])
def test_parameters_do_not_tell_the_right_tool(unseen: bool) -> None:
    rng = Random(0)
    for number in range(400):
        side = (Side.CONGRUENT, Side.CONFLICTING)[number % 2]
        request = tools.request(rng, frames=tools.FRAMES, unseen=unseen, side=side)
        assert len(fitting(request)) >= 2
        assert len({tool.name for tool in request.tools}) == len(request.tools)
        held = [(t.verb, t.thing) in tools.held_out() for t in request.tools]
        assert sum(held) >= 2 if unseen else not any(held), "nor does being new"


def test_tools_that_do_not_apply_take_what_is_said_all_the_same() -> None:
    rng = Random(0)
    for _ in range(200):
        asked = tools.request(rng, frames=tools.FRAMES, unseen=False, side=Side.CONGRUENT, applies=False)
        assert asked.right is None
        kinds = [frozenset(key for key, _ in tool.parameters) for tool in asked.tools]
        assert Counter(kinds).most_common(1)[0][1] >= 2


def test_a_road_less_is_as_hard_whether_the_answer_survives_or_breaks() -> None:
    found: dict[str, list[tuple[int, bool]]] = defaultdict(list)
    for item in routes.items(40):
        found[item.split].append(routes.hardness(routes.read(item.prompt.messages[0]["content"])))
    assert found["survives"] == found["breaks"] == found["control"]


def test_guessing_is_never_below_the_commonest_answer() -> None:
    for each in tasks().values():
        for items in _splits(each.items(40)):
            if items[0].gold.kind == "text":
                commonest = Counter(i.gold.text for i in items).most_common(1)[0][1]
                assert chance(items) >= commonest / len(items)


def _splits(items: Iterable[Item]) -> list[list[Item]]:
    found: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        found[item.split].append(item)
    return list(found.values())
