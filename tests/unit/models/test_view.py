"""The folder that libraries look into: the checked files, and nothing that lies beside them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.models import view


@pytest.mark.parametrize("refused", [(), ("symlink",), ("symlink", "link")], ids=["links", "hard links", "copies"])
def test_holds_the_files_alone_and_leaves_them_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: tuple[str, ...]
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("this system makes no links")

    for name in ("config.json", "model.safetensors", "pytorch_model.bin", "modeling.py"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    for name in refused:
        monkeypatch.setattr(os, name, refuse)
    with view.only([tmp_path / "config.json", tmp_path / "model.safetensors"]) as place:
        assert {path.name for path in place.iterdir()} == {"config.json", "model.safetensors"}
        assert (place / "config.json").read_text(encoding="utf-8") == "config.json"
    assert not place.exists()
    assert len(list(tmp_path.iterdir())) == 4
    assert (tmp_path / "model.safetensors").read_text(encoding="utf-8") == "model.safetensors"
