"""Weights in PEFT's own form: saved whole or not at all, and loaded."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from engine.adaptations._base import Adaptation, C
from engine.spec.provenance import hash_file


class PeftAdaptation(Adaptation[C]):
    """Base of adaptations whose attached model is a `peft.PeftModel` with the one adapter "default"."""

    def save(self, model: Any, folder: Path) -> str:
        """In PEFT's own form. The folder is written under another name first, so that it is there whole or not."""
        made = folder.with_name(folder.name + ".part")
        shutil.rmtree(made, ignore_errors=True)
        model.save_pretrained(made, safe_serialization=True, save_embedding_layers=False)
        if folder.exists():
            shutil.rmtree(folder)
        os.replace(made, folder)
        return hash_file(folder / self.WEIGHTS)

    def load(self, model: Any, folder: Path) -> None:
        """From PEFT's own form."""
        from peft import set_peft_model_state_dict
        from safetensors.torch import load_file

        set_peft_model_state_dict(model, load_file(folder / self.WEIGHTS), adapter_name="default")
