"""Supervised fine-tuning: the loss of the answer's tokens, nothing else."""

from __future__ import annotations

from typing import ClassVar

from engine.methods._base import LoraConfig, Method


class Sft(Method[LoraConfig]):
    """LoRA on every linear layer, cross-entropy on the answer."""

    name: ClassVar[str] = "sft"
    label: ClassVar[str] = "SFT"
