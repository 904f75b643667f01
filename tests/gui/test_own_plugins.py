"""Plug-ins dropped into an empty data folder, in the real window: their study's card, its queue, its verdict."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt

from gui.dialogs.options import OptionsDialog
from gui.look.theme import Theme
from gui.session import Session
from gui.shell.main_window import MainWindow
from tests.support import examples


@pytest.mark.slow
@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)  # the offscreen platform on raising a dialog
def test_a_study_of_own_plug_ins_from_its_card_to_its_verdict(qapp, qtbot, tmp_path: Path) -> None:
    home = tmp_path / "home"
    plugins = examples.drop(home)
    (plugins / "rules" / "broken.py").write_text("raise RuntimeError('no luck')\n", encoding="utf-8")
    theme = Theme("light")
    theme.apply()
    session = Session(home)
    window = MainWindow(session, theme)
    window.show()
    session.open()
    qtbot.waitUntil(lambda: session.snapshot is not None)

    card = window.pages["questions"].cards["focal"]
    assert "focal loss" in card.question.text().lower()
    assert [(each.name, "no luck" in each.traceback) for each in session.broken] == [("broken", True)]

    qtbot.mouseClick(card.options, Qt.MouseButton.LeftButton)
    dialog = window.findChild(OptionsDialog)
    assert dialog is not None
    dialog.scale.setFocus()
    while dialog.scale.currentData() != "smoke":
        qtbot.keyClick(dialog.scale, Qt.Key.Key_Up)
    qtbot.mouseClick(dialog.run, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(session.snapshot.trials))
    assert session.snapshot.trials[0].study == "focal"
    qtbot.waitUntil(lambda: session.snapshot.trials[0].finished is not None)
    trial = session.snapshot.trials[0]
    assert (trial.done, trial.failed) == (7, 0)

    qtbot.mouseClick(window.buttons["verdict"], Qt.MouseButton.LeftButton)
    verdict = window.pages["verdict"]
    qtbot.waitUntil(lambda: trial.id in session.results and verdict.export.isVisible())
    result = session.results[trial.id]
    assert result.verdict.code == "inconclusive", "smoke scale gives no verdict"
    assert result.rule is not None
    assert result.rule.name == "larger"
    assert {metric.unit for metric in result.metrics if metric.metric.startswith("brevity.")} == {"words", "share"}

    with qtbot.waitSignal(session.closed):
        window.close()
    window.deleteLater()
