"""The figures of a report: where the gain comes from, accuracy against reliance, paired differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.spec.result import Contrast, Interval, Result, Step
from engine.stats.display import wording
from engine.stats.display.axis import axis, bare, ticks, titled
from jobs.report.content import legend
from jobs.report.content.clean import elided, shortened
from jobs.report.content.lookup import (
    arm_label,
    arm_of,
    gain_words,
    label_of,
    level_of,
    level_words,
    pair_label,
    primary_metric,
    style_of,
    unit_of,
)
from jobs.report.content.model import Figure
from jobs.report.formats.svg import Drawing, tick, wrap

Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""
Place = Callable[[float], float]
_NAMED = 7  # arms whose names find room beside their markers; more have a legend
_SLOT = 72  # width for a step
_LABEL = 58  # letters beside a row
_ROWS = 34  # differences in one figure, so that it fits on a page of paper


def waterfall(result: Result) -> Figure | None:
    """The base's level, what each step adds, and the level reached; None where the study has no chain."""
    steps = result.decomposition
    if not steps:
        return None
    unit = unit_of(result, result.accuracy)
    by = axis(unit).factor
    said = "; ".join(
        f"{step.label}: {gain_words(step.gain, step.ci, unit) if at else wording.level(step.level, unit)}"
        for at, step in enumerate(steps)
    )
    height, left, top, bottom = 288, 40, 26, 240
    width = max(480, left + _SLOT * (len(steps) + 1))
    drawing = Drawing(width, height, "gain", "Where the gain comes from", said)
    marks = ticks(*_reach(steps, unit))

    def y(value: float) -> float:
        inside = min(max(value * by, marks[0]), marks[-1])
        return bottom - (inside - marks[0]) / (marks[-1] - marks[0]) * (bottom - top)

    for mark in marks:
        drawing.line(left, y(mark / by), width, y(mark / by), "axis" if mark == 0 else "grid")
        drawing.text(left - 8, y(mark / by) + 4, tick(mark), "tick", "end")
    slot = (width - left) / (len(steps) + 1)
    wide = min(64.0, slot * 0.58)
    for at, step in enumerate(steps):
        middle = left + slot * (at + 0.5)
        start = step.level - step.gain
        drawing.rect(
            middle - wide / 2, y(start), wide, y(step.level) - y(start), f"bar {style_of(result, step.arm).kind}", 2
        )
        high = max(step.level, start)
        if at and step.ci is not None:
            drawing.line(middle, y(start + step.ci[0]), middle, y(start + step.ci[1]), "whisker")
            high = max(high, start + step.ci[1])
        words = bare(step.gain, None, unit, compared=True) if at else wording.level(step.level, unit)
        drawing.text(middle, max(12.0, y(high) - 7), words, "value")
        drawing.line(middle + wide / 2, y(step.level), middle + slot - wide / 2, y(step.level), "link")
        for line, part in enumerate(wrap(step.label, max(8, int((slot - 6) / 7)))):
            drawing.text(middle, bottom + 18 + 14 * line, part, "tick")
    last = steps[-1]
    middle = left + slot * (len(steps) + 0.5)
    drawing.rect(middle - wide / 2, y(0), wide, y(last.level) - y(0), f"bar total {style_of(result, last.arm).kind}", 2)
    drawing.text(middle, y(last.level) - 7, wording.level(last.level, unit), "value")
    for line, part in enumerate(wrap(arm_label(result, last.arm), max(8, int((slot - 6) / 7)))):
        drawing.text(middle, bottom + 18 + 14 * line, part, "tick")
    return drawing.done()


def scatter(result: Result) -> Figure | None:
    """Each arm's accuracy (across) against its reliance (up), with intervals; None where no arm has both."""
    lean = result.reliance
    if lean is None:
        return None
    spots = [
        (arm, x, y)
        for arm in result.arms
        if (x := level_of(arm, result.accuracy)) is not None and (y := level_of(arm, lean or "")) is not None
    ]
    if not spots:
        return None
    across, up = unit_of(result, result.accuracy), unit_of(result, lean)
    said = "; ".join(f"{a.label}: {level_words(x, across)} right, reliance {level_words(y, up)}" for a, x, y in spots)
    width, height, left, right, top, bottom = 480, 288, 42, 464, 10, 240
    named = len(spots) <= _NAMED
    below = [] if named else legend.places([arm.label for arm, _, _ in spots], width)
    drawing = Drawing(width, height + legend.height(below), "corner", "Accuracy and reliance of each arm", said)
    by, high = axis(across), axis(up).factor
    heights = [v * high for _, _, y in spots for v in (y.mean, *(y.ci or ()))]
    rows = ticks(min(0.0, *heights), max(0.05 * high, *heights))
    widths = [v * by.factor for _, x, _ in spots for v in (x.mean, *(x.ci or ()))]
    columns = ticks(*(by.ends or (min(0.0, *widths), max(widths))))

    def at_x(value: float) -> float:
        return left + (value * by.factor - columns[0]) / (columns[-1] - columns[0]) * (right - left)

    def at_y(value: float) -> float:
        return bottom - (value * high - rows[0]) / (rows[-1] - rows[0]) * (bottom - top)

    corner = good_corner(result)
    if corner is not None:
        roof, floor = at_y(min(corner[2], rows[-1] / high)), at_y(max(corner[1], rows[0] / high))
        drawing.rect(at_x(corner[0]), roof, right - at_x(corner[0]), floor - roof, "good-corner")
    for row in rows:
        drawing.line(left, at_y(row / high), right, at_y(row / high), "axis" if row == 0 else "grid")
        drawing.text(left - 8, at_y(row / high) + 4, tick(row, signed=True), "tick", "end")
    for column in columns:
        drawing.line(at_x(column / by.factor), top, at_x(column / by.factor), bottom, "grid")
        drawing.text(at_x(column / by.factor), bottom + 18, tick(column), "tick")
    name = titled(wording.lowered(label_of(result, result.accuracy)), by.word)
    drawing.text((left + right) / 2, bottom + 40, shortened(name, 60), "tick")
    taken = [box for _, x, y in spots for box in _cross(at_x, at_y, x, y)]
    for arm, x, y in spots:
        px, py, kind = at_x(x.mean), at_y(y.mean), style_of(result, arm.name).kind
        if x.ci is not None:
            drawing.line(at_x(x.ci[0]), py, at_x(x.ci[1]), py, f"stroke {kind}")
        if y.ci is not None:
            drawing.line(px, at_y(y.ci[0]), px, at_y(y.ci[1]), f"stroke {kind}")
        drawing.marker(px, py, style_of(result, arm.name).marker, f"bar {kind}")
        if named:
            _name(drawing, arm.label, px, py, (left, top, right, bottom), taken)
    if below:
        legend.draw(drawing, below, [style_of(result, arm.name) for arm, _, _ in spots], height)
    return drawing.done()


def forests(result: Result) -> list[Figure]:
    """Paired differences with intervals, those of one unit on one axis, the one fixed beforehand in bold."""
    found: list[list[Contrast]] = []
    for rows in by_unit(result):
        parts = -(-len(rows) // _ROWS)
        most = -(-len(rows) // parts)
        found += [rows[at : at + most] for at in range(0, len(rows), most)]
    return [_forest(result, rows, at, len(found)) for at, rows in enumerate(found)]


def by_unit(result: Result) -> list[list[Contrast]]:
    """The study's pairs, the primary endpoint's metric first, in groups that can share an axis."""
    main = primary_metric(result)
    groups: dict[tuple[float, str], list[Contrast]] = {}
    for contrast in sorted(result.contrasts, key=lambda c: (not c.primary, c.metric != main)):
        groups.setdefault(axis(unit_of(result, contrast.metric)).family, []).append(contrast)
    return list(groups.values())


def _forest(result: Result, rows: Sequence[Contrast], number: int, of: int) -> Figure:
    shown = axis(unit_of(result, rows[0].metric))
    said = "; ".join(f"{_pair(result, c)}: {gain_words(c.difference, c.ci, unit_of(result, c.metric))}" for c in rows)
    width, line, top, left, right = 900, 30, 10, 400, 700
    bottom = top + line * len(rows) + 4
    title = f"Paired differences, {number + 1} of {of}" if of > 1 else "Paired differences"
    drawing = Drawing(width, bottom + 42, f"forest-{number + 1}", title, said)
    values = [v * shown.factor for c in rows for v in (c.difference, *(c.ci or ()))]
    least = 0.05 * shown.factor if shown.ends else 1e-3
    marks = ticks(min(-least, *values), max(least, *values), 7)

    def x(value: float) -> float:
        inside = min(max(value * shown.factor, marks[0]), marks[-1])
        return left + (inside - marks[0]) / (marks[-1] - marks[0]) * (right - left)

    margin, main = result.study.primary.margin, primary_metric(result)
    for at, contrast in enumerate(rows):  # the margin is that metric's: what matters of another is not said
        if contrast.metric == main:
            drawing.rect(x(-margin), top + line * at, x(margin) - x(-margin), line, "margin")
    drawing.line(x(0), top, x(0), bottom, "zero")
    for mark in marks:
        drawing.text(x(mark / shown.factor), bottom + 20, tick(mark, signed=True), "tick")
    if shown.compared:
        drawing.text((left + right) / 2, bottom + 36, shortened(shown.compared, 40), "tick")
    for at, contrast in enumerate(rows):
        y = top + line * (at + 0.5)
        kind = "strong" if contrast.primary else ""
        drawing.text(0, y + 4, _shortened_pair(result, contrast), f"row {kind}", "start")
        if contrast.ci is not None:
            drawing.line(x(contrast.ci[0]), y, x(contrast.ci[1]), y, f"span {kind}")
        drawing.marker(x(contrast.difference), y, "square", "spot", 4)
        figure = bare(contrast.difference, contrast.ci, unit_of(result, contrast.metric), compared=True)
        drawing.text(width, y + 4, figure, f"row {kind}", "end")
    return drawing.done()


def _reach(steps: Sequence[Step], unit: str) -> tuple[float, float]:
    """From where to where a waterfall reaches, as shown. Whiskers end where levels do: no share is above 100 %."""
    shown = axis(unit)
    levels = [level * shown.factor for step in steps for level in (step.level, step.level - step.gain)]
    whiskers = [(step.level - step.gain + step.ci[1]) * shown.factor for step in steps[1:] if step.ci is not None]
    roof = shown.ends[1] if shown.ends else max(levels)
    return min(0.0, *levels), max(0.05 * shown.factor, *levels, *(min(end, roof) for end in whiskers))


def good_corner(result: Result) -> tuple[float, float, float] | None:
    """From which accuracy, and from which to which reliance, an arm is right for the right reason.

    Accurate enough for a verdict and more so than the untrained arm of the rule, and hardly more reliant than it.
    None where the rule has no floor of accuracy or no margin of reliance.
    """
    rule, lean = result.rule, result.reliance
    if rule is None or lean is None or lean not in rule.reads:
        return None
    floor, margin = rule.thresholds.get("floor"), rule.thresholds.get("margin")
    base = next((a for a in (arm_of(result, name) for name in rule.roles.values()) if a and not a.trains), None)
    x, y = level_of(base, result.accuracy), level_of(base, lean)
    if x is None or y is None or not isinstance(floor, float | int) or not isinstance(margin, float | int):
        return None
    return max(floor, x.mean), min(y.mean, 0.0) - margin, max(y.mean, 0.0) + margin


def _cross(at_x: Place, at_y: Place, x: Interval, y: Interval) -> list[Box]:
    """Where an arm's marker and its two intervals are."""
    px, py = at_x(x.mean), at_y(y.mean)
    left, right = (at_x(v) for v in x.ci or (x.mean, x.mean))
    bottom, top = (at_y(v) for v in y.ci or (y.mean, y.mean))
    return [(px - 8, py - 8, px + 8, py + 8), (left, py - 2, right, py + 2), (px - 2, top, px + 2, bottom)]


def _name(drawing: Drawing, label: str, x: float, y: float, frame: Box, taken: list[Box]) -> None:
    """The arm's name beside its marker, at the first place where it hides nothing."""
    shown = elided(label, 26)
    wide = 6.8 * len(shown)
    places = [(dx, dy) for dy in (-8, 18, 4, -22, 32, -36, 46, -50, 60) for dx in (11.0, -11.0 - wide, -wide / 2)]
    boxes = [(x + dx, y + dy - 11, x + dx + wide, y + dy + 3) for dx, dy in places]
    free = [b for b in boxes if _within(b, frame) and not any(_meet(b, other) for other in taken)]
    box = (free or [b for b in boxes if _within(b, frame)] or boxes)[0]
    taken.append(box)
    drawing.text(box[0], box[3] - 3, shown, "name", "start")


def _within(box: Box, frame: Box) -> bool:
    return box[0] >= frame[0] and box[1] >= frame[1] - 6 and box[2] <= frame[2] + 6 and box[3] <= frame[3]


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _pair(result: Result, contrast: Contrast) -> str:
    return f"{label_of(result, contrast.metric)}: {pair_label(result, contrast.a, contrast.b)}"


def _shortened_pair(result: Result, contrast: Contrast) -> str:
    """The same where it fits beside a row, else with each of its names shortened, so that both arms can be told."""
    whole = _pair(result, contrast)
    if len(whole) <= _LABEL:
        return whole
    metric = shortened(label_of(result, contrast.metric), _LABEL // 2 - 2)
    room = (_LABEL - len(metric) - 5) // 2
    a, b = (elided(arm_label(result, arm), room) for arm in (contrast.a, contrast.b))
    return f"{metric}: {a} {wording.MINUS} {b}"
