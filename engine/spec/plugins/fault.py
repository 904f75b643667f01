"""What is wrong with a user's file, and at which of its own lines."""

from __future__ import annotations

import traceback

from pydantic import ValidationError

from engine.spec.errors import LabError
from engine.spec.plugins.misfits import misfit


def told(error: BaseException, path: str) -> str:
    """The whole traceback, and below it in one line where the file failed and why."""
    return "".join(traceback.format_exception(error)) + fault(error, path)


def fault(error: BaseException, path: str) -> str:
    """Where a file failed and why, e.g. 'File "/mine/boom.py", line 3: ValueError: no luck'."""
    said = what(error)
    if said.startswith(f'File "{path}"'):
        return said
    return f"{place(path, line_within(error, path))}: {said}"


def place(path: str, line: int | None) -> str:
    """A line of a file as tracebacks name it; None: the file."""
    return f'File "{path}"' if line is None else f'File "{path}", line {line}'


def line_within(error: BaseException, path: str) -> int | None:
    """The last line of a file that an error came through; None where it did not."""
    if isinstance(error, SyntaxError) and error.filename == path:
        return error.lineno
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    return lines[-1] if lines else None


def what(error: BaseException) -> str:
    """What was raised, in one line: its kind and its words; of values that do not fit, which and what is allowed."""
    if isinstance(error, ValidationError):
        return f"{error.title}: {misfit(error)}"
    words = " ".join(str(error.msg if isinstance(error, SyntaxError) else error).split())
    if isinstance(error, LabError):
        return words
    return f"{type(error).__name__}: {words}" if words else type(error).__name__
