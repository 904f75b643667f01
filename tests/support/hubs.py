"""A hub on this machine, with a model to use and some that cannot be used."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import engine
from tests.support.hub_server import HubServer, from_folder, hub_server
from tests.support.modelfolders import SNAPSHOT, litter
from tests.support.userfiles import config_only_model, write_weights

TOOLS = "{% for m in messages %}{{ m.content }}{{ m.tool_calls | tojson }}{% endfor %}{{ tools }}"
SIZE = 3_000_000  # numbers in the larger model


def large(folder: Path) -> Path:
    """A model folder with 12 MB of weights, and what a real repository holds beside them."""
    config_only_model(folder)
    tensor = {"dtype": "F32", "shape": [SIZE], "data_offsets": [0, 4 * SIZE]}
    write_weights(folder / "model.safetensors", {"w": tensor}, bytes(range(256)) * (4 * SIZE // 256 + 1))
    raw = (folder / "model.safetensors").read_bytes()
    header = int.from_bytes(raw[:8], "little")
    (folder / "model.safetensors").write_bytes(raw[: 8 + header + 4 * SIZE])
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": TOOLS}), encoding="utf-8")
    return litter(folder, SNAPSHOT)


@pytest.fixture(scope="session")
def large_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return large(tmp_path_factory.mktemp("served") / "large")


@pytest.fixture
def hub(large_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    from engine.models.hub import client, transfer

    small = config_only_model(tmp_path / "served" / "small")
    with hub_server() as server:
        safetensors = {"parameters": {"F32": SIZE}, "total": SIZE}
        server.add(from_folder("tiny/large", large_folder, safetensors=safetensors))
        server.add(from_folder("tiny/small", small, downloads=7, tags=[], cardData={"license": "mit"}))
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        monkeypatch.setattr(engine, "ASKED_OFFLINE", False)
        monkeypatch.setattr(transfer, "FIRST_WAIT", 0.01)
        monkeypatch.setattr(client, "TIMEOUT", 2.0)
        yield server
