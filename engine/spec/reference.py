"""Models and data by content: what a run uses is named by its digest, wherever it lies."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from engine.spec.example import Frozen


class ModelRef(Frozen):
    """A model: where it lies and what it is. `digest` (sha256 of weights and tokenizer) is its identity."""

    name: str
    path: str
    digest: str
    template: str = Field("", description="sha256 of the chat template in use.")
    parameters: int = 0


class DataRef(Frozen):
    """Where a study's data come from: a task of the world ("world.routes") or a user's file ("file").

    Attributes:
        digest: sha256 of the file, or of the world's version and the task.
        options: What the source was asked for, each with its value (defaults written out), e.g. {"form": "direct"}.
        grader: How calls are compared ("strict" or "bfcl"); "": as the form of the data has it.
        skip_bad_rows: Whether rows that cannot be used are left out; otherwise they refuse the file.
        without: Rows of the file, counted from 1, that the chosen model's chat template refuses and that are left
            out as well.
    """

    source: str
    path: str = ""
    digest: str = ""
    options: dict[str, Any] = Field(default_factory=dict)
    grader: Literal["", "strict", "bfcl"] = ""
    skip_bad_rows: bool = False
    without: tuple[int, ...] = ()
