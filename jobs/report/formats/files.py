"""A result as JSON and as a table of single values."""

from __future__ import annotations

import csv
import io
import json

from engine.spec.result import Result
from engine.stats.display import wording
from jobs.report.content.clean import clean

HEAD = ("arm", "seed", "status", "metric", "value", "note")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", *"＝＋－＠")


def as_json(result: Result) -> str:
    """The result as docs/results.md describes it. Raises ValueError where a figure is not a number."""
    return json.dumps(result.model_dump(mode="python"), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def as_csv(result: Result) -> str:
    """One row for each figure of each run; a run without figures has one row, so that no run is silently gone."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(HEAD)
    standing = "" if result.study.primary.registered else "exploratory"
    for arm in result.arms:
        # What came from elsewhere has names of its own; those of the lab's are in its studies.
        name = arm.label if result.study.scale == "elsewhere" else arm.name
        for run in arm.runs:
            note = "; ".join(part for part in (standing, run.reason or result.study.note) if part)
            for metric, value in run.metrics.items() or [("", None)]:
                cells = [name, str(run.seed), run.status, metric]
                number = "" if value is None else repr(value)
                writer.writerow([*map(cell, cells), number, cell(note)])
    return file.getvalue()


def schema_text() -> str:
    """The JSON schema of `as_json`, as docs/result.schema.json holds it."""
    schema = Result.model_json_schema(mode="serialization")
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def cell(text: str) -> str:
    """A text on one line that no spreadsheet takes for a formula."""
    shown = clean(text)
    return f"'{shown}" if shown.lstrip().startswith((*_FORMULA, wording.MINUS)) or text.startswith(_FORMULA) else shown
