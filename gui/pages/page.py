"""What every page has: a title, a line below it, buttons at its right, and a view for when there is nothing to show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from gui.look.text import clean, clock, count, elided, seconds_range
from gui.look.theme import ArmStyle, Theme, arm_styles
from gui.operations import Outline
from gui.session import Session
from gui.shell.messages import Messages
from gui.widgets.basics import SCROLL_ROOM, Text, push_button
from jobs.report.content.looks import looks
from jobs.store.records import TrialRecord

if TYPE_CHECKING:
    from jobs.elsewhere.kept import Kept

MARGIN, GAP = 24, 14


@dataclass(frozen=True)
class Context:
    """What a page works with. `go(page)` shows another page by its name."""

    session: Session
    theme: Theme
    messages: Messages
    go: Callable[[str], object]

    def styles(self, trial: TrialRecord) -> dict[str, ArmStyle]:
        """How each arm of a trial is drawn."""
        known, study = self.session.outlines.get(trial.study, Outline()), self.session.studies.get(trial.study)
        compared = study.primary.contrast if study is not None else ()
        return arm_styles(looks([a for a, _ in trial.arms], known.untrained, known.roles, compared), self.theme.tokens)


class Page(QWidget):
    """A page of the window. Subclasses fill `body` and call `show_body` or `show_empty`."""

    def __init__(self, context: Context, title: str) -> None:
        super().__init__()
        self.setObjectName("page")
        self.context = context
        self.title = Text(title, pixels=19, bold=True)
        self.subtitle = Text("", "muted")
        words = QVBoxLayout()
        words.setSpacing(5)
        words.addWidget(self.title)
        words.addWidget(self.subtitle)
        self.tools = QHBoxLayout()
        self.tools.setSpacing(8)
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, SCROLL_ROOM, 0)
        head.setSpacing(16)
        head.addLayout(words, 1)
        head.addLayout(self.tools)
        head.setAlignment(self.tools, Qt.AlignmentFlag.AlignTop)
        self.body = QWidget()
        self.body.setObjectName("body")
        self.empty = Empty()
        self._stack = QStackedWidget()
        self._stack.addWidget(self.body)
        self._stack.addWidget(self.empty)
        column = QVBoxLayout(self)
        column.setContentsMargins(MARGIN, 18, MARGIN - SCROLL_ROOM, GAP)
        column.setSpacing(GAP)
        column.addLayout(head)
        column.addWidget(self._stack, 1)

    @property
    def is_empty(self) -> bool:
        """Whether the page has nothing to show."""
        return self._stack.currentWidget() is self.empty

    def show_body(self) -> None:
        """Show the page's content."""
        self._stack.setCurrentWidget(self.body)

    def show_empty(self, sentence: str, button: str, clicked: Callable[[], object]) -> None:
        """Show one sentence and one button instead."""
        self.empty.say(sentence, button, clicked)
        self._stack.setCurrentWidget(self.empty)

    def showEvent(self, event: QShowEvent) -> None:
        """Bring the page up to date when it comes into sight."""
        super().showEvent(event)
        self.refresh()

    def refresh(self) -> None:
        """Draw what the session knows now."""


class Empty(QWidget):
    """One sentence and one button, in the middle."""

    def __init__(self) -> None:
        super().__init__()
        self.sentence = Text("", "muted", pixels=14, lines=8)
        self.sentence.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.sentence.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.button = push_button("", self._press, primary=True)
        self._clicked: Callable[[], object] | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(120, 0, 120, 60)
        column.setSpacing(16)
        column.addStretch(1)
        column.addWidget(self.sentence)
        column.addWidget(self.button, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(1)

    def say(self, sentence: str, button: str, clicked: Callable[[], object]) -> None:
        """Say this, and do that when the button is pressed."""
        self.sentence.setText(sentence)
        self.button.setText(button)
        self.button.setAccessibleName(button)
        self._clicked = clicked

    def _press(self) -> None:
        if self._clicked is not None:
            self._clicked()


class TrialChooser(QComboBox):
    """Chooses the trial that the live and the verdict page show; unseen where there is nothing to choose.

    Args:
        tables: Whether judged tables from elsewhere are among the choices.
    """

    def __init__(self, session: Session, tables: bool = False) -> None:
        super().__init__()
        self._session, self._tables = session, tables
        self._shown: list[tuple[str, str]] = []
        self.setAccessibleName("Trial shown")
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(30)  # what is left of the row is the question's
        self.setPlaceholderText("Choose a trial")
        self.activated.connect(self._activated)

    def refresh(self) -> None:
        """Show the trials that there are, the newest first."""
        trials = self._session.snapshot.trials if self._session.snapshot else ()
        found = [(t.created, t.id, trial_words(t)) for t in trials]
        if self._tables:
            found += [(one.moment, name, table_words(one)) for name, one in self._session.tables.items()]
        entries = [(name, words) for _, name, words in sorted(found, key=lambda entry: -entry[0])]
        if entries != self._shown:
            self._shown = entries
            self.blockSignals(True)
            self.clear()
            for trial, words in entries:
                self.addItem(words, trial)
            self.blockSignals(False)
        at = self.findData(self._session.trial)
        if at != self.currentIndex():
            self.setCurrentIndex(at)
        self.setVisible(len(entries) > (0 if at < 0 else 1))

    def _activated(self, at: int) -> None:
        self._session.choose(str(self.itemData(at)))


def trial_words(trial: TrialRecord) -> str:
    """A trial in a few words, e.g. "nli-frequency · quick × 5 · 14:02"."""
    return f"{clean(trial.study, 40)} · {trial.scale} × {_number_of_seeds(trial)} · {clock(trial.created)}"


def table_words(table: Kept) -> str:
    """A judged table in a few words, e.g. "results.csv · DPO against SFT · 14:02"."""
    labels = {arm.name: elided(arm.label, 24) for arm in table.result.arms}
    pair = " against ".join(labels.get(arm, arm) for arm in table.result.study.primary.contrast)
    return f"{clean(str(table.result.data.get('source', '')), 40)} · {pair} · {clock(table.moment)}"


def _number_of_seeds(trial: TrialRecord) -> str:
    """How many seeds there are; while it may go on, how many were begun of how many at most."""
    if not trial.looks:
        return str(trial.seeds)
    return str(trial.begun) if trial.settled else f"{trial.begun} of at most {trial.seeds}"


def sizes_words(trial: TrialRecord) -> str:
    """Model, scale, arms and seeds in one line."""
    seeds = f"{_number_of_seeds(trial)} {'seed' if trial.seeds == 1 else 'seeds'}"
    return f"{clean(trial.model, 60)} · {trial.scale} · {count(len(trial.arms), 'arm')} · {seeds}"


def left_words(trial: TrialRecord) -> str:
    """How long a trial takes still, e.g. "about 2-3 min left"; "" where nothing is known."""
    if trial.at_a_look:
        return "judging whether more seeds are needed"
    if trial.eta_seconds is None:
        return ""
    return f"about {seconds_range(*trial.eta_seconds)} {'to the next look' if trial.looks else 'left'}"


def is_active(session: Session, trial: TrialRecord) -> bool:
    """Whether one of its runs is at work or waits, or it is being judged whether more are needed."""
    if trial.at_a_look:
        return True
    runs = session.snapshot.runs if session.snapshot is not None else ()
    return any(run.state in ("running", "queued") for run in runs if trial.id in run.trials)
