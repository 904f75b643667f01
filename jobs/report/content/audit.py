"""The design audit in a report: what a part of the input tells by itself, before anything was trained."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.spec.audit import Audit, Balance, PartAlone, Seen
from engine.spec.result import Result
from engine.stats.display import wording
from jobs.report.content.lookup import ABSENT, level_of, unit_of
from jobs.report.content.model import Block, Paragraph, Section, Table

ALL = "all"
HEAD = ("shown alone", "chosen", "learned from", "side", "right", "by guessing", "may tell it")
_ASKED = (
    "A simple model is shown one part of each input and nothing else, learns from the very examples of each arm, and "
    "is measured on the very items. Each row is the figure furthest from chance; intervals hold for all figures "
    "together."
)
_HARD = (
    "Sides that differ in difficulty look like reliance without any shortcut. Accuracy where the shortcut helps less "
    "accuracy where it misleads, in arms that learned none here: "
)


def section(result: Result) -> Section | None:
    """The section; None where nothing was audited."""
    found = result.audit
    if found is None or not (found.done or found.notes):
        return None
    blocks: list[Block] = [Paragraph(found.sentence, "plain" if found.ok else "note")]
    if found.done:
        blocks += [Paragraph(_ASKED, "muted"), alone(found), *_some(counts(found))]
    if hard := difficulty(result, found):
        blocks.append(Paragraph(hard))
    blocks += [Paragraph(note, "muted") for note in found.notes if note not in found.sentence]
    return Section("audit", "Design audit", tuple(blocks), "before anything was trained")


def alone(found: Audit) -> Table:
    """The figure furthest from chance of each part, where it may tell the answer and where it may not."""
    groups: dict[tuple[str, str, str], list[PartAlone]] = {}
    for one in found.alone:
        groups.setdefault((one.of, one.part, one.exempt), []).append(one)
    worst = [max(of_part, key=lambda one: (not one.ok, one.distance)) for of_part in groups.values()]
    return Table("audit-alone", "What a part tells by itself", HEAD, tuple(map(cells, worst)), words=(0, 1, 2, 3, 6))


def cells(one: PartAlone) -> tuple[str, ...]:
    """A figure in words, one for each column of `HEAD`."""
    right = f"{wording.level(one.accuracy, 'share')} {wording.bounds(one.ci, 'share', signed=False)}".rstrip()
    may = f"yes: {one.exempt}" if one.exempt else "no" if one.ok else "no, and it does"
    chance = wording.level(one.chance, "share")
    return one.part, one.of, ", ".join(one.arms), one.side or ALL, right, chance, may


def counts(found: Audit) -> Table | None:
    """How even the counts of the measured items are, and how many measured values were trained on."""
    measured = {(one.of, one.part): one for one in found.balance if not one.arms}
    rows = [(one, measured.get((one.of, one.part))) for one in _first(found.seen)]
    if not rows:
        return None
    head = ("part", "chosen", "values measured", "of them trained on", "most uneven", "p, if drawn by lot")
    told = tuple((*_seen(one), *_balance(counted)) for one, counted in rows)
    return Table("audit-counts", "How even the measured items are", head, told, words=(0, 1, 4))


def _first(seen: Sequence[Seen]) -> list[Seen]:
    """Of each part the arms that were trained on most of its values; those that may not be, before those that may."""
    most: dict[tuple[str, str], Seen] = {}
    for one in seen:
        known = most.get((one.of, one.part))
        if known is None or (not one.exempt, one.trained) > (not known.exempt, known.trained):
            most[one.of, one.part] = one
    return list(most.values())


def _seen(one: Seen) -> tuple[str, ...]:
    return one.part, one.of, str(one.measured), str(one.trained)


def _balance(one: Balance | None) -> tuple[str, ...]:
    return (one.most, wording.probability(one.p)) if one is not None else (ABSENT, ABSENT)


def difficulty(result: Result, found: Audit) -> str:
    """By how much one side is easier for arms that learned no shortcut here; "" where no shortcut is looked for."""
    if result.reliance is None or unit_of(result, result.reliance) != "difference":
        return ""
    unit, said = unit_of(result, result.reliance), []
    for arm in result.arms:
        why = "nothing trained" if not arm.trains else "right as often as wrong" if arm.label in found.even else ""
        level = level_of(arm, result.reliance)
        if why and level is not None and arm.role == "arm":
            figure = f"{wording.level(level.mean, unit)} {wording.bounds(level.ci, unit)}".rstrip()
            said.append(f"{arm.label} ({why}) {figure}")
    return f"{_HARD}{'; '.join(said)}." if said else ""


def _some(table: Table | None) -> Iterable[Table]:
    return [table] if table is not None else []
