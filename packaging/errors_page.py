"""Write docs/errors.md: every message that a user can meet, and what to do, read from the source itself.

`python packaging/errors_page.py` writes it; with `--check` it only says whether the page is as the source has it.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from made_page import set_page

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "errors.md"
GAP = "…"
KINDS = {
    "SpecError": ("What was asked for cannot be done", "Correct what was asked for, and ask again."),
    "DataError": ("Data files and tables", "Correct the file as the message says, and start again."),
    "ModelError": ("Models", "Choose another model, or download this one again."),
    "PluginError": ("Methods and probes", "Correct the file that the message names."),
    "RunError": ("Runs", "Retry the run: it goes on from its last checkpoint."),
    "OutOfMemory": ("Memory", "Lower the batch size, run fewer at once, or choose a smaller model."),
    "Diverged": ("Training that diverged", "Lower the learning rate of the arm."),
    "WorkerLost": ("Processes that were lost", "Retry the run: it goes on from its last checkpoint."),
    "StoreError": ("The data folder and its database", "Check the folder; `doctor` says where it is."),
    "ReportError": ("Reports", "Choose another place for the file."),
}
"""Each kind of error with its title, and what to do where the message itself does not say."""
NAMED_LATER = {
    "unusable": "DataError", "Unclear": "DataError", "NotJson": "DataError", "PartError": "SpecError",
    "HubError": "ModelError", "UnknownModel": "ModelError", "Cancelled": "ModelError",
    "DiskFull": "StoreError", "Outdated": "StoreError", "Damaged": "StoreError",
}  # fmt: skip
"""Functions and classes of ours that make one of the kinds."""
FILE_FIRST = ("unusable", "Unclear", "PartError")
"""Those whose first argument is not the message but what it is about."""
HEAD = """\
# Error messages

Every message that the lab can show, with what to do about it. `…` stands for what differs from case to case: a name, a
row, a number. This page is made from the source by `python packaging/errors_page.py`; a test holds that it is complete.

Whatever the message: nothing that was measured is lost, and no file of yours is changed. A message that is not here,
with a traceback, is a bug of the lab: its window says so and offers the text to copy.
"""
ROWS = """\
## Rows of a data file

A row that cannot be used is named with its row, its field and one of these. Correct the row, or leave such rows out
(`--skip-bad-rows`; in the window *Leave out rows that cannot be used*): they are counted and listed in the result.
"""


class Message(NamedTuple):
    """A message and its hint, with gaps for what differs, and where it is raised."""

    kind: str
    text: str
    hint: str
    place: str


def page() -> str:
    """The page as the source has it."""
    messages = sorted(set(found()))
    parts = [HEAD]
    for kind, (title, usual) in KINDS.items():
        mine = dict.fromkeys((m.text, m.hint) for m in messages if m.kind == kind)
        if mine:
            parts += [f"## {title}\n", "| message | what to do |\n|---|---|"]
            parts += [f"| {_cell(text)} | {_cell(hint or usual)} |" for text, hint in mine]
            parts.append("")
    rows = dict.fromkeys(m.text for m in messages if m.kind == "row")
    parts += [ROWS, *(f"- {_cell(text)}" for text in rows), ""]
    return "\n".join(parts)


def found() -> Iterator[Message]:
    """Every message of the source."""
    for room in ("engine", "jobs", "gui"):
        for file in sorted((ROOT / room).rglob("*.py")):
            place = file.relative_to(ROOT).as_posix()
            tree = ast.parse(file.read_text(encoding="utf-8"))
            for node, names in _calls(tree, {}):
                if message := _message(node, place, names):
                    yield message


Names = dict[str, list[ast.expr]]
"""What a function assigns to its own names."""


def _calls(node: ast.AST, names: Names) -> Iterator[tuple[ast.Call, Names]]:
    """Every call, with what the function around it assigns."""
    for inner in ast.iter_child_nodes(node):
        known = names
        if isinstance(inner, ast.FunctionDef):
            known = {}
            for part in ast.walk(inner):
                if isinstance(part, ast.Assign) and isinstance(part.targets[0], ast.Name):
                    known.setdefault(part.targets[0].id, []).append(part.value)
        if isinstance(inner, ast.Call):
            yield inner, known
        yield from _calls(inner, known)


def _message(call: ast.Call, place: str, names: Names) -> Message | None:
    whole = ast.unparse(call.func)
    name = whole.rpartition(".")[2]
    of_row = {"add": "problem" in whole.lower(), "bad": whole == "row.bad", "Unusable": True}.get(name, False)
    if of_row and len(call.args) >= 2:
        text = _text(call.args[2 if name == "add" else 1], names)
        return Message("row", text, "", place) if _says(text) else None
    kind = NAMED_LATER.get(name, name)
    if kind not in KINDS:
        return None
    arguments = call.args[1:] if name in FILE_FIRST else call.args
    arguments = [*arguments, *(k.value for k in call.keywords if k.arg in ("message", "hint"))]
    text = _text(arguments[0], names) if arguments else ""
    if name in ("unusable", "Unclear"):
        text = f"{GAP} {text}."
    hint = _text(arguments[1], names) if len(arguments) > 1 else ""
    return Message(kind, text, hint if _says(hint) else "", place) if _says(text) else None


def _text(node: ast.expr, names: Names) -> str:
    """A text as the source has it; what is put in is a gap, and a slash stands between two ways to say it."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part, {}) if isinstance(part, ast.Constant) else GAP for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _text(node.left, names) + _text(node.right, names)
    if isinstance(node, ast.IfExp):
        return f"{_text(node.body, names)} / {_text(node.orelse, names)}"
    if isinstance(node, ast.Name) and node.id in names:
        others = {name: values for name, values in names.items() if name != node.id}
        return " / ".join(dict.fromkeys(_text(value, others) for value in names[node.id]))
    return GAP


def _says(text: str) -> bool:
    """Whether a text says anything beside its gaps."""
    return any(letter.isalpha() for letter in text)


def _cell(text: str) -> str:
    shown = " ".join(text.split()).replace("`", "").replace("<", "&lt;")
    return "".join(f"\\{letter}" if letter in "|*_" else letter for letter in shown)


if __name__ == "__main__":
    sys.exit(set_page(PAGE, page()))
