"""Sizes of a model from its configuration, and what follows from them, without torch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.run.costs.shape import Shape, read_shape, shape_of

LLAMA = {
    "hidden_size": 576, "num_hidden_layers": 30, "intermediate_size": 1536, "vocab_size": 49_152,
    "num_attention_heads": 9, "num_key_value_heads": 3, "max_position_embeddings": 2048,
}  # fmt: skip


def test_a_configuration_gives_its_shape() -> None:
    shape = shape_of(LLAMA, 134_515_008)
    assert shape == Shape(576, 30, 1536, 49_152, 9, 3, 64, 2048, 134_515_008)
    assert shape.cache(1) == 4 * 2 * 30 * 3 * 64
    assert shape.linear == 134_515_008 - 49_152 * 576


def test_older_names_and_inner_configurations_are_read() -> None:
    gpt2 = shape_of({"n_embd": 256, "n_layer": 6, "n_head": 4, "n_positions": 512, "vocab_size": 1000})
    assert (gpt2.hidden, gpt2.layers, gpt2.inner, gpt2.heads, gpt2.context) == (256, 6, 1024, 4, 512)
    assert shape_of({"text_config": LLAMA}, 7) == shape_of(LLAMA, 7)


def test_weights_are_guessed_where_they_are_not_counted() -> None:
    guessed = shape_of(LLAMA).parameters
    assert guessed == pytest.approx(134_515_008, rel=0.05)


@pytest.mark.parametrize("text", ["no json", "[1]", '{"hidden_size": "many"}', '{"hidden_size": true}'])
def test_a_broken_configuration_gives_a_common_shape(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    assert read_shape(tmp_path).hidden == Shape().hidden


def test_a_folder_without_configuration_is_no_error(tmp_path: Path) -> None:
    assert read_shape(tmp_path / "none", 5).parameters == 5


def test_more_tokens_longer_rows_more_words_and_float32_need_more() -> None:
    shape = shape_of(LLAMA)
    few = shape.activations(100, 50, 10, half=True)
    assert few < shape.activations(200, 50, 10, half=True)
    assert few < shape.activations(100, 90, 10, half=True)
    assert few < shape.activations(100, 50, 20, half=True)
    assert few < shape.activations(100, 50, 10, half=False)
    assert shape.products(100, 50, 10) < shape.products(100, 60, 10) < shape.products(100, 60, 20)
    assert shape.passing(100, 50, 10) < shape.passing(101, 50, 10)


def test_a_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(LLAMA))
    assert read_shape(tmp_path, 9) == shape_of(LLAMA, 9)
