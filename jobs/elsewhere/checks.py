"""The checks of a table from elsewhere: what must hold before its figures mean what they seem to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from engine.analysis.repeated import Copies, seeds_words, sentences
from engine.data.problems import printable, shown
from engine.data.tables.table import Compared, Run, Table
from engine.rules import Advice
from engine.spec.example import Outcome
from engine.spec.result import Check
from engine.stats.display.wording import counted, level

MISSING = "Add the rows that are missing, or leave out the seed in every arm."
SPELLING = (
    "Hardly any answer equals the right one as it is spelled, and that need not be the model's fault: look at how "
    "answers and right answers are written before anything else."
)
GAP = 0.05
"""More answers than this that are right but for their spelling, as a share, can make a difference of their own."""
_ENOUGH = 10  # answers, before it means anything that none of them is right


def table_checks(table: Table, found: Copies, labels: Mapping[str, str]) -> list[Check]:
    """All checks of a table, whose runs hold these copies."""
    checks = [same_items(table.runs, labels), _copies(table, found, labels)]
    if names := _alike(table):
        checks.append(names)
    if spelling := _spelling(table):
        checks.append(spelling)
    return checks


def advice(table: Table) -> Advice:
    """What to do about runs that are missing, and about an arm that is hardly ever right."""
    none_right = not any(outcome.correct for outcomes in table.runs.values() for outcome in outcomes)
    doubtful = none_right or any(_gap(own) >= GAP for own in table.compared.values())
    return Advice(MISSING, SPELLING) if doubtful and table.choices.match != "loose" else Advice(MISSING)


def same_items(runs: Mapping[Run, Sequence[Outcome]], labels: Mapping[str, str]) -> Check:
    """Whether every run was measured on the same items: else a difference may be one of items."""
    sets = {run: frozenset(outcome.item for outcome in outcomes) for run, outcomes in runs.items()}
    (first, whole), *others = sets.items()
    odd = [(run, items) for run, items in others if items != whole]
    label = "same items in every run"
    if not odd:
        said = f"All {len(sets)} runs have the same {len(whole)} items."
        return Check(name="items", label=label, ok=True, detail=said)
    (arm, seed), items = odd[0]
    lacks, more = len(whole - items), len(items - whole)
    one, whole_one = (f"{labels[own]}, seed {number}" for own, number in ((arm, seed), first))
    item = min((whole - items) or (items - whole))
    said = (
        f"{one}, lacks {counted(lacks, 'item')} of {whole_one}, and has {counted(more, 'other')}, e.g. {shown(item)}."
    )
    if len(odd) > 1:
        said += f" {len(odd)} of {len(sets)} runs differ from that one."
    return Check(name="items", label=label, ok=False, detail=said)


def _copies(table: Table, found: Copies, labels: Mapping[str, str]) -> Check:
    label = "every run is one of its own"
    if not found.seeds and not found.arms:
        said = f"No two of {counted(len(table.runs), 'run')} have the same outcomes on all items."
        if found.idle:
            said = (
                "Runs that have the same outcomes on all items are right, or wrong, on nearly all of them, or give "
                "one answer to everything: that says nothing of copies."
            )
        return Check(name="copies", label=label, ok=True, detail=said)
    said = "; ".join(sentence for sentence, _ in sentences(found, labels)) + "."
    if found.seeds:
        said += " Seeds that are the same count as one. Of a model that was not tuned, give the results once."
    said += (
        " Runs of their own differ in some item, so these may be one run under several names. Give each run's own "
        "results; where models truly answer alike, a column of predictions or of log-probabilities can show it."
    )
    return Check(name="copies", label=label, ok=False, detail=said)


def base_note(seeds: Sequence[int], label: str) -> str:
    """What is said of a base whose seeds are all the same."""
    return f"{label} is the same in {seeds_words(seeds)}. As the base, not yet tuned, it counts as one run."


def _alike(table: Table) -> Check | None:
    """Arms whose names differ only in case, spaces and marks: perhaps one arm."""
    groups: dict[str, list[str]] = {}
    for arm in table.arms:
        groups.setdefault("".join(c for c in arm.casefold() if c.isalnum()) or arm, []).append(arm)
    said = [_one_arm(table, own) for own in groups.values() if len(own) > 1]
    if not said:
        return None
    return Check(name="names", label="arms have names of their own", ok=False, detail=" ".join(said))


def _one_arm(table: Table, arms: Sequence[str]) -> str:
    named = [f"{shown(arm)} ({seeds_words(table.seeds(arm))})" for arm in arms]
    several = f"{', '.join(named[:-1])} and {named[-1]}"
    seeds = [seed for arm in arms for seed in table.seeds(arm)]
    if len(set(seeds)) == len(seeds):
        return (
            f"{several} differ only in case, spaces or marks, and share no seed: if they are one arm, spell it alike."
        )
    return (
        f"{several} differ only in case, spaces or marks: if they are two arms, name them so that nobody mixes them up."
    )


def _gap(own: Compared) -> float:
    return (own.alike - own.same) / own.rows if own.rows else 0.0


def _spelling(table: Table) -> Check | None:
    """Whether answers are spelled as the right ones are, where they were compared."""
    compared = {arm: own for arm, own in table.compared.items() if own.rows}
    if not compared:
        return None
    label = "answers are spelled as the right ones are"
    rows, same = (sum(getattr(own, name) for own in compared.values()) for name in ("rows", "same"))
    if same == 0 and rows >= _ENOUGH:
        return Check(name="spelling", label=label, ok=False, detail=" ".join(_none_right(compared, rows)))
    wide = [(arm, own) for arm, own in compared.items() if _gap(own) >= GAP]
    if not wide or table.choices.match == "loose":
        said = "Hardly any answer is wrong only for its case, for spaces or for marks around it."
        if table.choices.match == "loose":
            said = "Case, spaces and marks around answers were left aside, as was asked for."
        return Check(name="spelling", label=label, ok=True, detail=said)
    some = "; ".join(
        f"{printable(arm)}: {level(own.same / own.rows, 'share')} as spelled, {level(own.alike / own.rows, 'share')} "
        f"otherwise, e.g. {shown(own.example[0])} where {shown(own.example[1])} is right"
        for arm, own in wide[:6]
    )
    said = f"Case, spaces and marks around answers decide how many are right ({some})."
    if table.choices.match == "exact":
        return Check(name="spelling", label=label, ok=True, detail=f"{said} They count, as was asked for.")
    return Check(
        name="spelling", label=label, ok=False,
        detail=f"{said} Say whether they count: `--match exact` where they do, `--match loose` where they do not "
        "(in the window: Columns…).",
    )  # fmt: skip


def _none_right(compared: Mapping[str, Compared], rows: int) -> Iterator[str]:
    alike, held = (sum(getattr(own, name) for own in compared.values()) for name in ("alike", "held"))
    wrong, right = next(own.example for own in compared.values())
    yield (
        f"Not one of {rows:,} answers, in any arm, equals the right one, so this is likely a matter of spelling, e.g. "
        f"{shown(wrong)} where {shown(right)} is right."
    )
    if alike:
        yield f"Without regard to case, spaces and marks around them {alike:,} would (`--match loose`)."
    if held > alike:
        yield f"{held:,} hold the right answer in a longer text: take the answer out of it first."
    if not held and not alike:
        yield "Nor do they without regard to case and marks: are these the columns that were meant?"
