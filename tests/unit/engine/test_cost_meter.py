"""The peak of a piece of work is seen, where the system keeps one and where it does not."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from engine.run.costs import meter

SIZE = 80 << 20


def allocate() -> int:
    held = np.ones(SIZE, dtype=np.uint8)
    time.sleep(0.05)
    return int(held[-1])


def test_a_peak_is_seen_after_it_is_over() -> None:
    with meter.peak() as peak:
        allocate()
    assert 0.9 * SIZE < peak.more < 3 * SIZE
    assert peak.bytes == peak.before + peak.more


def test_a_peak_is_watched_where_the_system_keeps_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(meter, "SELF", tmp_path / "none")
    with meter.peak() as peak:
        allocate()
    assert 0.9 * SIZE < peak.more < 3 * SIZE


def test_the_peak_before_does_not_count() -> None:
    allocate()
    with meter.peak() as peak:
        pass
    assert peak.more < SIZE / 2


def test_waiting_takes_no_time_of_one_thread() -> None:
    began = meter.now()
    time.sleep(0.1)
    assert meter.now() - began < 0.09
