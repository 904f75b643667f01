"""Objectives that TRL does not have: named figures, rows that are made again, and batches that the policy samples."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch

from engine import objectives
from engine.objectives import Kit, Loss, Objective, ObjectiveConfig, _losses
from engine.objectives.sft import Sft
from engine.run import execute
from engine.spec.errors import PluginError, RunError
from engine.spec.events import decode
from engine.spec.run import Use
from engine.spec.stopping import Stopped
from engine.subject.forward import packing
from engine.subject.forward.packing import Packed
from engine.subject.rendering import Encoded
from engine.tuning import callbacks
from tests.support.tiny import make_spec


class Named(Objective[ObjectiveConfig]):
    """SFT through the plain loop, with two figures of its own."""

    name = "named"
    label = "Named"

    def loss(self, model: Any, batch: dict[str, Any]) -> Loss:
        scores = packing.logprobs(model, Packed(**batch))
        return Loss(_losses.imitation(scores), {"tokens": torch.tensor(float(len(scores))), "worst": scores.min()})


class Chunked(Named):
    """Learns from a few examples at a time, with the policy's own answer as the prompt's last words."""

    name = "chunked"
    made: list[int]

    @property
    def chunk(self) -> int:
        return 4

    def rows(self, kit: Kit, chunk: int) -> Sequence[Encoded]:
        chosen = kit.rng("chosen", chunk).sample(range(len(kit.examples)), 6 + chunk)  # another number each time
        with kit.policy() as policy:
            answers = policy.sample([kit.examples[at].prompt for at in chosen], 1, 1.0, chunk, 6)
        self.made.append(chunk)
        rows = (kit.encoded[at] for at in chosen)
        said = (kit.renderer.ids(answer.text) for (answer,) in answers)
        return [row.model_copy(update={"prompt": row.prompt + ids}) for row, ids in zip(rows, said, strict=True)]


class OnPolicy(Objective[ObjectiveConfig]):
    """Makes the policy's own samples likelier where they are long: a toy of reinforcement learning."""

    name = "on-policy"
    label = "On policy"

    def batch(self, rows: Sequence[Any], step: int, kit: Kit) -> dict[str, Any]:
        by_prompt = {row.prompt: example for row, example in zip(kit.encoded, kit.examples, strict=True)}
        prompts = [by_prompt[row.prompt].prompt for row in rows]
        with kit.policy() as policy:
            answers = policy.sample(prompts, 1, 1.0, kit.rng("rollouts", step).getrandbits(32), 6)
        said = [kit.renderer.ids(answer.text) or (kit.renderer.pad_id,) for (answer,) in answers]
        blocks = [packing.Block(row.prompt, (ids,)) for row, ids in zip(rows, said, strict=True)]
        reward = torch.tensor([float(len(ids)) for ids in said])
        return {**kit.pack(blocks)._asdict(), "reward": reward - reward.mean()}

    def loss(self, model: Any, batch: dict[str, Any]) -> Loss:
        packed = Packed(**{name: batch[name] for name in Packed._fields})
        scores = packing.logprobs(model, packed)
        return Loss(-(scores * batch["reward"][packed.owners]).mean(), {"reward": batch["reward"].abs().mean()})


def use(monkeypatch: pytest.MonkeyPatch, cls: type[Objective[Any]]) -> Any:
    """Let the method "sft" train with an objective of that class."""
    made = cls(cls.Config())
    if isinstance(made, Chunked):
        made.made = []
    plain = objectives.objective
    monkeypatch.setattr(objectives, "objective", lambda use: made if use.name == "sft" else plain(use))
    return made


def run(folder: Path, loaders: Any, stop: threading.Event | None = None, **more: Any) -> list[Any]:
    more = {"steps": 10, "live_items": 0, **more}
    execute.execute(make_spec("sft", **more), folder, stop or threading.Event(), loaders)
    return [decode(line) for line in (folder / "events.ndjson").read_bytes().splitlines()]


def story(events: list[Any]) -> list[Any]:
    """Loss and figures of every step, once each, and the weights: what must not depend on a stop."""
    steps = {e.step: (e.loss, e.learning_rate, e.scalars) for e in events if e.kind == "stepped"}
    return [*sorted(steps.items()), events[-1].adapter]


class StopAt:
    """Asks a run to stop after a step of it."""

    def __init__(self, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.event = threading.Event()
        plain = callbacks.Recorder.on_step_end

        def ended(recorder: Any, args: Any, state: Any, control: Any, **more: Any) -> Any:
            if state.global_step == step:
                self.event.set()
            return plain(recorder, args, state, control, **more)

        monkeypatch.setattr(callbacks.Recorder, "on_step_end", ended)


def test_named_figures_are_in_the_events_and_the_losses_are_trls(
    tmp_path: Path, loaders: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = run(tmp_path / "trl", loaders)
    use(monkeypatch, Named)
    own = run(tmp_path / "own", loaders)
    steps = [e for e in own if e.kind == "stepped"]
    assert [e.loss for e in steps] == pytest.approx([e.loss for e in plain if e.kind == "stepped"], abs=1e-6)
    assert all(set(e.scalars) == {"tokens", "worst"} for e in steps)
    assert all(e.scalars["tokens"] >= 4 and e.scalars["worst"] < 0 for e in steps)
    assert all(e.scalars == {} for e in plain if e.kind == "stepped")
    assert all(e.ok for e in own if e.kind == "checked")


def test_a_figure_that_is_no_number_is_left_out(tmp_path: Path, loaders: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Named)
    monkeypatch.setattr(
        Named, "loss", lambda self, model, batch: Loss(_loss(model, batch), {"entropy": torch.tensor(float("nan"))})
    )
    assert all(e.scalars == {} for e in run(tmp_path, loaders, steps=2) if e.kind == "stepped")


def _loss(model: Any, batch: dict[str, Any]) -> torch.Tensor:
    return _losses.imitation(packing.logprobs(model, Packed(**batch)))


@pytest.mark.parametrize(("cls", "step"), [(Chunked, 2), (Chunked, 4), (Chunked, 7), (OnPolicy, 3)])
def test_a_run_that_was_stopped_goes_on_as_though_it_had_not_been(
    tmp_path: Path, loaders: Any, monkeypatch: pytest.MonkeyPatch, cls: type[Objective[Any]], step: int
) -> None:
    """Within a chunk, and at the border of one, where rows are due to be made again."""
    made = use(monkeypatch, cls)
    whole = run(tmp_path / "whole", loaders)
    if isinstance(made, Chunked):
        assert made.made == [0, 1, 2]
        assert [p.name for p in sorted((tmp_path / "whole").glob("rows-*"))] == [
            "rows-0-1.jsonl", "rows-0-2.jsonl", "rows-0.jsonl",
        ]  # fmt: skip
        made.made.clear()
    with monkeypatch.context() as patched:
        stop = StopAt(step, patched)
        with pytest.raises(Stopped):
            run(tmp_path / "parts", loaders, stop.event)
    parts = run(tmp_path / "parts", loaders)
    assert story(parts) == story(whole)
    assert len({tuple(e.scalars.items()) for e in whole if e.kind == "stepped"}) > 1


def test_rows_that_are_gone_stop_a_resumed_run(tmp_path: Path, loaders: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Chunked)
    with monkeypatch.context() as patched:
        stop = StopAt(6, patched)
        with pytest.raises(Stopped):
            run(tmp_path, loaders, stop.event)
    (tmp_path / "rows-0-1.jsonl").write_text('{"sha256": "0"}\n{}\n')
    with pytest.raises(RunError, match="gone or damaged"):
        run(tmp_path, loaders)


def test_a_chunk_begins_a_new_order(tmp_path: Path, loaders: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every row of a chunk is learned from before one is learned from twice."""
    use(monkeypatch, Chunked)
    seen: list[list[int]] = []
    plain = Named.batch

    def batch(self: Any, rows: Any, step: int, kit: Kit) -> Any:
        seen.append([hash(row) for row in rows])
        return plain(self, rows, step, kit)

    monkeypatch.setattr(Named, "batch", batch)
    run(tmp_path, loaders)
    for chunk in range(3):
        used = [row for step in seen[4 * chunk : 4 * chunk + 4] for row in step]
        counts = {used.count(row) for row in used}
        assert len(set(used)) == 6 + chunk
        assert max(counts) - min(counts) <= 1


def test_nothing_to_learn_from_is_said(tmp_path: Path, loaders: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Chunked)
    monkeypatch.setattr(Chunked, "rows", lambda self, kit, chunk: [])
    with pytest.raises(RunError, match="nothing to learn from"):
        run(tmp_path / "rows", loaders)
    monkeypatch.setattr("engine.methods.sft.Sft.treat", lambda self, examples, rng: [])
    use(monkeypatch, Sft)
    with pytest.raises(RunError, match="nothing to learn from"):
        run(tmp_path / "examples", loaders)


def test_a_trainer_that_never_asks_for_rows_again_is_refused(
    tmp_path: Path, loaders: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, Sft)
    monkeypatch.setattr(Sft, "chunk", 2)
    with pytest.raises(PluginError, match="does not ask"):
        run(tmp_path, loaders)


def test_random_streams_are_functions_of_seed_phase_name_and_step(tmp_path: Path) -> None:
    fields = dict.fromkeys(Kit.__dataclass_fields__, None)
    kit = Kit(**{**fields, "seed": 3, "phase": 1})  # type: ignore[arg-type]
    assert kit.rng("preferences").random() == Random("3:preferences-1").random()
    assert kit.rng("rollouts", 5).random() == Random("3:rollouts-1:5").random()
    assert Use(name="sft") == Use(name="sft", settings={}), "a default that is written out is the same"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda loss: loss, "must return a Loss whose `total` is a tensor, and returned a Tensor"),
        (lambda loss: Loss(loss.item()), "whose `total` is a float"),  # type: ignore[arg-type]
        (lambda loss: Loss(torch.stack([loss, loss])), "is a tensor of shape [2]"),
        (lambda loss: Loss(loss.detach()), "does not depend on any trained weight"),
        (lambda loss: Loss(loss, {"x": 1.0}), "the figure 'x' must be a tensor of one number, and is a float"),  # type: ignore[dict-item]
        (lambda loss: Loss(loss, {"x": torch.ones(3)}), "and is a tensor of shape [3]"),
    ],
)
def test_a_loss_of_another_form_is_a_fault_of_the_objective(
    tmp_path: Path, loaders: Any, monkeypatch: pytest.MonkeyPatch, wrong: Any, said: str
) -> None:
    use(monkeypatch, Named)
    monkeypatch.setattr(Named, "loss", lambda self, model, batch: wrong(_loss(model, batch)))
    with pytest.raises(PluginError) as caught:
        run(tmp_path, loaders, steps=2)
    assert said in caught.value.message
    assert "test_own_objectives.py" in caught.value.message
