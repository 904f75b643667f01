"""Direct preference optimisation with an SFT term, on wrong answers that a teacher samples (arXiv:2305.18290)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from datasets import Dataset
from transformers import TrainingArguments
from trl.trainer.dpo_config import DPOConfig
from trl.trainer.dpo_trainer import DPOTrainer

from engine.methods._settings import PreferenceSettings
from engine.objectives import _losses, _negatives, _pairs
from engine.objectives._base import Objective
from engine.objectives._kit import Kit
from engine.objectives._pairs import PairRow, Sampled
from engine.objectives._trainer import Batch, Lean
from engine.spec.errors import RunError
from engine.spec.example import Frozen
from engine.subject.forward import packing
from engine.subject.forward.packing import Block
from engine.subject.rendering import Encoded, Renderer


class Dpo(Objective[PreferenceSettings]):
    """DPO against the policy as it stands when the phase begins, plus the chosen answers' negative log-likelihood.

    Wrong answers come from the need "teacher"; where the method names none, from the policy itself.
    """

    name: ClassVar[str] = "dpo"
    label: ClassVar[str] = "Direct preference optimisation"
    source: ClassVar[str] = "arXiv:2305.18290"
    Config: ClassVar[type[Frozen]] = PreferenceSettings
    Row: ClassVar[type[Encoded]] = PairRow
    Arguments: ClassVar[type[TrainingArguments]] = DPOConfig

    def arguments(self) -> dict[str, Any]:
        """TRL's names for beta and the weights of both terms."""
        weights = [1.0, self.config.sft_weight]
        return {"max_length": None, "beta": self.config.beta, "loss_type": ["sigmoid", "sft"], "loss_weights": weights}

    def trainer(self, kit: Kit, rows: Sequence[PairRow], order: list[list[int]], args: DPOConfig) -> LeanDPO:
        """TRL's."""
        return LeanDPO(self, kit, rows, order, args)

    def block(self, row: PairRow) -> Block:
        """The prompt with the chosen and the rejected answer."""
        return Block(row.prompt, (row.completion, row.rejected))

    def rows(self, kit: Kit, chunk: int) -> list[PairRow]:
        """The sampled pairs, with the reference's log-probabilities.

        Raises:
            RunError: There is nothing to prefer against, or a rejected answer says what its chosen one says.
        """
        examples = _negatives.asked(self.config, kit.examples, kit.pool)
        with kit.policy() as policy:
            teacher = kit.needs.get("teacher", policy)
            sampled = _negatives.sample(self.config, policy, teacher, examples, kit.rng("preferences"))
        made = _pairs.usable(sampled.pairs, kit.renderer)
        if not made:
            raise _no_pairs(sampled, kit.renderer)
        kit.note("preferences", _pairs.summary(made, sampled, kit.batch_size))
        encoded = _pairs.encode(made, kit.renderer)
        found = _pairs.finding(made, encoded, kit.renderer)
        if not found.ok:
            raise RunError(
                f"DPO would be trained against right answers: {found.detail}",
                "Nothing was trained on them. Report this with the run's folder: the lab should have left them out.",
            )
        kit.check(found)
        return _pairs.refer(encoded, kit)


class LeanDPO(Lean, DPOTrainer):
    """DPO with an SFT term against stored reference log-probabilities. Rows are `PairRow`."""

    def __init__(
        self, objective: Dpo, kit: Kit, rows: Sequence[PairRow], order: list[list[int]], args: DPOConfig
    ) -> None:
        self.objective, self.kit, self.rows, self.order = objective, kit, rows, order
        row = rows[0]
        first = Dataset.from_list(
            [{"prompt_ids": list(row.prompt), "chosen_ids": list(row.completion), "rejected_ids": list(row.rejected)}]
        )
        super().__init__(model=kit.model, args=args, train_dataset=first, processing_class=kit.renderer.tokenizer)
        # TRL copies an adapter to have a reference; ours is in the rows, taken when the phase began.
        kit.model.delete_adapter("ref")
        self.precompute_ref_logps = True

    def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:
        return dataset  # token ids already

    def collate(self, rows: list[PairRow]) -> Batch:
        """The packed pairs with their references [pairs, 2], or TRL's own batch: chosen answers, then rejected ones."""
        reference = torch.tensor([row.reference for row in rows])
        if not self.aux_loss_enabled:
            return {**super().collate(rows), "reference": reference}
        pairs = [(r.prompt, r.completion) for r in rows] + [(r.prompt, r.rejected) for r in rows]
        ids, mask, counted = packing.padded(pairs, self.kit.renderer.pad_id)
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
        preferred, imitated = _losses.preference(scores, owners, inputs["reference"], self.beta)
        return self.loss_weights[0] * preferred + self.loss_weights[1] * imitated


def _no_pairs(sampled: Sampled, renderer: Renderer) -> RunError:
    """Why there is nothing to prefer against, and what to do about it."""
    what = "The teacher gave no verified wrong answer, so there is nothing to prefer against."
    cut, right, answers = sampled.cut, sampled.right, sampled.answers
    if sampled.pairs:
        return RunError(
            f"The teacher's {len(sampled.pairs)} wrong answers do not fit the model's {renderer.context} tokens.",
            "Use a model with a longer context, or data with shorter answers.",
        )
    if cut and cut >= answers - right:
        said = "All" if cut == answers else f"All but {right} right ones"
        return RunError(
            f"{what} {said} of its {answers} sampled answers reached the limit of {sampled.limit} tokens before they "
            "ended, and what is cut off proves nothing.",
            "Raise max_new_tokens of this arm, or give it more steps of SFT, so that answers end.",
        )
    if right:
        what = f"{what} Of its {answers} sampled answers, {right} are right."
    return RunError(what, "Raise the temperature or the number of samples of this arm, or give it fewer steps of SFT.")
