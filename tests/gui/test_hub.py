"""Finding a model on the hub: nothing is asked before Search, everything off the window's thread, errors in words."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from fake_lab import FakeLab
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton

from engine.models import downloaded, resolve
from gui import operations
from gui.dialogs.hub import HubDialog
from gui.dialogs.options import OptionsDialog
from gui.operations import Launch
from gui.pages.questions import QuestionsPage
from gui.shell.main_window import MainWindow
from tests.support.hub_server import HubServer, variant
from tests.support.hubs import hub, large_folder

__all__ = ["hub", "large_folder"]

pytestmark = pytest.mark.gui
SECONDS = 20_000  # ms; a guard, not a measure


@pytest.fixture
def lab(tmp_path: Path) -> FakeLab:
    return FakeLab(tmp_path / "home", trials=0)


@pytest.fixture
def asked(opened: Any, qtbot: Any, lab: FakeLab, hub: HubServer) -> tuple[MainWindow, OptionsDialog, HubDialog]:
    """The window, a study's options, and the dialog that finds models."""
    window = opened(lab)
    page = window.findChild(QuestionsPage)
    options = page.ask(window.session.studies["function-calling"])
    click(qtbot, options.find_model)
    dialog = options.findChild(HubDialog)
    assert dialog is not None
    qtbot.waitUntil(dialog.isVisible)
    return window, options, dialog


def click(qtbot: Any, button: QPushButton) -> None:
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def search(qtbot: Any, dialog: HubDialog, words: str) -> None:
    dialog.words.selectAll()
    qtbot.keyClicks(dialog.words, words)
    qtbot.keyClick(dialog.words, Qt.Key.Key_Return)


def cells(dialog: HubDialog) -> list[list[str]]:
    model = dialog.table.model()
    return [
        [model.index(row, column).data() for column in range(model.columnCount())] for row in range(model.rowCount())
    ]


def test_from_words_to_a_model_in_the_options(asked: Any, qtbot: Any, hub: HubServer, lab: FakeLab) -> None:
    window, options, dialog = asked
    qtbot.wait(300)
    assert hub.asked == []
    assert not dialog.search.isEnabled()
    assert not dialog.download.isEnabled()
    search(qtbot, dialog, "large")
    qtbot.waitUntil(dialog.download.isEnabled, timeout=SECONDS)
    assert cells(dialog) == [["tiny/large", "3.0 M", "12 MB", "apache-2.0", "12 345", "not said"]]
    assert "Its chat template takes tools and tool calls." in dialog.findings.words()
    revision = hub.repositories["tiny/large"].revision
    assert f"12 MB to download in 4 files · revision {revision}" in dialog.findings.facts.text()
    assert hub.sent["model.safetensors"] == 0
    with qtbot.waitSignal(dialog.chosen, timeout=SECONDS) as chosen:
        click(qtbot, dialog.download)
    name = f"tiny/large@{revision[:8]}"
    assert chosen.args == [name]
    qtbot.waitUntil(lambda: options.model.currentText() == name)
    assert window.session.downloaded == (name,)
    ref = resolve(name, lab.home.models)
    assert operations._arguments(lab, Launch("quick", model=name))["model"] == ref.path
    options.reject()
    again = window.findChild(QuestionsPage).ask(window.session.studies["function-calling"])
    assert again.model.findText(name) >= 0
    again.reject()


def test_downloaded_models_are_among_the_choices(opened: Any, qtbot: Any, lab: FakeLab) -> None:
    folder = lab.home.models / "some--model--01234567"
    folder.mkdir(parents=True)
    downloaded.write(folder, downloaded.Downloaded("some/model", "01234567" * 5, ""))
    window = opened(lab)
    dialog = window.findChild(QuestionsPage).ask(window.session.studies["function-calling"])
    assert dialog.model.findText("some/model@01234567") >= 0
    assert dialog.model.currentText() == window.session.models[0]
    dialog.reject()


def test_a_download_can_be_stopped_and_taken_up_again(asked: Any, qtbot: Any, hub: HubServer, lab: FakeLab) -> None:
    _, _, dialog = asked
    search(qtbot, dialog, "large")
    qtbot.waitUntil(dialog.download.isEnabled, timeout=SECONDS)
    hub.trouble["model.safetensors"], hub.rate = "slow", 2_000_000
    click(qtbot, dialog.download)
    qtbot.waitUntil(lambda: dialog.bar.value() > 100, timeout=SECONDS)
    assert dialog.stop.isVisible()
    assert not dialog.table.isEnabled()
    assert "of 12 MB are here" in dialog.how_far.text()
    began = time.monotonic()
    click(qtbot, dialog.stop)
    qtbot.waitUntil(dialog.download.isEnabled, timeout=SECONDS)
    assert time.monotonic() - began < 5
    assert "What had arrived is kept" in dialog.how_far.text()
    assert downloaded.every(lab.home.models) == []
    hub.trouble.clear()
    with qtbot.waitSignal(dialog.chosen, timeout=SECONDS):
        click(qtbot, dialog.download)
    assert any(span for _, path, span in hub.asked if path.endswith("model.safetensors"))


def test_closing_stops_the_download(asked: Any, qtbot: Any, hub: HubServer, lab: FakeLab) -> None:
    window, _, dialog = asked
    search(qtbot, dialog, "large")
    qtbot.waitUntil(dialog.download.isEnabled, timeout=SECONDS)
    hub.trouble["model.safetensors"], hub.rate = "slow", 500_000
    click(qtbot, dialog.download)
    qtbot.waitUntil(lambda: dialog.bar.value() > 10, timeout=SECONDS)
    progress = dialog._progress
    dialog.reject()
    assert progress is not None
    assert progress.cancelled.is_set()
    qtbot.wait(500)
    before = hub.sent["model.safetensors"]
    qtbot.wait(500)
    assert hub.sent["model.safetensors"] <= before + 100_000
    assert downloaded.every(lab.home.models) == []
    assert not window.messages.banners()


@pytest.mark.parametrize(
    ("trouble", "says"), [("429", "Try again in 7 s"), ("500", "out of order"), ("not json", "no JSON")]
)
def test_trouble_is_said_in_the_dialog(asked: Any, qtbot: Any, hub: HubServer, trouble: str, says: str) -> None:
    window, _, dialog = asked
    hub.trouble["api"] = trouble
    search(qtbot, dialog, "large")
    qtbot.waitUntil(dialog.error.isVisible, timeout=SECONDS)
    assert says in dialog.error.text()
    assert not window.messages.banners()
    hub.trouble.clear()
    search(qtbot, dialog, "nothing of that name")
    qtbot.waitUntil(lambda: "no text-generating model named" in dialog.said.text(), timeout=SECONDS)
    assert not dialog.error.isVisible()


def test_a_damaged_download_is_said_and_can_be_tried_again(asked: Any, qtbot: Any, hub: HubServer) -> None:
    _, _, dialog = asked
    search(qtbot, dialog, "large")
    qtbot.waitUntil(dialog.download.isEnabled, timeout=SECONDS)
    hub.trouble["model.safetensors"] = "wrong"
    click(qtbot, dialog.download)
    qtbot.waitUntil(dialog.error.isVisible, timeout=SECONDS)
    assert "its checksum is another" in dialog.error.text()
    assert dialog.download.isEnabled()


def test_what_forbids_a_download_is_said_and_nothing_can_be_pressed(asked: Any, qtbot: Any, hub: HubServer) -> None:
    _, _, dialog = asked
    variant(hub, "tiny/pickled", model__safetensors=None, pytorch_model__bin=b"x")
    search(qtbot, dialog, "pickled")
    qtbot.waitUntil(lambda: bool(dialog.findings.words()), timeout=SECONDS)
    assert dialog.findings.words()[0].startswith("Its weights are only there as pickles")
    assert not dialog.download.isEnabled()


def test_by_keyboard_from_row_to_row(asked: Any, qtbot: Any, hub: HubServer) -> None:
    _, _, dialog = asked
    search(qtbot, dialog, "tiny")
    qtbot.waitUntil(dialog.download.isEnabled, timeout=SECONDS)
    assert dialog.findings.name.text() == "tiny/large"
    assert dialog.table.hasFocus()
    qtbot.keyClick(dialog.table, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: dialog.findings.name.text() == "tiny/small", timeout=SECONDS)
    qtbot.waitUntil(dialog.download.isEnabled, timeout=SECONDS)
    assert "It has no chat template. It can do tasks that need none; tool calls need one." in dialog.findings.words()


def test_words_of_strangers_are_words(asked: Any, qtbot: Any, hub: HubServer) -> None:
    _, _, dialog = asked
    evil = "<img src=x>\x1b[2J\u202e&amp;" + "long " * 300
    variant(hub, "tiny/evil").about = {"cardData": {"license": evil}}
    search(qtbot, dialog, "evil")
    qtbot.waitUntil(lambda: bool(dialog.findings.words()), timeout=SECONDS)
    shown = [cell for row in cells(dialog) for cell in row] + dialog.findings.words()
    assert any("<img src=x>" in text for text in shown)
    assert not any("\x1b" in text or "\u202e" in text for text in shown)
    assert dialog.width() <= 1000
