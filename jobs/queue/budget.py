"""Memory: whether another run fits beside those at work, so that it waits rather than swaps the machine to death."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import psutil

from engine.run import weights
from engine.run.costs.shape import read_shape
from engine.spec.run import RunSpec
from engine.spec.understanding import Cost, Inspection
from jobs.store.write import cost

MARGIN = 0.05  # of the machine's memory, left to everything else
LEAST = 300 << 20  # bytes: a run of the smallest model, its interpreter's own growth included
ANSWERS = 32  # prompts that are answered at once
FOLDED = 4  # bytes of a parameter: its copy with the adapter folded in
WEIGHT = 4  # bytes of a parameter as a model is loaded
LONGEST = 1024  # tokens of an example that an estimate reckons with, where the model's context is longer
EVERY = 1.0  # seconds between two looks at what runs hold
CGROUP = Path("/sys/fs/cgroup")


class Worker(NamedTuple):
    """A run at work, as far as memory goes."""

    pid: int
    kind: str


class Budget:
    """Knows what runs need: measured where one of its kind has run, else estimated from the model's shape.

    Args:
        weights: The folder of the weights that runs have made; None: their models are taken to be as large as the base.
    """

    def __init__(self, weights: Path | None = None) -> None:
        self._weights = weights
        self._peaks: dict[str, int] = {}  # bytes of its own, by kind of run
        self._expected: dict[str, Cost] = {}  # of inspections, by kind of run
        self._now: dict[int, int] = {}
        self._looked = 0.0

    def expect(self, runs: Iterable[RunSpec], found: Inspection | None) -> None:
        """Take over what an inspection measured for these runs (`engine.run.inspection.inspection`)."""
        costs = {arm: one for one in found.costs for arm in one.arms} if found is not None else {}
        for run in runs:
            if run.arm in costs:
                self._expected[cost(run)] = costs[run.arm]

    def needs(self, spec: RunSpec) -> int:
        """Bytes that a run needs beyond what it shares: seen while others of its kind ran, measured, or estimated."""
        kind = cost(spec)
        expected = self._expected.get(kind)
        return self._peaks.get(kind) or (expected.own if expected is not None else 0) or needed(spec)

    def models(self, spec: RunSpec) -> dict[str, int]:
        """Bytes of each model that a run needs, by content: the base model, and every other once."""
        found = {spec.model.digest: WEIGHT * read_shape(Path(spec.model.path), spec.model.parameters).parameters}
        for need in (*spec.tune.needs.values(), *spec.needs.values()):
            made = weights.maker(self._weights, need.weights) if self._weights and need.weights else None
            model = need.model or (made.model if made else spec.model)
            found[need.content] = WEIGHT * read_shape(Path(model.path), model.parameters).parameters
        return found

    def advice(self, spec: RunSpec) -> str:
        """What to do after a run was ended for want of memory: what it was expected to need, and a smaller batch."""
        expected, (total, free) = self._expected.get(cost(spec)), machine()
        room = max(0, free - int(MARGIN * total))
        if expected is None:
            said = f"It needs about {_gb(needed(spec))} beside the model"
            size = max(1, spec.tune.size.batch_size // 2)
            return f"{said}. Choose a smaller batch (--batch {size}), close other programs, or run fewer at once."
        return too_large(spec.tune.size.batch_size, expected.memory, expected.batches, room)

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

    def hold(self, spec: RunSpec, workers: list[Worker], unloaded: Collection[str] = (), alone: bool = False) -> str:
        """Why a run must wait, in words; "" where it may start. A run alone never waits: nothing would end its waiting.

        Args:
            workers: The runs at work, which may still grow to what others of their kind came to hold.
            unloaded: Those of its models, by content, that lie in no process's memory yet.
            alone: Whether it loads them itself, so that what was seen of its kind holds them already.
        """
        if not workers:
            return ""
        need = own = self.needs(spec)
        if unloaded and not (alone and cost(spec) in self._peaks):
            sizes = self.models(spec)
            need += sum(sizes.get(content, 0) for content in unloaded)
        growth = sum(max(0, self._peaks.get(w.kind, own) - self._now.get(w.pid, 0)) for w in workers)
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
    """Estimate, from its model's shape alone, of the bytes that a run needs beyond what it shares.

    A step of training in half precision and its logits, the keys, values and activations of a batch of answers, and
    the copies of weights that folding the adapter in makes.
    """
    shape = read_shape(Path(spec.model.path), spec.model.parameters)
    length = min(shape.context, LONGEST) // 4  # examples are seldom as long as that
    tokens = spec.tune.size.batch_size * length
    trained = shape.activations(tokens, length, tokens / 4, half=True)
    models = [need.model or spec.model for need in (*spec.tune.needs.values(), *spec.needs.values())]
    shapes = [shape, *(read_shape(Path(model.path), model.parameters) for model in models)]
    # Models may answer side by side, each with its own keys and values.
    answered = sum(
        each.passing(ANSWERS * length, length, ANSWERS) + 2 * each.cache(ANSWERS * length) for each in shapes
    )
    return int(LEAST + max(trained, answered) + FOLDED * shape.parameters)


def too_large(batch_size: int, memory: int, smaller: Mapping[int, int], room: int) -> str:
    """That a run does not fit into memory, with the largest batch that does.

    Args:
        memory: Bytes that a run needs.
        smaller: The same with smaller batches, by the number of examples.
        room: Bytes that are free.
    """
    said = f"A run with batch size {batch_size} needs about {_gb(memory)} of memory, and {_gb(room)} is free"
    fitting = max((size for size, need in smaller.items() if need <= room), default=0)
    if fitting:
        return f"{said}; batch size {fitting} would need {_gb(smaller[fitting])} (--batch {fitting})."
    if smaller:
        least = min(smaller)
        said += f"; even batch size {least} would need {_gb(smaller[least])}"
    return f"{said}. Close other programs, or choose a smaller model."


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
