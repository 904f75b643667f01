"""A run of every objective repeats to the bit, also where it is stopped on its way."""

from __future__ import annotations

import math
import threading
from pathlib import Path
from typing import Any

import pytest

from engine import methods
from engine.objectives import Objective, found
from engine.run import execute
from engine.spec.events import decode
from engine.spec.plugins.discovery import code_of
from engine.spec.run import RunSpec
from engine.spec.stopping import Stopped
from tests.support import examples
from tests.support.tiny import make_spec

with examples.there():
    OBJECTIVES = sorted(found().classes.items())
SAMPLED = {"pairs": 12, "samples": 4, "temperature": 1.5, "unreadable": True, "max_new_tokens": 40}
"""For methods that sample wrong answers: with these a random model gives some."""


def spec_of(name: str) -> RunSpec:
    """A tiny run of a method that uses the objective: of the method of that name, else of the alphabet's first."""
    for method, cls in sorted(methods.found().classes.items(), key=lambda found: (found[0] != name, found[0])):
        fields = cls.Config.model_fields
        settings = SAMPLED if fields.keys() >= SAMPLED.keys() else {}
        if name in [phase.objective.name for phase in cls(cls.Config(**settings)).phases()]:
            spec = make_spec(method, settings=settings)
            coded = tuple(
                use.model_copy(update={"code": code_of("objectives", use.name)}) for use in spec.tune.objectives
            )
            adaptation = spec.tune.adaptation
            assert adaptation is not None
            changed = {
                "method": spec.tune.method.model_copy(update={"code": code_of("methods", method)}),
                "adaptation": adaptation.model_copy(update={"code": code_of("adaptations", adaptation.name)}),
                "objectives": coded,
            }
            return spec.model_copy(update={"tune": spec.tune.model_copy(update=changed)})
    raise LookupError(f"no method uses {name!r}")


def steps(folder: Path) -> list[tuple[int, str, float, dict[str, float]]]:
    """The steps as a reader of the stream sees them: the first event of every number."""
    seen: dict[int, Any] = {}
    for line in (folder / "events.ndjson").read_bytes().splitlines():
        event = decode(line)
        seen.setdefault(event.seq, event)
    return [
        (event.step, event.phase, event.loss, dict(event.scalars))
        for _, event in sorted(seen.items())
        if event.kind == "stepped"
    ]


class StopAt(threading.Event):
    """Asks to stop once the stream holds so many lines."""

    def __init__(self, folder: Path, lines: int) -> None:
        super().__init__()
        self.path, self.lines = folder / "events.ndjson", lines

    def is_set(self) -> bool:
        return self.path.exists() and self.path.read_bytes().count(b"\n") >= self.lines


@pytest.mark.parametrize(("name", "cls"), OBJECTIVES, ids=[name for name, _ in OBJECTIVES])
class TestRunsOfEveryObjective:
    def test_a_run_of_it_trains_and_repeats_to_the_bit(
        self, name: str, cls: type[Objective], tmp_path: Path, loaders: Any
    ) -> None:
        spec = spec_of(name)
        for folder in (tmp_path / "once", tmp_path / "again"):
            execute.execute(spec, folder, threading.Event(), loaders)
        found = steps(tmp_path / "once")
        assert found == steps(tmp_path / "again")
        assert [step for step, *_ in found] == list(range(1, spec.tune.size.steps + 1))
        own = [(loss, scalars) for _, phase, loss, scalars in found if phase == name]
        assert own
        assert all(math.isfinite(value) for loss, scalars in own for value in (loss, *scalars.values()))
        assert len({frozenset(scalars) for _, scalars in own}) == 1, "each named figure is a whole curve"

    def test_a_stopped_run_of_it_goes_on_as_if_nothing_had_happened(
        self, name: str, cls: type[Objective], tmp_path: Path, loaders: Any
    ) -> None:
        spec = spec_of(name)
        execute.execute(spec, tmp_path / "whole", threading.Event(), loaders)
        for _ in range(20):
            lines = (
                (tmp_path / "torn" / "events.ndjson").read_bytes().count(b"\n") if (tmp_path / "torn").exists() else 0
            )
            try:
                execute.execute(spec, tmp_path / "torn", StopAt(tmp_path / "torn", lines + 7), loaders)
                break
            except Stopped:
                continue
        assert steps(tmp_path / "torn") == steps(tmp_path / "whole")
