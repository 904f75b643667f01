"""Every item's outcome as a table: what `python main.py analyze` reads, and any statistics program."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from engine.spec.errors import ReportError, SpecError
from engine.spec.example import ItemText, Outcome
from engine.spec.runs import RunResult
from jobs.report.atomic import replacing
from jobs.report.formats.files import cell

HEAD = ("arm", "seed", "probe", "item", "split", "cluster", "crossed", "side", "correct", "value", "failure", "output")
WORDS = ("prompt", "gold")  # where they were kept


def write(
    runs: Sequence[RunResult], path: Path, probe: str | None = None, texts: Mapping[str, ItemText] | None = None
) -> int:
    """Write one row for each arm, seed, probe and item; the file appears whole or not at all.

    Args:
        runs: What the runs of a trial left.
        path: The file; it must end in .csv.
        probe: Only this probe's items; None: all. `analyze` takes one probe at a time.
        texts: What items ask and what is right, by the item's name.

    Returns:
        How many rows there are, without the header.

    Raises:
        SpecError: The file is named otherwise, or no run measured such a probe.
        ReportError: There are no items yet, or the file cannot be written.
    """
    if path.suffix.lower() != ".csv":
        raise SpecError(f"Items cannot be written as {path.name!r}.", "Name a file that ends in .csv.")
    probes = list(dict.fromkeys(name for run in runs for name in run.outcomes))
    if not probes:
        raise ReportError("No run of this trial has measured items yet.", "Let it finish, then write them.")
    if probe is not None and probe not in probes:
        raise SpecError(f"No run measured a probe {probe!r}.", f"There are: {', '.join(probes)}.")
    count = 0
    with replacing(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", errors="replace", newline="")
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow((*HEAD, *WORDS) if texts else HEAD)
        for row, item in _rows(runs, probe):
            known = texts.get(item) if texts else None
            words = [cell(known.prompt), cell(known.gold)] if known else ["", ""]
            writer.writerow([*row, *words] if texts else row)
            count += 1
        text.flush()
        text.detach()
    return count


def _rows(runs: Sequence[RunResult], probe: str | None) -> Iterator[tuple[list[str], str]]:
    for run in runs:
        for name, outcomes in run.outcomes.items():
            if probe in (None, name):
                for outcome in outcomes:
                    yield _row(run, name, outcome), outcome.item


def _row(run: RunResult, probe: str, outcome: Outcome) -> list[str]:
    words = (outcome.failure or "", outcome.output)
    return [
        cell(run.record.arm),
        str(run.record.seed),
        *map(cell, (probe, outcome.item, outcome.split, outcome.cluster, outcome.crossed)),
        outcome.side.value,
        "" if outcome.correct is None else str(int(outcome.correct)),
        "" if outcome.value is None else repr(outcome.value),
        *map(cell, words),
    ]
