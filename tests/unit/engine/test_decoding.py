"""Batched answers are those of every prompt alone, read anew at each step, for every causal family."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
import torch
from torch import Tensor

from engine.subject import decoding
from engine.subject.decoding import Anew, Cached, Decoded
from tests.support import zoo

ENDS = frozenset({2, 5, 9, 17})


def greedy(logits: Tensor) -> Tensor:
    return logits.argmax(-1)


def prompts() -> list[tuple[int, ...]]:
    rng = Random(0)
    return [tuple(rng.randrange(3, zoo.WORDS) for _ in range(size)) for size in (3, 30, 11, 2, 25, 40)]


@torch.inference_mode()
def alone(model: Any, prompt: tuple[int, ...], steps: int) -> Decoded:
    """The plainest way: the whole model on the whole text, token by token."""
    ids = list(prompt)
    for _ in range(steps):
        token = int(model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1].argmax())
        if token in ENDS:
            return Decoded(ids[len(prompt) :], False)
        ids.append(token)
    return Decoded(ids[len(prompt) :], True)


@pytest.mark.parametrize("kind", zoo.CAUSAL)
def test_a_batch_answers_as_each_prompt_alone(kind: str) -> None:
    model = zoo.make(kind)
    with torch.inference_mode():
        got = decoding.decode(model, prompts(), 12, greedy, 1, 0, ENDS)
    assert got == [alone(model, prompt, 12) for prompt in prompts()]


@pytest.mark.parametrize("kind", zoo.CAUSAL)
def test_a_cache_is_used_where_it_is_right(kind: str) -> None:
    anew = kind in zoo.STATES or kind == "openai-gpt"
    assert decoding.way_of(zoo.make(kind)) is (Anew if anew else Cached)


def test_a_cache_that_forgets_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    model = zoo.make("llama")
    plain = type(model).forward

    def forgets(self: Any, *args: Any, attention_mask: Any = None, past_key_values: Any = None, **kwargs: Any) -> Any:
        return plain(self, *args, past_key_values=past_key_values, **kwargs)

    monkeypatch.setattr(type(model), "forward", forgets)
    assert decoding.way_of(model) is Anew


@pytest.mark.parametrize("way", [Cached, Anew])
def test_what_reached_the_limit_is_cut_and_what_ended_on_it_is_not(way: decoding.Way) -> None:
    model = zoo.make("llama")
    with torch.inference_mode():
        whole = decoding.answers(way(model, [prompts()[1]], 0), 12, greedy, 1, frozenset())[0]
        assert whole.cut
        assert len(whole.ids) == 12
        end = frozenset({whole.ids[6]})
        first = whole.ids.index(whole.ids[6])
        ended = decoding.answers(way(model, [prompts()[1]], 0), first + 1, greedy, 1, end)[0]
        short = decoding.answers(way(model, [prompts()[1]], 0), max(1, first), greedy, 1, end)[0]
    assert ended == Decoded(whole.ids[:first], False), "its end is within the limit"
    assert short == Decoded(whole.ids[:first], True), "its end would have been the next token"


@pytest.mark.parametrize("kind", ["llama", "mamba"])
def test_samples_of_one_prompt_lie_side_by_side(kind: str) -> None:
    model = zoo.make(kind)
    with torch.inference_mode():
        got = decoding.decode(model, prompts()[:2], 5, greedy, 3, 0, ENDS)
        one = decoding.decode(model, prompts()[:2], 5, greedy, 1, 0, ENDS)
    assert got == [one[0]] * 3 + [one[1]] * 3


def test_each_device_is_tried_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    model = zoo.make("llama")
    monkeypatch.setattr(decoding, "_cache_is_right", lambda model: model.device.type == "cpu")
    assert decoding.way_of(model) is Cached
    monkeypatch.setattr(type(model), "device", property(lambda _: torch.device("cuda", 0)))
    assert decoding.way_of(model) is Anew
    monkeypatch.undo()
    assert decoding.way_of(model) is Cached
