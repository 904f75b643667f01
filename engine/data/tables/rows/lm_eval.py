"""Sample files of lm-evaluation-harness (`samples_TASK_TIME.jsonl`): a row for each document and filter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from engine.data.tables.cells import text_of

ANSWER = "filtered_resps[0]"
"""The column in which the answer that was graded stands once a row is flat."""
NOT_METRICS = frozenset((
    "doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics", "doc_hash", "prompt_hash",
    "target_hash", ANSWER,
))  # fmt: skip
"""Columns of a sample file that are no metric."""


def recognised(columns: Iterable[str]) -> bool:
    """Whether a file with these columns is a sample file."""
    there = set(columns)
    return "doc_id" in there and bool({"filtered_resps", "resps"} & there)


def flatten(cells: Mapping[str, Any]) -> dict[str, Any]:
    """A sample's cells with the answer that was graded in a column of its own, where it is a text.

    In tasks of multiple choice the harness keeps log-probabilities of the choices: then there is none.
    """
    responses = cells.get("filtered_resps")
    first = responses[0] if isinstance(responses, list) and responses else responses
    while isinstance(first, list) and len(first) == 1:
        first = first[0]
    return {**cells, ANSWER: first if isinstance(first, str | int | float) else None}


def metrics(rows: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The columns that hold a sample's score: those named in `metrics`, else all that hold numbers."""
    found: dict[str, None] = {}
    for cells in rows:
        named = cells.get("metrics")
        names = named if isinstance(named, list) else [name for name in cells if name not in NOT_METRICS]
        for name in map(text_of, names):
            if isinstance(cells.get(name), int | float | str):
                found[name] = None
    return tuple(found)


def roles(rows: list[dict[str, Any]]) -> dict[str, str]:
    """Which column plays which role; the metric only where there is one."""
    found = {"item": "doc_id"}
    scores = metrics(rows)
    if len(scores) == 1:
        found["correct"] = scores[0]
    if any(text_of(cells[ANSWER]) for cells in rows):
        found["prediction"] = ANSWER
    if any("target" in cells for cells in rows):
        found["gold"] = "target"
    return found
