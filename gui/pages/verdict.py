"""The verdict: one sentence and its reasons, then what it rests on."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from gui import operations
from gui.icons import pixmap
from gui.pages.page import GAP, Context, Page, TrialChooser, is_active, sizes_words
from gui.pages.verdict_figures import caption_of, corner, differences, figure_rows, spots, units
from gui.tables.figures import FiguresTable
from gui.text import clock, number, scale, unit_word
from gui.widgets.basics import Card, Pill, Scroll, Text, push_button
from gui.widgets.forest import Forest
from gui.widgets.scatter import Scatter
from gui.widgets.waterfall import Waterfall, bars
from jobs.records import TrialRecord
from jobs.result import Check, Result

WORDS = {
    "learned": "Learned",
    "format": "Format only",
    "shortcut": "Shortcut",
    "mixed": "Mixed",
    "inconclusive": "Inconclusive",
}
FORMATS = {"Web page (*.html)": ".html", "JSON (*.json)": ".json", "Table (*.csv)": ".csv"}


class VerdictPage(Page):
    """Draws a `Result`; exports the report."""

    def __init__(self, context: Context) -> None:
        super().__init__(context, "Verdict")
        self.result: Result | None = None
        self.chooser = TrialChooser(context.session)
        self.export = push_button("Export report", self._export, primary=True)
        self.tools.addWidget(self.chooser)
        self.tools.addWidget(self.export)
        self.pill, self.sentence = Pill(context.theme, filled=True), Text("", pixels=15, bold=True, lines=3)
        self.reasons, self.note = QVBoxLayout(), Text("", "warn", lines=2)
        self.waterfall, self.scatter = Waterfall(context.theme), Scatter(context.theme)
        self.forest = Forest(context.theme)
        self.cards = {
            "gain": Card("Where the gain comes from", " "),
            "arms": Card("Accuracy and reliance", " "),
            "pairs": Card("Paired differences", " "),
            "checks": Card("Checks"),
            "table": Card("All figures", " "),
            "notes": Card("Notes"),
        }
        self.checks, self.notes = QVBoxLayout(), QVBoxLayout()
        self.table = FiguresTable()
        self._lay_out()
        session = context.session
        session.snapshot_changed.connect(lambda _: self.refresh() if self.isVisible() else None)
        session.result_ready.connect(self._ready)
        session.chosen.connect(lambda _: self.refresh() if self.isVisible() else None)
        context.theme.changed.connect(self._redraw)

    def _lay_out(self) -> None:
        head = Card()
        row = QHBoxLayout()
        row.setSpacing(14)
        words = QVBoxLayout()
        words.setSpacing(5)
        words.addWidget(self.sentence)
        self.reasons.setSpacing(2)
        words.addLayout(self.reasons)
        words.addWidget(self.note)
        row.addWidget(self.pill, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)
        head.layout_.addLayout(row)
        for name, widget in (
            ("gain", self.waterfall),
            ("arms", self.scatter),
            ("pairs", self.forest),
            ("table", self.table),
        ):
            self.cards[name].layout_.addSpacing(6)
            self.cards[name].layout_.addWidget(widget, 1)
        for name, rows in (("checks", self.checks), ("notes", self.notes)):
            rows.setSpacing(7)
            self.cards[name].layout_.addSpacing(4)
            self.cards[name].layout_.addLayout(rows)
            self.cards[name].layout_.addStretch(1)
        inside = QWidget()
        inside.setObjectName("body")
        grid = self.grid = QGridLayout(inside)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(GAP)
        grid.addWidget(head, 0, 0, 1, 12)
        grid.addWidget(self.cards["gain"], 1, 0, 1, 7)
        grid.addWidget(self.cards["arms"], 1, 7, 1, 5)
        grid.addWidget(self.cards["pairs"], 2, 0, 1, 8)
        grid.addWidget(self.cards["checks"], 2, 8, 1, 4)
        grid.addWidget(self.cards["table"], 3, 0, 1, 12)
        grid.addWidget(self.cards["notes"], 4, 0, 1, 12)
        for at in range(12):
            grid.setColumnStretch(at, 1)
        grid.setRowMinimumHeight(1, 270)
        grid.setRowStretch(5, 1)
        self.scroller = Scroll(inside, "Verdict")
        column = QVBoxLayout(self.body)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.scroller)

    def refresh(self) -> None:
        """Show the chosen trial's result, or why there is none yet."""
        session = self.context.session
        self.chooser.refresh()
        trial = session.record(session.trial)
        self.export.setVisible(False)
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
        result = session.results.get(trial.id)
        if result is None:
            self.subtitle.setText("Analysing …")
            self.show_empty("Analysing what the runs left.", "Watch it live", lambda: self.context.go("live"))
            return
        self.show_body()
        self.export.setVisible(True)
        if result is not self.result:
            self._draw(result, trial)

    def _ready(self, trial: str, result: Result) -> None:
        if self.isVisible() and trial == self.context.session.trial:
            self.refresh()

    def _redraw(self) -> None:
        self.result = None
        if self.isVisible():
            self.refresh()

    def _draw(self, result: Result, trial: TrialRecord) -> None:
        self.result = result
        labels, styles = {a.name: a.label for a in result.arms}, self.context.styles(trial)
        unit_of = units(result)
        study = self.context.session.studies.get(result.study.id)
        finished = f" · finished {clock(trial.finished)}" if trial.finished else ""
        primary = result.study.primary
        label = caption_of(result, f"{primary.probe}.{primary.metric}")
        pair = " against ".join(labels.get(a, a) for a in primary.contrast)
        self.subtitle.setText(f"{sizes_words(trial)}{finished} · primary endpoint: {label}, {pair}")
        self.pill.show_word(WORDS[result.verdict.code], result.verdict.code)
        self.sentence.setText(result.verdict.text)
        _fill(self.reasons, [Text(reason, "muted", lines=3) for reason in result.verdict.reasons])
        self.note.setText(result.study.note)
        self.note.setVisible(bool(result.study.note))
        accuracy_unit = unit_of.get(result.accuracy, "share")
        name, by = caption_of(result, result.accuracy), scale(accuracy_unit)
        base = study.verdict.base if study is not None else "base"
        self.waterfall.show_bars(bars(result.decomposition, by, base, labels, styles), accuracy_unit == "share")
        self.cards["gain"].set_caption(f"{name}, {unit_word(accuracy_unit)}; gains in points with 95 % intervals")
        self.cards["gain"].setVisible(bool(result.decomposition))
        across = f"{name}, {unit_word(accuracy_unit)}"
        self.scatter.show_spots(spots(result, styles), corner(result, study), across, accuracy_unit == "share")
        reliance = f"{caption_of(result, result.reliance)}, {unit_word(unit_of.get(result.reliance, 'difference'))}"
        self.cards["arms"].set_caption(f"upwards: {reliance}; lines: 95 % intervals")
        self._relay(bool(result.decomposition))
        margin_unit = unit_of.get(f"{primary.probe}.{primary.metric}", "difference")
        margin = primary.margin * scale(margin_unit)
        self.forest.show_rows(differences(result, labels), margin)
        self.cards["pairs"].set_caption(
            f"{unit_word(margin_unit, True)}, 95 % intervals, seeds paired; shaded: too small to matter "
            f"(±{number(margin)}); bold: fixed beforehand"
        )
        _fill(self.checks, [self._check(c) for c in result.checks])
        self.table.show_figures(*figure_rows(result))
        self.cards["table"].set_caption("mean over seeds and, with two seeds or more, its 95 % interval")
        notes = [*result.notes, *([f"Published: {result.study.published}"] if result.study.published else [])]
        _fill(self.notes, [Text(n, "muted", lines=4) for n in notes])
        self.cards["notes"].setVisible(bool(notes))

    def _relay(self, gain: bool) -> None:
        """Without a decomposition the scatter takes the whole row."""
        self.grid.addWidget(self.cards["arms"], 1, 7 if gain else 0, 1, 5 if gain else 12)

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
        return made

    def _export(self) -> None:
        if self.result is None:
            return
        trial = self.result.study.trial
        path, kind = QFileDialog.getSaveFileName(self, "Export report", f"{trial}.html", ";;".join(FORMATS))
        if not path:
            return
        target = Path(path)
        if target.suffix.lower() not in FORMATS.values():
            target = target.with_name(target.name + FORMATS.get(kind, ".html"))
        self.export.setEnabled(False)
        self.context.session.run(
            operations.export_report, trial, target, done=self._exported, failed=self._not_exported
        )

    def _exported(self, path: Path) -> None:
        self.export.setEnabled(True)
        show = ("Open", lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(path))))
        self.context.messages.done("The report is written.", str(path), show)

    def _not_exported(self, error: BaseException) -> None:
        self.export.setEnabled(True)
        self.context.messages.error(error)


def _fill(rows: QVBoxLayout, widgets: list) -> None:
    """Put these widgets in place of those that are there."""
    while (item := rows.takeAt(0)) is not None:
        if (old := item.widget()) is not None:
            old.hide()
            old.deleteLater()
    for widget in widgets:
        rows.addWidget(widget)
