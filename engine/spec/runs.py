"""What is known of a trial's runs: as the queue sees them, what they measured, and what was planned."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from engine.spec.example import Frozen, ItemText, Outcome
from engine.spec.result import Look, Shown
from engine.spec.training import Training

State = Literal["queued", "running", "paused", "succeeded", "failed", "cancelled", "interrupted"]


class RunRecord(Frozen):
    """A run as the queue sees it.

    Attributes:
        reason: Why it is in this state, in words ("queued, 3rd", "cancelled by you", an error's message).
        hint: What to do next, where it failed.
        position: Place in the queue, from 1; None unless queued.
        eta_seconds: Expected seconds until it ends, (low, high); None while unknown.
    """

    run: str
    arm: str
    seed: int
    state: State
    reason: str = ""
    hint: str = ""
    step: int = 0
    total_steps: int = 0
    loss: float | None = None
    created: float
    started: float | None = None
    finished: float | None = None
    seconds: float | None = None
    attempt: int = 0
    position: int | None = None
    eta_seconds: tuple[float, float] | None = None
    trials: tuple[str, ...] = ()


class Point(Frozen):
    """One point of a live curve. `name` is "loss", a scalar that the objective reports, or "probe.metric"."""

    run: str
    name: str
    step: int
    value: float


class RunResult(Frozen):
    """What a finished (or unfinished) run left in the store, for analysis.

    Attributes:
        training: How its weights were trained, by itself or by the run that made them; None where nothing was.
    """

    record: RunRecord
    metrics: dict[str, float]
    outcomes: dict[str, tuple[Outcome, ...]]
    checks: tuple[tuple[str, bool, str], ...]
    notes: tuple[tuple[str, str], ...]
    versions: dict[str, str]
    hardware: dict[str, str] = Field(default_factory=dict)
    adapter: str = ""
    training: Training | None = None


class Detectable(Frozen):
    """The smallest true difference of the primary contrast that a design finds four times in five.

    Attributes:
        difference: In the metric's unit.
        basis: What the expected spread comes from, in words.
    """

    difference: float
    unit: str
    basis: str


class Planned(Frozen):
    """What was written down when a trial was queued.

    Attributes:
        digest: The trial's registration.
        detectable: What it was expected to find; None where nothing was known.
    """

    digest: str
    detectable: Detectable | None = None


class Pairs(Frozen):
    """Paired differences of the primary metric that an earlier trial of the study left, one for each seed."""

    trial: str
    differences: tuple[float, ...]


class Identity(Frozen):
    """A run of a trial by all that tells it from others, whatever the trial, the arm and the probes are called.

    Attributes:
        run: `RunSpec.hash`.
        tune: `TuneSpec.hash`; "" for runs of very old recipes.
        outcomes: Hashes of what it answered, one for each probe where only a copy would have answered the same
            (`engine.analysis.copies.fingerprint`).
        kin: `RunSpec.kin`; "" where it was not noted.
    """

    arm: str
    seed: int
    run: str
    tune: str = ""
    outcomes: tuple[str, ...] = ()
    kin: str = ""

    @property
    def keys(self) -> frozenset[str]:
        """Two runs that share one of these are the same run, have the same weights, or gave the same answers."""
        return frozenset({self.run, self.tune, *self.outcomes} - {""})


class LookNoted(Frozen):
    """One entry of the log of looks: figures of a trial were shown to someone.

    Attributes:
        at: When, seconds since 1970.
        trial: The trial by which they were shown. Looks of a trial at its own figures are told by this.
        metric: The trial's primary metric, "probe.metric": the question for which they were shown.
        contrast: The arms of its primary contrast.
        runs: The runs whose figures were shown.
        scale: The trial's; "" where it was not noted.
    """

    at: float
    trial: str
    shown: Shown
    metric: str
    contrast: tuple[str, str]
    runs: tuple[Identity, ...]
    scale: str = ""


class Context(Frozen):
    """What the lab knows of a trial beside its runs.

    Attributes:
        queued: When it was queued, seconds since 1970.
        begun: How many of its seeds were queued so far, where it goes on until it is settled; None: all.
        planned: What was written down by then; None for trials of labs that wrote nothing down.
        looks: Other trials by which arms that this one compares had been shown by then.
        beside: Other trials that were queued by then as well, and by which such arms were shown before by this one.
        texts: The words of items, by the item's name.
        learning: Points of the curves of all runs.
    """

    queued: float
    begun: int | None = None
    planned: Planned | None = None
    looks: tuple[Look, ...] = ()
    beside: tuple[Look, ...] = ()
    texts: dict[str, ItemText] = Field(default_factory=dict)
    learning: tuple[Point, ...] = ()
