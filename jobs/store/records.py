"""Frozen values that jobs hands to the window and the command line."""

from __future__ import annotations

from engine.spec.example import Frozen
from engine.spec.runs import Point, RunRecord
from engine.spec.sequential import Sequential


class TrialRecord(Frozen):
    """A trial and how far it is.

    Attributes:
        seeds: How many it is to have; where it goes on until it is settled, the most.
        begun: How many of its seeds were queued so far.
        done: Runs that succeeded.
        failed: Runs that failed.
        finished: When its last run ended; None while one is still to come.
        seconds: Seconds of wall time in which one or more of its runs were at work, in each run's last attempt.
        cancelled: Whether the trial was cancelled as a whole.
        looks: After how many seeds it is looked at, where it goes on until it is settled; empty: its seeds are fixed.
        looked: What was seen at the last look; None before the first.
        further_seconds: How long the seeds take that the last look foresaw (`Sequential.further`), by what seeds took
            so far; None where nothing is foreseen.
        settled: Why such a trial ended: "settled", "most-seeds", "stopped" or "stopped: " and why; "" where it has not.
        at_a_look: Whether all its queued runs are there and it is being judged whether it goes on.
        old: Whether it is of an older recipe: it can be read, and not run again.
    """

    id: str
    study: str
    question: str
    scale: str
    seeds: int
    begun: int
    model: str
    created: float
    arms: tuple[tuple[str, str], ...]  # (name, label) in the study's order
    runs: tuple[str, ...]
    done: int
    failed: int
    finished: float | None = None
    seconds: float | None = None
    eta_seconds: tuple[float, float] | None = None
    cancelled: bool = False
    old: bool = False
    looks: tuple[int, ...] = ()
    looked: Sequential | None = None
    further_seconds: tuple[float, float] | None = None
    settled: str = ""
    at_a_look: bool = False


class Snapshot(Frozen):
    """Everything the queue page shows, at one moment.

    Attributes:
        reason: What the background work has to say ("" for nothing): why the queue is paused, that libraries are
            being loaded, what went wrong.
        hint: What to do about it.
    """

    trials: tuple[TrialRecord, ...]
    runs: tuple[RunRecord, ...]
    paused: bool
    slots: int
    running: int
    memory_used: int  # bytes
    memory_total: int  # bytes
    reason: str = ""
    hint: str = ""


class Curves(Frozen):
    """New points since a cursor; hand `cursor` back to get only what came after."""

    points: tuple[Point, ...]
    cursor: int
