"""What was fixed when a trial was queued, and whether it still counts as fixed.

Seeds may be added to a study whose figures are known, but then the result is called exploratory: whoever looks, and
adds seeds when the result is not to their liking, errs more often than one time in twenty. No part of the 5 % was
set aside for a second look beforehand, so the first look has spent all of it, and nothing is left to spend.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from engine.spec import TrialSpec
from engine.stats.wording import counted
from jobs.records import Context
from jobs.result import Look, Registration


def registration(trial: TrialSpec, context: Context) -> Registration:
    """What is known of a trial to have been fixed beforehand."""
    expected = context.expected
    return Registration(
        digest=trial.registration,
        queued=datetime.fromtimestamp(context.queued, UTC).isoformat(timespec="seconds"),
        detectable=expected.difference if expected else None,
        basis=expected.basis if expected else "",
        looks=context.looks,
    )


def looked(looks: Sequence[Look]) -> str:
    """Why a trial is exploratory, in words that go on after "Exploratory, "; "" where nobody had looked before."""
    if not looks:
        return ""
    first = looks[0]
    how = f"seeds were changed after a look at {counted(first.seeds, 'seed')} ({first.trial})"
    return f"since {how}, which spent the whole 5 %"
