"""Every window of a configuration is found, whatever its family calls it; counts of layers are none."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from transformers import AutoConfig

from engine.subject.forward import windows
from tests.support import zoo


def config(**fields: Any) -> Any:
    found = SimpleNamespace(**fields, to_dict=lambda: fields)
    found.get_text_config = lambda: found
    return found


@pytest.mark.parametrize(
    "kind", ["gpt_neo", "phi3", "gemma2", "gemma3_text", "mistral", "recurrent_gemma", "llama4_text"]
)
def test_a_familys_own_name_is_found(kind: str) -> None:
    found = AutoConfig.for_model(kind, **zoo.KINDS[kind], vocab_size=60)
    assert windows.window(found) == zoo.WINDOW
    assert windows.narrowest(found) == zoo.WINDOW


@pytest.mark.parametrize(
    ("fields", "want"),
    [
        ({"max_position_embeddings": 512}, 512),
        ({"n_positions": 300}, 300),
        ({"max_seq_len": 77, "max_position_embeddings": 512}, 77),
        ({"sliding_window": None, "use_sliding_window": False, "max_window_layers": 3, "n_ctx": 90}, 90),
        ({"rope_parameters": {"original_max_position_embeddings": 40}, "max_position_embeddings": 512}, 40),
        ({"local_attention": 20, "max_position_embeddings": 512}, 20),
        ({"attention_window": [32, 8, 16]}, 8),
        ({"sliding_window": -1, "attention_chunk_size": 0, "sliding_window_pattern": 6}, 1024),
        ({"use_sliding_window": True}, 1024),
    ],
)  # fmt: skip
def test_the_narrowest_counts(fields: dict[str, Any], want: int) -> None:
    assert windows.narrowest(config(**fields)) == want
