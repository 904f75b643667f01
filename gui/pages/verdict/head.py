"""The top of the verdict page: the verdict, its sentence and reasons, and what was fixed before it was known."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from engine.spec.result import Result
from engine.stats.display.wording import together
from gui.look.text import tip
from gui.look.theme import Theme
from gui.pages.verdict.figures import ended_words, looks_words, recipe_words, rule_words, standing_words
from gui.widgets.basics import Card, Pill, Text
from jobs.report.content.endpoint import rule_figures


class VerdictHead(Card):
    """One pill, one sentence, its reasons in smaller print."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.pill, self.exploratory = Pill(theme, filled=True), Pill(theme)
        self.exploratory.show_word("Exploratory")
        self.sentence = Text("", pixels=15, bold=True, lines=5)
        self.figures, self.reasons = QVBoxLayout(), QVBoxLayout()
        self.figures.setSpacing(2)
        self.reasons.setSpacing(2)
        self.ended = Text("", "muted", lines=2)
        self.standing, self.rule = Text("", "caption", lines=3), Text("", "caption", lines=3)
        self.looks, self.note = Text("", "warn", pixels=12, lines=3), Text("", "warn", lines=2)
        self.recipe = Text("", "warn", lines=3)
        pills = QVBoxLayout()
        pills.setSpacing(6)
        for pill in (self.pill, self.exploratory):
            pills.addWidget(pill)
        pills.addStretch(1)
        words = QVBoxLayout()
        words.setSpacing(5)
        words.addWidget(self.sentence)
        words.addLayout(self.figures)
        words.addLayout(self.reasons)
        for text in (self.ended, self.standing, self.rule, self.looks, self.recipe, self.note):
            words.addWidget(text)
        row = QHBoxLayout()
        row.setSpacing(14)
        row.addLayout(pills)
        row.addLayout(words, 1)
        row.setAlignment(pills, Qt.AlignmentFlag.AlignTop)
        self.layout_.addLayout(row)

    def show_result(self, result: Result) -> None:
        """Show a result's verdict."""
        self.pill.show_word(result.verdict.label, result.verdict.tone)
        self.exploratory.setVisible(not result.study.primary.registered)
        self.sentence.setText(together(result.verdict.text))
        fill(self.figures, [Text(together(words), lines=2) for words in rule_figures(result)])
        fill(self.reasons, [Text(together(reason), "muted", lines=3) for reason in result.verdict.reasons])
        for text, words in (
            (self.ended, ended_words(result)),
            (self.standing, standing_words(result)),
            (self.rule, rule_words(result)),
            (self.looks, looks_words(result)),
            (self.recipe, recipe_words(result)),
            (self.note, result.study.note),
        ):
            text.setText(words)
            text.setVisible(bool(words))
        fixed = result.study.registration
        basis = f"A true difference of that size would be found four times in five, {fixed.basis}." if fixed else ""
        self.standing.setToolTip(tip(basis if fixed and fixed.detectable is not None else ""))


def fill(rows: QVBoxLayout, widgets: list) -> None:
    """Put these widgets in place of those that are there."""
    while (item := rows.takeAt(0)) is not None:
        if isinstance(old := item.widget(), QWidget):
            old.hide()
            old.deleteLater()
    for widget in widgets:
        rows.addWidget(widget)
