"""How a trial that goes on until it is settled stands: its last look in words, and all looks as a small plot."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout

from engine.stats.display.axis import axis, titled
from gui.look.text import clean
from gui.look.theme import Theme
from gui.widgets.basics import Card, Text
from gui.widgets.looks_plot import LooksPlot
from jobs.report.content.sequential import COST, after, standing
from jobs.store.records import TrialRecord

HEIGHT = 142  # px


class StandingCard(Card):
    """Words at the left, the plot at the right; unseen where the seeds are fixed."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setAccessibleName("Seeds until it is settled")
        self.setFixedHeight(HEIGHT)
        self.words = Text("", bold=True, lines=3)
        self.axes, self.cost = Text("", "caption"), Text("", "caption", lines=2)
        self.plot = LooksPlot(theme)
        said = QVBoxLayout()
        said.setSpacing(4)
        for text in (self.words, self.axes, self.cost):
            said.addWidget(text)
        said.addStretch(1)
        row = QHBoxLayout()
        row.setSpacing(18)
        row.addLayout(said, 55)
        row.addWidget(self.plot, 45)
        self.layout_.addLayout(row)
        row.setAlignment(said, Qt.AlignmentFlag.AlignTop)

    def show_trial(self, trial: TrialRecord, label: str) -> None:
        """Show how a trial stands.

        Args:
            label: What its primary metric is called.
        """
        self.setVisible(bool(trial.looks))
        if not trial.looks:
            return
        self.words.setText(f"{standing(trial)}.")
        seen, arms = trial.looked, dict(trial.arms)
        if seen is None:
            self.axes.setText("")
        else:
            pair = " \N{MINUS SIGN} ".join(clean(arms.get(arm, arm), 40) for arm in seen.contrast)
            name = titled(f"{label}: {pair}", axis(seen.unit).compared)
            self.axes.setText(f"{name}; shaded: too small to matter")
        self.cost.setText(f"Looks {after(trial.looks)}. {COST}")
        self.plot.show_looks(seen)
