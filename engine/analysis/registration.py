"""What was fixed when a trial was queued, and whether it still counts as fixed.

A trial is looked at beforehand where the arms of its primary contrast could be compared by then: where runs of both had
been measured that are its own, or that are the same but for the study's name. Whatever was changed since, the seeds,
an arm, the margin or the metric, it could be changed to please. No part of the 5 % was set aside for a second look
beforehand, so the first has spent all of it, and the result is called exploratory.

A rule or a probe of the user's own that was edited after the trial was queued makes it exploratory as well: how figures
are drawn and what is concluded from them was then chosen when they could be known.

What no program can see: figures in another data folder, files that were edited by hand, and a look at another scale,
model or data, which are other runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from engine.spec.plugins.discovery import code_of
from engine.spec.result import Look, Registration
from engine.spec.runs import Context, Planned
from engine.spec.trial import TrialSpec
from engine.stats.display.wording import counted


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


def why_exploratory(trial: TrialSpec, context: Context) -> str:
    """Why what a trial shows is exploratory, in words that go on after "Exploratory, "; "" where it is not."""
    return looked(context.looks) or changed(trial)


def changed(trial: TrialSpec) -> str:
    """Whether the user's own rule, or a probe that says how figures are drawn, is another than when it was queued."""
    read = [("rules", trial.study.rule.name), *(("probes", probe.probe) for probe in trial.study.probes)]
    for kind, name in read:
        if code_of(kind, name) != trial.uses.get(f"{kind}/{name}", ""):
            return f"since the file {kind}/{name.replace('-', '_')}.py was changed after it was queued"
    return ""


def looked(looks: Sequence[Look]) -> str:
    """Why a trial is exploratory, in words that go on after "Exploratory, "; "" where nobody had looked before."""
    if not looks:
        return ""
    first = looks[0]
    trial = f"{first.trial} ({counted(first.seeds, 'seed')})"
    return f"since figures of {trial} were there when it was queued, and spent the whole 5 %"
