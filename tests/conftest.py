"""What every test shares: no display, no network, one thread, and a data folder of its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Before anything imports Qt or torch: both read these once.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's folder."""
    return ROOT


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder for this test alone, so that no test can touch the user's own. It is not created."""
    folder = tmp_path / "tuning-fork"
    monkeypatch.setenv("TUNING_FORK_HOME", str(folder))
    for name, part in {"TUNING_FORK_MODELS": "models", "TUNING_FORK_PLUGINS": "plugins"}.items():
        monkeypatch.setenv(name, str(folder / part))  # labs name their own: no test sees another's
    return folder
