"""Words from outside: markup, direction tricks, endless words, nothing at all. All of it is shown, none of it acts."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_lab import STEPS, FakeLab
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QTableView, QWidget

HOSTILE = {
    "bold": "<b>bold</b> <h1>&amp;</h1>",
    "picture": "<img src='file:///etc/hostname'> <a href='x'>y</a>",
    "direction": "abc\u202egnp.exe\u2066\u200f",
    "endless": "x" * 10_000,
    "control": "a\x00b\x1b[31m\r\nc",
    "scripts": "日本語 العربية 🧪 é",
    "percent": "%n %1 {0} && &File",
    "empty": "",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_every_page_shows_it_as_plain_text(opened, qtbot, tmp_path: Path, name: str) -> None:
    lab = FakeLab(tmp_path, step=STEPS, trials=2)
    words = HOSTILE[name]
    lab.texts = {"question": words, "summary": words, "source": words, "label": words, "text": words, "note": words,
                 "item": words, "output": words, "prompt": words, "threat": words}  # fmt: skip
    window = opened(lab)
    for page in ("questions", "queue", "live", "verdict"):
        window.go(page)
        qtbot.wait(250)
        window.grab()
        assert window.width() <= 1280
        for widget in window.findChildren(QWidget):
            if tooltip := widget.toolTip():
                assert "<b>" not in tooltip
                assert "<img" not in tooltip
                assert "\u202e" not in tooltip
        for label in window.findChildren(QLabel):
            assert label.textFormat() == Qt.TextFormat.PlainText
            assert "\u202e" not in label.text()
            assert len(label.text()) <= 2100
        for table in window.findChildren(QTableView):
            model = table.model()
            for row in range(model.rowCount()):
                for column in range(model.columnCount()):
                    tip = model.index(row, column).data(Qt.ItemDataRole.ToolTipRole) or ""
                    assert "<b>" not in tip
                    assert "<img" not in tip


@pytest.mark.parametrize("name", HOSTILE)
def test_messages_show_it_as_plain_text(opened, qtbot, lab, name: str) -> None:
    window = opened(lab)
    window.messages.warn(HOSTILE[name], HOSTILE[name])
    window.messages.error(ValueError(HOSTILE[name]))
    qtbot.wait(50)
    window.grab()
    assert window.width() <= 1280
    for dialog in window.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly):
        if dialog.isWindow():
            dialog.close()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_failed_run_gives_its_reason_as_plain_text(opened, qtbot, tmp_path: Path, name: str) -> None:
    lab = FakeLab(tmp_path, step=1)
    lab.texts["reason"] = HOSTILE[name]
    window = opened(lab)
    window.go("queue")
    window.grab()
    model = window.pages["queue"].model
    row = next(n for n in range(model.rowCount()) if model.run(n).state == "failed")
    assert "\u202e" not in model.index(row, 2).data()
    assert len(model.index(row, 2).data()) <= 400
