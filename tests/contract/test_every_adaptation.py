"""What every adaptation promises: what was trained is measured, and without it the base is the base, bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from engine.adaptations import Adaptation, adaptation, found
from engine.run import checks
from engine.spec.errors import SpecError
from engine.spec.example import Frozen, Prompt, StudyData
from engine.spec.run import Use
from engine.subject.forward import packing
from engine.subject.forward.packing import Block
from engine.subject.local import renderer_of
from engine.subject.rendering import Renderer
from tests.support import examples
from tests.support.tiny import make_model

with examples.there():
    ADAPTATIONS = sorted(found().classes.items())
DRAWS_NOTHING = {"norm-tuning"}  # begins as a copy of the base's own weights, whatever the seed


def test_none_is_broken() -> None:
    assert not found().broken, [broken.traceback for broken in found().broken]
    assert "lora" in {name for name, _ in ADAPTATIONS}


def test_settings_that_do_not_fit_are_a_spec_error() -> None:
    with pytest.raises(SpecError, match="no_such_setting"):
        adaptation(Use(name="lora", settings={"no_such_setting": 1}))


class Attached:
    """A tiny model with an adaptation."""

    def __init__(self, cls: type[Adaptation], tokenizer: Any, seed: int = 0) -> None:
        self.how: Adaptation[Any] = cls(cls.Config.model_validate({}))
        self.plain: Renderer = renderer_of(make_model(len(tokenizer)), tokenizer)
        self.model = self.how.attach(make_model(len(tokenizer)), seed)
        self.how.quicken(self.model)
        self.renderer = self.plain.with_prefix(self.how.prefix(self.model))

    @property
    def trained(self) -> dict[str, Any]:
        return {name: weight for name, weight in self.model.named_parameters() if weight.requires_grad}

    def train(self, prompts: list[Prompt]) -> None:
        """A large step on what the prompts end with."""
        rows = [self.renderer.prompt_ids(prompt) for prompt in prompts]
        blocks = [Block(ids[:-2], (ids[-2:],)) for ids in rows]
        packed = packing.layout_of(self.model, max(block.size for block in blocks)).pack(blocks, self.renderer.pad_id)
        optimizer = torch.optim.SGD(list(self.trained.values()), lr=0.5)
        for _ in range(2):  # LoRA's first factor has no gradient before its second is moved
            optimizer.zero_grad()
            packing.logprobs(self.model, packed).mean().backward()
            optimizer.step()

    def logits(self, prompts: list[Prompt]) -> torch.Tensor:
        """As a run measures it."""
        with self.how.measurable(self.model) as plain:
            return torch.stack(checks.logits(plain, self.renderer, prompts))

    def base(self, prompts: list[Prompt]) -> torch.Tensor:
        with self.how.disabled(self.model):
            return torch.stack(checks.logits(self.model, self.plain, prompts))


@pytest.fixture
def prompts(data: StudyData) -> list[Prompt]:
    return [item.prompt for item in data.items[:4]]


@pytest.mark.parametrize(("name", "cls"), ADAPTATIONS, ids=[name for name, _ in ADAPTATIONS])
class TestEveryAdaptation:
    def test_it_says_what_it_is(self, name: str, cls: type[Adaptation]) -> None:
        assert cls.name == name
        assert cls.label
        assert cls.__doc__

    def test_every_setting_has_bounds_and_a_description(self, name: str, cls: type[Adaptation]) -> None:
        assert issubclass(cls.Config, Frozen)
        for field, schema in cls.Config.model_json_schema().get("properties", {}).items():
            assert schema.get("description", "").endswith("."), f"{name}.{field} has no description"
            if schema.get("type") in ("integer", "number"):
                assert {"minimum", "exclusiveMinimum"} & schema.keys(), f"{name}.{field} has no lower bound"

    def test_its_first_weights_depend_on_the_seed_alone(self, name: str, cls: type[Adaptation], tokenizer: Any) -> None:
        made = []
        for seed, noise in ((3, 1), (3, 2), (4, 1)):
            torch.manual_seed(noise)
            made.append(torch.cat([w.detach().flatten() for w in Attached(cls, tokenizer, seed).trained.values()]))
            assert torch.randint(1 << 30, ()) == _next(noise), "whatever else draws numbers is not disturbed"
        assert torch.equal(made[0], made[1])
        assert torch.equal(made[0], made[2]) == (name in DRAWS_NOTHING)

    def test_what_was_trained_is_measured_and_without_it_the_base_is_the_base(
        self, name: str, cls: type[Adaptation], tokenizer: Any, prompts: list[Prompt]
    ) -> None:
        untouched = make_model(len(tokenizer))
        base = torch.stack(checks.logits(untouched, renderer_of(untouched, tokenizer), prompts))
        made = Attached(cls, tokenizer)
        assert torch.equal(made.base(prompts), base), "before training, bit for bit"
        before = made.logits(prompts)
        made.train(prompts)
        after = made.logits(prompts)
        assert not torch.allclose(after, before, atol=1e-3)
        assert not torch.allclose(after, base, atol=1e-3)
        assert torch.equal(made.base(prompts), base), "after training, bit for bit"
        assert torch.equal(made.logits(prompts), after), "measuring changes nothing"

    def test_what_is_measured_is_what_is_trained(
        self, name: str, cls: type[Adaptation], tokenizer: Any, prompts: list[Prompt]
    ) -> None:
        made = Attached(cls, tokenizer)
        made.train(prompts)
        rows = [made.renderer.prompt_ids(prompt) for prompt in prompts]
        blocks = [Block(ids[:-2], (ids[-2:],)) for ids in rows]
        packed = packing.layout_of(made.model, max(b.size for b in blocks)).pack(blocks, made.renderer.pad_id)
        with torch.inference_mode():
            apart = packing.logprobs(made.model, packed)
            with made.how.measurable(made.model) as plain:
                folded = packing.logprobs(plain, packed)
        assert torch.allclose(apart, folded, atol=1e-4)

    def test_what_is_saved_is_what_is_loaded(
        self, name: str, cls: type[Adaptation], tokenizer: Any, prompts: list[Prompt], tmp_path: Path
    ) -> None:
        made = Attached(cls, tokenizer)
        made.train(prompts)
        digest = made.how.save(made.model, tmp_path / "saved")
        assert len(digest) == 64
        assert (tmp_path / "saved" / cls.WEIGHTS).is_file()
        assert not list(tmp_path.glob("*.part"))
        assert made.how.save(made.model, tmp_path / "saved") == digest, "over what is there"
        other = Attached(cls, tokenizer, seed=9)
        assert not torch.equal(other.logits(prompts), made.logits(prompts))
        other.how.load(other.model, tmp_path / "saved")
        assert torch.equal(other.logits(prompts), made.logits(prompts)), "bit for bit"
        assert other.how.save(other.model, tmp_path / "again") == digest
        assert other.trained.keys() == made.trained.keys()
        assert all(torch.equal(weight, made.trained[name]) for name, weight in other.trained.items())

    def test_it_learns_from_packed_rows_as_from_single_ones(
        self, name: str, cls: type[Adaptation], tokenizer: Any, prompts: list[Prompt]
    ) -> None:
        made = Attached(cls, tokenizer)
        rows = [made.renderer.prompt_ids(prompt)[: 20 + at] for at, prompt in enumerate(prompts)]
        blocks = [Block(ids[:-2], (ids[-2:],)) for ids in rows]
        layout = packing.layout_of(made.model, max(block.size for block in blocks))
        weights = list(made.trained.values())

        def gradient(groups: list[list[Block]]) -> torch.Tensor:
            total = sum(
                (packing.logprobs(made.model, layout.pack(some, made.renderer.pad_id)).sum() for some in groups),
                torch.tensor(0.0),
            )
            found = torch.autograd.grad(total, weights, allow_unused=True)
            return torch.cat([g.flatten() for g in found if g is not None])

        together, alone = gradient([blocks]), gradient([[block] for block in blocks])
        assert together.any()
        assert torch.allclose(together, alone, rtol=1e-3, atol=1e-3)


def _next(noise: int) -> torch.Tensor:
    torch.manual_seed(noise)
    return torch.randint(1 << 30, ())
