"""The verdict: one sentence and its reasons, then what it rests on."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from engine.spec.errors import LabError
from engine.spec.result import Check, Result
from engine.stats.display.axis import axis
from gui import operations
from gui.look.icons import pixmap
from gui.look.text import clock, elided, tip
from gui.look.theme import arm_styles
from gui.pages.page import GAP, Context, Page, TrialChooser, is_active, sizes_words
from gui.pages.verdict.export import ITEMS, default_name, kinds, target_of
from gui.pages.verdict.figures import (
    bars,
    corner,
    differences,
    figure_rows,
    primary_words,
    spots,
    table_facts,
    titled_metric,
)
from gui.pages.verdict.flips import FlipsCard
from gui.pages.verdict.head import VerdictHead, fill
from gui.tables.figures import FiguresTable
from gui.widgets.basics import Card, Scroll, Text, push_button
from gui.widgets.forest import Forest
from gui.widgets.looks_plot import LooksPlot
from gui.widgets.scatter import Scatter
from gui.widgets.waterfall import Waterfall
from jobs.report.content.endpoint import margin
from jobs.report.content.looks import looks_of
from jobs.report.content.lookup import unit_of
from jobs.report.content.sequential import COST, HEAD, looks_caption, rows
from jobs.report.content.sizes import at_the_end, of_shared_seeds, rests_on

LOOKS_HEIGHT = 170  # px


class VerdictPage(Page):
    """Draws a `Result`, of a trial or of a table from elsewhere; exports the report."""

    def __init__(self, context: Context) -> None:
        super().__init__(context, "Verdict")
        self.result: Result | None = None
        self._last: Result | None = None
        self.chooser = TrialChooser(context.session, tables=True)
        self.export = push_button("Export report", self._export, primary=True)
        self.tools.addWidget(self.chooser)
        self.tools.addWidget(self.export)
        self.head, self.flips = VerdictHead(context.theme), FlipsCard()
        self.waterfall, self.scatter = Waterfall(context.theme), Scatter(context.theme)
        self.forest = Forest(context.theme)
        self.cards: dict[str, Card] = {
            "gain": Card("Where the gain comes from", " ", lines=2),
            "arms": Card("Accuracy and reliance", " ", lines=2),
            "pairs": Card("Paired differences", " "),
            "checks": Card("Checks"),
            "looks": Card("Look by look", " ", lines=4),
            "table": Card("All figures", " ", lines=5),
            "threats": Card("Threats", "what stands against reading more into this"),
            "notes": Card("Notes"),
        }
        self.lists = {name: QVBoxLayout() for name in ("checks", "threats", "notes")}
        self.table, self.looks, self.narrowing = (
            FiguresTable(),
            FiguresTable("Looks", widths=(78,)),
            LooksPlot(context.theme),
        )
        self._lay_out()
        session = context.session
        session.snapshot_changed.connect(lambda _: self.refresh() if self.isVisible() else None)
        session.result_ready.connect(self._ready)
        session.failed.connect(lambda _: self.refresh() if self.isVisible() else None)
        session.chosen.connect(lambda _: self.refresh() if self.isVisible() else None)
        context.theme.changed.connect(self._redraw)

    def _lay_out(self) -> None:
        for name, widget in (
            ("gain", self.waterfall),
            ("arms", self.scatter),
            ("pairs", self.forest),
            ("table", self.table),
        ):
            self.cards[name].layout_.addSpacing(6)
            self.cards[name].layout_.addWidget(widget, 1)
        looks = QHBoxLayout()
        looks.setSpacing(18)
        looks.addWidget(self.looks, 72, Qt.AlignmentFlag.AlignTop)
        looks.addWidget(self.narrowing, 28, Qt.AlignmentFlag.AlignTop)
        self.narrowing.setFixedHeight(LOOKS_HEIGHT)
        self.cards["looks"].layout_.addLayout(looks)
        for name, lines in self.lists.items():
            lines.setSpacing(7)
            self.cards[name].layout_.addSpacing(4)
            self.cards[name].layout_.addLayout(lines)
            self.cards[name].layout_.addStretch(1)
        inside = QWidget()
        inside.setObjectName("body")
        grid = self.grid = QGridLayout(inside)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(GAP)
        grid.addWidget(self.head, 0, 0, 1, 12)
        self._relay(gain=True, scatter=True, threats=True, notes=True)
        grid.addWidget(self.cards["looks"], 3, 0, 1, 12)
        grid.addWidget(self.flips, 4, 0, 1, 12)
        grid.addWidget(self.cards["table"], 5, 0, 1, 12)
        for at in range(12):
            grid.setColumnStretch(at, 1)
        grid.setRowStretch(7, 1)
        self.scroller = Scroll(inside, "Verdict")
        column = QVBoxLayout(self.body)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.scroller)

    def refresh(self) -> None:
        """Show the chosen trial's result, or why there is none yet."""
        session = self.context.session
        self.chooser.refresh()
        table, trial = session.tables.get(session.trial), session.record(session.trial)
        self.export.setVisible(False)
        if table is not None:
            self.title.setText(table.result.study.question)
            self._show(table.result, f"{table_facts(table.result)} · judged {clock(table.moment)}")
            return
        if trial is None:
            self.title.setText("Verdict")
            self.subtitle.setText("")
            self.show_empty("No study has been run yet.", "Choose a question", lambda: self.context.go("questions"))
            return
        self.title.setText(trial.question)
        if is_active(session, trial):
            self.subtitle.setText(sizes_words(trial))
            done = f"{trial.done} of {len(trial.runs)} runs are done; the verdict comes with the last one."
            self.show_empty(done, "Watch it live", lambda: self.context.go("live"))
            return
        if not trial.done:
            self.subtitle.setText(sizes_words(trial))
            self.show_empty("No run of this trial was completed.", "Open the queue", lambda: self.context.go("queue"))
            return
        session.want_result(trial.id)
        result, trouble = session.results.get(trial.id), session.unread.get(trial.id)
        if result is None and isinstance(trouble, LabError):
            self.subtitle.setText(sizes_words(trial))
            self.show_empty(str(trouble), "Try again", partial(self._again, trial.id))
            return
        if result is None:
            self.subtitle.setText("Analysing …")
            self.show_empty("Analysing what the runs left.", "Watch it live", lambda: self.context.go("live"))
            return
        ended = "finished" if trial.done == len(trial.runs) else "stopped"
        finished = f" · {ended} {clock(trial.finished)}" if trial.finished else ""
        file = f" · {elided(result.understanding.file, 40)}" if result.understanding else ""
        self._show(result, f"{sizes_words(trial)}{file}{finished} · primary endpoint: {primary_words(result)}")

    def _again(self, trial: str) -> None:
        self.context.session.forget_failure(trial)
        self.refresh()

    def _show(self, result: Result, facts: str) -> None:
        self.show_body()
        self.export.setVisible(True)
        self.subtitle.setText(facts)
        if result is not self.result:
            self._draw(result)
        if result is not self._last:  # not where the same one is drawn again in other colours
            self._last = result
            self.scroller.verticalScrollBar().setValue(0)

    def _ready(self, trial: str, result: Result) -> None:
        if self.isVisible() and trial == self.context.session.trial:
            self.refresh()

    def _redraw(self) -> None:
        self.result = None
        if self.isVisible():
            self.refresh()

    def _draw(self, result: Result) -> None:
        self.result = result
        labels = {a.name: a.label for a in result.arms}
        styles = arm_styles(looks_of(result), self.context.theme.tokens)
        self.head.show_result(result)
        shown, across = axis(unit_of(result, result.accuracy)), titled_metric(result, result.accuracy)
        self.waterfall.show_bars(bars(result, styles), 0.1 * shown.factor if shown.ends else 1e-3)
        gains = f"gains in {shown.compared}, " if shown.compared else ""
        parts = (across, f"{gains}lines are 95 % intervals", of_shared_seeds(result))
        self.cards["gain"].set_caption("; ".join(part for part in parts if part))
        found, good = spots(result, styles), corner(result)
        self.scatter.show_spots(found, good, across, shown.ends)
        up = titled_metric(result, result.reliance) if result.reliance else ""
        self.cards["arms"].set_caption(
            f"upwards: {up}; lines: 95 % intervals; point at an arm for its figures"
            f"{'; shaded: right, for the right reason' if good else ''}"
        )
        groups = differences(result)
        self.forest.show_groups(groups)
        unit = f"{groups[0].unit}, " if len(groups) == 1 and groups[0].unit else ""
        bold = "fixed beforehand" if result.study.primary.registered else "the primary one"
        self.cards["pairs"].set_caption(
            f"{unit}95 % intervals, seeds paired; shaded: too small to matter (±{margin(result)}); bold: {bold}"
        )
        seen = result.sequential
        self.cards["looks"].setVisible(seen is not None)
        if seen is not None:
            self.cards["looks"].set_caption(f"{looks_caption(result)}. {COST}")
            self.looks.show_figures(list(HEAD), [list(row) for row in rows(result)])
            self.narrowing.show_looks(seen)
        self.flips.show_result(result, labels)
        self.table.show_figures(*figure_rows(result))
        means = "Mean over seeds with its 95 % interval; of one seed, over items alone."
        self.cards["table"].set_caption(" ".join([means, rests_on(result), at_the_end(result)]).strip())
        fill(self.lists["checks"], [self._check(c) for c in result.checks])
        published = f"Published: {result.study.published} {result.study.published_differs}".rstrip()
        notes = [*result.notes, *([published] if result.study.published else [])]
        for card, texts in (("threats", result.threats), ("notes", notes)):
            fill(self.lists[card], [Text(text, "muted", lines=6) for text in texts])
            self.cards[card].setVisible(bool(texts))
        self._relay(bool(result.decomposition), bool(found), bool(result.threats), bool(notes))

    def _relay(self, gain: bool, scatter: bool, threats: bool, notes: bool) -> None:
        """What stands alone in its row takes all of it. Without the scatter, the differences are the main figure."""
        first, second = (1, 2) if scatter else (2, 1)
        self.grid.addWidget(self.cards["gain"], first, 0, 1, 7 if scatter else 12)
        self.grid.addWidget(self.cards["arms"], first, 7 if gain else 0, 1, 5 if gain else 12)
        self.grid.addWidget(self.cards["pairs"], second, 0, 1, 8)
        self.grid.addWidget(self.cards["checks"], second, 8, 1, 4)
        self.grid.addWidget(self.cards["threats"], 6, 0, 1, 6 if notes else 12)
        self.grid.addWidget(self.cards["notes"], 6, 6 if threats else 0, 1, 6 if threats else 12)
        self.cards["gain"].setVisible(gain)  # once they are in the grid: alone, each would be a window
        self.cards["arms"].setVisible(scatter)
        self.grid.setRowMinimumHeight(first, 270 if gain or scatter else 0)
        self.grid.setRowMinimumHeight(second, 0)

    def _check(self, check: Check) -> QWidget:
        tokens = self.context.theme.tokens
        made = QWidget()
        row = QHBoxLayout(made)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(9)
        mark = QLabel()
        mark.setTextFormat(Qt.TextFormat.PlainText)
        mark.setPixmap(pixmap("tick" if check.ok else "cross", tokens.good if check.ok else tokens.bad, 13))
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(Text(check.label, lines=2))
        if not check.ok:
            words.addWidget(Text(check.detail, "caption", lines=3))
        word = Text("passed" if check.ok else "failed", "muted" if check.ok else "bad", bold=not check.ok)
        for widget in (mark, word):
            row.addWidget(widget, 0, Qt.AlignmentFlag.AlignTop)
        row.insertLayout(1, words, 1)
        made.setAccessibleName(f"{check.label}: {word.text()}. {check.detail}")
        made.setToolTip(tip(check.detail))
        return made

    def _export(self) -> None:
        if self.result is None:
            return
        result, session = self.result, self.context.session
        trial, elsewhere = result.study.trial, result.study.trial in session.tables
        given, kind = QFileDialog.getSaveFileName(
            self, "Export", default_name(trial), ";;".join(kinds(items=not elsewhere))
        )
        if not given:
            return
        target = target_of(Path(given), kind, default_name(trial))
        self.export.setEnabled(False)
        self.export.setText("Exporting …")
        run = partial(session.run, done=self._exported, failed=self._not_exported)
        if kind == ITEMS:
            run(operations.export_items, trial, target)
        else:
            run(operations.export_report, result, target)

    def _exported(self, path: Path) -> None:
        self._ready_to_export()
        show = ("Open", lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(path))))
        self.context.messages.done("The report is written.", str(path), show)

    def _not_exported(self, error: BaseException) -> None:
        self._ready_to_export()
        self.context.messages.error(error)

    def _ready_to_export(self) -> None:
        self.export.setEnabled(True)
        self.export.setText("Export report")
