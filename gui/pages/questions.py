"""The gallery: each study as a question in plain words, what was found here last, what it costs, one button."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from engine.spec.errors import LabError
from engine.spec.result import Result
from engine.spec.runs import Detectable
from engine.spec.study import StudySpec
from gui import operations
from gui.dialogs.options import OptionsDialog
from gui.look.text import count, tip
from gui.operations import Launch, Outline, Size
from gui.pages.broken import BrokenCard
from gui.pages.page import GAP, Context, Page, is_active, left_words
from gui.shell.estimate import default_scale, default_size, detectable_tip, detectable_words, estimate_words
from gui.widgets.basics import Card, Pill, Scroll, Text, push_button, set_primary
from jobs.store.records import TrialRecord

WIDEST = 420  # px; with more room, one card more stands in a row
CARD_HEIGHT = 252


class StudyCard(Card):
    """One study. What its button does depends on how far its newest trial is."""

    def __init__(self, page: QuestionsPage, study: StudySpec) -> None:
        super().__init__()
        self._page = page
        self.study = study
        self.question = Text(study.question, pixels=15, bold=True, lines=3)
        self.source = Text(study.source, "muted", lines=2)
        self.summary = Text(study.summary, "caption", lines=2)
        self.pill, self.found = Pill(page.context.theme), Text("", "caption", lines=2)
        self.pill.hide()
        self.cost, self.finds = Text("", "caption"), Text("", "caption")
        self.options = push_button("Options", lambda: page.ask(study), small=True, quiet=True, about=study.question)
        self.button = push_button("Run", lambda: page.act(study), about=study.question)
        self.setAccessibleName(study.question)
        self.setFixedHeight(CARD_HEIGHT)
        verdict = QHBoxLayout()
        verdict.setSpacing(8)
        verdict.addWidget(self.pill, 0, Qt.AlignmentFlag.AlignVCenter)
        verdict.addWidget(self.found, 1)
        foot = QHBoxLayout()
        foot.setSpacing(4)
        foot.addWidget(self.cost, 1)
        foot.addWidget(self.options)
        foot.addWidget(self.button)
        self.layout_.setSpacing(6)
        for widget in (self.question, self.source, self.summary):
            self.layout_.addWidget(widget)
        self.layout_.addStretch(1)
        self.layout_.addLayout(verdict)
        self.layout_.addWidget(self.finds)
        self.layout_.addLayout(foot)

    def show_state(
        self, trial: TrialRecord | None, active: bool, result: Result | None, unread: bool, cost: str, primary: bool
    ) -> None:
        """Show what is known of the study's newest trial; `unread`: its result could not be drawn up."""
        word, tone, words = "", None, "not run here yet"
        if trial is not None and active:
            left = f", {ahead}" if (ahead := left_words(trial)) else ""
            word, words = "Running", f"{trial.done} of {count(len(trial.runs), 'run')} done{left}"
        elif trial is not None and result is not None:
            word, tone, words = result.verdict.label, result.verdict.tone, result.verdict.text
        elif trial is not None and trial.done < len(trial.runs):
            failed = f", {trial.failed} failed" if trial.failed else ""
            words = f"stopped: {trial.done} of {count(len(trial.runs), 'run')} done{failed}"
        elif trial is not None:
            words = "its result cannot be drawn up; See verdict says why" if unread else "analysing …"
        self.pill.setVisible(bool(word))
        self.pill.show_word(word, tone)
        self.found.setText(words)
        self.cost.setText(cost)
        self.button.setText(self.action(trial, active))
        self.button.setAccessibleName(f"{self.button.text()}: {self.study.question}")
        set_primary(self.button, primary)

    def show_detectable(self, found: Detectable | None) -> None:
        """Say what the study would find at its default size."""
        self.finds.setText(detectable_words(found))
        self.finds.setToolTip(tip(detectable_tip(found, default_size(self.study))))
        self.finds.setVisible(found is not None)

    @staticmethod
    def action(trial: TrialRecord | None, active: bool) -> str:
        """What the button says."""
        if trial is None:
            return "Run"
        if active:
            return "Watch"
        if trial.done == len(trial.runs):
            return "See verdict"
        return "Run" if trial.old else "Resume"  # an older recipe is never gone on with


class QuestionsPage(Page):
    """All studies.

    Args:
        bring: Asks for results from elsewhere.
    """

    def __init__(self, context: Context, bring: Callable[[], object]) -> None:
        super().__init__(context, "What would you like to know?")
        self.elsewhere = push_button("Judge results from elsewhere…", bring)
        self.elsewhere.setToolTip(
            tip("A table of arm, seed, item and whether it was right. You may also drop the file here.")
        )
        self.elsewhere.setEnabled(False)
        self.tools.addWidget(self.elsewhere)
        self.cards: dict[str, StudyCard] = {}
        self._columns = 0
        self._starting: set[str] = set()
        self.broken = BrokenCard()
        self.grid = QGridLayout()
        self.grid.setSpacing(GAP)
        self.grid.setContentsMargins(0, 0, 0, 0)
        inside = QWidget()
        inside.setObjectName("body")
        rows = QVBoxLayout(inside)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(GAP)
        rows.addLayout(self.grid)
        rows.addWidget(self.broken)
        rows.addStretch(1)
        self._scroll = Scroll(inside, "Studies")
        column = QVBoxLayout(self.body)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._scroll)
        session = context.session
        session.opened.connect(self._opened)
        session.snapshot_changed.connect(lambda _: self.refresh() if self.isVisible() else None)
        session.result_ready.connect(self._ready)
        session.failed.connect(lambda _: self.refresh() if self.isVisible() else None)
        self.subtitle.setText("Opening the lab …")

    def _opened(self) -> None:
        session = self.context.session
        self.elsewhere.setEnabled(True)
        for card in self.cards.values():
            card.hide()
            card.deleteLater()
        self.cards = {name: StudyCard(self, study) for name, study in session.studies.items()}
        several = count(len(self.cards), "question")
        self.subtitle.setText(f"{several} about fine-tuning, each ready to run on the bundled model or on yours.")
        self.broken.show_broken(session.broken)
        self._arrange(force=True)
        self.refresh()
        for card in self.cards.values():
            self._foresee(card)

    def _ready(self, trial: str, result: Result) -> None:
        if (card := self.cards.get(result.study.id)) is not None:
            self._foresee(card)  # what was measured now tells more about what would be found
        if self.isVisible():
            self.refresh()

    def _foresee(self, card: StudyCard) -> None:
        self._detectable(card.study, default_size(card.study), card.show_detectable)

    def _detectable(self, study: StudySpec, size: Size, show: Callable[[Detectable | None], object]) -> None:
        """Ask what a study would find. Where that cannot be said, nothing is: the study can be run all the same."""
        messages = self.context.messages
        self.context.session.run(
            operations.detectable, study, size,
            done=show, failed=lambda error: show(None) if isinstance(error, LabError) else messages.error(error),
        )  # fmt: skip

    def refresh(self) -> None:
        """Show what the newest snapshot says of every study."""
        session = self.context.session
        if not session.is_open or session.snapshot is None:
            return
        first = True
        for name, card in self.cards.items():
            trial = newest(session.snapshot.trials, name)
            active = trial is not None and is_active(session, trial)
            if trial is not None and not active and trial.done == len(trial.runs) and self.isVisible():
                session.want_result(trial.id)  # a look at its verdict, so never for a card that nobody sees
            result = session.results.get(trial.id) if trial is not None and not active else None
            primary = first and trial is None
            first = first and not primary
            unread = trial is not None and trial.id in session.unread
            card.show_state(trial, active, result, unread, estimate_words(card.study, session.snapshot), primary)
            card.button.setEnabled(name not in self._starting)
        if not self.cards:
            self.show_empty("No study can be used here.", "Open the queue", lambda: self.context.go("queue"))

    def act(self, study: StudySpec) -> None:
        """Do what the card's button says."""
        session = self.context.session
        trial = newest(session.snapshot.trials if session.snapshot else (), study.id)
        if trial is None or (trial.old and trial.done < len(trial.runs)):
            self.launch(study, Launch(default_scale(study)))
        elif is_active(session, trial):
            session.choose(trial.id)
            self.context.go("live")
        elif trial.done == len(trial.runs):
            session.choose(trial.id)
            self.context.go("verdict")
        else:
            self._starting.add(study.id)
            self.refresh()
            session.run(
                operations.resume_trial, trial.id,
                done=lambda found: self._started(study, found), failed=lambda e: self._not_started(study, e, None),
            )  # fmt: skip

    def ask(self, study: StudySpec) -> OptionsDialog:
        """Let the user choose scale, seeds, model and data."""
        session = self.context.session
        outline = session.outlines.get(study.id, Outline())
        dialog = OptionsDialog(study, session.snapshot, session.models, self.window(), session.downloaded, outline)
        dialog.wanted.connect(lambda choice: self.launch(study, choice, dialog))
        dialog.sized.connect(lambda size: self._foresee_choice(study, size, dialog))
        dialog.find_wanted.connect(lambda role: self._find(dialog, role))
        dialog.looked.connect(lambda choice, cancel: self._look(study, choice, cancel, dialog))
        dialog.open()
        return dialog

    def _foresee_choice(self, study: StudySpec, size: Size, dialog: OptionsDialog) -> None:
        """Say what the study would find at the size chosen; of data of the user's own nothing is known yet."""

        def show(found: Detectable | None) -> None:
            if not dialog.is_over:
                dialog.show_detectable(size, None if dialog.choice().data else found)

        if dialog.choice().data:
            show(None)
        else:
            self._detectable(study, size, show)

    def _find(self, dialog: OptionsDialog, role: str) -> None:
        """Look for a model on the hub; what is downloaded goes into the options, in the role it was looked for."""
        from gui.dialogs.hub import HubDialog

        hub = HubDialog(self.context.session, dialog)
        hub.chosen.connect(lambda name: dialog.take_model(name, role))
        hub.open()

    def _look(self, study: StudySpec, choice: Launch, cancel: threading.Event, dialog: OptionsDialog) -> None:
        """Look at a user's model and data, and say in the dialog what was understood."""

        def failed(error: BaseException) -> None:
            if not dialog.show_problem(choice, error):
                self.context.messages.error(error)

        self.context.session.run(
            operations.inspect, study, choice, cancel, done=partial(dialog.show_inspection, choice), failed=failed
        )

    def launch(self, study: StudySpec, choice: Launch, dialog: OptionsDialog | None = None) -> None:
        """Plan and queue a trial; the live page follows. Errors are said where the user is."""
        self._starting.add(study.id)
        self.refresh()
        self.context.session.run(
            operations.launch, study, choice,
            done=lambda trial: self._started(study, trial, dialog),
            failed=lambda error: self._not_started(study, error, dialog),
        )  # fmt: skip

    def _started(self, study: StudySpec, trial: str, dialog: OptionsDialog | None = None) -> None:
        self._starting.discard(study.id)
        if dialog is not None and not dialog.is_over:
            dialog.accept()
        session = self.context.session
        known = session.record(trial)
        finished = known is not None and known.done == len(known.runs)
        session.choose(trial)
        self.context.go("verdict" if finished else "live")
        session.run(operations.audit_warning, trial, done=lambda said: said and self.context.messages.warn(said))
        if finished:
            self.context.messages.done(
                "These runs are finished already.", "Nothing is computed twice; this is what they found."
            )

    def _not_started(self, study: StudySpec, error: BaseException, dialog: OptionsDialog | None) -> None:
        self._starting.discard(study.id)
        self.refresh()
        if dialog is None or not dialog.show_error(error):
            self.context.messages.error(error)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """As many cards in a row as there is room for."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self, force: bool = False) -> None:
        columns = min(max(1, -(-self.width() // WIDEST)), max(2, len(self.cards)))
        if columns == self._columns and not force:
            return
        for at in range(max(columns, self._columns)):
            self.grid.setColumnStretch(at, 1 if at < columns else 0)
        self._columns = columns
        for at, card in enumerate(self.cards.values()):
            self.grid.addWidget(card, at // columns, at % columns)


def newest(trials: tuple[TrialRecord, ...], study: str) -> TrialRecord | None:
    """The study's trial that was launched last."""
    return max((t for t in trials if t.study == study), key=lambda t: t.created, default=None)
