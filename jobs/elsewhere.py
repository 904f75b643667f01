"""Results from elsewhere, judged as the lab's own runs are.

Which arm plays which part is named by whoever asks, before any figure is seen; what is not named is guessed from the
arms' names and order, and the result says so. Nothing here can prove that a table is what it says it is.
"""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.data.problems import name_of
from engine.data.results import Table, read
from engine.errors import SpecError
from engine.example import Outcome, Side
from engine.probe import ItemMean, Metric, reliance_metric, share_metric
from engine.spec import ArmSpec, ControlSpec, Primary, ProbeSpec, StudySpec, VerdictSpec, digest
from engine.stats import resample
from engine.stats.columns import Columns
from jobs.analysis import judge
from jobs.design import Design
from jobs.records import RunRecord, RunResult
from jobs.result import Check, Result

PROBE = "table"
METRICS: tuple[Metric, ...] = (
    share_metric("accuracy", "Accuracy"),
    reliance_metric("Reliance on the shortcut"),
    share_metric("congruent", "Accuracy where the shortcut helps", side=Side.CONGRUENT),
    share_metric("conflicting", "Accuracy where the shortcut misleads", side=Side.CONFLICTING),
    Metric(name="logprob", label="Mean log-probability", unit="nats", direction="up", items=ItemMean(of="value")),
)
NAMED_LATER = "named when the figures were there already"
MARGIN, FLOOR, CEILING = 0.03, 0.2, 0.98


PARTS = ("treated", "reference", "base", "format", "planted")


@dataclass(frozen=True)
class Roles:
    """Which arm plays which part; None where the table has none. `guessed`: the parts that nobody named."""

    treated: str
    reference: str
    base: str
    format: str | None = None
    planted: str | None = None
    guessed: tuple[str, ...] = ()


def roles(
    arms: Iterable[str], treated: str | None, reference: str | None, base: str | None, format: str | None,  # noqa: A002
    planted: str | None,
) -> Roles:  # fmt: skip
    """Fill in what was not named: the base is called "base" or comes first, the treated arm comes last.

    Raises:
        SpecError: An arm that is not in the table, one in two parts, or too few arms.
    """
    there = list(arms)
    named = {"treated": treated, "reference": reference, "base": base, "format": format, "planted": planted}
    for part, arm in named.items():
        if arm is not None and arm not in there:
            raise SpecError(f"The table has no arm {arm!r} (--{part}).", f"Its arms: {', '.join(there)}.")
    taken = [arm for part, arm in named.items() if arm is not None and part != "reference"]
    if twice := sorted({arm for arm in taken if taken.count(arm) > 1}):
        raise SpecError(f"Arm {twice[0]!r} is named for two parts.", "Each part needs an arm of its own.")
    guessed = []
    free = [arm for arm in there if arm not in taken]
    if base is None:
        base = next((arm for arm in free if arm.lower() in ("base", "untuned", "pretrained")), None)
        base = base or next(iter(free), None)
        guessed.append("base")
        free = [arm for arm in free if arm != base]
    if treated is None:
        treated = next(reversed([arm for arm in free if arm != reference]), None)
        guessed.append("treated")
        free = [arm for arm in free if arm != treated]
    if base is None or treated is None:
        raise SpecError("A comparison needs two arms.", f"The table has: {', '.join(there)}.")
    if reference is None:
        reference = next(iter(free), base)
        guessed.append("reference")
    if reference == treated:
        raise SpecError(f"Arm {treated!r} cannot be compared with itself.", "Name another --reference.")
    return Roles(treated, reference, base, format, planted, tuple(guessed))


@dataclass(frozen=True)
class Thresholds:
    """What is too small a difference to matter, and the accuracy below which nothing is judged; shares."""

    margin: float = MARGIN
    floor: float = FLOOR


def analyse_file(path: Path, limits: Thresholds | None = None, **parts: str | None) -> Result:
    """The result of a table.

    Args:
        path: CSV, JSON lines or Parquet (`engine.data.results`).
        limits: None: the defaults.
        parts: Which arm plays which of `PARTS`; what is not named is guessed (see `roles`).

    Raises:
        DataError: The file cannot be used.
        SpecError: The arms do not make a comparison.
    """
    table = read(path)
    found = roles(table.arms, **{part: parts.get(part) for part in PARTS})
    limits = limits or Thresholds()
    names = _slugs(table.arms)
    study = _study(table, found, limits, names)
    metrics = {f"{PROBE}.{m.name}": m for m in METRICS if m.name != "logprob" or table.valued}
    runs = _runs(table, names, metrics)
    trains = {names[arm]: not (arm == found.base and len(table.seeds(arm)) == 1) for arm in table.arms}
    seeds = sorted({seed for arm in table.arms if trains[names[arm]] for seed in table.seeds(arm)})
    planned = {
        (names[arm], seed)
        for arm in table.arms
        for seed in (seeds if trains[names[arm]] and arm != found.planted else table.seeds(arm))
    }
    told = {part: arm for part in PARTS if (arm := getattr(found, part)) is not None}
    design = Design(
        study=study,
        id=f"table-{digest([table.digest, told, limits.margin, limits.floor])[:8]}",
        scale="elsewhere",
        note=_note(found),
        seeds=len(seeds),
        arms=tuple(names.values()),
        planned=frozenset(planned),
        exploratory=NAMED_LATER,
        trains=trains,
        metrics=metrics,
        model={"name": "trained elsewhere"},
        data={"source": name_of(path), "digest": table.digest},
        provenance={
            "command": _command(path, told, limits),
            "resamples": resample.RESAMPLES,
            "rows": sum(map(len, table.runs.values())),
            **{f"column.{ours}": column for ours, column in table.columns.items()},
        },
    )
    return judge(design, runs, [_same_items(table)])


def _slugs(arms: Iterable[str]) -> dict[str, str]:
    """A short name for each arm, unique, as the lab's own arms have."""
    found: dict[str, str] = {}
    for arm in arms:
        short = re.sub(r"[^a-z0-9]+", "-", arm.lower()).strip("-")[:32] or "arm"
        again = sum(name == short or name.startswith(f"{short}--") for name in found.values())
        found[arm] = f"{short}--{again + 1}" if again else short
    return found


def _study(table: Table, parts: Roles, limits: Thresholds, names: Mapping[str, str]) -> StudySpec:
    shown = [arm for arm in (parts.base, parts.format, parts.reference, parts.treated) if arm is not None]
    chain = [names[arm] for arm in dict.fromkeys(shown)]
    primary = (names[parts.treated], names[parts.reference])
    pairs = [primary, *zip(reversed(chain), list(reversed(chain))[1:], strict=False), (names[parts.treated], chain[0])]
    controls: tuple[ControlSpec, ...] = ()
    if parts.planted is not None:
        arm, against = names[parts.planted], names[parts.reference]
        controls = (
            ControlSpec(kind="positive", arm=arm, against=against),
            ControlSpec(kind="negative", arm=arm, against=against, placebo=True),
        )
    return StudySpec(
        id="table",
        question=f"Did {parts.treated} learn the task, or sharpen a shortcut, against {parts.reference}?",
        summary="Results from elsewhere, judged by the lab's rules.",
        claim="",
        source="",
        published="",
        data="table",
        accepts_data=False,
        arms=tuple(
            ArmSpec(
                name=names[arm],
                label=arm,
                method="elsewhere",
                agreement=None,
                seeds=None,
                role="control" if arm == parts.planted else "arm",
            )
            for arm in table.arms
        ),
        probes=(ProbeSpec(probe=PROBE),),
        primary=Primary(
            probe=PROBE, metric="accuracy", contrast=primary, margin=limits.margin, seed_sd=None, item_sd=None
        ),
        contrasts=tuple(dict.fromkeys(pairs)),
        verdict=VerdictSpec(
            accuracy=f"{PROBE}.accuracy",
            reliance=f"{PROBE}.reliance",
            floor=limits.floor,
            treated=primary[0],
            base=names[parts.base],
            format=names[parts.format] if parts.format else None,
            chain=tuple(chain),
            parse_floor=0.0,
            ceiling=CEILING,
            margin=limits.margin,
        ),
        controls=controls,
        scales={},
    )


def _runs(table: Table, names: Mapping[str, str], metrics: Mapping[str, Metric]) -> list[RunResult]:
    figures = _figures(list(table.runs.values()), metrics)
    return [
        RunResult(
            record=RunRecord(run=f"{names[arm]}-{seed}", arm=names[arm], seed=seed, state="succeeded", created=0.0),
            metrics=own, outcomes={PROBE: tuple(outcomes)}, checks=(), notes=(), versions={},
        )
        for ((arm, seed), outcomes), own in zip(table.runs.items(), figures, strict=True)
    ]  # fmt: skip


def _figures(runs: list[list[Outcome]], metrics: Mapping[str, Metric]) -> list[dict[str, float]]:
    """Every metric of each run; one that its items do not give is left out."""
    columns = Columns(runs)
    means = {name: columns.means(metric.items) for name, metric in metrics.items() if metric.items is not None}
    return [
        {name: float(values[at]) for name, values in means.items() if math.isfinite(values[at])}
        for at in range(len(runs))
    ]


def _same_items(table: Table) -> Check:
    """Whether every run was measured on the same items: else a difference may be one of items."""
    sets = {run: frozenset(outcome.item for outcome in outcomes) for run, outcomes in table.runs.items()}
    (first, whole), *others = sets.items()
    odd = next(((run, items) for run, items in others if items != whole), None)
    label = "same items in every run"
    if odd is None:
        return Check(
            name="items", label=label, ok=True, detail=f"All {len(sets)} runs have the same {len(whole)} items."
        )
    (arm, seed), items = odd
    lacks, more = len(whole - items), len(items - whole)
    detail = f"{arm}, seed {seed}, lacks {lacks} items of {first[0]}, seed {first[1]}, and has {more} others."
    return Check(name="items", label=label, ok=False, detail=detail)


def _note(parts: Roles) -> str:
    if not parts.guessed:
        return ""
    guessed = ", ".join(f"{part} is {getattr(parts, part)}" for part in parts.guessed)
    return f"Nobody named these parts, so they were guessed: {guessed}. Name them with the options of `analyze`."


def _command(path: Path, told: Mapping[str, str], limits: Thresholds) -> str:
    words = ["python", "main.py", "analyze", str(path)]
    for part, arm in told.items():
        words += [f"--{part}", arm]
    if limits.margin != MARGIN:
        words += ["--margin", f"{100 * limits.margin:g}"]
    if limits.floor != FLOOR:
        words += ["--floor", f"{100 * limits.floor:g}"]
    return " ".join(shlex.quote(word) for word in words)
