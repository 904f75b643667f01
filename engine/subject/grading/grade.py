"""How right an answer is, and what can be wrong with it."""

from __future__ import annotations

from engine.spec.example import Frozen

NO_CALL = "no call"
UNREADABLE = "unreadable call"
WRONG_COUNT = "wrong number of calls"
WRONG_FUNCTION = "wrong function"
MISSING = "missing argument"
EXTRA = "extra argument"
SWAPPED = "swapped arguments"
WRONG_VALUE = "wrong value"
NOT_APPLICABLE = "call where none applies"
WRONG_ANSWER = "wrong answer"
UNFINISHED = "unfinished thought"
CUT_OFF = "cut off"  # it reached the limit of tokens before it ended

FAILURES = (
    NO_CALL, UNREADABLE, WRONG_COUNT, WRONG_FUNCTION, MISSING, EXTRA, SWAPPED, WRONG_VALUE, NOT_APPLICABLE,
    WRONG_ANSWER, UNFINISHED, CUT_OFF,
)  # fmt: skip


class Grade(Frozen):
    """How right an answer is. Each of the four conditions is true only if those before it are.

    Attributes:
        failure: The type of the first thing that is wrong; None where the answer is right.
        parses: It can be read: as a call, or as one of the labels of a task that has them.
        function: The right function (for calls; for texts the same as `correct`).
        arguments: The right argument names.
        values: The right argument values.
    """

    correct: bool
    failure: str | None
    parses: bool
    function: bool
    arguments: bool
    values: bool

    @property
    def height(self) -> int:
        """How many of the conditions hold; one more where all is right."""
        return self.parses + self.function + self.arguments + self.values + self.correct


def stopped_at(level: int, failure: str | None = None) -> Grade:
    """The grade whose first `level` of the four conditions hold."""
    held = [level > at for at in range(4)]
    return Grade(
        correct=failure is None, failure=failure, parses=held[0], function=held[1], arguments=held[2], values=held[3]
    )
