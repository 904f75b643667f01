"""Errors a user can act on. Anything that is not a `LabError` is a bug and is shown with its traceback."""

from __future__ import annotations


class LabError(Exception):
    """A known failure: what happened, and what to do next.

    Attributes:
        message: What happened, in one sentence, naming the file, row or field.
        hint: What is safe and what to do next; may be empty.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class SpecError(LabError):
    """A study, an arm or a setting that cannot be run as written."""


class DataError(LabError):
    """A user's data file that cannot be read; names file, row and field."""


class ModelError(LabError):
    """A model folder that is missing, incomplete or unsafe."""


class UnknownModel(ModelError):
    """A name or folder at which there is no model: most likely typed wrong."""


class PluginError(LabError):
    """A method, probe or study file that cannot be loaded."""


class StoreError(LabError):
    """The data folder or its database cannot be used."""


class ReportError(LabError):
    """A report that cannot be written."""


class RunError(LabError):
    """A run that started and could not finish."""


class OutOfMemory(RunError):
    """The run needed more memory than the machine gave it."""


class Diverged(RunError):
    """The loss became infinite or not a number."""


class WorkerLost(RunError):
    """The run's process ended without saying why."""
