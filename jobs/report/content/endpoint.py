"""The claim, the primary endpoint, and what was fixed beforehand."""

from __future__ import annotations

from engine.spec.result import NamedFigure, Result, RuleResult
from engine.stats.display import wording
from engine.stats.display.axis import axis
from jobs.report.content.lookup import ABSENT, arm_label, label_of, primary_contrast, primary_metric, unit_of
from jobs.report.content.model import Block, Facts, Paragraph, Section, Table, Value

_EXPLORATORY = (
    "Nothing was fixed before the figures were there: which arms are compared, on which metric and with which margin "
    "was named when they could be seen. So everything here is exploratory, the primary result too."
)
_LOOKED = (
    "Figures of arms that are compared here could be known when the trial was queued. No part of the 5 % was "
    "set aside for a second look, so the first has spent all of it, and everything here is exploratory, the primary "
    "result too."
)
_CHANGED = (
    "All was fixed when the trial was queued, but what was fixed is not what drew up these figures: everything here is "
    "exploratory, {changed}. With what it was then, the same trial is as planned."
)
_FIXED = (
    "Arms, primary endpoint, rules, controls, scale, {seeds}, model and data were fixed when the trial was queued. "
    "Only the primary endpoint is confirmatory; every other contrast and metric is exploratory."
)
_UNKNOWN = "This result keeps no record of what was fixed when its trial was queued."
_UNCERTAIN = "not known: fewer than five seeds do not tell how much seeds differ"
_LOOKS = "The first of them spent the whole 5 %."
_LEVELS, _DIFFERENCES = ("floor", "ceiling", "chance", "parse_floor"), ("margin", "smallest_gap", "leans")
"""Limits of a rule that are levels of its figures, and those that are differences of them."""


def pair(result: Result) -> str:
    """The arms of the primary contrast in words."""
    return " against ".join(arm_label(result, arm) for arm in result.study.primary.contrast)


def margin(result: Result) -> str:
    """The margin of the primary endpoint, without its sign."""
    return wording.unsigned(result.study.primary.margin, unit_of(result, primary_metric(result)))


def claim(result: Result) -> Section | None:
    """What others say, with their figure beside ours; None where the study tests no one's claim."""
    study = result.study
    if not study.claim:
        return None
    published = [("Published", study.published)] if study.published else []
    facts = Facts("claim", "The published figure and ours", (*published, ("Here", _here(result)), *_compared(result)))
    source = (Paragraph(study.source, "muted"),) if study.source else ()
    return Section("claim", "The claim", (Paragraph(study.claim), *source, facts), half=True)


def _compared(result: Result) -> tuple[tuple[str, str], ...]:
    """Two figures side by side ask to be compared; what may be compared is said."""
    study = result.study
    words = (
        study.published_differs or "Other models, data and often another measure: compare the direction, not the size."
    )
    return (("How to compare", words),) if study.published else ()


def primary(result: Result, half: bool) -> Section:
    """The primary endpoint's figure and how it may be read."""
    study = result.study
    metric = label_of(result, primary_metric(result))
    since = "Fixed before the comparison was shown" if study.primary.registered else _why_exploratory(result)
    way = wording.EXPECTED.get(study.primary.expected)  # of a table nobody said which
    asked = f" (expected to be {way})" if way and study.registration is not None else ""
    caption = f"{since}: {metric}, {pair(result)}{asked}; differences up to ±{margin(result)} are too small to matter."
    blocks: tuple[Block, ...] = (Paragraph("It could not be computed: a run of one of the two arms is missing."),)
    found = primary_contrast(result)
    if found is not None:
        unit = unit_of(result, found.metric)
        bounds = wording.bounds(found.ci, unit)
        tested = wording.p_phrase(found.p)
        if tested and found.p_holm is not None:
            tested += f" ({wording.probability(found.p_holm)} after Holm)"
        detail = [f"95 % interval {bounds}" if bounds else "", wording.counted(found.n_seeds, "paired seed"), tested]
        blocks = (Value(wording.difference(found.difference, unit), ", ".join(part for part in detail if part)),)
    status = "confirmatory" if study.primary.registered else "exploratory"
    return Section("primary", "Primary result", blocks, caption, status, half)


def registration(result: Result) -> Section:
    """What was fixed beforehand, when, and what the design could show."""
    title = "What was fixed beforehand"
    fixed = result.study.registration
    registered = result.study.primary.registered
    if fixed is None:
        said = _UNKNOWN if registered else _EXPLORATORY
        return Section("registration", title, (Paragraph(said),), status="" if registered else "exploratory")
    unit = unit_of(result, primary_metric(result))
    found = primary_contrast(result)
    designed = "not known" if fixed.detectable is None else _size(fixed.detectable, unit, " (four times in five)")
    ran = _UNCERTAIN if found is None or found.detectable is None else _size(found.detectable, unit)
    looks = "; ".join(wording.look(look, look.trial) for look in fixed.looks)
    pairs = (
        (
            "When",
            wording.moment(fixed.queued)
            + ("" if fixed.looks else ", before any comparison that the verdict rests on was shown"),
        ),
        ("Smallest difference the design could show", designed + _basis(fixed.basis)),
        ("As it ran", ran),
        (
            "Earlier looks",
            f"{looks}. {_LOOKS}"
            if fixed.looks
            else "none: no other trial in this data folder had shown such a comparison",
        ),
        ("Digest of the design", fixed.digest),
    )
    fixed_words = _FIXED.format(seeds="looks and the most seeds" if result.sequential else "seeds")
    other = _CHANGED.format(changed=fixed.changed) if fixed.changed else _EXPLORATORY
    said = fixed_words if registered else _LOOKED if fixed.looks else other
    facts = Facts("registration", "What was fixed when the trial was queued", pairs)
    return Section("registration", title, (Paragraph(said), facts), status="" if registered else "exploratory")


def rule(result: Result) -> Section | None:
    """How the verdict was reached: the rule, which arm plays which part in it, its limits, and what it read beside."""
    found = result.rule
    figures = figures_table(result)
    if found is None:
        return Section("rule", "How the verdict was reached", (figures,)) if figures else None
    pairs = [
        ("Rule", found.label),
        *((f"Part: {part}", arm) for part, arm in parts(result, found)),
        ("Figures that it reads", "; ".join(label_of(result, metric) for metric in found.reads) or "none"),
        *((f"Limit: {name}", value) for name, value in limits(result, found)),
    ]
    facts = Facts("rule", "The rule", tuple(pairs))
    return Section("rule", "How the verdict was reached", (*([figures] if figures else []), facts))


def figures_table(result: Result) -> Table | None:
    """What the rule reads that is no difference of two arms."""
    rows = tuple((f.label, figure_words(f), f.note) for f in result.verdict.figures)
    head = ("figure", "value", "note")
    return (
        Table("figures", "Further figures of the rule, with 95 % intervals", head, rows, words=(0, 2)) if rows else None
    )


def rule_figures(result: Result) -> list[str]:
    """The same, one sentence for each figure."""
    return [
        f"{one.label}: {figure_words(one) if one.value is not None else 'not shown'}. {one.note}".strip()
        for one in result.verdict.figures
    ]


def figure_words(figure: NamedFigure) -> str:
    """Its value with its interval; a dash where it could not be computed."""
    if figure.value is None:
        return ABSENT
    return f"{wording.level(figure.value, figure.unit)} {wording.bounds(figure.ci, figure.unit, signed=False)}".rstrip()


def parts(result: Result, found: RuleResult) -> list[tuple[str, str]]:
    """Which arm plays which part in a rule, in words."""
    return [(role.replace("_", " "), arm_label(result, arm)) for role, arm in found.roles.items()]


def limits(result: Result, found: RuleResult) -> list[tuple[str, str]]:
    """A rule's limits in words; in the unit of the figures that it reads where that is the same for all of them."""
    return [(name.replace("_", " "), _limit(result, found, name, value)) for name, value in found.thresholds.items()]


def _limit(result: Result, found: RuleResult, name: str, value: float | str) -> str:
    if isinstance(value, str):
        return value
    about = {_LEVELS: (result.accuracy, *found.reads), _DIFFERENCES: found.reads}
    units = [unit_of(result, metric) for names, read in about.items() if name in names for metric in read]
    known = axis(units[0]) if len({axis(unit).family for unit in units}) == 1 else axis("")
    word = known.word if name in _LEVELS else known.compared
    return f"{known.factor * value:g} {word}".rstrip().replace("-", wording.MINUS)


def _why_exploratory(result: Result) -> str:
    fixed = result.study.registration
    if fixed is not None and fixed.looks:
        return "Asked when figures of these arms could be known, so exploratory"
    if fixed is not None and fixed.changed:
        return f"Exploratory, {fixed.changed}"
    return "Named when the figures were there already, so exploratory"


def _size(value: float, unit: str, often: str = "") -> str:
    """A difference that could be found; none at all where there can be none so large."""
    return f"{wording.about(value, unit)}{often}" if wording.exists(value, unit) else "none, however large"


def _basis(words: str) -> str:
    return f", {wording.lowered(words)}" if words else ""


def _here(result: Result) -> str:
    found = primary_contrast(result)
    if found is None:
        return "The primary contrast could not be computed."
    unit = unit_of(result, found.metric)
    figure = f"{wording.difference(found.difference, unit)} {wording.bounds(found.ci, unit)}".rstrip()
    return f"{label_of(result, found.metric)}, {pair(result)}: {figure}"
