"""What is measured is what is kept: weights are loaded again from where they were saved."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.adaptations._peft import PeftAdaptation
from engine.run import execute, held_out, weights
from engine.spec.errors import Diverged, PluginError
from engine.tuning import loop
from tests.support.tiny import make_spec


def run(root: Path, loaders: Any) -> None:
    execute.execute(make_spec("sft", steps=2), root / "run", threading.Event(), loaders, kept=root / "weights")


def kept(root: Path) -> bool:
    return weights.found(root / "weights", make_spec("sft", steps=2).tune.hash) is not None


def test_an_adaptation_that_keeps_but_a_part_is_found_out(
    tmp_path: Path, loaders: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = PeftAdaptation.save

    def half(self: Any, model: Any, folder: Path) -> str:
        digest = plain(self, model, folder)
        tensors = load_file(folder / self.WEIGHTS)
        save_file(dict(list(tensors.items())[::2]), folder / self.WEIGHTS)
        return digest

    monkeypatch.setattr(PeftAdaptation, "save", half)
    with pytest.raises(PluginError, match=r"does not load what it saves: .* of .* trained tensors") as caught:
        run(tmp_path, loaders)
    assert "lora.py" in caught.value.message
    assert not kept(tmp_path)


def test_an_adaptation_that_loads_nothing_is_found_out(
    tmp_path: Path, loaders: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PeftAdaptation, "load", lambda *_: None)
    with pytest.raises(PluginError, match="does not load what it saves"):
        run(tmp_path, loaders)
    assert not kept(tmp_path)


def test_a_last_gradient_that_is_no_number_is_a_divergence(
    tmp_path: Path, loaders: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = loop.train

    def spoiled(training: Any, resume: Any) -> None:
        plain(training, resume)
        trained = next(weight for weight in training.model.parameters() if weight.requires_grad)
        with torch.no_grad():
            trained[0] = torch.nan

    monkeypatch.setattr(execute, "train", spoiled)
    with pytest.raises(Diverged, match=r"gives no number for the loss"):
        run(tmp_path, loaders)
    assert not kept(tmp_path)
    monkeypatch.setattr(held_out, "left", lambda *_: ())  # where the data leave nothing to score
    with pytest.raises(Diverged, match=r"1 of .* trained tensors are not finite"):
        run(tmp_path, loaders)
    assert not kept(tmp_path)
