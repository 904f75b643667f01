"""The loop: transformers' Trainer, and TRL's where TRL has the objective, with leaner losses.

Values are TRL's own (tests/unit/engine/test_objectives.py holds losses and gradients to 1e-5). What falls away: the
output layer on every prompt token; padding; the second reading of a prompt with two answers; entropy, token accuracy,
mean logits and token counts, each of which waits for the device; the Arrow row reads; the count of floating point
operations; the model card at every checkpoint.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from torch.utils.data import DataLoader
from transformers import PrinterCallback, Trainer, TrainingArguments

from engine.objectives._kit import Kit
from engine.spec.errors import PluginError
from engine.spec.plugins.discovery import file_of
from engine.subject.forward import attention, packing
from engine.subject.forward.packing import Packed

Batch = dict[str, Any]


class Kept(Protocol):
    """What saves and loads the trained weights (`engine.adaptations.Adaptation`)."""

    def save(self, model: Any, folder: Path) -> str:
        """Write the weights into a folder."""
        ...

    def load(self, model: Any, folder: Path) -> None:
        """Set the weights from such a folder."""
        ...


class Lean:
    """What all trainers share.

    Attributes:
        objective: What is minimised; `kit` is what it works with.
        rows: What is trained on, of the objective's own kind.
        order: Which rows each step takes.
        adaptation: What is trained.
        half: Whether the forward pass runs in bfloat16.
        last_loss, last_rate, last_scalars: Loss, learning rate and further named figures of the last step.
        last_norm: Norm of its gradient before clipping; None before the first step.
    """

    objective: Any
    kit: Kit
    rows: Sequence[Any]
    order: list[list[int]]
    adaptation: Kept
    half: bool = False
    last_loss: torch.Tensor
    last_rate: float
    last_scalars: Mapping[str, torch.Tensor] = {}
    last_norm: torch.Tensor | None = None

    def collate(self, rows: list[Any]) -> Batch:
        """The rows' blocks, packed; what a loss needs beside them is added by the trainer's own `collate`."""
        return self.kit.pack([self.objective.block(row) for row in rows])._asdict()

    def scores(self, inputs: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Log-probabilities (nats) of the answers' tokens, and whose they are, both [scored]."""
        packed = Packed(**{name: inputs[name] for name in Packed._fields})
        with torch.autocast(packed.ids.device.type, torch.bfloat16, enabled=self.half):
            return packing.logprobs(self.model, packed), packed.owners  # type: ignore[attr-defined]

    def get_train_dataloader(self) -> DataLoader:
        return DataLoader(self.rows, batch_sampler=self.order, collate_fn=self.collate)  # type: ignore[arg-type]

    def training_step(self, model: Any, inputs: Batch, num_items_in_batch: Any = None) -> torch.Tensor:
        """Loss and gradient of a batch. TRL's walks through all modules at every step, to set them to training."""
        self.last_rate = self._get_learning_rate()  # type: ignore[attr-defined]
        loss = self.compute_loss(model, self._prepare_inputs(inputs))  # type: ignore[attr-defined]
        self.accelerator.backward(loss)  # type: ignore[attr-defined]
        self.last_loss = loss.detach()
        return self.last_loss

    def _clip_grad_norm(self, model: Any) -> torch.Tensor:
        weights = [weight for group in self.optimizer.param_groups for weight in group["params"]]  # type: ignore[attr-defined]
        self.last_norm = torch.nn.utils.clip_grad_norm_(weights, self.args.max_grad_norm)  # type: ignore[attr-defined]
        return self.last_norm

    def floating_point_ops(self, inputs: Any) -> int:
        return 0

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        # Not TRL's, which writes a model card each time.
        Trainer._save_checkpoint(self, model, trial)  # type: ignore[arg-type]  # noqa: SLF001

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        # The first file of a checkpoint: an adaptation replaces the folder that it saves to.
        self.adaptation.save(self.model, Path(str(output_dir)))  # type: ignore[attr-defined]

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        self.adaptation.load(self.model, Path(resume_from_checkpoint))  # type: ignore[attr-defined]


class LeanTrainer(Lean, Trainer):
    """transformers' Trainer, for objectives that TRL does not have. A batch is made in the step that uses it.

    So an objective may sample from the policy as it stands; a data loader would fetch batches one step ahead.

    Args:
        objective: What is minimised; it makes rows again after every `objective.chunk` steps.
        kit: What it works with.
        rows: What it has made for the chunk that training begins in.
        order: Which of them each step of that chunk takes.
    """

    def __init__(self, objective: Any, kit: Kit, rows: Sequence[Any], order: list[list[int]], args: Any) -> None:
        self.objective, self.kit, self.rows, self.order = objective, kit, rows, order
        super().__init__(model=kit.model, args=args, train_dataset=rows, processing_class=kit.renderer.tokenizer)  # type: ignore[arg-type]

    def get_train_dataloader(self) -> DataLoader:
        """The steps themselves, each of which makes its own batch."""
        return DataLoader(range(self.args.max_steps), collate_fn=list)  # type: ignore[arg-type]

    def collate(self, rows: list[Any]) -> Batch:
        """The objective's batch of a phase's first step."""
        return self.objective.batch(rows, 0, self.kit)

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> torch.Tensor:
        """Loss and gradient of a step's rows, made again where a chunk begins."""
        step, size = self.state.global_step, self.objective.chunk
        if size and step and step % size == 0:
            self.rows = self.kit.made(self.objective, step // size)
            self.order = self.kit.order(len(self.rows), step // size)
        chosen = [self.rows[at] for at in self.order[step % size if size else step]]
        return super().training_step(model, self.objective.batch(chosen, step, self.kit), num_items_in_batch)

    def compute_loss(
        self, model: Any, inputs: Batch, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """The objective's, with its further figures kept aside."""
        with torch.autocast(model.device.type, torch.bfloat16, enabled=self.half):
            loss = self.objective.loss(model, inputs)
        _require_loss(self.objective, loss)
        self.last_scalars = {name: value.detach() for name, value in loss.scalars.items()}
        return loss.total


def _require_loss(objective: Any, loss: Any) -> None:
    """Raises PluginError where an objective's loss is not of the form that can be minimised and recorded."""
    total, scalars = getattr(loss, "total", None), getattr(loss, "scalars", {})
    wrong = ""
    if not isinstance(total, torch.Tensor):
        wrong = f"it must return a Loss whose `total` is a tensor, and returned a {type(loss).__name__}"
        wrong += "" if total is None else f" whose `total` is a {type(total).__name__}"
    elif total.numel() != 1:
        wrong = f"`total` must be one number, and is a tensor of shape {list(total.shape)}"
    elif not total.requires_grad:
        wrong = "`total` does not depend on any trained weight (was it detached, or made without the model?)"
    for name, value in scalars.items():
        if not (isinstance(value, torch.Tensor) and value.numel() == 1):
            what = f"tensor of shape {list(value.shape)}" if isinstance(value, torch.Tensor) else type(value).__name__
            wrong = wrong or f"the figure {name!r} must be a tensor of one number, and is a {what}"
    if wrong:
        raise PluginError(f"The objective {objective.name!r} ({file_of(type(objective))}) gives no loss: {wrong}.")


class Pace(NamedTuple):
    """How fast a phase learns: the peak learning rate, the share of steps that reach it, the largest gradient norm."""

    learning_rate: float
    warmup: float
    max_grad_norm: float


def arguments(
    kind: type[TrainingArguments], folder: Path, pace: Pace, steps: int, batch_size: int, seed: int, device: str,
    **more: Any,
) -> Any:  # fmt: skip
    """The settings of one phase: the trainer's own where they change a value, ours where they cost time or noise.

    Args:
        kind: The trainer's class of settings, whose defaults hold for all else.
        folder: Where checkpoints go.
        more: Settings of the objective's own.
    """
    return kind(
        output_dir=str(folder),
        per_device_train_batch_size=batch_size,
        max_steps=steps,
        learning_rate=pace.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=round(pace.warmup * steps),
        max_grad_norm=pace.max_grad_norm,
        seed=seed,
        data_seed=seed,
        use_cpu=device == "cpu",
        bf16=False,
        gradient_checkpointing=False,
        logging_strategy="no",
        save_strategy="no",  # our callback says when
        report_to="none",
        disable_tqdm=True,
        dataloader_num_workers=0,
        dataloader_pin_memory=False,
        remove_unused_columns=False,
        **more,
    )


def run_trainer(trainer: Any, checkpoint: Path | None) -> None:
    """Train to the end, or until a callback stops it, from a checkpoint's state if there is one."""
    trainer.remove_callback(PrinterCallback)
    trainer.model.train()
    with _attending(trainer):
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)


def _attending(trainer: Any) -> AbstractContextManager[None]:
    return attention.attending(trainer.model, trainer.half)
