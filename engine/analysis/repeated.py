"""Copies among runs: seeds of an arm, or arms, whose outcomes are the same item by item."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from engine.analysis.copies import fingerprint, same_outcomes, telling
from engine.analysis.design import Design
from engine.spec.example import Outcome
from engine.spec.runs import RunResult
from engine.stats.display.wording import counted

Run = tuple[str, int]
"""An arm and a seed."""
_MOST = 12  # seeds that are named


@dataclass(frozen=True)
class Copies:
    """Runs that are the same item by item.

    Attributes:
        seeds: Arm to groups of its seeds that are the same, each group in order.
        arms: Pairs of runs of two arms that are the same.
        items: How many items each of a group's runs has.
        idle: Whether there are runs that agree on every item in a way that says nothing (see `telling`).
    """

    seeds: Mapping[str, tuple[tuple[int, ...], ...]]
    arms: tuple[tuple[Run, Run], ...]
    items: int
    idle: bool


def copies(runs: Mapping[Run, Sequence[Outcome]]) -> Copies:
    """Find the copies among runs."""
    seeds: dict[str, list[tuple[int, ...]]] = {}
    arms: list[tuple[Run, Run]] = []
    items, idle = 0, False
    for group in same_outcomes(runs):
        if not telling(runs[group[0]]):
            idle = True
            continue
        items = max(items, len(runs[group[0]]))
        own: dict[str, list[int]] = {}
        for arm, seed in group:
            own.setdefault(arm, []).append(seed)
        for arm, found in own.items():
            if len(found) > 1:
                seeds.setdefault(arm, []).append(tuple(sorted(found)))
        first, *others = own
        arms += [((first, min(own[first])), (other, min(own[other]))) for other in others]
    return Copies({arm: tuple(groups) for arm, groups in seeds.items()}, tuple(arms), items, idle)


def seeds_words(seeds: Sequence[int]) -> str:
    """Seeds as people name them: "seeds 0, 1 and 2"."""
    shown = [str(seed) for seed in seeds[:_MOST]]
    if len(seeds) > _MOST:
        return f"seeds {', '.join(shown)} and {len(seeds) - _MOST} more"
    return f"seeds {', '.join(shown[:-1])} and {shown[-1]}" if len(shown) > 1 else f"seed {shown[0]}"


def sentences(found: Copies, labels: Mapping[str, str]) -> Iterable[tuple[str, tuple[Run, ...]]]:
    """What is the same: a sentence for each group of an arm's seeds and for each pair of arms, and the runs."""
    same = f"have the same outcome on each of {counted(found.items, 'item')}"
    for arm, groups in found.seeds.items():
        for group in groups:
            yield f"{labels[arm]}: {seeds_words(group)} {same}", tuple((arm, seed) for seed in group)
    for (a, one), (b, other) in found.arms:
        yield f"{labels[a]} (seed {one}) and {labels[b]} (seed {other}) {same}", ((a, one), (b, other))


def once_each(design: Design, runs: Sequence[RunResult]) -> list[RunResult]:
    """The runs without those that repeat an earlier seed of their arm: same weights, same answers.

    A method that pays no heed to its seed would else have as many seeds as were asked for, which never differ. Of a
    table from elsewhere no weights are known; a check of its own fails there.
    """
    probe = design.study.accuracy.split(".", 1)[0]
    weights: dict[tuple[str, str], list[RunResult]] = {}
    for run in sorted(runs, key=lambda run: run.record.seed):
        weights.setdefault((run.record.arm, run.adapter), []).append(run)
    gone: set[tuple[str, int]] = set()
    for (_, adapter), alike in weights.items():
        seen: set[str] = set()
        for run in alike if adapter and len(alike) > 1 else ():
            answers = fingerprint(run.outcomes.get(probe, ()))
            if answers and answers in seen:
                gone.add((run.record.arm, run.record.seed))
            seen.add(answers)
    return [run for run in runs if (run.record.arm, run.record.seed) not in gone]


def copy_threats(design: Design, runs: Sequence[RunResult]) -> Iterable[str]:
    """What stands against reading the lab's own seeds as runs of their own: trained runs that answer alike throughout.

    Args:
        design: The trial; a table from elsewhere has a check of its own for it.
        runs: The runs that succeeded.
    """
    if design.scale == "elsewhere":
        return
    probe = design.study.accuracy.split(".", 1)[0]
    trained = {
        (run.record.arm, run.record.seed): run
        for run in runs
        if design.trains[run.record.arm] and run.outcomes.get(probe)
    }
    found = copies({key: run.outcomes[probe] for key, run in trained.items()})
    labels = {arm: design.study.arm(arm).label for arm in design.arms}
    for sentence, same in sentences(found, labels):
        adapters = [trained[run].adapter for run in same]
        if all(adapters) and len(set(adapters)) == len(same):
            yield f"{sentence}, though their weights differ: training with another seed changed no answer."
        else:
            one = all(adapters) and len({(arm, trained[arm, seed].adapter) for arm, seed in same}) == 1
            once = ", and count as one" if one else ""
            yield f"{sentence}: they say no more than one run does{once}."
