"""The room for an answer follows the longest right answer of the data, in the model's own template and tokens."""

from __future__ import annotations

import copy
import gc
import weakref
from pathlib import Path
from typing import Any

import pytest

from engine.run import sources
from engine.spec.example import Example, Gold, Item, Prompt, StudyData
from engine.subject.grading import grade
from engine.subject.limits import LEAST, Limits, right_answer
from engine.subject.local import LocalSubject, renderer_of
from engine.subject.rendering import Renderer
from jobs import studies
from tests.support import families, long_calls
from tests.support.tiny import make_model


@pytest.fixture(scope="module")
def long_data(tmp_path_factory: pytest.TempPathFactory) -> StudyData:
    file = long_calls.write(tmp_path_factory.mktemp("long") / "long.jsonl")
    return sources.load(sources.resolve(studies.load("function-calling"), file))


@pytest.fixture
def renderer(tokenizer: Any) -> Renderer:
    return Renderer(tokenizer, 2048)


def answers(data: StudyData, renderer: Renderer) -> list[tuple[Prompt, Gold, tuple[int, ...]]]:
    said = [(item.prompt, item.gold, right_answer(item.gold)) for item in data.items]
    said += [(example.prompt, example.gold, example.answer) for example in data.train]
    return [(prompt, gold, renderer.ids(renderer.answer_text(prompt, answer))) for prompt, gold, answer in said]


def test_short_answers_keep_the_least_room(renderer: Renderer, data: StudyData) -> None:
    words = [example for example in data.train if example.family == "copy"]
    assert Limits([], words).of(renderer).tokens == LEAST
    found = Limits.of_data(data).of(renderer)
    assert found.answer == max(len(ids) for _, _, ids in answers(data, renderer))
    assert found.prompt == max(len(renderer.prompt_ids(e.prompt)) for e in (*data.items, *data.train))


def test_every_right_answer_fits_however_long(renderer: Renderer, long_data: StudyData) -> None:
    found = Limits.of_data(long_data).of(renderer)
    rendered = answers(long_data, renderer)
    longest = max(len(ids) for _, _, ids in rendered)
    assert longest > LEAST
    assert found.answer == longest
    assert found.tokens >= longest * 1.25 + 16
    assert found.tokens % 8 == 0
    at_limit = [grade(renderer.answer_of(renderer.text(ids[: found.tokens])), gold) for _, gold, ids in rendered]
    assert all(graded.correct for graded in at_limit)
    before = [grade(renderer.answer_of(renderer.text(ids[:LEAST])), gold) for _, gold, ids in rendered]
    assert sum(not graded.correct for graded in before) == len(rendered) // 2, "what 48 tokens made of them"


def test_the_public_case_of_long_calls_fits(renderer: Renderer) -> None:
    file = Path(__file__).parents[2] / "data" / "cases" / "09-calls-longer-than-48-tokens" / "long.jsonl"
    data = sources.load(sources.resolve(studies.load("function-calling"), file))
    limit = Limits.of_data(data).of(renderer)
    assert max(len(ids) for _, _, ids in answers(data, renderer)) == limit.answer < limit.tokens


def test_the_context_is_shared_with_the_longest_prompt(tokenizer: Any, long_data: StudyData) -> None:
    """What is spare goes first, then prompts are cut (and counted), and a quarter of the context stays theirs."""
    limits = Limits.of_data(long_data)
    free = limits.of(Renderer(tokenizer, 4096))
    tight = limits.of(Renderer(tokenizer, free.prompt + free.answer + 3))
    assert tight.tokens == free.answer + 3
    assert limits.of(Renderer(tokenizer, free.answer * 2)).tokens == free.answer
    small = limits.of(Renderer(tokenizer, 40))
    assert small.tokens == 30


def test_a_template_that_thinks_gets_room_for_it(tokenizer: Any, data: StudyData) -> None:
    plain = Limits.of_data(data).of(Renderer(tokenizer, 4096), 512)
    assert plain.think == 0
    assert plain.tokens < 512
    tokenizer.chat_template = tokenizer.chat_template.replace(
        "{% generation %}", "{% generation %}{{- '<think>\n\n</think>\n\n' }}"
    )
    thinking = Limits.of_data(data).of(Renderer(tokenizer, 4096), 512)
    assert thinking.think == 512
    assert thinking.tokens >= 512 + thinking.answer
    assert "512" in thinking.basis
    assert Limits.of_data(data).of(Renderer(tokenizer, 4096)).think == 0


def test_of_accepted_values_the_longest_counts(renderer: Renderer) -> None:
    accepted = {"city": ["Rome", "Rome, the capital of Italy, by the Tiber"], "unit": ["", "C"], "note": [""]}
    gold = Gold(kind="call", calls=({"name": "weather", "arguments": accepted},))
    (call,) = right_answer(gold)["tool_calls"]
    assert call["function"]["arguments"] == {"city": accepted["city"][1], "unit": "C"}
    nested = {"place": [{"city": ["Rome", "Roma"], "zone": [""]}]}
    bfcl = Gold(kind="call", grader="bfcl", calls=({"name": "weather", "arguments": nested},))
    assert right_answer(bfcl)["tool_calls"][0]["function"]["arguments"] == {"place": {"city": "Rome"}}
    assert right_answer(Gold(kind="call")) == {"role": "assistant", "content": ""}


def test_what_is_remembered_of_a_tokenizer_is_never_said_of_another(data: StudyData, tokenizer: Any) -> None:
    """A tokenizer that is gone may leave its id to the next one: it stays as long as what is known of it."""
    limits, own = Limits.of_data(data), copy.deepcopy(tokenizer)
    limits.of(Renderer(own, 512))
    kept = weakref.ref(own)
    del own
    gc.collect()
    assert kept() is not None


def test_no_data_leave_the_least_room(renderer: Renderer) -> None:
    assert Limits((), ()).of(renderer).tokens == LEAST


def test_a_longest_answer_among_many_is_found(renderer: Renderer) -> None:
    def example(at: int, text: str) -> Example:
        prompt = Prompt(messages=({"role": "user", "content": f"say {at}"},))
        answer = {"role": "assistant", "content": text}
        return Example(id=str(at), prompt=prompt, answer=answer, gold=Gold(text=text), family="t", cluster="c")

    train = [example(at, f"word {at} " * (at % 5 + 1)) for at in range(3000)]
    train[1234] = example(1234, "sun moon star " * 30)
    item = Item(id="i", prompt=train[0].prompt, gold=Gold(text="tree " * 200), split="s", cluster="c")
    found = Limits([item], train).of(renderer)
    assert found.answer == len(renderer.ids("tree " * 200)) + 1
    assert Limits([], train).of(renderer).answer == len(renderer.ids("sun moon star " * 30)) + 1


def test_a_subject_asks_for_its_own_tokens(tokenizer: Any, long_data: StudyData) -> None:
    model = make_model(len(tokenizer), context=2048)
    subject = LocalSubject(model, tokenizer, limits=Limits.of_data(long_data))
    assert subject.limit is None
    room = subject.room()
    assert room == Limits.of_data(long_data).of(renderer_of(model, tokenizer)).tokens
    assert subject.limit is not None
    assert str(room) in subject.limit.basis


@pytest.mark.parametrize("family", families.READ)
def test_in_every_familys_language_right_answers_fit_and_are_right(family: str, long_data: StudyData) -> None:
    renderer = families.renderer_of(family)
    limit = Limits.of_data(long_data).of(renderer)
    for prompt, gold, ids in answers(long_data, renderer):
        assert len(ids) <= limit.answer <= limit.tokens
        said = renderer.answer_of(renderer.text(ids[: limit.tokens]))
        assert grade(said, gold, prompt.tools).correct
