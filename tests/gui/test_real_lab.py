"""A scripted user on the real window and the real lab: start a study, watch it, open the verdict, export the report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit

from gui.app import application
from gui.dialogs.options import OptionsDialog
from gui.look.theme import Theme
from gui.session import Session
from gui.shell.main_window import MainWindow
from jobs.lab import Lab


@pytest.mark.slow
@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)  # the offscreen platform on raising a dialog
def test_from_the_button_to_the_exported_report(qapp, qtbot, tmp_path: Path) -> None:
    assert qapp is application()
    theme = Theme("light")
    theme.apply()
    session = Session(tmp_path / "home")
    window = MainWindow(session, theme)
    window.show()
    session.open()
    qtbot.waitUntil(lambda: session.snapshot is not None)

    qtbot.mouseClick(window.pages["questions"].cards["nli-frequency"].options, Qt.MouseButton.LeftButton)
    dialog = window.findChild(OptionsDialog)
    assert dialog is not None
    dialog.scale.setFocus()
    while dialog.scale.currentData() != "smoke":
        qtbot.keyClick(dialog.scale, Qt.Key.Key_Up)
    qtbot.mouseClick(dialog.run, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(window.buttons["live"].isChecked)

    live = window.pages["live"]
    qtbot.waitUntil(lambda: _moved(live))
    qtbot.waitUntil(lambda: session.snapshot.trials[0].finished is not None)
    trial = session.snapshot.trials[0].id

    qtbot.mouseClick(window.buttons["verdict"], Qt.MouseButton.LeftButton)
    verdict = window.pages["verdict"]
    qtbot.waitUntil(lambda: trial in session.results and verdict.export.isVisible())
    target = tmp_path / "exported.json"
    QTimer.singleShot(300, lambda: _type_path(qtbot, target))
    qtbot.mouseClick(verdict.export, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(target.exists)

    with qtbot.waitSignal(session.closed):
        window.close()
    window.deleteLater()
    exported = json.loads(target.read_text("utf-8"))
    reader = Lab.reader(tmp_path / "home")
    stored = json.loads(reader.result(trial).model_dump_json())
    reader.close()
    assert exported["arms"] == stored["arms"]
    assert exported["contrasts"] == stored["contrasts"]
    assert exported["verdict"]["code"] == "inconclusive", "smoke scale gives no verdict"


def _moved(live) -> bool:
    """Whether a trained arm's accuracy, the first figure, has more than its first point."""
    if live._shown.get("left") != "entailment.accuracy":
        return False
    lines = live.plots["left"]._lines
    return any(len(line.line.getData()[0]) > 1 for arm, line in lines.items() if arm != "base")


def _type_path(qtbot, target: Path) -> None:
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, QFileDialog)
    field = dialog.findChild(QLineEdit)
    assert field is not None
    field.selectAll()
    qtbot.keyClicks(field, str(target))
    qtbot.keyClick(field, Qt.Key.Key_Return)
