"""Which form a row has, told by its fields, and how rows of it are read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.data.conversation import Grader
from engine.data.forms import bfcl, conversations, glaive, offered, requests
from engine.data.problems import Unusable, shown
from engine.data.row import Row
from engine.spec.example import Example

FORMS = (conversations, glaive, bfcl, requests)
"""In the order in which they are tried: a row may have the fields of two."""

FIELDS = frozenset(
    [
        *(*conversations.FIELDS, *conversations.SYSTEMS, *offered.FIELDS, *requests.REQUESTS, *requests.ANSWERS),
        *("id", "chat", "sample", "input", "chosen", "rejected"),
    ]
)
"""Names of fields that any form reads: columns of a table that are read at all."""

_PAIRS = (("chosen", "rejected"), ("prompt", "chosen"))


class Finder:
    """Reads rows of whatever form; each row may have another.

    Attributes:
        forms: The forms that were met, in words, in the order in which they were met.
        answers: BFCL's answers, if any row needed them.
    """

    def __init__(self, path: Path, grader: Grader | str) -> None:
        self.path = path
        self.forms: dict[str, str] = {}
        self.answers = bfcl.Answers(None, {})
        self._grader = grader
        self._asked = False

    def grader(self, form: object) -> Grader:
        """How calls of a form are compared, unless the user chose it."""
        if self._grader in ("strict", "bfcl"):
            return "strict" if self._grader == "strict" else "bfcl"
        return "bfcl" if form is bfcl else "strict"

    def read(self, key: str, value: Mapping[str, Any], row: Row) -> list[Example]:
        """The examples of a row; what is wrong is noted in the row. Raises Unusable; DataError as BFCL does."""
        for form in () if _pairs(value) else FORMS:
            words = form.find(value)
            if not words:
                continue
            grader = self.grader(form)
            self.forms.setdefault(words, grader)
            if form is not bfcl:
                return form.read(key, value, row, grader)
            if not self._asked and value.get("ground_truth") is None:
                self.answers, self._asked = bfcl.read_answers(self.path), True
            return bfcl.read(key, value, row, grader, self.answers, self.path)
        raise Unusable(*_why(value))


def known(value: Mapping[str, Any]) -> bool:
    """Whether a row has any form."""
    return not _pairs(value) and any(form.find(value) for form in FORMS)


def _pairs(value: Mapping[str, Any]) -> bool:
    return any(all(value.get(key) is not None for key in pair) for pair in _PAIRS)


def _why(value: Mapping[str, Any]) -> tuple[str, str]:
    """The field that is missing or cannot be used in a row of no known form, and why."""
    if _pairs(value):
        return "chosen", "these are preference pairs, not function calls; the lab makes its own wrong answers"
    if "ground_truth" in value and "question" not in value:
        return "ground_truth", "this is a file of answers; name the file of questions instead"
    for field in ("messages", "conversations"):
        if field in value:
            return field, "must be a list"
    if text := requests.untold(value):
        return "tools", text
    if "question" in value or "function" in value:
        return "function" if "question" in value else "question", "is missing"
    if "query" in value or "tools" in value:
        missing = "answers" if "query" in value and "tools" in value else "tools" if "query" in value else "messages"
        return missing, "is missing"
    keys = ", ".join(shown(key) for key in list(value)[:5]) or "no field at all"
    return "messages", f"is missing, and so are conversations, query and question; the row has {keys}"
