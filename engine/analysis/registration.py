"""What was fixed when a trial was queued, and whether it still counts as fixed.

A trial is looked at beforehand where the arms of its primary contrast could be compared by then: where runs of both had
been measured that are its own, or that are the same but for the study's name. Whatever was changed since, the seeds,
an arm, the margin or the metric, it could be changed to please. No part of the 5 % was set aside for a second look
beforehand, so the first has spent all of it, and the result is called exploratory.

What no program can see: figures in another data folder, files that were edited by hand, and a look at another scale,
model or data, which are other runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from engine.spec.result import Look, Registration
from engine.spec.runs import Context, Planned
from engine.spec.trial import TrialSpec
from engine.stats.wording import counted


def registration(trial: TrialSpec, context: Context) -> Registration:
    """What is known of a trial to have been fixed beforehand."""
    planned = context.planned or Planned(digest=trial.registration)
    expected = planned.detectable
    return Registration(
        digest=planned.digest,
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
    trial = f"{first.trial} ({counted(first.seeds, 'seed')})"
    return f"since figures of {trial} were there when it was queued, and spent the whole 5 %"
