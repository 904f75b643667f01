"""Results of invented figures, every part filled; one that stopped early, a very large one, and a hostile one."""

from __future__ import annotations

import pytest

from engine.analysis.analysis import analyse
from engine.spec.result import Result
from jobs.elsewhere.judge import analyse_file
from jobs.report.formats import items
from tests.support import results
from tests.support.hostile import poisoned
from tests.support.planted import CALLS, NLI, make_runs, make_trial


@pytest.fixture(scope="session")
def calls() -> Result:
    return results.small()


@pytest.fixture(scope="session")
def smoke() -> Result:
    return results.small("nli-frequency", 2, "smoke")


@pytest.fixture(scope="session")
def partial() -> Result:
    trial = make_trial("function-calling", 3)
    runs = make_runs(trial, CALLS, items=40)
    record = runs[1].record.model_copy(update={"state": "failed", "reason": "It ran out of memory."})
    return analyse(trial, [runs[0], runs[1].model_copy(update={"record": record})])


@pytest.fixture(scope="session")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Result:
    path = tmp_path_factory.mktemp("elsewhere") / "items.csv"
    items.write(make_runs(make_trial("nli-frequency", 2), NLI, items=30), path, "entailment")
    return analyse_file(path, treated="agree-95")


@pytest.fixture(scope="session")
def big() -> Result:
    return results.big()


@pytest.fixture(scope="session")
def other() -> Result:
    return results.other()


@pytest.fixture(scope="session")
def hostile(calls: Result) -> Result:
    return poisoned(calls)
