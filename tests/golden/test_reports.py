"""A whole report as people read it: a change of this is a change of what the lab tells them."""

from __future__ import annotations

import pytest
from syrupy.assertion import SnapshotAssertion

from jobs.report.content.sections import report_of
from jobs.report.formats import markdown
from tests.support import results


@pytest.mark.parametrize("study", ["function-calling", "nli-frequency"])
def test_a_report(study: str, snapshot: SnapshotAssertion) -> None:
    result = results.small(study)
    assert markdown.render(report_of(result)).replace(result.study.trial, "TRIAL") == snapshot


def test_a_report_of_a_trial_that_went_on_until_it_was_settled(snapshot: SnapshotAssertion) -> None:
    result = results.until_settled()
    assert markdown.render(report_of(result)).replace(result.study.trial, "TRIAL") == snapshot
