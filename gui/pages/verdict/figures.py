"""From a `Result` to what the verdict's charts and table show. Plain values: nothing of Qt."""

from __future__ import annotations

from engine.spec.result import Result, Step
from engine.spec.run import RECIPE_VERSION
from engine.stats.display import wording
from engine.stats.display.axis import axis, bare, titled
from gui.look.text import clean, count
from gui.look.theme import ArmStyle
from gui.widgets.forest import Difference, Group
from gui.widgets.scatter import Spot
from gui.widgets.waterfall import Bar
from jobs.report.content.endpoint import limits, parts
from jobs.report.content.figures import by_unit, good_corner
from jobs.report.content.lookup import arm_label, label_of, level_of, pair_label, primary_metric, unit_of
from jobs.report.content.sequential import ended

NAMED_LATER = (
    "Exploratory: the figures were there before the arms' parts, the margin and the floor were named, "
    "so nothing was fixed beforehand."
)
Range = tuple[float, float]


def caption_of(result: Result, metric: str) -> str:
    """What a metric is called within a sentence."""
    return wording.lowered(label_of(result, metric))


def titled_metric(result: Result, metric: str) -> str:
    """A metric's name with its unit, for an axis."""
    return titled(caption_of(result, metric), axis(unit_of(result, metric)).word)


def bars(result: Result, styles: dict[str, ArmStyle]) -> list[Bar]:
    """The decomposition as bars: the level that it starts from, each gain, and the level that it ends at."""
    steps, unit = result.decomposition, unit_of(result, result.accuracy)
    if not steps:
        return []
    by = axis(unit).factor
    found = [_gain(step, unit, styles) for step in steps]
    begins = steps[0].level - steps[0].gain
    if abs(begins) < 1e-9:  # the first step is the level of the arm that the chain starts from
        style = styles.get(steps[0].arm)
        found[0] = Bar(steps[0].label, 0.0, steps[0].level * by, style, wording.level(steps[0].level, unit))
    last = steps[-1]
    said = wording.level(last.level, unit)
    found.append(Bar(arm_label(result, last.arm), 0.0, last.level * by, styles.get(last.arm), said, total=True))
    return found


def _gain(step: Step, unit: str, styles: dict[str, ArmStyle]) -> Bar:
    by, start = axis(unit).factor, step.level - step.gain
    ci = (start + step.ci[0], start + step.ci[1]) if step.ci is not None else None
    said, heard = bare(step.gain, None, unit, compared=True), bare(step.gain, step.ci, unit, compared=True)
    return Bar(step.label, start * by, step.level * by, styles.get(step.arm), said, heard, _by(ci, by))


def spots(result: Result, styles: dict[str, ArmStyle]) -> list[Spot]:
    """Every arm of which accuracy and reliance are known; none where the result has no reliance."""
    if result.reliance is None:
        return []
    found, units = [], (unit_of(result, result.accuracy), unit_of(result, result.reliance))
    across, up = (axis(unit).factor for unit in units)
    for arm in result.arms:
        x, y = level_of(arm, result.accuracy), level_of(arm, result.reliance)
        if x is not None and y is not None and arm.name in styles:
            said = f"accuracy {wording.level(x.mean, units[0])}, reliance {wording.level(y.mean, units[1])}"
            spot = Spot(
                arm.label, styles[arm.name], x.mean * across, y.mean * up, said, _by(x.ci, across), _by(y.ci, up)
            )
            found.append(spot)
    return found


def corner(result: Result) -> tuple[float, float, float] | None:
    """Where one wants to be: accurate enough for a verdict, more so than the base, and hardly more reliant than it.

    Returns:
        From which accuracy, and from which to which reliance, in shown units; None where the rule has no such corner.
    """
    found = good_corner(result)
    if found is None or result.reliance is None:
        return None
    up = axis(unit_of(result, result.reliance)).factor
    return found[0] * axis(unit_of(result, result.accuracy)).factor, found[1] * up, found[2] * up


def differences(result: Result) -> list[Group]:
    """The contrasts, those that can share an axis together, the primary one first."""
    main = primary_metric(result)
    found = []
    for contrasts in by_unit(result):
        shown = axis(unit_of(result, contrasts[0].metric))
        rows = []
        for contrast in contrasts:
            name = pair_label(result, contrast.a, contrast.b)
            if contrast.metric != main:
                short = "reliance" if contrast.metric == result.reliance else caption_of(result, contrast.metric)
                name = f"{short}: {name}"
            said = bare(contrast.difference, contrast.ci, unit_of(result, contrast.metric), compared=True)
            arms = (arm_label(result, contrast.a), arm_label(result, contrast.b))
            margin = result.study.primary.margin * shown.factor if contrast.metric == main else None
            value, ci = contrast.difference * shown.factor, _by(contrast.ci, shown.factor)
            rows.append(Difference(name, value, ci, said, contrast.primary, margin, arms))
        found.append(Group(shown.compared, rows))
    return found


def figure_rows(result: Result) -> tuple[list[str], list[list[str]]]:
    """The table of all figures: its header, and a row for each metric with a cell for each arm."""
    header = ["metric", "unit", *(a.label for a in result.arms)]
    rows = []
    for metric in result.metrics:
        cells = [level_of(a, metric.metric) for a in result.arms]
        if any(c is not None for c in cells):
            shown = [bare(c.mean, c.ci, metric.unit) if c is not None else "–" for c in cells]
            rows.append([metric.label, axis(metric.unit).word, *shown])
    return header, rows


def rule_words(result: Result) -> str:
    """By which rule the verdict was reached, with which arms in which parts; "" where that is not known."""
    if result.rule is None:
        return ""
    played = ", ".join(f"{part}: {arm}" for part, arm in parts(result, result.rule))
    limited = ", ".join(f"{name} {value}" for name, value in limits(result, result.rule))
    words = "; ".join(part for part in (played, f"limits: {limited}" if limited else "") if part)
    return f"Rule “{result.rule.label}”{f' with {words}' if words else ''}."


def table_facts(result: Result) -> str:
    """A judged table's file and sizes in one line."""
    sizes = f"{count(len(result.arms), 'arm')} · {count(result.study.seeds, 'seed')}"
    return f"{clean(str(result.data.get('source', '')), 80)} · trained elsewhere · {sizes}"


def primary_words(result: Result) -> str:
    """The primary endpoint, e.g. "right call, SFT → DPO against SFT"."""
    pair = " against ".join(arm_label(result, arm) for arm in result.study.primary.contrast)
    return f"{caption_of(result, primary_metric(result))}, {pair}"


def recipe_words(result: Result) -> str:
    """That the runs are of an older version of the lab; "" where they are not, or where it is not known."""
    recipe = result.provenance.get("recipe")
    if not isinstance(recipe, int) or isinstance(recipe, bool) or not 0 < recipe < RECIPE_VERSION:
        return ""
    return (
        f"Measured with recipe {recipe} of the lab; the present one is {RECIPE_VERSION}, which computes runs "
        "differently. Compare with other trials of that recipe only, or start the study anew."
    )


def standing_words(result: Result) -> str:
    """Whether the primary result was fixed before it was known, and as what; "" where nothing is known of that."""
    fixed = result.study.registration
    if fixed is None:
        return "" if result.study.primary.registered else NAMED_LATER
    since = "Asked" if fixed.looks and not result.study.primary.registered else "Fixed beforehand"
    words = f"{since}: design {fixed.digest[:12]}, queued {clean(wording.moment(fixed.queued), 40)}"
    if fixed.detectable is not None:
        unit = unit_of(result, primary_metric(result))
        could = f"was to find differences from about {wording.about(fixed.detectable, unit)}"
        none = "could find no difference, however large"
        words += f"; {could if wording.exists(fixed.detectable, unit) else none}"
    words += "." if fixed.looks else ", before any comparison that the verdict rests on was shown."
    return f"{words} Exploratory, {clean(fixed.changed, 240)}." if fixed.changed else words


def ended_words(result: Result) -> str:
    """What a trial that goes on until it is settled ended by; "" where its seeds were fixed."""
    return ended(result.sequential) if result.sequential else ""


def looks_words(result: Result) -> str:
    """What had been seen of which trials when this one was queued; "" for nothing."""
    fixed = result.study.registration
    if fixed is None or not fixed.looks:
        return ""
    seen = "; ".join(clean(wording.look(look, clean(look.trial, 60)), 240) for look in fixed.looks[:3])
    more = f"; and {len(fixed.looks) - 3} more" if len(fixed.looks) > 3 else ""
    return f"Looked at before: {seen}{more}. The first look has spent the whole 5 %; read this one as exploratory."


def _by(ci: Range | None, factor: float) -> Range | None:
    return None if ci is None else (ci[0] * factor, ci[1] * factor)
