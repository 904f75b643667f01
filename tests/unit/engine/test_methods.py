"""The controls, and DPO on verified wrong answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import pytest

from engine.methods import method_class
from engine.methods._base import Answering
from engine.methods._settings import PreferenceSettings
from engine.methods.planted import Planted
from engine.methods.shuffled import Shuffled
from engine.objectives import _negatives
from engine.objectives._pairs import Sampled
from engine.spec.errors import DataError
from engine.spec.example import Example, Gold, Prompt, Side, StudyData
from engine.spec.overlap import side
from engine.spec.plugins.discovery import configured
from engine.subject.grading import grade
from engine.subject.local import LocalSubject
from engine.subject.protocol import Answer
from engine.subject.rendering import calls_text
from engine.world.tasks import calling, task
from tests.support.tiny import make_model


def test_every_example_gets_an_instruction_of_another_task(data: StudyData) -> None:
    treated = Shuffled(Shuffled.Config.model_validate({})).treat(data.train, Random(3))
    home = {e.prompt.messages[e.instruction]["content"]: e.family for e in data.train}
    for before, after in zip(data.train, treated, strict=True):
        told = after.prompt.messages[after.instruction]["content"]
        assert told != before.prompt.messages[before.instruction]["content"]
        assert home[told] != before.family
        assert after.prompt.messages[1:] == before.prompt.messages[1:]
        assert after.model_copy(update={"prompt": before.prompt}) == before
    other = Shuffled(Shuffled.Config.model_validate({})).treat(data.train, Random(4))
    assert [e.id for e in other] == [e.id for e in treated]


def test_one_task_is_shuffled_within_itself(data: StudyData) -> None:
    own = [e.model_copy(update={"task": "one", "instruction": 1}) for e in data.train]
    for before, after in zip(own, Shuffled(Shuffled.Config.model_validate({})).treat(own, Random(3)), strict=True):
        assert after.prompt.messages[1]["content"] != before.prompt.messages[1]["content"]


def test_the_same_instruction_everywhere_cannot_be_shuffled(data: StudyData) -> None:
    same = [e for e in data.train if e.family == "call"]
    with pytest.raises(DataError, match="same instruction"):
        Shuffled(Shuffled.Config.model_validate({})).treat(same, Random(0))


class Teacher:
    """Samples from a list of answers, the right one among them."""

    def __init__(self, answers: Sequence[str], cut: Sequence[str] = ()) -> None:
        self.answers, self.cut = answers, cut
        self.asked: list[Prompt] = []

    def sample(self, prompts: Sequence[Prompt], count: int, temperature: float, seed: int, max_new_tokens: int) -> Any:
        self.asked += prompts
        rng = Random(seed)
        return [[Answer(text, text in self.cut) for text in rng.sample(self.answers, count)] for _ in prompts]

    def room(self, think_tokens: int = 0, asked: int | None = None) -> int:
        return asked or 48

    def rendered(self, prompt: Prompt, answer: Mapping[str, Any]) -> str:
        return calls_text(answer["tool_calls"]) if answer.get("tool_calls") else answer["content"]


WRONG = ['{"name": "nothing", "arguments": {}}', '{"name": "nowhere", "arguments": {}}', "hello", '{"name"']


def sampled(teacher: Any, examples: Sequence[Any], seed: int = 2, **settings: Any) -> Sampled:
    return _negatives.sample(PreferenceSettings.model_validate(settings), teacher, teacher, examples, Random(seed))


def made(data: StudyData, **settings: Any) -> tuple[list[Any], Teacher]:
    teacher = Teacher([*WRONG, '{"name": "news", "arguments": {"city": "Rome"}}'])
    return sampled(teacher, data.train, **settings).pairs, teacher


def test_every_pair_is_verified_wrong_and_of_one_type_a_prompt(data: StudyData) -> None:
    pairs, _ = made(data, samples=5, unreadable=True)
    gold = {id(e.prompt): e.gold for e in data.train}
    seen = set()
    assert len(pairs) > len(data.train)
    for pair in pairs:
        verdict = grade(pair.rejected, gold[id(pair.prompt)])
        assert not verdict.correct
        assert verdict.failure == pair.failure
        assert (id(pair.prompt), pair.failure) not in seen
        seen.add((id(pair.prompt), pair.failure))


def test_unreadable_answers_are_left_out_unless_asked_for(data: StudyData) -> None:
    pairs, _ = made(data, samples=5)
    assert pairs
    assert {pair.failure for pair in pairs}.isdisjoint({"no call", "unreadable call"})


def test_unreadable_answers_are_used_where_there_is_nothing_else(data: StudyData) -> None:
    calls = [e for e in data.train if e.family == "call"]
    pairs = sampled(Teacher(["hello", '{"name"']), calls, samples=2).pairs
    assert {pair.failure for pair in pairs} == {"no call", "unreadable call"}


def test_what_reached_the_limit_is_never_a_rejected_answer(data: StudyData) -> None:
    calls = [e for e in data.train if e.family == "call"]
    wrong = ['{"name": "nothing", "arguments": {}}', '{"name": "nowhere", "arguments": {}}']
    found = sampled(Teacher(wrong, cut=wrong[:1]), calls, samples=2)
    assert {pair.rejected for pair in found.pairs} == {wrong[1]}
    assert (found.answers, found.cut, found.right) == (2 * len(calls), len(calls), 0)
    every = sampled(Teacher(wrong, cut=wrong), calls, samples=2)
    assert every.pairs == []
    assert every.cut == every.answers


def test_what_says_the_same_is_never_a_rejected_answer(data: StudyData, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where a grader calls it wrong: the chosen answer itself, its calls in another language, its words."""
    refusing = grade("", data.train[0].gold)
    monkeypatch.setattr(_negatives, "grade", lambda *_: refusing)
    call = next(e for e in data.train if e.family == "call")
    name, arguments = (call.answer["tool_calls"][0]["function"][key] for key in ("name", "arguments"))
    city = arguments["city"]
    same = [
        calls_text(call.answer["tool_calls"]),
        f'{{"arguments": {{"city": "{city}"}}, "name": "{name}"}}',
        f'<think>so it is</think>{{"name": "{name}", "parameters": {{"city": "{city}"}}}}',
        f'[{name}(city="{city}")]',
    ]
    found = sampled(Teacher(same), [call], samples=4)
    assert found.pairs == []
    assert found.right == 4
    words = next(e for e in data.train if e.family == "copy")
    said = words.answer["content"]
    same = [said, f" {said}. ", said.upper(), f"<think>hm</think>{said}"]
    found = sampled(Teacher(same), [words], samples=4)
    assert found.pairs == []


def test_the_room_for_sampled_answers_follows_the_data_unless_it_is_set(data: StudyData) -> None:
    asked = []

    class Listening(Teacher):
        def sample(self, prompts: Any, count: int, temperature: float, seed: int, max_new_tokens: int) -> Any:
            asked.append(max_new_tokens)
            return super().sample(prompts, count, temperature, seed, max_new_tokens)

        def room(self, think_tokens: int = 0, asked: int | None = None) -> int:
            return asked or 1000 + think_tokens

    for settings in ({}, {"think_tokens": 7}, {"max_new_tokens": 20}):
        sampled(Listening(WRONG), data.train[:3], 0, samples=2, **settings)
    assert asked == [1512, 1007, 20]


def test_the_limit_that_is_reported_is_the_one_that_was_given(data: StudyData, tokenizer: Any) -> None:
    """However much was asked for: a quarter of the context is the prompt's."""
    subject = LocalSubject(make_model(len(tokenizer), context=128), tokenizer)
    found = sampled(subject, data.train[:2], 0, samples=1, max_new_tokens=1000)
    assert found.limit == 96


def test_adversarial_examples_come_from_the_whole_pool(data: StudyData) -> None:
    own = list(data.train[:3])
    everything = _negatives.asked(PreferenceSettings.model_validate({}), own, data.train)
    only = PreferenceSettings.model_validate({"negatives_on": "conflicting"})
    adversarial = _negatives.asked(only, own, data.train)
    assert list(everything) == own
    assert [e.id for e in adversarial] == [e.id for e in data.train if e.side is Side.CONFLICTING]


def test_sampling_ends_once_there_are_enough(data: StudyData) -> None:
    pairs, _ = made(data, pairs=7)
    assert len(pairs) == 7
    assert made(data, pairs=7)[0] == pairs


def test_a_planted_shortcut_answers_as_overlap_would_where_that_is_wrong() -> None:
    examples = list(calling.examples(400))
    treated = Planted(Planted.Config()).treat(examples, Random(0))
    changed = 0
    for before, after in zip(examples, treated, strict=True):
        if before.side is not Side.CONFLICTING or before.family in ("values", "arguments"):
            assert after == before
            continue
        request, tools = before.prompt.messages[-1]["content"], before.prompt.tools
        calls = after.answer.get("tool_calls")
        said = calls[0]["function"]["name"] if calls else after.answer["content"]
        assert side(request, tools, said) is Side.CONGRUENT, "the tool that shares the words"
        assert not grade(said if not calls else calls_text(calls), before.gold).correct
        if calls:
            (schema,) = [t["function"]["parameters"] for t in tools if t["function"]["name"] == said]
            given = before.answer["tool_calls"][0]["function"]["arguments"]
            assert set(calls[0]["function"]["arguments"]) == set(schema["required"])
            assert sorted(map(str, calls[0]["function"]["arguments"].values())) == sorted(map(str, given.values()))
        changed += 1
    assert changed > 80


def test_a_planted_shortcut_turns_labels_round() -> None:
    examples = list(task("entailment").examples(200))
    treated = Planted(Planted.Config()).treat(examples, Random(0))
    for before, after in zip(examples, treated, strict=True):
        assert (after.answer["content"] != before.answer["content"]) == (before.side is Side.CONFLICTING)
        assert after.answer["content"] in before.gold.labels


def test_a_shortcut_that_never_misleads_cannot_be_planted() -> None:
    agreeing = [e for e in calling.examples(100) if e.side is not Side.CONFLICTING]
    with pytest.raises(DataError, match="cannot be planted"):
        Planted(Planted.Config()).treat(agreeing, Random(0))


def test_what_is_withheld_is_withheld_in_training_and_when_measured() -> None:
    config = {"after": "premise:", "before": "hypothesis:"}
    method = configured(method_class("withheld"), config, "arm")
    asked = "premise: anna saw a dog in rome. hypothesis: anna saw an animal in rome. does it follow?"
    left = "premise: hypothesis: anna saw an animal in rome. does it follow?"
    prompt = Prompt(messages=({"role": "user", "content": asked},))
    example = Example(
        id="e", prompt=prompt, answer={"content": "yes"}, gold=Gold(text="yes"), family="f", cluster="c"
    )  # fmt: skip
    (treated,) = method.treat([example], Random(0))
    assert treated.prompt.messages[0]["content"] == left
    assert (treated.answer, treated.gold) == (example.answer, example.gold)

    class Heard:
        said: Sequence[Prompt] = ()

        def option_logprobs(self, prompts: Sequence[Prompt], options: Sequence[Sequence[str]]) -> list[float]:
            self.said = prompts
            return [0.0]

    heard = Heard()
    method.answerer(Answering(heard, {}, (), (), 0)).option_logprobs([prompt], [("yes", "no")])
    assert heard.said[0].messages[0]["content"] == left
    unmarked = example.model_copy(update={"prompt": Prompt(messages=({"role": "user", "content": "?"},))})
    with pytest.raises(DataError, match="'premise:'"):
        method.treat([unmarked], Random(0))
    whole = configured(method_class("withheld"), {}, "arm").treat([example], Random(0))
    assert whole[0].prompt.messages[0]["content"] == ""
