"""What every adaptation promises, whatever its name, on two kinds of models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.adaptations import Adaptation, found
from engine.run.checks import adapter_findings, logits
from engine.spec.example import Prompt
from engine.subject.forward import packing
from engine.subject.forward.packing import Block
from engine.subject.local import renderer_of
from engine.subject.rendering import Renderer
from tests.support import examples
from tests.support.tiny import make_model

with examples.there():
    ADAPTATIONS = sorted(found().classes.items())
ASKED = [Prompt(messages=({"role": "user", "content": text},)) for text in ("sun moon", "tree", "star star sun")]


class Adapted:
    """A tiny model with an adaptation: fresh, and with the trained weights moved as training would."""

    def __init__(self, cls: type[Adaptation], kind: str, tokenizer: Any, seed: int = 3) -> None:
        self.kind, self.tokenizer = kind, tokenizer
        self.how = cls(cls.Config())
        plain = make_model(len(tokenizer), kind)
        self.base: Renderer = renderer_of(plain, tokenizer)
        self.before = logits(plain, self.base, ASKED)
        self.model = self.how.attach(plain, seed).eval()
        prefix = self.how.prefix(self.model)
        self.renderer = self.base.with_prefix(prefix) if prefix else self.base

    @property
    def trained(self) -> dict[str, torch.Tensor]:
        return {name: weight for name, weight in self.model.named_parameters() if weight.requires_grad}

    def move(self) -> None:
        generator = torch.Generator().manual_seed(1)
        with torch.no_grad():
            for weight in self.trained.values():
                weight += torch.randn(weight.shape, generator=generator) * 0.5

    def measured(self) -> Sequence[torch.Tensor]:
        with self.how.measurable(self.model) as plain:
            return logits(plain, self.renderer, ASKED)


@pytest.fixture(params=["qwen2", "llama"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


def same(one: Sequence[torch.Tensor], two: Sequence[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


def test_none_is_broken() -> None:
    assert not found().broken, [broken.traceback for broken in found().broken]
    assert {"lora", "soft-prompt", "norm-tuning"} <= {name for name, _ in ADAPTATIONS}


@pytest.mark.parametrize(("name", "cls"), ADAPTATIONS, ids=[name for name, _ in ADAPTATIONS])
class TestEveryAdaptation:
    def test_it_says_what_it_is(self, name: str, cls: type[Adaptation]) -> None:
        assert cls.name == name
        assert cls.label
        assert cls.__doc__
        for field, schema in cls.Config.model_json_schema().get("properties", {}).items():
            assert schema.get("description", "").endswith("."), f"{name}.{field} has no description"
        with pytest.raises(ValueError, match="Extra inputs"):
            cls.Config.model_validate({"no_such_setting": 1})

    def test_only_its_own_weights_are_trained(
        self, name: str, cls: type[Adaptation], kind: str, tokenizer: Any
    ) -> None:
        adapted = Adapted(cls, kind, tokenizer)
        untouched = {id(weight) for weight in make_model(len(tokenizer), kind).parameters()}
        assert adapted.trained
        assert not untouched & {id(weight) for weight in adapted.trained.values()}
        again = Adapted(cls, kind, tokenizer)
        assert adapted.trained.keys() == again.trained.keys()
        assert all(torch.equal(adapted.trained[at], again.trained[at]) for at in adapted.trained), "the same seed"

    def test_without_it_the_base_is_there_to_the_bit(
        self, name: str, cls: type[Adaptation], kind: str, tokenizer: Any
    ) -> None:
        adapted = Adapted(cls, kind, tokenizer)
        adapted.move()
        with adapted.how.disabled(adapted.model):
            assert same(logits(adapted.model, adapted.base, ASKED), adapted.before)
        checks = (adapted.model, adapted.renderer, adapted.base, ASKED, adapted.before)
        assert [finding.ok for finding in adapter_findings(adapted.how, *checks)] == [True, True]

    def test_what_is_measured_is_what_was_trained(
        self, name: str, cls: type[Adaptation], kind: str, tokenizer: Any
    ) -> None:
        adapted = Adapted(cls, kind, tokenizer)
        adapted.move()
        on = adapted.measured()
        assert not same(on, adapted.before), "it is not dropped in silence"
        plain = logits(packing.base_of(adapted.model), adapted.renderer, ASKED)
        assert all(torch.allclose(a, b, atol=1e-3) for a, b in zip(on, plain, strict=True))
        assert same(adapted.measured(), on), "measuring leaves it as it was"

    def test_packed_rows_give_the_values_of_plain_ones(
        self, name: str, cls: type[Adaptation], kind: str, tokenizer: Any
    ) -> None:
        adapted = Adapted(cls, kind, tokenizer)
        adapted.move()
        answers = ("star", "moon sun", "tree tree tree")
        blocks = [
            Block(tuple(adapted.renderer.prompt_ids(prompt)), (tuple(tokenizer(text)["input_ids"]),))
            for prompt, text in zip(ASKED, answers, strict=True)
        ]
        layout = packing.layout_of(adapted.model)
        with torch.inference_mode():
            together = packing.logprobs(adapted.model, layout.pack(blocks, adapted.renderer.pad_id))
            alone = [packing.logprobs(adapted.model, layout.pack([one], adapted.renderer.pad_id)) for one in blocks]
        assert torch.allclose(together, torch.cat(alone), atol=1e-4)

    def test_what_is_saved_is_what_is_loaded(
        self, name: str, cls: type[Adaptation], kind: str, tokenizer: Any, tmp_path: Path
    ) -> None:
        adapted = Adapted(cls, kind, tokenizer)
        adapted.move()
        digest = adapted.how.save(adapted.model, tmp_path / "adapter")
        assert (tmp_path / "adapter" / adapted.how.WEIGHTS).is_file()
        other = Adapted(cls, kind, tokenizer, seed=9)
        other.how.load(other.model, tmp_path / "adapter")
        assert same(other.measured(), adapted.measured())
        assert other.how.save(other.model, tmp_path / "adapter") == digest, "an older folder is replaced"
        assert not list(tmp_path.glob("*.part"))
