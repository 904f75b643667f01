"""TRL's trainers with leaner losses: logits only where a label counts, and without their unused metrics.

Values are TRL's own (tests/unit/engine/test_objectives.py holds losses and gradients to 1e-5). What falls away: the
output layer on every prompt token; padding; the second reading of a prompt with two answers; entropy, token accuracy,
mean logits and token counts, each of which waits for the device; the Arrow row reads; the count of floating point
operations; the model card at every checkpoint.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from torch.utils.data import DataLoader
from transformers import PrinterCallback, Trainer
from trl.trainer.dpo_config import DPOConfig
from trl.trainer.dpo_trainer import DPOTrainer
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from engine.adaptations import lora
from engine.methods._base import MethodConfig, Phase
from engine.objectives import losses
from engine.subject.forward import attention, packing
from engine.subject.forward.packing import Block, Packed
from engine.subject.rendering import Encoded, Renderer

Batch = dict[str, Any]


class _Lean:
    """What both trainers share. Expects `rows` and `order`, and gives `last_loss` and `last_rate` after each step.

    Attributes:
        half: Whether the forward pass runs in bfloat16.
    """

    rows: Sequence[Any]
    order: list[list[int]]
    pad_id: int
    half: bool = False
    last_loss: torch.Tensor
    last_rate: float

    def block(self, row: Any) -> Block:
        """A row's prompt with the answers that the loss is about."""
        raise TypeError(f"{type(self).__name__} has no block()")

    def collate(self, rows: list[Any]) -> Batch:
        """The rows' blocks, packed; what a loss needs beside them is added by the trainer's own `collate`."""
        blocks = [self.block(row) for row in rows]
        layout = packing.layout_of(self.model, max(block.size for block in blocks))  # type: ignore[attr-defined]
        return layout.pack(blocks, self.pad_id)._asdict()

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
        return torch.nn.utils.clip_grad_norm_(weights, self.args.max_grad_norm)  # type: ignore[attr-defined]

    def floating_point_ops(self, inputs: Any) -> int:
        return 0

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        # Not TRL's, which writes a model card each time.
        Trainer._save_checkpoint(self, model, trial)  # type: ignore[arg-type]  # noqa: SLF001

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        self.model.save_pretrained(output_dir, save_embedding_layers=False)  # type: ignore[attr-defined]

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        lora.load(self.model, Path(resume_from_checkpoint))  # type: ignore[attr-defined]


class LeanSFT(_Lean, SFTTrainer):
    """Cross-entropy of the answer's tokens. Rows are `Encoded`."""

    def __init__(
        self, model: Any, rows: Sequence[Encoded], order: list[list[int]], args: SFTConfig, tokenizer: Any, pad_id: int
    ) -> None:
        self.rows, self.order, self.pad_id = rows, order, pad_id
        first = Dataset.from_list(
            [{"input_ids": [*rows[0].prompt, *rows[0].completion], "labels": [*rows[0].prompt, *rows[0].completion]}]
        )
        super().__init__(model=model, args=args, train_dataset=first, processing_class=tokenizer)

    def block(self, row: Encoded) -> Block:
        """The prompt and its answer."""
        return Block(row.prompt, (row.completion,))

    def collate(self, rows: list[Encoded]) -> Batch:
        """The packed rows, or TRL's own batch for a mixture of experts, whose loss has a further term."""
        if not self.aux_loss_enabled:
            return super().collate(rows)
        ids, mask, counted = packing.padded([(row.prompt, row.completion) for row in rows], self.pad_id)
        return {"input_ids": ids, "attention_mask": mask, "labels": ids.masked_fill(counted == 0, -100)}

    def compute_loss(
        self, model: Any, inputs: Batch, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Mean negative log-likelihood of the answers' tokens, nats; TRL's `loss_type="nll"`."""
        if self.aux_loss_enabled or return_outputs:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        scores, _ = self.scores(inputs)
        return losses.imitation(scores)


class PairRow(Encoded):
    """A pair as token ids, with the reference's log-probabilities (nats) of the chosen and the rejected answer."""

    rejected: tuple[int, ...]
    reference: tuple[float, float] = (0.0, 0.0)


class LeanDPO(_Lean, DPOTrainer):
    """DPO with an SFT term against stored reference log-probabilities. Rows are `PairRow`."""

    def __init__(
        self, model: Any, rows: Sequence[PairRow], order: list[list[int]], args: DPOConfig, tokenizer: Any, pad_id: int
    ) -> None:
        self.rows, self.order, self.pad_id = rows, order, pad_id
        row = rows[0]
        first = Dataset.from_list(
            [{"prompt_ids": list(row.prompt), "chosen_ids": list(row.completion), "rejected_ids": list(row.rejected)}]
        )
        super().__init__(model=model, args=args, train_dataset=first, processing_class=tokenizer)
        # TRL copies an adapter to have a reference; ours is in the rows, taken when the phase began.
        model.delete_adapter("ref")
        self.precompute_ref_logps = True

    def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:
        return dataset  # token ids already

    def block(self, row: PairRow) -> Block:
        """The prompt with the chosen and the rejected answer."""
        return Block(row.prompt, (row.completion, row.rejected))

    def collate(self, rows: list[PairRow]) -> Batch:
        """The packed pairs with their references [pairs, 2], or TRL's own batch: chosen answers, then rejected ones."""
        reference = torch.tensor([row.reference for row in rows])
        if not self.aux_loss_enabled:
            return {**super().collate(rows), "reference": reference}
        pairs = [(r.prompt, r.completion) for r in rows] + [(r.prompt, r.rejected) for r in rows]
        ids, mask, counted = packing.padded(pairs, self.pad_id)
        return {
            "input_ids": ids, "attention_mask": mask, "completion_mask": counted,
            "ref_chosen_logps": reference[:, 0], "ref_rejected_logps": reference[:, 1],
        }  # fmt: skip

    def compute_loss(
        self, model: Any, inputs: Batch, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """The weighted sum of DPO's sigmoid loss and the chosen answers' negative log-likelihood."""
        if self.aux_loss_enabled or return_outputs:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        scores, owners = self.scores(inputs)
        preferred, imitated = losses.preference(scores, owners, inputs["reference"], self.beta)
        return self.loss_weights[0] * preferred + self.loss_weights[1] * imitated


def arguments(
    kind: type[SFTConfig] | type[DPOConfig], folder: Path, phase: Phase, config: MethodConfig, steps: int,
    batch_size: int, seed: int, device: str, **more: Any,
) -> Any:  # fmt: skip
    """TRL's settings of one phase: its own defaults where they change a value, ours where they cost time or noise."""
    return kind(
        output_dir=str(folder),
        per_device_train_batch_size=batch_size,
        max_steps=steps,
        learning_rate=phase.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=round(config.warmup * steps),
        max_grad_norm=config.max_grad_norm,
        seed=seed,
        data_seed=seed,
        use_cpu=device == "cpu",
        bf16=False,
        gradient_checkpointing=False,
        max_length=None,  # `Renderer.fit` has cut what is too long, and counted it
        logging_strategy="no",
        save_strategy="no",  # our callback says when
        report_to="none",
        disable_tqdm=True,
        dataloader_num_workers=0,
        dataloader_pin_memory=False,
        remove_unused_columns=False,
        **more,
    )


def sft(model: Any, rows: Sequence[Encoded], order: list[list[int]], args: SFTConfig, renderer: Renderer) -> LeanSFT:
    """A trainer for supervised fine-tuning."""
    lora.quicken(model)
    return _ready(LeanSFT(model, rows, order, args, renderer.tokenizer, renderer.pad_id))


def dpo(model: Any, rows: Sequence[PairRow], order: list[list[int]], args: DPOConfig, renderer: Renderer) -> LeanDPO:
    """A trainer for DPO."""
    lora.quicken(model)
    return _ready(LeanDPO(model, rows, order, args, renderer.tokenizer, renderer.pad_id))


def run(trainer: Any, checkpoint: Path | None) -> None:
    """Train to the end, or until a callback stops it, from a checkpoint's state if there is one."""
    trainer.model.train()
    with _attending(trainer):
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)


def _attending(trainer: Any) -> AbstractContextManager[None]:
    return attention.attending(trainer.model, trainer.half)


def _ready(trainer: Any) -> Any:
    trainer.remove_callback(PrinterCallback)
    return trainer
