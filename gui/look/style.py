"""The style sheet, generated from the tokens of `gui.look.tokens`."""

from __future__ import annotations

from pathlib import Path
from string import Template

from gui.look.tokens import Tokens

TEMPLATE = Template("""
QMainWindow, QDialog, QWidget#page, QScrollArea, QWidget#body { background: $background; }
QScrollArea { border: none; }
QLabel { color: $text; background: transparent; }
QLabel[role="muted"], QLabel[role="caption"] { color: $muted; }
QLabel[role="good"] { color: $good; }
QLabel[role="bad"] { color: $bad; }
QLabel[role="warn"] { color: $warn; }
QToolTip { color: $text; background: $surface; border: 1px solid $line; padding: 5px 7px; }

QFrame#card { background: $surface; border: 1px solid $line; border-radius: 10px; }
QFrame#rule { background: $line; border: none; max-height: 1px; min-height: 1px; }
QFrame#sidebar { background: $background; border: none; border-right: 1px solid $line; }
QFrame#strip { background: $background; border: none; border-top: 1px solid $line; }
QFrame#banner { background: $surface; border: 1px solid $line; border-left: 3px solid $accent; border-radius: 8px; }
QFrame#banner[kind="error"] { border-left-color: $bad; }
QFrame#banner[kind="warn"] { border-left-color: $warn; }
QFrame#banner[kind="done"] { border-left-color: $good; }

QPushButton {
  color: $text; background: $surface; border: 1px solid $line; border-radius: 7px; padding: 5px 11px; min-height: 20px;
}
QPushButton:hover { background: $hover; }
QPushButton:pressed { background: $selection; }
QPushButton:focus { border-color: $accent; }
QPushButton:checked { background: $selection; border-color: $accent; }
QPushButton:disabled { color: $muted; background: $background; }
QPushButton[primary="true"] { color: $on_accent; background: $accent; border-color: $accent; }
QPushButton[primary="true"]:hover { border-color: $text; }
QPushButton[primary="true"]:focus { border: 2px solid $text; padding: 4px 10px; }
QPushButton[primary="true"]:disabled { color: $muted; background: $line; border-color: $line; }
QPushButton[quiet="true"] { background: transparent; border-color: transparent; color: $muted; }
QPushButton[quiet="true"]:hover { background: $hover; color: $text; }
QPushButton[quiet="true"]:focus { border-color: $accent; color: $text; }
QPushButton[small="true"] { padding: 2px 8px; min-height: 18px; }

QComboBox, QSpinBox, QDoubleSpinBox, QLineEdit {
  color: $text; background: $surface; border: 1px solid $line; border-radius: 7px; padding: 4px 9px; min-height: 20px;
  selection-background-color: $accent; selection-color: $on_accent;
}
QComboBox:disabled, QSpinBox:disabled, QLineEdit:disabled { color: $muted; background: $background; }
QComboBox:focus, QSpinBox:focus, QDoubleSpinBox:focus, QLineEdit:focus { border-color: $accent; }
QComboBox:hover { background: $hover; }
QSpinBox QLineEdit, QDoubleSpinBox QLineEdit { border: none; background: transparent; padding: 0 7px; min-height: 0; }
QComboBox[heading="true"] { background: transparent; border-color: transparent; padding: 0 6px 0 0; min-height: 18px; }
QComboBox[heading="true"]:hover { background: $hover; }
QComboBox[heading="true"]:focus { border-color: $accent; }
QComboBox QLineEdit { border: none; background: transparent; padding: 0; min-height: 0; }
QComboBox::drop-down { border: none; width: 22px; }
QComboBox::down-arrow { image: url("$icons/chevron.svg"); width: 12px; height: 12px; }
QComboBox QAbstractItemView {
  color: $text; background: $surface; border: 1px solid $line; outline: none;
  selection-background-color: $selection; selection-color: $text;
}
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button { border: none; width: 18px; background: transparent; }
QAbstractSpinBox::up-arrow { image: url("$icons/chevron-up.svg"); width: 10px; height: 10px; }
QAbstractSpinBox::down-arrow { image: url("$icons/chevron.svg"); width: 10px; height: 10px; }
QCheckBox { color: $text; spacing: 8px; }
QCheckBox::indicator { width: 15px; height: 15px; border: 1px solid $muted; border-radius: 4px; background: $surface; }
QCheckBox::indicator:hover { background: $hover; }
QCheckBox::indicator:checked { border: 2px solid $accent; width: 13px; height: 13px; image: url("$icons/tick.svg"); }
QCheckBox:focus { color: $accent; }
QCheckBox:disabled { color: $muted; }
QCheckBox::indicator:disabled { border-color: $line; background: $background; }

QTableView {
  color: $text; background: $surface; border: none; gridline-color: $line; outline: none;
  selection-background-color: $selection; selection-color: $text;
}
QTableView::item { padding: 0 6px; border: none; border-bottom: 1px solid $line; }
QTableView::item:selected { background: $selection; color: $text; }
QTableView::item:focus { background: $selection; }
QHeaderView { background: $surface; border: none; }
QHeaderView::section {
  color: $muted; background: $surface; border: none; border-bottom: 1px solid $line; padding: 4px 9px;
  font-size: 12px; font-weight: normal;
}
QTableCornerButton::section { background: $surface; border: none; }
QPlainTextEdit {
  color: $text; background: $surface; border: 1px solid $line; border-radius: 7px; padding: 6px;
  selection-background-color: $accent; selection-color: $on_accent;
}
QProgressBar[measured="true"] { background: $line; border: none; border-radius: 2px; }
QProgressBar[measured="true"]::chunk { background: $accent; border-radius: 2px; }
QMenu { color: $text; background: $surface; border: 1px solid $line; padding: 4px; }
QMenu::item { padding: 5px 22px; border-radius: 5px; }
QMenu::item:selected { background: $selection; }

QScrollBar:vertical { background: transparent; width: 10px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 0; }
QScrollBar::handle { background: $line; border-radius: 4px; margin: 1px; min-height: 24px; min-width: 24px; }
QScrollBar::handle:hover { background: $muted; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
""")


def sheet(tokens: Tokens, icons: Path) -> str:
    """The style sheet for these tokens; `icons` is the folder of the arrows."""
    colours = {name: value for name, value in vars(tokens).items() if isinstance(value, str)}
    return TEMPLATE.substitute(colours, icons=icons.as_posix())
