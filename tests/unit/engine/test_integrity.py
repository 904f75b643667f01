"""The checks must fail when what they check is broken."""

from __future__ import annotations

from typing import Any

import torch

from engine.adaptations.lora import Lora
from engine.methods._settings import LoraSettings
from engine.run import checks
from engine.spec.example import Item, Prompt, Side, StudyData
from engine.subject.local import LocalSubject, renderer_of
from engine.subject.protocol import Answer


def test_an_adapter_that_does_nothing_is_seen(model: Any, tokenizer: Any, data: StudyData) -> None:
    renderer = renderer_of(model, tokenizer)
    prompts = [item.prompt for item in data.items]
    base = checks.logits(model, renderer, prompts)
    how = Lora(LoraSettings.model_validate({}))
    tuned = how.attach(model, 0)
    on, off = checks.adapter_findings(how, tuned, renderer, renderer, prompts, base)
    assert not on.ok
    assert off.ok
    for name, weights in tuned.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weights, std=0.1)
    on, off = checks.adapter_findings(how, tuned, renderer, renderer, prompts, base)
    assert on.ok
    assert off.ok
    with torch.no_grad():
        tuned.get_base_model().model.norm.weight += 0.01
    assert not checks.adapter_findings(how, tuned, renderer, renderer, prompts, base)[1].ok


def test_templates_that_differ_are_seen() -> None:
    assert checks.template_finding("a", "a", "").ok
    assert checks.template_finding("a", "a", "a").ok
    assert not checks.template_finding("a", "b", "").ok
    assert not checks.template_finding("a", "a", "b").ok


def test_overlap_is_seen_whatever_case_and_spaces(data: StudyData) -> None:
    assert checks.overlap_finding(data.train, data.items).ok
    first = data.train[0]
    loud = [{**m, "content": f"  {m['content'].upper()} "} for m in first.prompt.messages]
    copied = Item(
        id="copied",
        prompt=first.prompt.model_copy(update={"messages": tuple(loud)}),
        gold=first.gold,
        split="wording",
        cluster="c",
    )
    found = checks.overlap_finding(data.train, [*data.items, copied])
    assert not found.ok
    assert "copied" in found.detail


def test_a_held_out_tool_that_was_offered_in_training_is_seen(data: StudyData) -> None:
    item = next(i for i in data.items if i.gold.calls and i.gold.calls[0]["name"] == "weather")
    found = checks.overlap_finding(data.train, [item.model_copy(update={"split": "tools"})])
    assert not found.ok
    assert "weather" in found.detail


class Fickle(LocalSubject):
    calls = 0

    def generate(self, prompts: Any, max_new_tokens: int) -> list[Answer]:
        self.calls += 1
        return [Answer(str(self.calls))] * len(prompts)


def test_answers_that_change_are_seen(model: Any, tokenizer: Any, data: StudyData) -> None:
    prompts = [item.prompt for item in data.items]
    assert checks.greedy_finding(LocalSubject(model, tokenizer), prompts).ok
    assert not checks.greedy_finding(Fickle(model, tokenizer), prompts).ok


def test_sides_of_different_length_are_seen(model: Any, tokenizer: Any, data: StudyData) -> None:
    renderer = renderer_of(model, tokenizer)

    def items(longer: int) -> list[Item]:
        made = []
        for n in range(40):
            side = Side.CONGRUENT if n % 2 else Side.CONFLICTING
            words = "please " * (n % 5 + (longer if side is Side.CONGRUENT else 0))
            prompt = Prompt(messages=({"role": "user", "content": f"{words}weather?"},))
            made.append(Item(id=f"i{n}", prompt=prompt, gold=data.items[0].gold, split="s", cluster="c", side=side))
        return made

    same, longer = (checks.length_finding(renderer, items(n)) for n in (0, 6))
    assert same is not None
    assert same.ok
    assert longer is not None
    assert not longer.ok
    assert "standard deviations" in longer.detail
    assert checks.length_finding(renderer, [i.model_copy(update={"side": Side.NEUTRAL}) for i in items(0)]) is None
