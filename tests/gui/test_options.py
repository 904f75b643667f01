"""The options of a study that has further models, and whose arms need each other's weights."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from fake_lab import FakeLab
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog

from engine.spec.understanding import Fit, Inspection
from gui import operations
from gui.dialogs.fields import needed_arms, role_words, sources_words
from gui.dialogs.hub import HubDialog
from gui.dialogs.options import OptionsDialog
from gui.operations import Outline
from jobs.studies import load

FIT = Inspection(fit=Fit(context=512, prompt_tokens=100, answer_tokens=20, limit=48))
MODELS = {"expert": "fork-s", "small_twin": "fork-s-twin"}


@pytest.fixture
def dialog(opened, qtbot, lab: FakeLab, monkeypatch: pytest.MonkeyPatch) -> OptionsDialog:
    """The options of such a study."""
    plain = operations.outline
    needs = {"sft-dpo": ("sft",), "planted": ("sft-dpo", "sft")}
    monkeypatch.setattr(operations, "outline", lambda study: dataclasses.replace(plain(study), needs=needs))
    monkeypatch.setattr(operations, "inspect", lambda *_: FIT)
    lab.count = 0
    lab.questions["function-calling"] = lab.questions["function-calling"].model_copy(update={"models": MODELS})
    window = opened(lab)
    return window.pages["questions"].ask(window.session.studies["function-calling"])


def press(qtbot, box) -> None:
    box.setFocus()
    qtbot.keyClick(box, Qt.Key.Key_Space)


def test_each_further_model_has_a_chooser_of_its_own(dialog, qtbot) -> None:
    assert {role: field.currentText() for role, field in dialog.others.items()} == MODELS
    assert dialog.others["small_twin"].accessibleName() == "Small twin model"
    assert dialog.choice().models == ()
    assert dialog.run.isEnabled()
    dialog.others["expert"].setEditText("fork-m")
    assert dialog.choice().models == (("expert", "fork-m"),)
    assert dialog.choice().model == "fork-s", "the base model is another field's"
    assert dialog.run.isEnabled(), "a bundled model needs no look"
    dialog.others["expert"].setEditText("")
    assert dialog.choice().models == ()


def test_enter_in_a_text_field_goes_on_and_starts_nothing(dialog, qtbot) -> None:
    launches: list[object] = []
    dialog.wanted.connect(launches.append)
    field = dialog.others["expert"]
    field.lineEdit().setFocus()
    qtbot.keyClicks(field.lineEdit(), "x")
    qtbot.keyClick(field.lineEdit(), Qt.Key.Key_Return)
    dialog.seeds.setFocus()
    qtbot.keyClick(dialog.seeds, Qt.Key.Key_Return)
    assert launches == []
    assert dialog.isVisible()
    qtbot.waitUntil(dialog.run.isEnabled)
    qtbot.mouseClick(dialog.run, Qt.MouseButton.LeftButton)
    assert len(launches) == 1


def test_a_further_model_of_ones_own_is_looked_at_first(dialog, qtbot, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    dialog._choose_model(dialog.others["expert"])
    assert dialog.choice().models == (("expert", str(tmp_path)),)
    assert not dialog.run.isEnabled()
    qtbot.waitUntil(dialog.run.isEnabled)
    assert dialog.understood.inspection is not None


def test_what_is_found_on_the_hub_goes_to_the_model_it_was_looked_for(dialog, qtbot) -> None:
    wanted: list[str] = []
    dialog.find_wanted.connect(wanted.append)
    qtbot.mouseClick(dialog.find_model, Qt.MouseButton.LeftButton)
    assert wanted == [""]
    hub = dialog.findChild(HubDialog)
    assert hub is not None
    hub.chosen.emit("someone/base")
    dialog.take_model("someone/expert", "expert")
    assert dialog.choice().model == "someone/base"
    assert dialog.choice().models == (("expert", "someone/expert"),)
    hub.reject()


def test_what_was_chosen_reaches_the_plan(dialog, qtbot, plans) -> None:
    dialog.others["expert"].setEditText("fork-m")
    press(qtbot, dialog.arms.boxes["shuffled"])
    qtbot.mouseClick(dialog.run, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(plans))
    assert plans[0].models == (("expert", "fork-m"),)
    assert plans[0].arms == ("base", "sft", "sft-dpo", "planted")


def test_an_arm_brings_those_whose_weights_it_needs(dialog, qtbot) -> None:
    arms = dialog.arms
    assert dialog.choice().arms is None
    for name in ("sft", "shuffled"):
        press(qtbot, arms.boxes[name])
    assert dialog.choice().arms == ("base",)
    assert not arms.note.isVisible(), "it tells of what was done last"
    press(qtbot, arms.boxes["sft-dpo"])
    assert dialog.choice().arms == ("base", "sft", "sft-dpo")
    assert arms.note.text() == "“SFT → DPO” needs the weights of “SFT”, so that is run too."
    press(qtbot, arms.boxes["sft"])
    assert dialog.choice().arms == ("base",)
    assert arms.note.text() == "Without “SFT” there are no weights for “SFT → DPO”, so that is not run either."
    assert dialog.plan.text() == "1 arm, 1 run."


def test_what_cannot_be_said_without_an_arm_is_said(dialog, qtbot) -> None:
    press(qtbot, dialog.arms.boxes["shuffled"])
    assert dialog.arms.warning.text() == "Without “shuffled control” there is no verdict."
    press(qtbot, dialog.arms.boxes["shuffled"])
    assert not dialog.arms.warning.isVisible()
    press(qtbot, dialog.arms.boxes["sft"])
    assert "there is no primary result" in dialog.arms.warning.text()


def test_on_data_of_ones_own_there_are_no_controls(dialog, qtbot) -> None:
    assert dialog.arms.boxes["planted"].isVisible()
    dialog.data.setText("mine.jsonl")
    assert not dialog.arms.boxes["planted"].isVisible()
    assert not dialog.sources.isVisible()
    assert dialog.choice().arms is None
    press(qtbot, dialog.arms.boxes["shuffled"])
    assert dialog.choice().arms == ("base", "sft", "sft-dpo")


def test_words_of_a_study() -> None:
    study = load("function-calling")
    assert sources_words(study) == study.data
    other = study.arms[1].model_copy(update={"data": {"form": "direct"}})
    split = study.model_copy(update={"arms": (study.arms[0], other), "data_options": {"length": 2}})
    assert sources_words(split) == f"{study.data} (length 2): base; {study.data} (length 2, form direct): SFT"
    assert needed_arms(study, {"treated": "sft-dpo", "base": "base"}) == {
        "sft-dpo": "primary result", "sft": "primary result", "base": "verdict", "planted": "verdict",
    }  # fmt: skip
    assert role_words("untuned_expert") == "untuned expert model"
    assert role_words("frozen-model") == "frozen model"


def test_an_outline_says_what_the_plug_ins_say(monkeypatch: pytest.MonkeyPatch) -> None:
    study = load("function-calling")
    found = operations.outline(study)
    assert next(iter(found.roles.items())) == ("treated", "sft-dpo")
    assert found.untrained == found.once == {"base"}
    assert found.needs["sft"] == ()
    broken = study.model_copy(update={"rule": study.rule.model_copy(update={"name": "not-there"})})
    assert operations.outline(broken) == Outline()
