"""From a `Result` to what the verdict's charts and table show. Plain values: nothing of Qt."""

from __future__ import annotations

from datetime import UTC, datetime

from engine.spec.result import ArmResult, Interval, Result
from engine.stats.wording import about, exists
from gui.look.text import clean, count, interval, scale, unit_word
from gui.look.theme import ArmStyle
from gui.widgets.forest import Difference
from gui.widgets.scatter import Spot

NAMED_LATER = (
    "Exploratory: the figures were there before the arms' parts, the margin and the floor were named, "
    "so nothing was fixed beforehand."
)
POINTS = ("share", "difference")
"""Units whose differences are both shown in points."""


def units(result: Result) -> dict[str, str]:
    """Metric to unit."""
    return {m.metric: m.unit for m in result.metrics}


def caption_of(result: Result, metric: str) -> str:
    """What a metric is called, in words."""
    found = next((m.label for m in result.metrics if m.metric == metric), metric)
    return found[:1].lower() + found[1:] if found[1:2].islower() else found


def summary_of(arm: ArmResult, metric: str) -> Interval | None:
    """An arm's figure of that metric over its seeds."""
    return next((s for s in arm.summary if s.metric == metric), None)


def spots(result: Result, styles: dict[str, ArmStyle]) -> list[Spot]:
    """Every arm of which accuracy and reliance are known."""
    unit_of, found = units(result), []
    across, up = scale(unit_of.get(result.accuracy, "share")), scale(unit_of.get(result.reliance, "difference"))
    for arm in result.arms:
        x, y = summary_of(arm, result.accuracy), summary_of(arm, result.reliance)
        if x is not None and y is not None and arm.name in styles:
            found.append(
                Spot(arm.label, styles[arm.name], x.mean * across, y.mean * up, _by(x.ci, across), _by(y.ci, up))
            )
    return found


def corner(result: Result) -> tuple[float, float, float] | None:
    """Where one wants to be: accurate enough for a verdict, more so than the base, and hardly more reliant than it.

    Returns:
        From which accuracy, and from which to which reliance, in shown units.
    """
    rules = result.rules
    base = next((a for a in result.arms if rules is not None and a.name == rules.base), None)
    if rules is None or base is None:
        return None
    x, y = summary_of(base, result.accuracy), summary_of(base, result.reliance)
    if x is None or y is None:
        return None
    unit_of = units(result)
    accurate = max(rules.floor, x.mean) * scale(unit_of.get(result.accuracy, "share"))
    up = scale(unit_of.get(result.reliance, "difference"))
    return accurate, (min(y.mean, 0.0) - rules.margin) * up, (max(y.mean, 0.0) + rules.margin) * up


def differences(result: Result, labels: dict[str, str]) -> list[Difference]:
    """The contrasts, the primary one first; those in another unit than its own cannot share the axis."""
    unit_of = units(result)
    main = f"{result.study.primary.probe}.{result.study.primary.metric}"
    points = unit_of.get(main, "difference") in POINTS
    found = []
    for contrast in sorted(result.contrasts, key=lambda c: (not c.primary, c.metric != main)):
        unit = unit_of.get(contrast.metric, "difference")
        name = f"{labels.get(contrast.a, contrast.a)} − {labels.get(contrast.b, contrast.b)}"
        if contrast.metric != main:
            short = {result.reliance: "reliance", result.accuracy: "accuracy"}
            name = f"{short.get(contrast.metric) or caption_of(result, contrast.metric)}: {name}"
        comparable = (unit in POINTS) if points else contrast.metric == main
        said = interval(contrast.difference, contrast.ci, unit, compared=True)
        said += "" if comparable else f" {unit_word(unit, True)}"
        by = scale(unit)
        found.append(
            Difference(
                name,
                contrast.difference * by,
                _by(contrast.ci, by),
                said,
                contrast.primary,
                comparable,
                (labels.get(contrast.a, contrast.a), labels.get(contrast.b, contrast.b)),
            )
        )
    return found


def figure_rows(result: Result) -> tuple[list[str], list[list[str]]]:
    """The table of all figures: its header, and a row for each metric with a cell for each arm."""
    header = ["metric", "unit", *(a.label for a in result.arms)]
    rows = []
    for metric in result.metrics:
        cells = [summary_of(a, metric.metric) for a in result.arms]
        if any(c is not None for c in cells):
            shown = [interval(c.mean, c.ci, metric.unit) if c is not None else "–" for c in cells]
            rows.append([metric.label, unit_word(metric.unit), *shown])
    return header, rows


def table_facts(result: Result) -> str:
    """A judged table's file and sizes in one line."""
    sizes = f"{count(len(result.arms), 'arm')} × {count(result.study.seeds, 'seed')}"
    return f"{clean(str(result.data.get('source', '')), 80)} · trained elsewhere · {sizes}"


def primary_words(result: Result) -> str:
    """The primary endpoint, e.g. "right call, SFT → DPO against SFT"."""
    primary, labels = result.study.primary, {arm.name: arm.label for arm in result.arms}
    pair = " against ".join(labels.get(arm, arm) for arm in primary.contrast)
    return f"{caption_of(result, f'{primary.probe}.{primary.metric}')}, {pair}"


def standing_words(result: Result) -> str:
    """Whether the primary result was fixed before it was known, and as what; "" where nothing is known of that."""
    fixed = result.study.registration
    if fixed is None:
        return "" if result.study.primary.registered else NAMED_LATER
    since = "Fixed beforehand" if result.study.primary.registered else "Asked"
    words = f"{since}: design {fixed.digest[:12]}, queued {_moment(fixed.queued)}"
    if fixed.detectable is not None:
        primary = f"{result.study.primary.probe}.{result.study.primary.metric}"
        unit = units(result).get(primary, "")
        could = f"was to find differences from about {about(fixed.detectable, unit)}"
        words += f"; {could if exists(fixed.detectable, unit) else 'could find no difference, however large'}"
    return words + ("." if fixed.looks else "; no earlier trial here had shown this comparison.")


def _moment(text: str) -> str:
    """A moment in ISO form as people read it; anything else as it is."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    except ValueError:
        return clean(text, 40)


def looks_words(result: Result) -> str:
    """Which earlier trials had been seen when this one was queued; "" for none."""
    fixed = result.study.registration
    if fixed is None or not fixed.looks:
        return ""
    seen = ", ".join(f"{clean(look.trial, 60)} ({count(look.seeds, 'seed')})" for look in fixed.looks[:3])
    more = f" and {len(fixed.looks) - 3} more" if len(fixed.looks) > 3 else ""
    return f"Looked at before: {seen}{more}. That look has spent the whole 5 %; read this one as exploratory."


def _by(ci: tuple[float, float] | None, factor: float) -> tuple[float, float] | None:
    return None if ci is None else (ci[0] * factor, ci[1] * factor)
