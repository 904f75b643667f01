"""A result of invented figures, and one whose every text is hostile."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.analysis import analyse
from jobs.result import Result
from tests.support.planted import CALLS, NLI, make_runs, make_trial

HOSTILE = (
    "=cmd|'/c calc'!A1 </style></svg><script>alert(1)</script>\"{{ 7*7 }}{% raw %}"
    "\x1b[31m\u202e\x00&amp;<img src=x onerror=y>"
)


@pytest.fixture(scope="session")
def calls() -> Result:
    trial = make_trial("function-calling", 3)
    return analyse(trial, make_runs(trial, CALLS, items=80))


@pytest.fixture(scope="session")
def smoke() -> Result:
    trial = make_trial("nli-frequency", 2, "smoke")
    return analyse(trial, make_runs(trial, NLI, items=40))


@pytest.fixture(scope="session")
def partial() -> Result:
    trial = make_trial("function-calling", 3)
    runs = make_runs(trial, CALLS, items=40)
    record = runs[1].record.model_copy(update={"state": "failed", "reason": "It ran out of memory."})
    return analyse(trial, [runs[0], runs[1].model_copy(update={"record": record})])


@pytest.fixture(scope="session")
def hostile(calls: Result) -> Result:
    return Result.model_validate(_poisoned(calls.model_dump()))


_KEPT = {
    "a", "accuracy", "arm", "b", "base", "code", "contrast", "direction", "expected", "format", "metric", "name",
    "probe", "reliance", "role", "scale", "status", "treated", "unit",
}  # fmt: skip


def _poisoned(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {k: _poisoned(v, k) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_poisoned(v, key) for v in value]
    return HOSTILE if isinstance(value, str) and key not in _KEPT else value
