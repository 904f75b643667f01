"""A soft prompt is read by everything that measures, as PEFT itself reads it; without its prefix the base is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from engine.adaptations import adaptation
from engine.run.checks import adapter_findings, logits
from engine.spec.example import Prompt
from engine.spec.run import Use
from engine.subject.local import LocalSubject, renderer_of
from tests.support.tiny import make_model

TOKENS = 5
ASKED = [Prompt(messages=({"role": "user", "content": text},)) for text in ("sun moon", "tree", "star star sun")]


@pytest.fixture
def parts(tokenizer: Any) -> tuple[Any, Any, Any]:
    how = adaptation(Use(name="soft-prompt", settings={"tokens": TOKENS}))
    model = make_model(len(tokenizer)).eval()
    base = renderer_of(model, tokenizer)
    tuned = how.attach(model, 3).eval()
    return how, tuned, base


def test_logits_are_those_of_peft(parts: tuple[Any, Any, Any]) -> None:
    how, tuned, base = parts
    prefixed = base.with_prefix(how.prefix(tuned))
    for prompt in ASKED:
        ids = base.prompt_ids(prompt)
        with torch.inference_mode():
            theirs = tuned(input_ids=torch.tensor([ids])).logits[0, -1]
        (ours,) = logits(tuned.get_base_model(), prefixed, [prompt])
        assert torch.allclose(ours, theirs, atol=1e-5)


def test_without_it_the_base_is_there_to_the_bit(parts: tuple[Any, Any, Any], tokenizer: Any) -> None:
    how, tuned, base = parts
    untouched = make_model(len(tokenizer)).eval()
    for ours, theirs in zip(logits(tuned.get_base_model(), base, ASKED), logits(untouched, base, ASKED), strict=True):
        assert torch.equal(ours, theirs)
    prefixed = base.with_prefix(how.prefix(tuned))
    findings = adapter_findings(how, tuned, prefixed, base, ASKED, logits(untouched, base, ASKED))
    assert [finding.ok for finding in findings] == [True, True]
    (dropped, _) = adapter_findings(how, tuned, base, base, ASKED, logits(untouched, base, ASKED))
    assert not dropped.ok, "a probe that measures without the prefix is found out"


def test_a_removed_soft_prompt_changes_the_answers(parts: tuple[Any, Any, Any], tokenizer: Any) -> None:
    how, tuned, base = parts
    torch.nn.init.normal_(tuned.prompt_encoder["default"].embedding.weight, std=2.0)
    with how.measurable(tuned) as plain:
        with_it = LocalSubject(plain, tokenizer, None, base.with_prefix(how.prefix(tuned)))
        without = LocalSubject(plain, tokenizer, None, base)
        assert with_it.generate(ASKED, 8) != without.generate(ASKED, 8)
        options = [["sun", "moon"]] * len(ASKED)
        one, two = (subject.option_logprobs(ASKED, options) for subject in (with_it, without))
        assert all(abs(a - b).max() > 1e-3 for a, b in zip(one, two, strict=True))
        assert with_it.text_nll(["sun moon star"]) != without.text_nll(["sun moon star"])


def test_only_the_embeddings_are_trained(parts: tuple[Any, Any, Any]) -> None:
    _, tuned, _ = parts
    (name,) = [name for name, weight in tuned.named_parameters() if weight.requires_grad]
    assert "prompt_encoder" in name


def test_what_is_saved_is_what_is_loaded(parts: tuple[Any, Any, Any], tokenizer: Any, tmp_path: Path) -> None:
    how, tuned, base = parts
    torch.nn.init.normal_(tuned.prompt_encoder["default"].embedding.weight, std=2.0)
    digest = how.save(tuned, tmp_path / "adapter")
    other = how.attach(make_model(len(tokenizer)).eval(), 9).eval()
    how.load(other, tmp_path / "adapter")
    renderer = base.with_prefix(how.prefix(other))
    for ours, theirs in zip(
        logits(other.get_base_model(), renderer, ASKED), logits(tuned.get_base_model(), renderer, ASKED), strict=True
    ):
        assert torch.equal(ours, theirs)
    assert how.save(other, tmp_path / "again") == digest
