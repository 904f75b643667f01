"""How a run of a study is shown while it works: drawn in place on a terminal, one plain line per event elsewhere."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Protocol

from rich.live import Live
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from engine.spec.runs import RunRecord
from jobs.commands.terminal.screen import Screen, visible
from jobs.report.content.sequential import standing
from jobs.store.records import Curves, Snapshot, TrialRecord

DONE = frozenset({"succeeded", "failed", "cancelled"})


class Follower(Protocol):
    """Shows how a trial goes on.

    Attributes:
        measures: Whether it shows what probes measure meanwhile, or how far training is alone.
    """

    measures: bool

    def update(self, snapshot: Snapshot, curves: Curves) -> None:
        """Show what is new."""
        ...

    def close(self) -> None:
        """Leave the terminal as it was found."""
        ...


def follower(screen: Screen, trial: TrialRecord) -> Follower:
    """The display that suits where standard output goes."""
    return Drawn(screen, trial) if screen.live else Lines(screen, trial)


def span(seconds: float) -> str:
    """A stretch of time for people: "45 s", "3 min 20 s", "2 h 05 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def remaining(eta: tuple[float, float] | None, looks: bool = False) -> str:
    """How long it will still take, as a range; "" while that is unknown.

    Args:
        looks: Whether it is looked at several times, so that this is how long it takes until the next look.
    """
    if eta is None:
        return ""
    low, high = (span(seconds) for seconds in eta)
    until = "to the next look" if looks else "left"
    return f"about {low} {until}" if low == high else f"{low} to {high} {until}"


class Lines:
    """One line for each change of a run's state and for each live measurement."""

    measures = True

    def __init__(self, screen: Screen, trial: TrialRecord) -> None:
        self.screen = screen
        self.labels = dict(trial.arms)
        self.start = time.monotonic()
        self.states: dict[str, str] = {}
        self.losses: dict[str, float] = {}
        self.reason = ""
        self.standing = standing(trial)
        self.first_look = True  # what was measured before this command began is no news

    def update(self, snapshot: Snapshot, curves: Curves) -> None:
        """Print what has changed since the last call: starts, then measurements, then ends."""
        if snapshot.reason != self.reason:
            self.reason = snapshot.reason
            if self.reason:
                self._line(f"{self.reason} {snapshot.hint}".rstrip())
        runs = {run.run: run for run in snapshot.runs}
        for run in snapshot.runs:
            if run.run not in self.states and run.state == "succeeded":
                self._print(run, "had finished before, is not computed again")
                self.states[run.run] = run.state
            elif run.state == "running" and self.states.get(run.run) != "running":
                self._print(run, "running" if run.step == 0 else f"running on from step {run.step}")
                self.states[run.run] = run.state
        for (name, step), figures in self._measured(curves).items():
            if not self.first_look and name in runs and self.states.get(name) not in DONE:
                if name in self.losses:
                    figures.insert(0, f"loss {self.losses.pop(name):.3f}")
                where = f"step {step}/{runs[name].total_steps}" if runs[name].total_steps else "live sample"
                self._print(runs[name], f"{where}: {', '.join(figures)}")
        for run in snapshot.runs:
            if self.states.get(run.run, "queued") != run.state:
                self._print(run, self._change(run))
            self.states[run.run] = run.state
        if (words := standing(snapshot.trials[0])) != self.standing:
            self.standing = words
            self._line(words)
        self.first_look = False

    def _measured(self, curves: Curves) -> dict[tuple[str, int], list[str]]:
        measured: dict[tuple[str, int], list[str]] = {}
        for point in curves.points:
            if point.name == "loss":
                self.losses[point.run] = point.value
            elif "." in point.name:  # the objective's other scalars come with every step
                measured.setdefault((point.run, point.step), []).append(f"{point.name} {point.value:.3f}")
        return measured

    def close(self) -> None:
        """Nothing to put back."""

    def _change(self, run: RunRecord) -> str:
        if run.state == "succeeded":
            return "succeeded" + (f" in {span(run.seconds)}" if run.seconds is not None else "")
        return f"{run.state}: {run.reason}" if run.reason and run.state in ("failed", "interrupted") else run.state

    def _print(self, run: RunRecord, text: str) -> None:
        self._line(f"{self.labels.get(run.arm, run.arm)} (seed {run.seed}): {text}")

    def _line(self, text: str) -> None:
        self.screen.say(f"{time.monotonic() - self.start:7.1f} s  {visible(text)}")
        self.screen.out.file.flush()


class Drawn:
    """A bar for each arm and one for the whole trial, drawn in place; looks are printed above, and stay."""

    measures = False

    def __init__(self, screen: Screen, trial: TrialRecord) -> None:
        self.screen = screen
        self.progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=28),
            TextColumn("{task.fields[runs]}", markup=False),
            TextColumn("{task.fields[now]}", markup=False),
            console=screen.out,
        )
        self.tasks: dict[str, TaskID] = {
            name: self.progress.add_task(visible(label), total=1, runs="", now="") for name, label in trial.arms
        }
        self.tasks["*"] = self.progress.add_task("all", total=1, runs="", now="")
        self.start = time.monotonic()
        self.losses: dict[str, float] = {}
        self.looked = trial.looked
        self.live = Live(self.progress, console=screen.out, refresh_per_second=8)
        self.live.start()

    def update(self, snapshot: Snapshot, curves: Curves) -> None:
        """Move the bars."""
        self.losses.update({point.run: point.value for point in curves.points if point.name == "loss"})
        for arm, task in self.tasks.items():
            runs = [run for run in snapshot.runs if arm in ("*", run.arm)]
            done = sum(run.state in DONE for run in runs)
            now = self._whole(snapshot) if arm == "*" else self._now(runs)
            self.progress.update(
                task,
                total=len(runs),
                completed=sum(map(_share, runs)),
                runs=f"{done}/{len(runs)} runs",
                now=now,
            )
        trial = snapshot.trials[0]
        if trial.looked is not None and trial.looked != self.looked:
            self.looked = trial.looked
            self.screen.say(standing(trial))

    def close(self) -> None:
        """Leave the last picture standing."""
        self.live.stop()

    def _whole(self, snapshot: Snapshot) -> str:
        trial = snapshot.trials[0]
        judging = standing(trial) if trial.at_a_look else ""
        ahead = snapshot.reason or judging or remaining(trial.eta_seconds, bool(trial.looks))
        return visible(", ".join(filter(None, [span(time.monotonic() - self.start), ahead])))

    def _now(self, runs: Sequence[RunRecord]) -> str:
        words = []
        for run in runs:
            if run.state == "running":
                loss = f" loss {self.losses[run.run]:.2f}" if run.run in self.losses else ""
                where = f"{run.step}/{run.total_steps}" if run.total_steps else "at work"
                words.append(f"seed {run.seed}: {where}{loss}")
            elif run.state == "failed":
                words.append(f"seed {run.seed} failed")
        return "  ".join(words)


def _share(run: RunRecord) -> float:
    return 1.0 if run.state in DONE else run.step / run.total_steps if run.total_steps else 0.0
