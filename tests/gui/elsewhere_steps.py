"""Steps that a user takes with a table from elsewhere, and what is to be seen then."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog

from gui.dialogs.results import ResultsDialog

LEFT = Qt.MouseButton.LeftButton


def bring(window, qtbot, monkeypatch, path: Path | str) -> None:
    """Press the button and choose this file ("" for none)."""
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([str(path)] if path else [], ""))
    qtbot.mouseClick(window.pages["questions"].elsewhere, LEFT)


def asked(window, qtbot) -> ResultsDialog:
    """The dialog that names the arms' parts."""
    qtbot.waitUntil(lambda: bool(shown(window, ResultsDialog)))
    return shown(window, ResultsDialog)[0]


def shown(window, kind: type[QDialog]) -> list:
    return [dialog for dialog in window.findChildren(kind) if dialog.isVisible()]


def choose(qtbot, field, arm: str) -> None:
    """Choose an arm as a user at the keyboard does."""
    field.arms.setFocus()
    wanted = field.arms.findData(arm)
    while field.arms.currentIndex() != wanted:
        qtbot.keyClick(field.arms, Qt.Key.Key_Down if field.arms.currentIndex() < wanted else Qt.Key.Key_Up)


def judged(window, qtbot, tables: int = 1):
    """The verdict page, once it shows a table."""
    qtbot.waitUntil(lambda: len(window.session.tables) == tables)
    page = window.pages["verdict"]
    qtbot.waitUntil(lambda: window.buttons["verdict"].isChecked() and not page.is_empty)
    return page


def drop(window, data: QMimeData) -> bool:
    """Drag over the window and drop; gives whether the window wanted it."""
    action, none = Qt.DropAction.CopyAction, Qt.KeyboardModifier.NoModifier
    at = QPointF(640, 400)
    enter = QDragEnterEvent(at.toPoint(), action, data, LEFT, none)
    enter.ignore()
    QApplication.sendEvent(window, enter)
    if enter.isAccepted():
        QApplication.sendEvent(window, QDropEvent(at, action, data, LEFT, none))
    return enter.isAccepted()


def files(*paths: Path | str) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(p)) if isinstance(p, Path) else QUrl(p) for p in paths])
    return data
