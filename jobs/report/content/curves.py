"""Learning curves: one panel for each metric, one line for each arm, a band from the lowest to the highest seed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.spec.result import Curve, Result
from engine.stats.display import wording
from engine.stats.display.axis import axis, ticks, titled
from jobs.report.content import legend
from jobs.report.content.clean import shortened
from jobs.report.content.lookup import Style, arm_label, is_measured, label_of, style_of, unit_of
from jobs.report.content.model import Figure, Table
from jobs.report.formats.svg import Drawing, tick

TITLE = "Learning curves"
_PANELS = 6  # in one figure, so that it fits on a page of paper
_WIDE, _HIGH, _GAP = 425, 190, 50
_DOWN = _HIGH + 76  # from one row of panels to the next
_MARKS = 6  # markers on a line


def figures(result: Result) -> list[Figure]:
    """The curves as figures of at most six panels each."""
    metrics = list(dict.fromkeys(c.metric for c in _drawable(result.curves)))
    parts = [metrics[at : at + _PANELS] for at in range(0, len(metrics), _PANELS)]
    return [_figure(result, part, at, len(parts)) for at, part in enumerate(parts)]


def table(result: Result) -> Table | None:
    """Where each curve ended."""
    rows = tuple(
        (curve_label(result, c.metric), arm_label(result, c.arm), f"{c.steps[-1]:g}", _last(result, c), str(c.seeds))
        for c in _drawable(result.curves)
    )
    head = ("metric", "arm", "last step", "mean [lowest, highest seed]", "seeds")
    return Table("curves", "Where the curves ended", head, rows, words=(0, 1)) if rows else None


def beyond(result: Result) -> str:
    """What a caption says of controls whose curves go on where the axis ends; "" where none does."""
    drawn = _drawable(result.curves)
    panels = [[c for c in drawn if c.metric == metric] for metric in {c.metric: None for c in drawn}]
    labels = dict.fromkeys(arm_label(result, arm) for panel in panels for arm in _longer(panel, result))
    return f"of {', '.join(labels)}, which trained longer, the first steps are drawn" if labels else ""


def _longer(curves: Sequence[Curve], result: Result) -> list[str]:
    """The controls whose curves go on after those of all arms have ended."""
    controls = {arm.name for arm in result.arms if arm.role == "control"}
    last = max((c.steps[-1] for c in curves if c.arm not in controls), default=0)
    return [c.arm for c in curves if c.steps[-1] > last > 0]


def curve_label(result: Result, metric: str) -> str:
    """What a curve is called: live metrics are of a small sample, which is no verdict's figure."""
    label = label_of(result, metric)
    return f"{label} (live sample)" if is_measured(result, metric) else label


def _drawable(curves: Iterable[Curve]) -> list[Curve]:
    return [c for c in curves if c.steps and len(c.steps) == len(c.mean) == len(c.low) == len(c.high)]


def _last(result: Result, curve: Curve) -> str:
    ends = (curve.low[-1], curve.high[-1])
    if not is_measured(result, curve.metric):  # a figure of training: a plain number, without a unit or a sign
        mean, low, high = (f"{value:.3f}".replace("-", wording.MINUS) for value in (curve.mean[-1], *ends))
        return f"{mean} [{low}, {high}]"
    unit = unit_of(result, curve.metric)
    return f"{wording.level(curve.mean[-1], unit)} {wording.bounds(ends, unit, signed=False)}"


def _figure(result: Result, metrics: Sequence[str], number: int, of: int) -> Figure:
    curves = [c for c in _drawable(result.curves) if c.metric in metrics]
    arms = list(dict.fromkeys(c.arm for c in curves))
    columns = min(2, len(metrics))
    width = 2 * _WIDE + _GAP if columns == 2 else _WIDE + 200
    places = legend.places([arm_label(result, arm) for arm in arms], width)
    said = "; ".join(
        f"{curve_label(result, c.metric)}, {arm_label(result, c.arm)}: {_last(result, c)} at step {c.steps[-1]:g}"
        for c in curves
    )
    top = legend.height(places) + 34
    rows = -(-len(metrics) // columns)
    title = f"{TITLE}, {number + 1} of {of}" if of > 1 else TITLE
    drawing = Drawing(width, top + rows * _DOWN - 24, f"curves-{number + 1}", title, f"Last values: {said}")
    legend.draw(drawing, places, [style_of(result, arm) for arm in arms], 0)
    for at, metric in enumerate(metrics):
        left = 46 + (at % columns) * (_WIDE + _GAP)
        wide = (_WIDE if columns == 2 else width) - 46 - 5  # room for half a marker
        own = [c for c in curves if c.metric == metric]
        _panel(drawing, result, own, (left, top + (at // columns) * _DOWN, wide))
    return drawing.done()


def _panel(drawing: Drawing, result: Result, curves: Sequence[Curve], place: tuple[float, float, float]) -> None:
    left, top, wide = place
    right, bottom = left + wide, top + _HIGH
    metric = curves[0].metric
    shown = axis(unit_of(result, metric))
    longer = _longer(curves, result)
    last = max(1.0, *(c.steps[-1] for c in curves if c.arm not in longer))
    curves = [kept for c in curves if (kept := _until(c, last)).steps]
    values = [shown.factor * v for c in curves for v in (*c.low, *c.high, *c.mean)]
    rows = ticks(min(values), max(values))
    columns = [step for step in ticks(0, last) if step <= last]
    name = titled(shortened(curve_label(result, metric), 48), shortened(shown.word, 16))
    drawing.text(left - 46, top - 16, name, "name", "start")

    def x(step: float) -> float:
        return left + step / last * wide

    def y(value: float) -> float:
        return bottom - (value * shown.factor - rows[0]) / (rows[-1] - rows[0]) * _HIGH

    for row in rows:
        drawing.line(left, y(row / shown.factor), right, y(row / shown.factor), "axis" if row == 0 else "grid")
        drawing.text(left - 8, y(row / shown.factor) + 4, tick(row), "tick", "end")
    for column in columns:
        anchor = "end" if column > 0.97 * last else "middle"
        drawing.text(x(column), bottom + 17, tick(column), "tick", anchor)
    drawing.text((left + right) / 2, bottom + 33, "optimizer step", "tick")
    looks = [style_of(result, c.arm) for c in curves]
    for curve, look in zip(curves, looks, strict=True):  # bands first, so that no line lies below one
        if curve.seeds > 1:
            up = [(x(s), y(v)) for s, v in zip(curve.steps, curve.high, strict=True)]
            down = [(x(s), y(v)) for s, v in zip(curve.steps, curve.low, strict=True)]
            drawing.area([*up, *reversed(down)], f"band {look.kind}")
    for number, (curve, look) in enumerate(zip(curves, looks, strict=True)):
        _line(drawing, [(x(s), y(v)) for s, v in zip(curve.steps, curve.mean, strict=True)], look, number)


def _until(curve: Curve, last: float) -> Curve:
    """A curve as far as the axis goes."""
    kept = sum(step <= last for step in curve.steps)
    shown = {name: getattr(curve, name)[:kept] for name in ("steps", "mean", "low", "high")}
    return curve.model_copy(update=shown)


def _line(drawing: Drawing, points: list[tuple[float, float]], look: Style, number: int) -> None:
    drawing.path(points, f"curve {look.kind} {look.dash}")
    apart = max(1, len(points) // _MARKS)
    start = number * max(1, apart // 3) % apart  # not all arms mark the same steps
    for px, py in points[start::apart]:
        drawing.marker(px, py, look.marker, f"bar {look.kind}", 3.5)
