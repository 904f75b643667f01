"""What every objective promises, whatever its name: losses of its rows, a gradient, and the same again."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.adaptations.lora import Lora
from engine.methods._settings import LoraSettings
from engine.objectives import Objective, found, objective
from engine.objectives._trainer import Pace, arguments, run_trainer
from engine.spec.errors import SpecError
from engine.spec.example import Frozen, StudyData
from engine.spec.run import Use
from engine.subject.limits import Limits
from engine.subject.local import LocalSubject, renderer_of
from engine.subject.rendering import Encoded
from engine.tuning import loop
from engine.tuning.journal import Journal
from tests.support import examples
from tests.support.tiny import make_model, make_spec

with examples.there():
    OBJECTIVES = sorted(found().classes.items())
SAMPLED = {"temperature": 1.5, "unreadable": True, "max_new_tokens": 24, "pairs": 8}  # of those that sample answers
PACE = Pace(1e-2, 0.0, 1.0)


def test_none_is_broken() -> None:
    assert not found().broken, [broken.traceback for broken in found().broken]
    assert {"sft", "dpo"} <= {name for name, _ in OBJECTIVES}


def test_settings_that_do_not_fit_are_a_spec_error() -> None:
    with pytest.raises(SpecError, match="no_such_setting"):
        objective(Use(name="sft", settings={"no_such_setting": 1}))


@pytest.fixture
def training(tmp_path: Path, tokenizer: Any, data: StudyData) -> loop.Training:
    return training_in(tmp_path, tokenizer, data)


def training_in(folder: Path, tokenizer: Any, data: StudyData) -> loop.Training:
    folder.mkdir(parents=True, exist_ok=True)
    model, how = make_model(len(tokenizer)), Lora(LoraSettings.model_validate({}))
    renderer = renderer_of(model, tokenizer)
    tuned = how.attach(model, 0)
    how.quicken(tuned)
    examples = data.train[:24]
    spec = make_spec("sft", steps=2)
    return loop.Training(
        spec=spec, method=None, adaptation=how, folder=folder, stop=threading.Event(), journal=Journal(folder),  # type: ignore[arg-type]
        model=tuned, renderer=renderer, examples=examples, pool=data.train, attention="sdpa",
        encoded=[renderer.encode(example) for example in examples],
        needs={"teacher": LocalSubject(make_model(len(tokenizer)), tokenizer)}, limits=Limits.of_data(data),
        half=False, live=lambda step: None, device="cpu", began=0.0,
    )  # fmt: skip


def make(cls: type[Objective]) -> Objective[Any]:
    fields = {name: value for name, value in SAMPLED.items() if name in cls.Config.model_fields}
    return cls(cls.Config.model_validate(fields))


def trained(made: Objective[Any], training: loop.Training) -> tuple[list[float], Any, Any]:
    """Losses of three steps, the rows and the trainer."""
    kit = training.kit(loop.Stretch(0, None, 3, 0))  # type: ignore[arg-type]
    rows = kit.made(made, 0)
    args = arguments(made.Arguments, training.folder / "out", PACE, 3, 4, 0, "cpu", **made.arguments())
    trainer = made.trainer(kit, rows, kit.order(len(rows), 0), args)
    trainer.adaptation = training.adaptation
    losses: list[float] = []
    plain = trainer.training_step

    def step(*given: Any, **more: Any) -> Any:
        loss = plain(*given, **more)
        losses.append(float(loss))
        return loss

    trainer.training_step = step
    run_trainer(trainer, None)
    return losses, rows, trainer


@pytest.mark.parametrize(("name", "cls"), OBJECTIVES, ids=[name for name, _ in OBJECTIVES])
class TestEveryObjective:
    def test_it_says_what_it_is(self, name: str, cls: type[Objective]) -> None:
        assert cls.name == name
        assert cls.label
        assert cls.__doc__
        assert issubclass(cls.Row, Encoded)

    def test_every_setting_has_bounds_and_a_description(self, name: str, cls: type[Objective]) -> None:
        assert issubclass(cls.Config, Frozen)
        for field, schema in cls.Config.model_json_schema().get("properties", {}).items():
            assert schema.get("description", "").endswith("."), f"{name}.{field} has no description"
            if schema.get("type") in ("integer", "number"):
                assert {"minimum", "exclusiveMinimum"} & schema.keys(), f"{name}.{field} has no lower bound"

    def test_it_trains_what_is_attached_and_nothing_else(
        self, name: str, cls: type[Objective], training: loop.Training
    ) -> None:
        before = {name: weight.detach().clone() for name, weight in training.model.named_parameters()}
        losses, _, trainer = trained(make(cls), training)
        assert len(losses) == 3
        assert all(torch.isfinite(torch.tensor(losses)))
        moved = {n for n, weight in training.model.named_parameters() if not torch.equal(before[n], weight)}
        assert moved
        assert moved <= {n for n, weight in training.model.named_parameters() if weight.requires_grad}
        assert all(torch.isfinite(value).all() for value in trainer.last_scalars.values())

    def test_it_is_the_same_again(
        self, name: str, cls: type[Objective], tmp_path: Path, tokenizer: Any, data: StudyData
    ) -> None:
        first, second = (trained(make(cls), training_in(tmp_path / str(n), tokenizer, data))[:2] for n in (0, 1))
        assert first == second

    def test_its_rows_are_read_back_as_they_were_made(
        self, name: str, cls: type[Objective], training: loop.Training
    ) -> None:
        made = make(cls)
        kit = training.kit(loop.Stretch(0, None, 3, 0))  # type: ignore[arg-type]
        rows = list(kit.made(made, 0))
        assert list(kit.saved(made, 0)) == rows
        for row in rows:
            block = made.block(row)
            assert block.answers
            assert all(block.answers)
            assert block.size <= training.renderer.context * len(block.answers)
