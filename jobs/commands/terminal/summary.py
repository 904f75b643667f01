"""The end of `run`: the verdict, a table of the arms, what failed, and the time it took."""

from __future__ import annotations

from collections.abc import Iterable

from engine.spec.result import ArmResult, Result
from engine.stats.display.wording import bounds, level
from jobs.commands.terminal.progress import span
from jobs.commands.terminal.screen import Screen
from jobs.report.content.endpoint import rule_figures
from jobs.report.content.sequential import COST, ended


def summary(result: Result, screen: Screen) -> None:
    """Print the verdict and the figures it rests on."""
    screen.say()
    screen.say(result.study.question)
    code = result.verdict.code if result.study.primary.registered else f"{result.verdict.code}, exploratory"
    screen.say(f"Verdict ({code}): {result.verdict.text}", "bold")
    for reason in (*rule_figures(result), *result.verdict.reasons):
        screen.say(f"  - {reason}")
    if result.sequential is not None:
        screen.say(f"{ended(result.sequential)} {COST}")
    if result.study.note:
        screen.say(result.study.note, "bold yellow")
    screen.say()
    units = {info.metric: info.unit for info in result.metrics}
    primary = result.study.primary.figure
    shown = [name for name in dict.fromkeys([result.accuracy, result.reliance, primary]) if name]
    timed = any(run.seconds is not None for arm in result.arms for run in arm.runs)
    headings = ["arm", *(name.split(".")[-1] for name in shown), "seeds", *(["seconds"] if timed else [])]
    rows = [
        [
            arm.label,
            *(_figure(arm, name, units.get(name, "share")) for name in shown),
            _seeds(arm),
            *([f"{_seconds(arm):.1f}"] if timed else []),
        ]
        for arm in result.arms
    ]
    screen.table(headings, rows, right=tuple(range(1, len(headings))))
    failed = [check for check in result.checks if not check.ok]
    for check in failed:
        if any(check.label in reason for reason in result.verdict.reasons):
            continue  # the verdict has said so
        screen.say(f"The check “{check.label}” did not pass: {check.detail}", "bold red")
    if result.checks and not failed:
        screen.say(f"All {len(result.checks)} integrity checks and controls passed.")


def times(result: Result, wall: float, screen: Screen) -> None:
    """Print the time of this command and of all the runs the result rests on."""
    total = sum(_seconds(arm) for arm in result.arms)
    screen.say(f"Time: {span(wall)} for this command; {span(total)} of work in all runs.")


def _figure(arm: ArmResult, metric: str, unit: str) -> str:
    for interval in arm.summary:
        if interval.metric == metric:
            return f"{level(interval.mean, unit)} {bounds(interval.ci, unit, signed=False)}".rstrip()
    return "not measured"


def _seeds(arm: ArmResult) -> str:
    done = sum(run.status == "succeeded" for run in arm.runs)
    return str(done) if done == len(arm.runs) else f"{done} of {len(arm.runs)}"


def _seconds(arm: ArmResult) -> float:
    return _sum(run.seconds for run in arm.runs)


def _sum(values: Iterable[float | None]) -> float:
    return sum(value for value in values if value is not None)
