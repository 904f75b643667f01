"""Accuracy against reliance: names cover nothing, and the mouse is told each arm's figures."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRectF
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QApplication, QToolTip

from gui.look.theme import ArmStyle, Theme
from gui.widgets.scatter import NEAR, Scatter, Spot

STYLE = ArmStyle("#123456", "solid", "circle")


def scatter(qtbot, spots: list[Spot]) -> Scatter:
    found = Scatter(Theme("light"))
    qtbot.addWidget(found)
    found.resize(420, 260)
    found.show_spots(spots, None, "accuracy, %", (0.0, 100.0))
    found.show()
    return found


def test_names_cover_nothing_and_what_has_no_room_has_no_name(qtbot, monkeypatch) -> None:
    crowd = [Spot(f"proxy, alpha {n}", STYLE, 60 + 0.2 * n, 1.0, "said", (58, 64), (0.5, 1.5)) for n in range(40)]
    chart = scatter(qtbot, crowd)
    names: list[QRectF] = []
    write = chart.write

    def kept(painter, text, box, *more) -> None:
        if text.startswith("proxy"):
            names.append(QRectF(box))
        write(painter, text, box, *more)

    monkeypatch.setattr(chart, "write", kept)
    chart.grab()
    assert 4 <= len(names) < len(crowd)
    assert not any(a.intersects(b) for at, a in enumerate(names) for b in names[:at])


def test_the_mouse_is_told_an_arm_and_its_figures_as_plain_text(qtbot, monkeypatch) -> None:
    spots = [Spot("<b>SFT</b>", STYLE, 62.0, 3.0, "accuracy 62.0 %"), Spot("base", STYLE, 4.0, 0.0, "4 %")]
    chart = scatter(qtbot, spots)
    chart.grab()
    said: list[str] = []
    monkeypatch.setattr(QToolTip, "showText", lambda at, text, widget: said.append(text))
    (_, at), _ = chart._placed
    for away in (QPoint(3, -3), QPoint(2 * NEAR, -2 * NEAR)):
        where = at.toPoint() + away
        QApplication.sendEvent(chart, QHelpEvent(QHelpEvent.Type.ToolTip, where, chart.mapToGlobal(where)))
    assert "&lt;b&gt;SFT&lt;/b&gt;: accuracy 62.0 %" in said[0]
    assert said[1:] == [""]
