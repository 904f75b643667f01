"""The probes find a planted shortcut, and find none where there is none: rule-made answers, no model."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

import numpy as np
import pytest

from engine.probes import probe_class
from engine.probes._base import Measuring
from engine.probes.calls import CallsConfig
from engine.spec.example import Item, Prompt, Side, StudyData
from engine.stats.resampling.columns import Columns
from engine.stats.resampling.jackknife import influence
from engine.subject.protocol import Answer
from engine.world.study_data import study_data
from engine.world.vocabulary import taxonomy


class Rule:
    """A subject that answers by a rule over the prompt."""

    def __init__(
        self, say: Callable[[Prompt], str] | None = None, score: Callable[[Prompt], Sequence[float]] | None = None
    ):
        self.say, self.score = say, score

    def generate(self, prompts: Sequence[Prompt], max_new_tokens: int) -> list[Answer]:
        assert self.say
        return [Answer(self.say(p)) for p in prompts]

    def room(self, think_tokens: int = 0, asked: int | None = None) -> int:
        return asked or 48 + think_tokens

    def rendered(self, prompt: Prompt, answer: Mapping[str, Any]) -> str:
        return str(answer.get("content"))

    def sample(self, prompts, count, temperature, seed, max_new_tokens) -> list[list[Answer]]:
        return [[answer] * count for answer in self.generate(prompts, max_new_tokens)]

    def option_logprobs(self, prompts: Sequence[Prompt], options: Sequence[Sequence[str]]) -> list[np.ndarray]:
        assert self.score
        return [np.array(self.score(p)) for p in prompts]

    def text_nll(self, texts: Sequence[str]) -> list[tuple[float, int]]:
        return [(1.0, 1) for _ in texts]


@pytest.fixture(scope="module")
def tools_data() -> StudyData:
    return study_data("calling", train=8, per_split=200)


@pytest.fixture(scope="module")
def nouns_data() -> StudyData:
    return study_data("entailment", train=8, per_split=1600)


def call_of(item: Item) -> str:
    gold = item.gold.calls[0]
    call = {"name": gold["name"], "arguments": {k: v[0] for k, v in gold["arguments"].items()}}
    return f"<tool_call>{json.dumps(call)}</tool_call>"


def measured(name: str, subject: Rule, data: StudyData, count: int = 200) -> dict[str, float]:
    cls = probe_class(name)
    probe = cls(cls.Config())
    return probe.figures(probe.measure(Measuring(subject), probe.items(data, count)))


def test_calls_positive_control_choosing_by_shared_words_is_found(tools_data: StudyData) -> None:
    """Right arguments always; the function is the one that shares the most words with the request."""
    answers = {str(i.prompt): i for i in tools_data.items}

    def say(prompt: Prompt) -> str:
        item = answers[str(prompt)]
        words = set(re.findall(r"[a-z]+", prompt.messages[1]["content"]))
        names = [t["function"]["name"] for t in prompt.tools]
        chosen = max(names, key=lambda n: len(words & set(n.split("_"))))
        arguments = {k: v[0] for k, v in item.gold.calls[0]["arguments"].items()} if item.gold.calls else {}
        return f"<tool_call>{json.dumps({'name': chosen, 'arguments': arguments})}</tool_call>"

    figures = measured("calls", Rule(say), tools_data)
    assert figures["reliance"] > 0.9
    assert figures["no_tool"] == 0.0


def test_calls_negative_control_errors_by_lot_are_no_reliance(tools_data: StudyData) -> None:
    rng = Random("errors by lot")
    answers = {str(i.prompt): i for i in tools_data.items}

    def say(prompt: Prompt) -> str:
        item = answers[str(prompt)]
        return call_of(item) if item.gold.calls and rng.random() < 0.7 else "none of these tools applies."

    figures = measured("calls", Rule(say), tools_data)
    assert abs(figures["reliance"]) < 0.12, "about two standard errors of a difference between 200 and 200 items"
    assert 0.6 < figures["accuracy"] < 0.8
    assert figures["no_tool"] == 1.0


def test_calls_conditions_are_asked_in_a_chain(tools_data: StudyData) -> None:
    """Half of the answers name the wrong function: arguments are judged only where the function is right."""
    answers = {str(i.prompt): i for i in tools_data.items}
    wrong = {i.id for n, i in enumerate(tools_data.items) if n % 2}

    def say(prompt: Prompt) -> str:
        item = answers[str(prompt)]
        if not item.gold.calls:
            return ""
        text = call_of(item)
        return text.replace(item.gold.calls[0]["name"], "no_such_tool") if item.id in wrong else text

    figures = measured("calls", Rule(say), tools_data)
    assert figures["parses"] == 1.0
    assert 0.4 < figures["function"] < 0.6
    assert figures["arguments"] == figures["values"] == 1.0


@pytest.mark.parametrize("text", ["", "{", "<tool_call>", "null", "[" * 50, "\x00", '{"name": 3}', "call me"])
def test_calls_any_words_are_an_answer(text: str, tools_data: StudyData) -> None:
    cls = probe_class("calls")
    probe = cls(CallsConfig())
    items = probe.items(tools_data, 4)
    outcomes = probe.measure(Measuring(Rule(lambda _: text)), items)
    assert not any(o.correct for o in outcomes if o.split != "no_tool")


def test_calls_that_reached_the_limit_are_counted_and_named(tools_data: StudyData) -> None:
    class Cut(Rule):
        def generate(self, prompts: Sequence[Prompt], max_new_tokens: int) -> list[Answer]:
            said = super().generate(prompts, max_new_tokens)
            return [Answer(text, at % 4 == 0) for at, (text, _) in enumerate(said)]

    answers = {str(i.prompt): i for i in tools_data.items}
    right = {i.id for n, i in enumerate(tools_data.items) if n % 3}

    def say(prompt: Prompt) -> str:
        item = answers[str(prompt)]
        return call_of(item) if item.gold.calls and item.id in right else '<tool_call>{"name": "x'

    cls = probe_class("calls")
    probe = cls(cls.Config())
    outcomes = probe.measure(Measuring(Cut(say)), probe.items(tools_data, 40))
    assert probe.figures(outcomes)["cut"] == pytest.approx(0.25, abs=0.02)
    kinds = {(o.features["cut"], o.correct): o.failure for o in outcomes if o.split != "no_tool"}
    assert kinds[1.0, False] == "cut off"
    assert kinds[0.0, False] == "unreadable call"
    assert kinds[1.0, True] is None, "a right call is right, whatever follows it"


def test_calls_no_thought_that_was_cut_counts_as_no_call(tools_data: StudyData) -> None:
    cls = probe_class("calls")
    probe = cls(cls.Config())
    items = [i for i in probe.items(tools_data, 20) if not i.gold.calls]
    outcomes = probe.measure(Measuring(Rule(lambda _: "<think>is there a tool that")), items)
    assert items
    assert not any(o.correct for o in outcomes)


def test_calls_old_outcomes_give_no_share_of_cut_answers(tools_data: StudyData) -> None:
    cls = probe_class("calls")
    probe = cls(cls.Config())
    outcomes = probe.measure(Measuring(Rule(lambda _: "")), probe.items(tools_data, 8))
    old = [o.model_copy(update={"features": {k: v for k, v in o.features.items() if k != "cut"}}) for o in outcomes]
    assert "cut" not in probe.figures(old)
    assert probe.figures(old)["parses"] == probe.figures(outcomes)["parses"]


def _nouns(prompt: Prompt) -> tuple[str, str]:
    premise, hypothesis = re.findall(r"\ban? ([a-z]+)", prompt.messages[0]["content"])
    return premise, hypothesis


def test_entailment_positive_control_following_frequency_is_found(nouns_data: StudyData) -> None:
    def score(prompt: Prompt) -> Sequence[float]:
        premise, hypothesis = _nouns(prompt)
        delta = taxonomy.delta_log_frequency(premise, hypothesis)
        return (delta, -delta)

    figures = measured("entailment", Rule(score=score), nouns_data)
    assert figures["reliance"] == 1.0
    assert figures["accuracy"] == 0.5
    assert figures["beta_frequency"] > 1.0


def test_entailment_negative_control_knowing_the_taxonomy_is_no_reliance(nouns_data: StudyData) -> None:
    rng = Random("noise")

    def score(prompt: Prompt) -> Sequence[float]:
        premise, hypothesis = _nouns(prompt)
        logit = (1.0 if hypothesis in taxonomy.ancestors(premise) else -1.0) + rng.gauss(0, 1.5)
        return (logit, -logit)

    figures = measured("entailment", Rule(score=score), nouns_data, 1600)
    assert abs(figures["reliance"]) < 0.07
    assert abs(figures["beta_frequency"]) < 0.25
    assert figures["accuracy"] > 0.65


def test_entailment_control_saying_one_thing_throughout_is_no_reliance(nouns_data: StudyData) -> None:
    """Each side asks for "yes" as often as for "no", and no luck with the items is left in the interval."""
    cls = probe_class("entailment")
    probe = cls(cls.Config())
    items = probe.items(nouns_data, 101)
    assert set(Counter((i.side, i.gold.text) for i in items).values()) == {25}
    outcomes = probe.measure(Measuring(Rule(score=lambda _: (1.0, 0.0))), items)
    assert probe.figures(outcomes)["reliance"] == 0.0
    (reliance,) = (m.statistic for m in probe.metrics if m.name == "reliance")
    assert np.abs(influence(Columns([outcomes]), reliance).ways[0]).max() == 0


def test_entailment_of_data_whose_sides_each_ask_for_one_label_is_measured(nouns_data: StudyData) -> None:
    """As in HANS (McCoy, Pavlick & Linzen 2019): the heuristic says "yes" to all, and is right on one side."""
    cls = probe_class("entailment")
    probe = cls(cls.Config())
    data = nouns_data.model_copy(
        update={"items": tuple(i for i in nouns_data.items if (i.gold.text == "yes") == (i.side is Side.CONGRUENT))}
    )
    items = probe.items(data, 80)
    assert Counter(i.side for i in items) == {Side.CONGRUENT: 40, Side.CONFLICTING: 40}
    assert probe.figures(probe.measure(Measuring(Rule(score=lambda _: (1.0, 0.0))), items))["reliance"] == 1.0


def test_entailment_says_nothing_of_what_it_cannot_measure(nouns_data: StudyData) -> None:
    cls = probe_class("entailment")
    probe = cls(cls.Config())
    one_side = [i for i in nouns_data.items if i.side is Side.CONGRUENT][:20]
    figures = probe.figures(probe.measure(Measuring(Rule(score=lambda _: (1.0, 0.0))), one_side))
    assert "reliance" not in figures
    assert "beta_frequency" not in probe.figures([])
