"""Memory: whether another run fits beside those at work, so that it waits rather than swaps the machine to death."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import psutil

from engine.spec import RunSpec
from jobs.store import cost

MARGIN = 0.05  # of the machine's memory, left to everything else
LEAST = 300 << 20  # bytes: a run of the smallest model, its interpreter's own growth included
LONGEST = 1024  # tokens of an example that an estimate reckons with, where the model's context is longer
EVERY = 1.0  # seconds between two looks at what runs hold
CGROUP = Path("/sys/fs/cgroup")


class Worker(NamedTuple):
    """A run at work, as far as memory goes."""

    pid: int
    kind: str


class Budget:
    """Knows what runs need: measured where one of its kind has run, else estimated from the model's shape."""

    def __init__(self) -> None:
        self._peaks: dict[str, int] = {}  # bytes of its own, by kind of run
        self._now: dict[int, int] = {}
        self._looked = 0.0

    def watch(self, workers: Iterable[Worker], now: float) -> None:
        """Look at what the runs at work hold; no more often than it is worth."""
        if now - self._looked < EVERY:
            return
        self._looked = now
        self._now = {}
        for worker in workers:
            held = own_memory(worker.pid)
            self._now[worker.pid] = held
            self._peaks[worker.kind] = max(self._peaks.get(worker.kind, 0), held)

    def hold(self, spec: RunSpec, workers: list[Worker]) -> str:
        """Why a run must wait, in words; "" where it may start. A run alone never waits: nothing would end its waiting.

        Args:
            workers: The runs at work, which may still grow to what others of their kind came to hold.
        """
        if not workers:
            return ""
        kind = cost(spec)
        estimate = needed(spec)
        need = self._peaks.get(kind) or estimate
        growth = sum(max(0, self._peaks.get(w.kind, need) - self._now.get(w.pid, 0)) for w in workers)
        total, free = machine()
        left = int(free - growth - MARGIN * total)
        if need <= left:
            return ""
        others = f"{len(workers)} run{'s' if len(workers) > 1 else ''} at work"
        return f"waiting for memory: the next run needs about {_gb(need)}, {_gb(max(0, left))} is free beside {others}"


def machine() -> tuple[int, int]:
    """Bytes of memory in all, and bytes free; of the container where one sets a limit."""
    memory = psutil.virtual_memory()
    total, free = int(memory.total), int(memory.available)
    try:
        limit = (CGROUP / "memory.max").read_text().strip()
        if limit != "max":
            used = int((CGROUP / "memory.current").read_text())
            kept = dict(line.split() for line in (CGROUP / "memory.stat").read_text().splitlines())
            used -= int(kept.get("inactive_file", 0))  # file cache that is given up when needed
            total, free = min(total, int(limit)), min(free, int(limit) - used)
    except (OSError, ValueError):  # no such limit here
        pass
    return total, max(0, free)


def own_memory(pid: int) -> int:
    """Bytes that a process shares with no other; 0 where it is gone."""
    try:
        return int(psutil.Process(pid).memory_full_info().uss)
    except (psutil.Error, OSError):
        return 0


def needed(spec: RunSpec) -> int:
    """Estimate of the bytes that a run needs beyond what it shares: weights in half precision and folded, activations.

    A layer keeps about 20 values per token and hidden unit, and 6 per unit of its MLP, until the backward pass.
    """
    shape = _shape(Path(spec.model.path))
    hidden, layers = shape.get("hidden_size", 768), shape.get("num_hidden_layers", 12)
    inner, words = shape.get("intermediate_size", 4 * hidden), shape.get("vocab_size", 50_000)
    length = min(shape.get("max_position_embeddings", LONGEST), LONGEST) // 4  # examples are seldom as long as that
    tokens = spec.scale.batch_size * length
    activations = 4 * tokens * layers * (20 * hidden + 6 * inner)
    logits = 3 * 4 * tokens // 4 * words
    return LEAST + 6 * spec.model.parameters + activations + logits


def _shape(folder: Path) -> dict[str, int]:
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError):  # the run itself says what is wrong with its model
        return {}
    inside = config.get("text_config") if isinstance(config, dict) else None
    config = inside if isinstance(inside, dict) else config
    return {name: value for name, value in config.items() if isinstance(value, int) and value > 0} if config else {}


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
