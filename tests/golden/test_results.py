"""What planted trials come to, in full: a change of these is a change of what the lab says."""

from __future__ import annotations

import json

import pytest
from syrupy.assertion import SnapshotAssertion

from engine.analysis.analysis import analyse
from tests.support.planted import CALLS, NLI, Rates, make_runs, make_trial


@pytest.mark.parametrize(("study", "rates"), [("function-calling", CALLS), ("nli-frequency", NLI)])
def test_a_trial(study: str, rates: Rates, snapshot: SnapshotAssertion) -> None:
    trial = make_trial(study, 3)
    result = analyse(trial, make_runs(trial, rates, items=60, clusters=12))
    plain = result.model_dump(mode="json", include={"verdict", "contrasts", "decomposition", "checks", "failures"})
    assert _rounded(plain) == snapshot


def _rounded(value: object) -> object:
    """Figures to four places: the same on every machine."""
    return json.loads(json.dumps(value), parse_float=lambda text: round(float(text), 4))
