"""Supervised fine-tuning: cross-entropy of the answer's tokens, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from datasets import Dataset
from transformers import TrainingArguments
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from engine.objectives import _losses
from engine.objectives._base import Objective, ObjectiveConfig
from engine.objectives._kit import Kit
from engine.objectives._trainer import Batch, Lean
from engine.subject.forward import packing
from engine.subject.rendering import Encoded


class Sft(Objective[ObjectiveConfig]):
    """The mean negative log-likelihood of the answers' tokens, nats; TRL's `loss_type="nll"`."""

    name: ClassVar[str] = "sft"
    label: ClassVar[str] = "Supervised fine-tuning"
    Arguments: ClassVar[type[TrainingArguments]] = SFTConfig

    def arguments(self) -> dict[str, Any]:
        """No length limit: `Renderer.fit` has cut what is too long, and counted it."""
        return {"max_length": None}

    def trainer(self, kit: Kit, rows: Sequence[Encoded], order: list[list[int]], args: SFTConfig) -> LeanSFT:
        """TRL's."""
        return LeanSFT(self, kit, rows, order, args)


class LeanSFT(Lean, SFTTrainer):
    """Cross-entropy of the answer's tokens. Rows are `Encoded`."""

    def __init__(
        self, objective: Sft, kit: Kit, rows: Sequence[Encoded], order: list[list[int]], args: SFTConfig
    ) -> None:
        self.objective, self.kit, self.rows, self.order = objective, kit, rows, order
        first = Dataset.from_list(
            [{"input_ids": [*rows[0].prompt, *rows[0].completion], "labels": [*rows[0].prompt, *rows[0].completion]}]
        )
        super().__init__(model=kit.model, args=args, train_dataset=first, processing_class=kit.renderer.tokenizer)

    def collate(self, rows: list[Encoded]) -> Batch:
        """The packed rows, or TRL's own batch for a mixture of experts, whose loss has a further term."""
        if not self.aux_loss_enabled:
            return super().collate(rows)
        ids, mask, counted = packing.padded([(row.prompt, row.completion) for row in rows], self.kit.renderer.pad_id)
        return {"input_ids": ids, "attention_mask": mask, "labels": ids.masked_fill(counted == 0, -100)}

    def compute_loss(
        self, model: Any, inputs: Batch, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Mean negative log-likelihood of the answers' tokens, nats; TRL's `loss_type="nll"`."""
        if self.aux_loss_enabled or return_outputs:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        scores, _ = self.scores(inputs)
        return _losses.imitation(scores)
