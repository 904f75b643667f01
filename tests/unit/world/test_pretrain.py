"""Pretraining: the start can copy, and a run that was stopped ends in the weights of one that was not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from engine import pretrain
from engine.errors import ModelError
from engine.world import tokenizer
from engine.world.competence import repeated_loss

TINY = pretrain.Recipe(hidden=48, layers=3, heads=2, feed_forward=64, steps=6, rows=3, row_tokens=40)


def test_the_untrained_start_already_copies() -> None:
    encode = tokenizer.build()
    with_start = repeated_loss(pretrain.build(pretrain.RECIPES["fork-s"], encode), count=8)
    assert with_start < 6.0, "uniform guessing costs about 7.9 nats"


def test_a_stopped_run_resumes_to_the_same_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    undisturbed = pretrain.train(TINY, tmp_path / "a", every=2)

    class Killed(Exception):
        pass

    real = pretrain.rows_of

    def dies(recipe, step, encode):
        if step == 3:
            raise Killed
        return real(recipe, step, encode)

    monkeypatch.setattr(pretrain, "rows_of", dies)
    with pytest.raises(Killed):
        pretrain.train(TINY, tmp_path / "b", every=2)
    monkeypatch.setattr(pretrain, "rows_of", real)
    resumed = pretrain.train(TINY, tmp_path / "b", every=2)
    for (name, a), b in zip(undisturbed.state_dict().items(), resumed.state_dict().values(), strict=True):
        assert torch.equal(a, b), name


def test_a_shipped_model_says_where_it_comes_from(tmp_path: Path) -> None:
    model = pretrain.train(TINY, tmp_path / "work", every=3)
    pretrain.ship(TINY, model, tmp_path / "out", tmp_path / "work")
    facts = json.loads((tmp_path / "out" / "training.json").read_text(encoding="utf-8"))
    assert facts["corpus_sha256"] == pretrain.corpus_hash(TINY)
    assert facts["corpus_sha256"] != pretrain.corpus_hash(replace(TINY, seed=1))
    assert facts["tokens"] == 6 * 3 * 40
    assert (tmp_path / "out" / "model.safetensors").exists()
    assert (tmp_path / "out" / "chat_template.jinja").exists()


def test_a_checkpoint_of_other_words_is_not_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretrain.train(TINY, tmp_path, every=6)
    monkeypatch.setattr(pretrain, "digest", lambda _: "other words")
    with pytest.raises(ModelError, match="other words"):
        pretrain.train(TINY, tmp_path)
