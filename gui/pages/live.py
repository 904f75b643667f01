"""Live curves: what the probes measure and what the objectives report, one line per arm, and the runs beside them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout

from engine.spec.runs import RunRecord
from engine.stats.display.axis import axis
from engine.stats.metric import Metric
from gui import operations
from gui.curves import Band, CurveStore
from gui.look.text import clock, count
from gui.pages.page import GAP, Context, Page, TrialChooser, is_active, left_words, sizes_words
from gui.pages.standing import StandingCard
from gui.tables.runs import Row, RunsModel, in_order
from gui.tables.view import Table
from gui.widgets.basics import SCROLL_ROOM, Card, Text, push_button
from gui.widgets.marks import Legend
from gui.widgets.plot import PlotCard, Series
from jobs.report.content.lookup import LOSS, scalar_label
from jobs.store.records import TrialRecord

REDRAW_MS = 100
PLACES = {"left": "at the upper left", "right": "at the upper right", "below": "below"}
"""Where a plot stands, in words."""


class LivePage(Page):
    """Three plots, each of a curve that can be chosen, and the trial's runs. It reads and draws only while seen."""

    def __init__(self, context: Context) -> None:
        super().__init__(context, "Live")
        session = context.session
        self.store = CurveStore()
        self._shown: dict[str, str] = {}
        self._wanted: dict[tuple[str, str], str] = {}
        self._dirty: set[str] = set()
        self._trial: TrialRecord | None = None
        self.chooser = TrialChooser(session)
        self.pause = push_button("Pause queue", self._pause)
        self.stop = push_button("Stop trial", self._stop)
        self.verdict = push_button("See verdict", lambda: context.go("verdict"), primary=True)
        for widget in (self.chooser, self.pause, self.stop, self.verdict):
            self.tools.addWidget(widget)
        self.legend = Legend()
        self.about = Text("", "caption")
        self.seeds = push_button("Single seeds", self._mark_all, small=True)
        self.seeds.setCheckable(True)
        self.seeds.setToolTip("Draw a thin line for every seed")
        top = QHBoxLayout()
        top.setSpacing(12)
        top.addWidget(self.legend, 1)
        top.addWidget(self.about)
        top.addWidget(self.seeds)
        self.standing = StandingCard(context.theme)
        self.standing.hide()
        self.plots = {place: PlotCard(context.theme, " ", words) for place, words in PLACES.items()}
        for place, plot in self.plots.items():
            plot.chosen.connect(partial(self._want, place))
        self.model = RunsModel(("arm", "step", "loss", "left"), context.theme)
        self.table = Table(self.model, "Runs of this trial", widths={1: 106, 2: 54, 3: 90})
        runs = Card("Runs")
        runs.layout_.addWidget(self.table, 1)
        column = QVBoxLayout(self.body)
        column.setContentsMargins(0, 0, SCROLL_ROOM, 0)
        column.setSpacing(GAP)
        column.addLayout(top)
        column.addWidget(self.standing)
        column.addLayout(_side_by_side((self.plots["left"], 1), (self.plots["right"], 1)), 1)
        column.addLayout(_side_by_side((self.plots["below"], 57), (runs, 43)), 1)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REDRAW_MS)
        self._timer.timeout.connect(self._redraw)
        session.snapshot_changed.connect(lambda _: self.refresh() if self.isVisible() else None)
        session.runs_named.connect(self._renamed)
        session.curves_changed.connect(self._points)
        session.chosen.connect(self._choose)
        context.theme.changed.connect(self._mark_all)

    def showEvent(self, event: QShowEvent) -> None:
        """Read curves only while they are seen."""
        super().showEvent(event)
        self.context.session.watch(self.context.session.trial)

    def hideEvent(self, event) -> None:
        """Stop reading curves."""
        super().hideEvent(event)
        self.context.session.watch(None)

    def refresh(self) -> None:
        """Draw what the newest snapshot says; the curves follow when their points change."""
        session = self.context.session
        self.chooser.refresh()
        trial = session.record(session.trial)
        for widget in (self.pause, self.stop, self.verdict):
            widget.setVisible(trial is not None)
        if trial is None:
            self.title.setText("Live")
            self.subtitle.setText("")
            if session.trial in session.tables:
                sentence = "These results were trained elsewhere: there is nothing to watch."
                self.show_empty(sentence, "See verdict", lambda: self.context.go("verdict"))
                return
            if session.trial:
                self.show_empty("The study is being queued.", "Open the queue", lambda: self.context.go("queue"))
                return
            self.show_empty("Nothing has been run yet.", "Choose a question", lambda: self.context.go("questions"))
            return
        self.show_body()
        if self._trial is None or trial.id != self._trial.id:
            self._start(trial)
        self._trial = trial
        active = is_active(session, trial)
        self.title.setText(trial.question)
        self.subtitle.setText(f"{sizes_words(trial)} · {_progress(trial, active)}")
        self.pause.setVisible(active)
        self.stop.setVisible(active)
        self.verdict.setVisible(not active and trial.done > 0)
        paused = session.snapshot is not None and session.snapshot.paused
        self.pause.setText("Resume queue" if paused else "Pause queue")
        self.pause.setAccessibleName(self.pause.text())
        self.standing.show_trial(trial, self._label(trial.looked.metric) if trial.looked else "")
        styles, labels = self.context.styles(trial), dict(trial.arms)
        self.legend.show_arms([(labels[a], styles[a]) for a in labels])
        runs = session.runs(trial)
        self.model.show_rows([Row(r, labels.get(r.arm, r.arm), trial.question, styles[r.arm]) for r in in_order(runs)])

    def _start(self, trial: TrialRecord) -> None:
        """Another trial is shown: forget the old points."""
        self.store.clear()
        self._trial = trial
        self._shown = {}
        self._offer()
        self._mark_all()

    def _offer(self) -> None:
        """Say which curves there are, and which of them each plot shows."""
        assert self._trial is not None
        study = self.context.session.studies.get(self._trial.study)
        first = [name for name in ((study.accuracy, study.reliance) if study is not None else ()) if name]
        names = list(dict.fromkeys([*first, *self.store.names(), LOSS]))
        measured = [name for name in names if name in self.context.session.metrics]
        others = [name for name in names if name not in measured and name != LOSS]
        ordered = [*measured, LOSS, *others]
        usual = dict(zip(PLACES, (*(*measured, *others, "", "")[:2], LOSS), strict=True))
        for place, plot in self.plots.items():
            wanted = self._wanted.get((self._trial.study, place), "")
            name = wanted if wanted in ordered else usual[place]
            plot.setVisible(bool(name))
            plot.offer([(one, self._label(one)) for one in ordered], name)
            if self._shown.get(place) != name:
                self._shown[place] = name
                self._name_plot(plot, name)
                self._dirty.add(place)

    def _label(self, name: str) -> str:
        metric = self.context.session.metrics.get(name)
        return metric.label if metric is not None else scalar_label(name)

    def _name_plot(self, plot: PlotCard, name: str) -> None:
        metric = self.context.session.metrics.get(name)
        if metric is None:
            plot.set_unit(self._label(name), _training_caption(1), 1.0, None)
            return
        shown = axis(metric.unit)
        fixed = shown.ends if shown.ends and shown.ends[0] == 0 else None
        plot.set_unit(metric.label, self._caption(metric), shown.factor, fixed)

    def _caption(self, metric: Metric) -> str:
        assert self._trial is not None
        study = self.context.session.studies.get(self._trial.study)
        sizes = next((s for name, s in study.scales.items() if name == self._trial.scale), None) if study else None
        sample = (
            f"up to {sizes.live_items} items of each kind every {sizes.live_every} steps"
            if sizes and sizes.live_items
            else ""
        )
        words = ", ".join(part for part in (axis(metric.unit).word, sample) if part)
        better = {"up": "higher is better", "down": "lower is better"}.get(metric.direction or "", "")
        return "; ".join(part for part in (words, better) if part)

    def _want(self, place: str, name: str) -> None:
        """Show another curve in a plot, and remember the choice for this study's trials."""
        if self._trial is not None:
            self._wanted[self._trial.study, place] = name
            self._offer()
            self._mark_all()

    def _points(self, trial: str, points: Sequence, fresh: bool) -> None:
        if trial != self.context.session.trial:
            return
        if fresh:
            self.store.clear()
            self._mark_all()
        before = len(self.store.names())
        changed = self.store.add(points)
        if len(self.store.names()) > before and self._trial is not None:
            self._offer()
        self._dirty |= {place for place, name in self._shown.items() if name in changed}
        if self._dirty and not self._timer.isActive():
            self._timer.start()

    def _renamed(self) -> None:
        if self.isVisible():
            self.refresh()
            self._mark_all()

    def _mark_all(self) -> None:
        self._dirty |= set(self.plots)
        if not self._timer.isActive():
            self._timer.start()

    def _redraw(self) -> None:
        """Draw the plots whose points changed, at most ten times a second, and only those that are seen."""
        if self._trial is None or not self.isVisible():
            return
        dirty, self._dirty = self._dirty, set()
        runs = self.context.session.runs(self._trial)
        total = self._reach(runs)
        for place in sorted(dirty):
            name, plot = self._shown.get(place, ""), self.plots[place]
            if not name:
                continue
            training = name not in self.context.session.metrics
            width = self.store.width(name, total) if training else 1
            if training:
                plot.set_caption(_training_caption(width))
            plot.draw(self._series(name, runs, total, width), total)
        seeds = max((self._seeds(arm, runs) for arm, _ in self._trial.arms), default=0)
        band = ", band: 95 % interval" if seeds > 1 else ""
        longest = max((r.total_steps for r in runs), default=0)
        beyond = f"; a longer control goes on to step {longest}" if longest > total else ""
        self.about.setText(
            f"mean of {'up to ' if seeds > 1 else ''}{count(seeds, 'seed')}{band}{beyond}" if seeds else "no points yet"
        )

    def _reach(self, runs: Sequence[RunRecord]) -> int:
        """The step where the axis ends: a control that trains longer than the arms leaves the plot."""
        assert self._trial is not None
        study = self.context.session.studies.get(self._trial.study)
        controls = {arm.name for arm in study.arms if arm.role == "control"} if study is not None else set()
        arms = [r.total_steps for r in runs if r.arm not in controls]
        return max(arms, default=0) or max((r.total_steps for r in runs), default=0)

    def _seeds(self, arm: str, runs: Sequence[RunRecord]) -> int:
        return self.store.band(self._shown.get("left") or LOSS, [r.run for r in runs if r.arm == arm]).seeds

    def _series(self, name: str, runs: Sequence[RunRecord], total: float, width: int) -> list[Series]:
        assert self._trial is not None
        styles = self.context.styles(self._trial)
        found = []
        for arm, label in self._trial.arms:
            own = [r.run for r in runs if r.arm == arm]
            band = self.store.band(name, own, width)
            if not band.seeds:
                continue
            if len(band.steps) == 1 and any(
                r.arm == arm and not r.total_steps and r.state == "succeeded" for r in runs
            ):
                band = _flat(band, total)
                found.append(Series(arm, label, styles[arm], band))
                continue
            wanted = self.seeds.isChecked() and band.seeds > 1
            singles = tuple(self.store.single(name, run, width) for run in own) if wanted else ()
            found.append(Series(arm, label, styles[arm], band, tuple(s for s in singles if len(s[0]))))
        return found

    def _choose(self, trial: str) -> None:
        if self.isVisible():
            self.context.session.watch(trial)
            self.refresh()

    def _pause(self) -> None:
        snapshot = self.context.session.snapshot
        paused = snapshot is not None and snapshot.paused
        self.context.session.run(operations.resume_queue if paused else operations.pause_queue)

    def _stop(self) -> None:
        if self._trial is not None:
            name = self._trial.question
            self.context.session.run(
                operations.cancel_trial,
                self._trial.id,
                done=lambda _: self.context.messages.done(
                    "The trial is stopped; what was measured is kept.",
                    f"To continue “{name}”, use its card on the first page.",
                ),
            )


def _side_by_side(*parts: tuple[Card, int]) -> QHBoxLayout:
    """Cards in a row, sharing its width in these proportions whatever they hold."""
    row = QHBoxLayout()
    row.setSpacing(GAP)
    for card, share in parts:
        card.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
        row.addWidget(card, share)
    return row


def _flat(band: Band, total: float) -> Band:
    """An arm that trains nothing, as a level line over all steps."""
    import numpy as np

    steps = np.linspace(0.0, max(1.0, total), 6)
    same = [np.full(6, values[0]) for values in (band.mean, band.low, band.high)]
    return Band(steps, same[0], same[1], same[2], band.seeds)


def _progress(trial: TrialRecord, active: bool) -> str:
    done = f"{trial.done} of {count(len(trial.runs), 'run')} done"
    if trial.finished is not None and trial.done == len(trial.runs):
        return f"finished {clock(trial.finished)}"
    failed = f", {trial.failed} failed" if trial.failed else ""
    left = f" · {ahead}" if active and (ahead := left_words(trial)) else ""
    return f"started {clock(trial.created)} · {done}{failed}{left}{'' if active else ' · stopped'}"


def _training_caption(width: int) -> str:
    mean = f", mean of {width} steps" if width > 1 else ""
    return f"each arm's own objective{mean}; horizontally: optimizer steps"
