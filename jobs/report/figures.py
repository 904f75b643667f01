"""The three figures of a report: where the gain comes from, accuracy against reliance, paired differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from engine.stats import wording
from jobs.report.svg import MARKERS, Drawing, ticks, wrap
from jobs.result import ArmResult, Contrast, Interval, Result

Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""
_PALETTE = 7  # colours in the style sheet besides those of the base and the format arm


@dataclass(frozen=True)
class Style:
    """How an arm looks: its class in the style sheet, and its marker, so that colour is never needed alone."""

    kind: str
    marker: str


def styles(result: Result) -> dict[str, Style]:
    """A style for every arm, in the study's order."""
    rules = result.rules
    found: dict[str, Style] = {}
    free = 0
    for arm in result.arms:
        if rules is not None and arm.name == rules.base:
            found[arm.name] = Style("arm-base", "circle")
        elif rules is not None and arm.name == rules.format:
            found[arm.name] = Style("arm-format", "diamond")
        else:
            found[arm.name] = Style(f"arm-{free % _PALETTE}", MARKERS[free % (_PALETTE - 1)])
            free += 1
    return found


def unit_of(result: Result, metric: str) -> str:
    """The unit of "probe.metric"."""
    return next((info.unit for info in result.metrics if info.metric == metric), "share")


def label_of(result: Result, metric: str) -> str:
    """What "probe.metric" is called."""
    return next((info.label for info in result.metrics if info.metric == metric), metric)


def arm_label(result: Result, name: str) -> str:
    """What an arm is called."""
    return next((arm.label for arm in result.arms if arm.name == name), name)


def level_of(arm: ArmResult, metric: str) -> Interval | None:
    """An arm's figure of a metric."""
    return next((found for found in arm.summary if found.metric == metric), None)


def waterfall(result: Result) -> Markup | None:
    """The base's level, what each step adds, and the level reached; None where the study has no chain."""
    steps = result.decomposition
    if not steps:
        return None
    look, unit = styles(result), unit_of(result, result.accuracy)
    said = "; ".join(
        f"{step.label}: {_gain(step.gain, step.ci, unit) if at else wording.level(step.level, unit)}"
        for at, step in enumerate(steps)
    )
    width, height, left, top, bottom = 480, 288, 40, 26, 240
    drawing = Drawing(width, height, "Where the gain comes from", said)
    marks = ticks(min(0.0, *(s.level for s in steps)), max(0.05, *(max(s.level, s.level - s.gain) for s in steps)))

    def y(value: float) -> float:
        return bottom - (value - marks[0]) / (marks[-1] - marks[0]) * (bottom - top)

    for mark in marks:
        drawing.line(left, y(mark), width, y(mark), "axis" if mark == 0 else "grid")
        drawing.text(left - 8, y(mark) + 4, _tick(mark), "tick", "end")
    slot = (width - left) / (len(steps) + 1)
    wide = min(64.0, slot * 0.58)
    for at, step in enumerate(steps):
        middle = left + slot * (at + 0.5)
        start = step.level - step.gain
        drawing.rect(middle - wide / 2, y(start), wide, y(step.level) - y(start), f"bar {look[step.arm].kind}", 2)
        high = max(step.level, start)
        if at and step.ci is not None:
            drawing.line(middle, y(start + step.ci[0]), middle, y(start + step.ci[1]), "whisker")
            high = max(high, start + step.ci[1])
        words = wording.difference(step.gain, unit).removesuffix(" points") if at else wording.level(step.level, unit)
        drawing.text(middle, max(12.0, y(min(high, marks[-1])) - 7), words, "value")
        drawing.line(middle + wide / 2, y(step.level), middle + slot - wide / 2, y(step.level), "link")
        for line, part in enumerate(wrap(step.label, max(8, int(slot / 6.4)))):
            drawing.text(middle, bottom + 18 + 14 * line, part, "tick")
    last = steps[-1]
    middle = left + slot * (len(steps) + 0.5)
    drawing.rect(middle - wide / 2, y(0), wide, y(last.level) - y(0), f"bar total {look[last.arm].kind}", 2)
    drawing.text(middle, y(last.level) - 7, wording.level(last.level, unit), "value")
    for line, part in enumerate(wrap(arm_label(result, last.arm), max(8, int(slot / 6.4)))):
        drawing.text(middle, bottom + 18 + 14 * line, part, "tick")
    return drawing.done()


def scatter(result: Result) -> Markup | None:
    """Each arm's accuracy (across) against its reliance (up), with intervals; None where no arm has both."""
    look = styles(result)
    spots = [
        (arm, x, y)
        for arm in result.arms
        if (x := level_of(arm, result.accuracy)) is not None and (y := level_of(arm, result.reliance)) is not None
    ]
    if not spots:
        return None
    across, up = unit_of(result, result.accuracy), unit_of(result, result.reliance)
    said = "; ".join(f"{a.label}: {_interval(x, across)} right, reliance {_interval(y, up)}" for a, x, y in spots)
    width, height, left, right, top, bottom = 480, 288, 42, 464, 10, 240
    drawing = Drawing(width, height, "Accuracy and reliance of each arm", said)
    heights = [v for _, _, y in spots for v in (y.mean, *(y.ci or ()))]
    rows = ticks(min(0.0, *heights), max(0.05, *heights))
    columns = [0, 0.25, 0.5, 0.75, 1.0]

    def at_x(value: float) -> float:
        return left + value * (right - left)

    def at_y(value: float) -> float:
        return bottom - (value - rows[0]) / (rows[-1] - rows[0]) * (bottom - top)

    corner = _corner(result)
    if corner is not None and corner[1] > rows[0]:
        roof = at_y(min(corner[1], rows[-1]))
        drawing.rect(at_x(corner[0]), roof, right - at_x(corner[0]), bottom - roof, "good-corner")
    for row in rows:
        drawing.line(left, at_y(row), right, at_y(row), "axis" if row == 0 else "grid")
        drawing.text(left - 8, at_y(row) + 4, _tick(row, signed=True), "tick", "end")
    for column in columns:
        drawing.line(at_x(column), top, at_x(column), bottom, "grid")
        drawing.text(at_x(column), bottom + 18, _tick(column), "tick")
    drawing.text((left + right) / 2, bottom + 40, f"{wording.lowered(label_of(result, result.accuracy))}, %", "tick")
    taken = [_around(at_x(x.mean), at_y(y.mean)) for _, x, y in spots]
    if corner is not None and corner[1] > rows[0]:
        drawing.text(right - 6, bottom - 6, "right, for the right reason", "good-words", "end")
        taken.append((right - 170, bottom - 18, right, bottom))
    for arm, x, y in spots:
        px, py, kind = at_x(x.mean), at_y(y.mean), look[arm.name].kind
        if x.ci is not None:
            drawing.line(at_x(x.ci[0]), py, at_x(x.ci[1]), py, f"stroke {kind}")
        if y.ci is not None:
            drawing.line(px, at_y(y.ci[0]), px, at_y(y.ci[1]), f"stroke {kind}")
        drawing.marker(px, py, look[arm.name].marker, f"bar {kind}")
        _name(drawing, arm.label, px, py, (left, top, right, bottom), taken)
    return drawing.done()


def forest(result: Result) -> Markup | None:
    """Paired differences with intervals, the margin shaded, the one fixed beforehand in bold."""
    rows = [c for c in result.contrasts if unit_of(result, c.metric) in ("share", "difference")]
    if not rows:
        return None
    said = "; ".join(f"{_pair(result, c)}: {_gain(c.difference, c.ci, unit_of(result, c.metric))}" for c in rows)
    width, line, top, left, right = 900, 30, 10, 400, 700
    height = top + line * len(rows) + 34
    bottom = top + line * len(rows) + 4
    drawing = Drawing(width, height, "Paired differences", said)
    values = [v for c in rows for v in (c.difference, *(c.ci or ()))]
    marks = ticks(min(-0.05, *values), max(0.05, *values), 7)

    def x(value: float) -> float:
        return left + (value - marks[0]) / (marks[-1] - marks[0]) * (right - left)

    primary = result.study.primary
    if unit_of(result, f"{primary.probe}.{primary.metric}") in ("share", "difference"):
        drawing.rect(x(-primary.margin), top, x(primary.margin) - x(-primary.margin), bottom - top, "margin")
    drawing.line(x(0), top, x(0), bottom, "zero")
    for mark in marks:
        drawing.text(x(mark), bottom + 20, _tick(mark, signed=True), "tick")
    for at, contrast in enumerate(rows):
        y = top + line * (at + 0.5)
        kind = "strong" if contrast.primary else ""
        drawing.text(0, y + 4, _shortened(_pair(result, contrast), 62), f"row {kind}", "start")
        if contrast.ci is not None:
            drawing.line(x(contrast.ci[0]), y, x(contrast.ci[1]), y, f"span {kind}")
        drawing.marker(x(contrast.difference), y, "square", "spot", 4)
        unit = unit_of(result, contrast.metric)
        figure = f"{wording.difference(contrast.difference, unit).removesuffix(' points')}"
        drawing.text(width, y + 4, f"{figure} {wording.bounds(contrast.ci, unit)}", f"row {kind}", "end")
    return drawing.done()


def _corner(result: Result) -> tuple[float, float] | None:
    """From which accuracy, and up to which reliance, an arm is right for the right reason."""
    base = next((arm for arm in result.arms if result.rules is not None and arm.name == result.rules.base), None)
    if result.rules is None or base is None:
        return None
    x, y = level_of(base, result.accuracy), level_of(base, result.reliance)
    if x is None or y is None:
        return None
    return max(result.rules.floor, x.mean), max(y.mean, 0.0) + result.rules.margin


def _around(x: float, y: float) -> Box:
    return x - 8, y - 8, x + 8, y + 8


def _name(drawing: Drawing, label: str, x: float, y: float, frame: Box, taken: list[Box]) -> None:
    """The arm's name beside its marker, at the first place where it hides nothing."""
    shown = _shortened(label, 26)
    wide = 6.8 * len(shown)
    places = [(dx, dy) for dy in (-8, 18, 4, -22, 32, -36, 46) for dx in (11.0, -11.0 - wide, -wide / 2)]
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
    pair = f"{arm_label(result, contrast.a)} {wording.MINUS} {arm_label(result, contrast.b)}"
    return f"{label_of(result, contrast.metric)}: {pair}"


def _gain(value: float, ci: Sequence[float] | None, unit: str) -> str:
    bounds = wording.bounds((ci[0], ci[1]), unit) if ci is not None else ""
    return f"{wording.difference(value, unit)} {bounds}".rstrip()


def _interval(found: Interval, unit: str) -> str:
    return f"{wording.level(found.mean, unit)} {wording.bounds(found.ci, unit, signed=False)}".rstrip()


def _tick(value: float, signed: bool = False) -> str:
    """A mark of an axis, in % or points."""
    text = f"{100 * value:+.1f}" if signed else f"{100 * value:.1f}"
    text = text.removesuffix(".0").replace("-", wording.MINUS)
    return "0" if text.strip(f"+{wording.MINUS}") == "0" else text


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
