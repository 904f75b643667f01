from __future__ import annotations

from pathlib import Path

import pytest
from fake_lab import STEPS, FakeLab
from fake_result import REGISTRATION, gap_result, invented_result
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from engine.spec.errors import PluginError
from engine.spec.run import RECIPE_VERSION
from gui.look.theme import arm_styles
from gui.look.tokens import LIGHT
from gui.pages.verdict.export import ITEMS
from gui.pages.verdict.figures import bars, corner, differences, figure_rows, looks_words, recipe_words, standing_words
from gui.pages.verdict.flips import FlipDialog
from gui.pages.verdict.page import VerdictPage
from gui.tables.figures import FiguresTable
from jobs.report import FORMATS
from jobs.report.content.looks import looks_of
from jobs.studies import load


def verdict(window, qtbot) -> VerdictPage:
    window.go("verdict")
    page = window.pages["verdict"]
    qtbot.waitUntil(lambda: not page.is_empty)
    return page


def test_before_anything_was_run(opened, qtbot, tmp_path: Path) -> None:
    window = opened(FakeLab(tmp_path, trials=0))
    window.go("verdict")
    page = window.pages["verdict"]
    assert page.empty.sentence.text() == "No study has been run yet."
    qtbot.mouseClick(page.empty.button, Qt.MouseButton.LeftButton)
    assert window.buttons["questions"].isChecked()


def test_while_runs_go_on(opened, qtbot, lab) -> None:
    window = opened(lab)
    window.go("verdict")
    page = window.pages["verdict"]
    assert page.empty.sentence.text() == "12 of 17 runs are done; the verdict comes with the last one."
    assert not page.export.isVisible()
    qtbot.mouseClick(page.empty.button, Qt.MouseButton.LeftButton)
    assert window.buttons["live"].isChecked()


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_result_is_drawn(opened, qtbot, tmp_path: Path, mode: str) -> None:
    window = opened(FakeLab(tmp_path, step=STEPS), mode)
    page = verdict(window, qtbot)
    assert page.head.pill.word == "Learned"
    assert page.head.sentence.text().startswith("DPO on the teacher’s negatives")
    assert "+41.0 [+36.0, +46.0]" in page.waterfall.accessibleDescription()
    assert "base: accuracy 4.0 %, reliance +6.0 points" in page.scatter.accessibleDescription()
    assert page.forest.accessibleDescription().startswith("SFT → DPO − SFT: +5.1 [+2.2, +8.0]")
    assert page.table.figures.rowCount() == 5
    assert "calls: 180 items in 45 clusters" in page.cards["table"].caption.text()
    page.grab()


def test_it_is_analysed_once_for_each_state_of_the_runs(opened, qtbot, tmp_path: Path) -> None:
    lab = FakeLab(tmp_path, step=STEPS)
    window = opened(lab)
    verdict(window, qtbot)
    window.go("questions")
    verdict(window, qtbot)
    qtbot.wait(300)
    assert len([a for a in lab.asked if a[0] == "result"]) == 1


def test_a_result_that_cannot_be_drawn_up_says_what_is_safe_until_it_can(opened, qtbot, tmp_path, monkeypatch) -> None:
    lab, drawn = FakeLab(tmp_path, step=STEPS), FakeLab.result
    said = "The figures of a-1 cannot be drawn up without talk.py."

    def lost(_lab: FakeLab, _trial: str) -> None:
        raise PluginError(said, "Runs and outcomes are kept.")

    monkeypatch.setattr(FakeLab, "result", lost)
    window = opened(lab)
    window.go("verdict")
    page = window.pages["verdict"]
    qtbot.waitUntil(lambda: page.empty.sentence.text() == f"{said} Runs and outcomes are kept.")
    assert page.is_empty
    assert not page.export.isVisible()
    monkeypatch.setattr(FakeLab, "result", drawn)
    qtbot.mouseClick(page.empty.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not page.is_empty)
    assert page.head.pill.word == "Learned"


def test_a_failed_check_says_so_in_words(opened, qtbot, tmp_path: Path) -> None:
    lab = FakeLab(tmp_path, step=STEPS)
    lab.texts["bad"] = "Greedy decoding"
    page = verdict(opened(lab), qtbot)
    lines = [page.lists["checks"].itemAt(n).widget() for n in range(page.lists["checks"].count())]
    names = [line.accessibleName() for line in lines]
    assert "Greedy decoding: failed. 0.31 nats at most" in names
    assert all("0.31 nats at most" in line.toolTip() for line in lines), "under the pointer stands what was seen"
    assert sum(": passed." in n for n in names) == 6


@pytest.mark.parametrize(
    ("chosen", "kind", "written"),
    [
        ("report.html", "Web page (*.html)", "report.html"),
        ("report", "JSON (*.json)", "report.json"),
        ("my.report", "Table of figures (CSV) (*.csv)", "my.report.csv"),
        ("REPORT.JSON", "Web page (*.html)", "REPORT.JSON"),
        ("function-calling-quick-1.html", "JSON (*.json)", "function-calling-quick-1.json"),
        ("function-calling-quick-1.html", "", "function-calling-quick-1.html"),
    ],
)
def test_the_report_is_exported(opened, qtbot, tmp_path, monkeypatch, chosen: str, kind: str, written: str) -> None:
    lab = FakeLab(tmp_path, step=STEPS)
    window = opened(lab)
    page = verdict(window, qtbot)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / chosen), kind))
    qtbot.mouseClick(page.export, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(window.messages.banners()))
    text = (tmp_path / written).read_text("utf-8")
    begins = {".html": "<!DOCTYPE html>", ".json": "{", ".csv": "arm,seed"}
    assert text.startswith(begins[Path(written).suffix.lower()])
    assert page.result is not None
    assert page.result.arms[0].name in text
    assert window.messages.banners()[0].hint.text() == str(tmp_path / written)
    assert page.export.isEnabled()


@pytest.mark.parametrize(
    ("chosen", "written"),
    [
        ("function-calling-quick-1.html", "function-calling-quick-1-items.csv"),
        ("mine", "mine.csv"),
        ("mine.csv", "mine.csv"),
    ],
)
def test_every_items_outcome_is_exported(opened, qtbot, tmp_path, monkeypatch, chosen: str, written: str) -> None:
    lab = FakeLab(tmp_path, step=STEPS)
    window = opened(lab)
    page = verdict(window, qtbot)
    offered: list[str] = []

    def pick(_parent: QWidget, _title: str, _name: str, kinds: str) -> tuple[str, str]:
        offered.extend(kinds.split(";;"))
        return str(tmp_path / chosen), ITEMS

    monkeypatch.setattr(QFileDialog, "getSaveFileName", pick)
    qtbot.mouseClick(page.export, Qt.MouseButton.LeftButton)
    assert page.export.text() == "Exporting …"
    qtbot.waitUntil(lambda: bool(window.messages.banners()))
    assert ("export_items", "function-calling-quick-1", tmp_path / written) in lab.asked
    assert (tmp_path / written).read_text("utf-8") == "invented items"
    assert page.export.text() == "Export report"
    assert offered == [*(f"{name} (*{ending})" for ending, name in FORMATS.items()), ITEMS]


def test_what_was_fixed_beforehand_is_said(opened, qtbot, tmp_path) -> None:
    head = verdict(opened(FakeLab(tmp_path, step=STEPS)), qtbot).head
    assert not head.exploratory.isVisible()
    design, found = head.standing.text().split("; ")
    assert design == "Fixed beforehand: design 3f2a9c1b7d04, queued 2026-11-25 14:02 UTC"
    assert found == "was to find differences from about 6 points."
    assert "from 6 seeds of an earlier trial here" in head.standing.toolTip()
    assert head.looks.text().startswith(
        "Looked at before: figures of function-calling-quick-0a1b2c3d (3 seeds) were shown on 2026-11-25 13:40 UTC, "
        "before it was queued. "
    )


def test_a_second_look_is_exploratory(opened, qtbot, tmp_path, monkeypatch) -> None:
    lab = FakeLab(tmp_path, step=STEPS)
    plain = invented_result(lab.questions["function-calling"], "function-calling-quick-1")
    primary = plain.study.primary.model_copy(update={"registered": False})
    seen = plain.model_copy(update={"study": plain.study.model_copy(update={"primary": primary})})
    monkeypatch.setattr(lab, "result", lambda trial: seen)
    head = verdict(opened(lab), qtbot).head
    assert head.exploratory.isVisible()
    assert head.standing.text().startswith("Asked: ")
    assert head.looks.text().endswith("read this one as exploratory.")


def test_a_first_look_says_so_and_an_old_result_says_nothing() -> None:
    result = invented_result(load("function-calling"), "t")
    first = REGISTRATION.model_copy(update={"looks": (), "detectable": None})
    for registration, standing in (
        (first, "Fixed beforehand: design 3f2a9c1b7d04, queued 2026-11-25 14:02 UTC, before any comparison"),
        (
            first.model_copy(update={"queued": "long ago\u202e"}),
            "Fixed beforehand: design 3f2a9c1b7d04, queued long ago\ufffd,",
        ),
        (None, ""),
    ):
        study = result.study.model_copy(update={"registration": registration})
        changed = result.model_copy(update={"study": study})
        assert standing_words(changed).startswith(standing)
        assert bool(standing_words(changed)) == bool(standing)
        assert looks_words(changed) == ""
    many = REGISTRATION.model_copy(update={"looks": REGISTRATION.looks * 5})
    study = result.study.model_copy(update={"registration": many})
    assert "and 2 more" in looks_words(result.model_copy(update={"study": study}))


def test_examples_that_flipped_are_read_in_full(opened, qtbot, tmp_path) -> None:
    lab = FakeLab(tmp_path, step=STEPS)
    lab.texts["output"] = "<b>first</b>\n" + "word " * 400 + "the end"
    window = opened(lab)
    page = verdict(window, qtbot)
    words = page.flips.table.words
    assert [words.headerData(n, Qt.Orientation.Horizontal) for n in range(words.columnCount())] == [
        "item", "question", "SFT → DPO", "SFT", "seeds",
    ]  # fmt: skip
    assert words.index(0, 2).data().startswith("right: <b>first</b> word")
    assert words.index(2, 2).data().startswith("wrong (wrong tool): <b>first</b> word")
    assert len(words.index(0, 2).data()) <= 201
    assert [words.index(n, 4).data() for n in range(4)] == ["5 of 5", "4 of 5", "3 of 5", "2 of 5"]
    page.flips.table.setFocus()
    qtbot.keyClick(page.flips.table, Qt.Key.Key_Down)
    qtbot.keyClick(page.flips.full, Qt.Key.Key_Space)
    dialog = window.findChild(FlipDialog)
    assert dialog.windowTitle() == "Item tools.0049"
    said = dialog.shown.toPlainText()
    assert "SFT → DPO (right)\n<b>first</b>\nword" in said
    assert said.count("the end") == 2
    assert "Question\nIs it warm enough" in said
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: window.findChild(FlipDialog) is None)
    qtbot.keyClick(page.flips.table, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.findChild(FlipDialog) is not None)
    window.findChild(FlipDialog).accept()


def test_threats_stand_beside_notes_and_what_is_missing_leaves_no_hole(opened, qtbot, tmp_path, monkeypatch) -> None:
    lab = FakeLab(tmp_path, step=STEPS)
    page = verdict(opened(lab), qtbot)
    assert page.lists["threats"].itemAt(0).widget().text().startswith("Items come from one generator")
    assert page.cards["threats"].y() == page.cards["notes"].y()
    plain = invented_result(lab.questions["function-calling"], "t")
    for gone in ({"threats": ()}, {"notes": (), "flips": ()}):
        study = plain.study.model_copy(update={"published": ""})
        page._draw(plain.model_copy(update={"study": study, **gone}))
        left = page.cards["notes" if "threats" in gone else "threats"]
        qtbot.waitUntil(lambda left=left: left.width() > 900)
    assert not page.flips.isVisible()


def test_a_report_that_cannot_be_written_is_said(opened, qtbot, tmp_path, monkeypatch) -> None:
    window = opened(FakeLab(tmp_path, step=STEPS))
    page = verdict(window, qtbot)
    (tmp_path / "file").write_text("where a folder should be")
    (tmp_path / "folder.html").mkdir()
    for name in ("folder.html", "file/report.html"):
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, name=name: (str(tmp_path / name), ""))
        page.export.setFocus()
        qtbot.keyClick(page.export, Qt.Key.Key_Space)
        qtbot.waitUntil(lambda: page.export.isEnabled() and bool(window.messages.banners()))
    assert {b.property("kind") for b in window.messages.banners()} == {"error"}
    assert len(window.messages.banners()) == 2


def test_no_name_writes_nothing(opened, qtbot, tmp_path, monkeypatch) -> None:
    lab = FakeLab(tmp_path, step=STEPS)
    page = verdict(opened(lab), qtbot)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: ("", ""))
    before = {path.name for path in tmp_path.iterdir()}
    qtbot.mouseClick(page.export, Qt.MouseButton.LeftButton)
    assert not any(a[0].startswith("export") for a in lab.asked)
    assert {path.name for path in tmp_path.iterdir()} == before


def test_figures_for_the_charts() -> None:
    study = load("function-calling")
    result = invented_result(study, "t")
    labels = {a.name: a.label for a in result.arms}
    found = bars(result, arm_styles(looks_of(result), LIGHT))
    assert [b.label for b in found] == ["base", "output format", "instruction meaning", "negatives", "SFT → DPO"]
    assert [round(b.end) for b in found] == [4, 45, 78, 83, 83]
    assert corner(result) == pytest.approx((20.0, -5.0, 11.0))
    assert [b.said for b in found] == ["4.0 %", "+41.0", "+33.0", "+5.0", "83.0 %"]
    assert corner(result.model_copy(update={"rule": None})) is None
    (group,) = differences(result)
    rows = group.rows
    assert group.unit == "points"
    assert rows[0].primary
    assert [row.margin for row in rows] == [3.0, 3.0, 3.0, 3.0, None]  # the margin is the primary metric's alone
    assert rows[-1].label == "reliance: SFT → DPO − SFT"
    header, cells = figure_rows(result)
    assert header[2:] == list(labels.values())
    assert cells[0][:3] == ["Right call, new wording", "%", "4.0"]
    assert bars(result.model_copy(update={"decomposition": ()}), {}) == []


def test_without_a_decomposition_the_scatter_takes_the_row(opened, qtbot, tmp_path, monkeypatch) -> None:
    lab = FakeLab(tmp_path, step=STEPS)
    plain = invented_result(lab.questions["function-calling"], "t").model_copy(
        update={"decomposition": (), "notes": ()}
    )
    monkeypatch.setattr(lab, "result", lambda trial: plain)
    page = verdict(opened(lab), qtbot)
    assert not page.cards["gain"].isVisible()
    qtbot.waitUntil(lambda: page.cards["arms"].width() > 900)
    page.grab()


def test_a_row_that_is_too_long_keeps_the_ends_of_both_names(qapp) -> None:
    from PySide6.QtGui import QFontMetricsF, QPainter, QPixmap

    from gui.widgets.forest import Difference, fitted

    pixmap = QPixmap(400, 40)
    painter = QPainter(pixmap)
    arms = (
        "meta_llama_3_1_8b_instruct_lora_dpo_checkpoint_0400",
        "meta_llama_3_1_8b_instruct_lora_sft_checkpoint_1200",
    )
    row = Difference(f"reliance: {arms[0]} − {arms[1]}", 1.0, None, "+1.0", arms=arms)
    shown = fitted(row, painter, 320)
    assert shown.startswith("reliance: meta")
    assert "400 − " in shown
    assert shown.endswith("200")
    assert QFontMetricsF(painter.font()).horizontalAdvance(shown) <= 322
    assert fitted(row, painter, 4000) == row.label
    painter.end()


def test_without_a_shortcut_the_differences_are_the_main_figure(opened, qtbot, tmp_path, monkeypatch) -> None:
    lab = FakeLab(tmp_path, step=STEPS)
    monkeypatch.setattr(lab, "result", lambda trial: gap_result(lab.questions["function-calling"], trial))
    page = verdict(opened(lab), qtbot)
    assert page.head.pill.word == "Partly closed"
    assert page.head.pill.accessibleName() == "Verdict: Partly closed"
    said = [page.head.figures.itemAt(n).widget().text() for n in range(page.head.figures.count())]
    assert [words.replace("\N{NO-BREAK SPACE}", " ") for words in said] == [
        "Gap closed: 41.0 % [22.0, 60.0].", "Words: not shown. Not measured.",
    ]  # fmt: skip
    assert page.head.rule.text().startswith("Rule “Gap closed” with treated: SFT → DPO, base: base")
    assert not page.cards["arms"].isVisible()
    qtbot.waitUntil(lambda: page.cards["pairs"].y() < page.cards["gain"].y())
    qtbot.waitUntil(lambda: page.cards["gain"].width() > 900)
    assert page.forest.accessibleDescription().endswith("length: SFT → DPO − SFT: +3.500 [+3.000, +4.000]")
    assert [group.unit for group in page.forest._groups] == ["points", "furlongs"]
    page.grab()


def test_a_trial_of_an_older_recipe_says_so(opened, qtbot, tmp_path, monkeypatch) -> None:
    lab = FakeLab(tmp_path, step=STEPS)
    plain = invented_result(lab.questions["function-calling"], "function-calling-quick-1")
    monkeypatch.setattr(lab, "result", lambda trial: plain.model_copy(update={"provenance": {"recipe": 4}}))
    head = verdict(opened(lab), qtbot).head
    assert head.recipe.isVisible()
    assert head.recipe.text().startswith(f"Measured with recipe 4 of the lab; the present one is {RECIPE_VERSION}")
    for recipe in (RECIPE_VERSION, RECIPE_VERSION + 1, 0, "4", True):
        assert recipe_words(plain.model_copy(update={"provenance": {"recipe": recipe}})) == "", recipe
    assert recipe_words(plain) == ""


@pytest.mark.parametrize("arms", [3, 13])
def test_no_figure_is_cut_however_many_arms_there_are(qtbot, arms: int) -> None:
    table = FiguresTable()
    qtbot.addWidget(table)
    table.resize(1020, 300)
    cells = ["97.2 [82.3, 100.0]"] * arms
    table.show_figures(["metric", "unit", *(f"arm {n}" for n in range(arms))], [["Accuracy", "%", *cells]] * 4)
    table.show()
    qtbot.waitExposed(table)
    for column in range(2, 2 + arms):
        assert table.columnWidth(column) >= table.sizeHintForColumn(column)
    assert table.horizontalScrollBar().isVisible() == (arms == 13)
    last = table.figures.index(3, 0)
    assert table.visualRect(last).bottom() <= table.viewport().height(), "the bar hides no row"
