"""A `Result` as a `Report`: which sections there are, in which order, and what each says in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.spec.result import Result
from engine.stats.display import wording
from engine.stats.display.axis import axis, titled
from jobs.report import read
from jobs.report.content import audit, curves, endpoint, figures, flips, sequential, sizes, tables
from jobs.report.content.lookup import arm_label, label_of, primary_metric, unit_of
from jobs.report.content.model import (
    Block,
    Bullets,
    Checked,
    Checks,
    Command,
    Facts,
    Paragraph,
    Report,
    Section,
    Status,
    Verdict,
    cleaned,
)

_NARROW = 6  # steps of a gain that can be read at half the page's width
_FOOTER = (
    "Made by Tuning Fork. Intervals: of seeds (Student’s) and clusters of items (jackknife) together; with one seed, "
    "of items alone. Confirmatory: the primary endpoint, where it was fixed before the comparison was shown. All else "
    "is exploratory: it suggests, and a new study would have to confirm it."
)
_P = (
    "p comes from flipping the signs of the paired differences, exactly up to 12 seeds, so with n seeds it is never "
    "below 2 to the power of 1 − n. Holm’s correction is over all tests of the study’s pairs."
)
_P_LOOKS = (
    "p is the smallest error, shared by all looks of this design, at which this look would show a difference. An arm "
    "that gets no more seeds after the first look is compared once, by an ordinary interval, and p comes from flipping "
    "the signs of the paired differences: with n seeds it is never below 2 to the power of 1 − n. Holm’s correction is "
    "over all tests of the study’s pairs."
)
_SIZES = (
    "d of pairs: mean over standard deviation of the seeds’ differences. Cliff’s delta: how much more often a run of "
    "the first arm beats one of the second than the other way round. Cohen’s h: of the two shares, 0.2 is small, 0.8 "
    "large. Too small to matter: two one-sided tests at {level} within the margin. Could be found: the true difference "
    "that so many seeds and items show {when}four times in five."
)
_BY_SIDE = (
    "Reliance is accuracy where the shortcut gives the right answer minus accuracy where it gives a wrong one: 0 "
    "points for a model that does not use it, 100 for one that uses nothing else."
)
_MCNEMAR = "McNemar’s p speaks of the two runs of one seed on such items; it says nothing about other seeds."


def report_of(result: Result) -> Report:
    """The report, every text in it harmless and every figure as people read it."""
    study = result.study
    scale = "" if study.scale == "elsewhere" else f"{study.scale} scale · "
    seeds = wording.counted(study.seeds, "seed")
    ends = f"primary endpoint: {label_of(result, primary_metric(result))}, {endpoint.pair(result)}"
    report = Report(
        name=study.trial,
        title=study.question,
        subtitle=f"{study.id} · {scale}{result.model.get('name', '')} · {seeds} · {ends}",
        note=study.note,
        verdict=Verdict(
            result.verdict.tone,
            result.verdict.label,
            result.verdict.text,
            tuple(result.verdict.reasons),
            "" if study.primary.registered else "exploratory",
        ),
        sections=tuple(_sections(result)),
        footer=_FOOTER,
    )
    return cleaned(report)


def _sections(result: Result) -> Iterable[Section]:
    claim = endpoint.claim(result)
    yield from _some(claim)
    yield endpoint.primary(result, half=claim is not None)
    yield from _some(sequential.section(result))
    yield endpoint.registration(result)
    yield from _some(endpoint.rule(result))

    fall, spots = figures.waterfall(result), figures.scatter(result)
    both = fall is not None and spots is not None and len(result.decomposition) <= _NARROW
    level, gains = _titled(result, result.accuracy), axis(unit_of(result, result.accuracy)).compared
    caption = f"{level}; {f'gains in {gains}, ' if gains else ''}lines are 95 % intervals"
    shared = sizes.of_shared_seeds(result)
    caption = "; ".join(part for part in (caption, shared) if part)
    yield from _section("gain", "Where the gain comes from", [fall], caption, "exploratory", half=both)
    shaded = "; shaded: right, for the right reason" if figures.good_corner(result) else ""
    up = _titled(result, result.reliance) if result.reliance else ""
    caption = f"upwards: {up}; crosses are 95 % intervals{shaded}"
    yield from _section("corner", "Accuracy and reliance", [spots], caption, "exploratory", half=both)
    yield from _section("chain", "The gain, step by step", [tables.chain(result)], shared, "exploratory")
    yield from _differences(result)
    caption = "means over seeds; bands reach from the lowest to the highest seed"
    caption = "; ".join(part for part in (caption, curves.beyond(result)) if part)
    drawn = [*curves.figures(result), curves.table(result)]
    yield from _section("curves", curves.TITLE, drawn, caption, "exploratory")
    yield from _reliance(result)
    yield from _section("arms", "All arms", _levels(result), status="exploratory")
    yield from _section("seeds", "Seed by seed", tables.seeds(result))
    yield from _section("failures", "What went wrong", tables.failures(result), status="exploratory")
    yield from _some(flips.section(result))
    yield from _checks(result)
    yield from _some(audit.section(result))
    threats = [Bullets(result.threats)] if result.threats else []
    yield from _section("threats", "Threats to validity", threats, "what stands against reading more into this")
    yield from _section("further", "Further differences", [tables.further(result)], status="exploratory")
    yield from _section("design", "Design", [tables.design(result)])
    yield from _some(read.section(result))
    yield from _section("notes", "Notes", [Bullets(result.notes)] if result.notes else [])
    yield _provenance(result)


def _differences(result: Result) -> Iterable[Section]:
    if not result.contrasts:
        return
    within = tables.discordant(result)
    looked = {"level": "5 % (of what is compared at several looks, this look’s part of it)", "when": ""}
    explained = _SIZES.format(**(looked if result.sequential else {"level": "5 %", "when": ""}))
    blocks = [
        *figures.forests(result),
        tables.contrasts(result),
        Paragraph(_P_LOOKS if result.sequential else _P, "muted"),
        tables.effects(result),
        Paragraph(explained, "muted"),
        within,
        Paragraph(_MCNEMAR, "muted") if within else None,
    ]
    bold = "confirmatory" if result.study.primary.registered else "named as primary"
    small = f"too small to matter on the primary endpoint (±{endpoint.margin(result)})"
    caption = f"95 % intervals, seeds paired; shaded: {small}; bold: {bold}, the rest is exploratory"
    yield from _section("differences", "Paired differences", blocks, caption)


def _titled(result: Result, metric: str) -> str:
    return titled(wording.lowered(label_of(result, metric)), axis(unit_of(result, metric)).word)


def _reliance(result: Result) -> Iterable[Section]:
    table, lean = tables.reliance(result), result.reliance
    if table is None or lean is None:
        return
    reference = arm_label(result, result.study.primary.contrast[1])
    other = f"Reliance is measured by {wording.lowered(label_of(result, lean))}."
    what = _BY_SIDE if unit_of(result, lean) == "difference" else other
    words = f"{what} The last column is paired with {reference}."
    yield from _section("reliance", "Reliance on the shortcut", [Paragraph(words), table], status="exploratory")


def _levels(result: Result) -> Sequence[Block]:
    """Every level, and what they rest on."""
    shown = tables.arms(result)
    said = (sizes.rests_on(result), sizes.at_the_end(result)) if shown else ()
    return [*shown, *(Paragraph(words, "muted") for words in said if words)]


def _checks(result: Result) -> Iterable[Section]:
    entries = tuple(Checked(check.ok, check.label, check.detail) for check in result.checks)
    failed = sum(not entry.ok for entry in entries)
    said = f"{wording.counted(failed, 'check')} of {len(entries)} failed" if failed else f"all {len(entries)} passed"
    caption = f"each line says what must hold; {said}"
    blocks = [Checks(entries)] if entries else []
    yield from _section("checks", "Integrity checks and controls", blocks, caption)


def _provenance(result: Result) -> Section:
    command = str(result.provenance.get("command", ""))
    pairs = [(f"model.{name}", str(value)) for name, value in result.model.items()]
    pairs += [(f"data.{name}", str(value)) for name, value in result.data.items() if not sizes.of_metric(name)]
    pairs += [(name, str(value)) for name, value in result.provenance.items() if name != "command"]
    blocks: list[Block] = [Command(command)] if command else []
    facts = Facts("provenance", "What this was made with", tuple(pairs))
    return Section("provenance", "To repeat this", (*blocks, facts))


def _section(
    name: str, title: str, blocks: Sequence[Block | None], caption: str = "", status: Status = "", half: bool = False
) -> Iterable[Section]:
    """A section of the blocks that there are; none where there is no block."""
    there = tuple(block for block in blocks if block is not None)
    return [Section(name, title, there, caption, status, half)] if there else []


def _some(section: Section | None) -> list[Section]:
    return [section] if section else []
