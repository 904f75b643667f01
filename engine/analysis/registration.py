"""What was fixed when a trial was queued, and whether it still counts as fixed.

A trial is exploratory if figures of its runs had been *shown* when it was queued, such that arms that it compares
could be compared by them: the two of its primary contrast, or two of another difference that its rule reads. What was
only measured, and shown to nobody, counts for nothing, and so does a look that came later. Whatever was changed after
a look, the margin, the metric, the seeds, an arm, a label, it could be changed to please. No part of the 5 % was set
aside for a second look beforehand, so the first has spent all of it.

Shown figures belong to runs, not to names. A run is known again by its own hash, by what made its weights, or by
what it answered (`Identity.keys`): a copy of the study under another name, one more probe on the same weights and a
changed comment in a file of the user's are recognised. So is an arm of the same scale that was trained anew with
another rate or another number among its settings (`RunSpec.kin`): whoever changes one after each look and queues again
has a further chance each time. Looks add up, over trials and over time. One arm alone can be compared with nothing,
so it is no look at a comparison.

Trials that were queued together, before anything was shown, are each as planned; but where several of them are of the
same arms, whoever reads them all has several chances. The one that is opened later says so.

A look is whatever hands out figures of several arms: a result (window, report, `run`), live curves of what probes
measure, a table of items. Losses and other figures of training compare nothing that is measured, and the spread of an
earlier trial's seeds, from which the smallest detectable difference is computed, does not tell where they lie.
Looks of a trial at its own figures change nothing of what was fixed, and are no looks of others.

A rule or a probe of the user's own that was edited after the trial was queued makes it exploratory as well: how figures
are drawn and what is concluded from them was then chosen when they could be known.

What no program can see: figures in another data folder; files that were edited, or read, by other means than the
lab's; a clock that was set back; and a look at another scale, model, data or agreement, which are other runs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from engine.rules import Read, rule_of
from engine.spec.plugins.discovery import code_of
from engine.spec.result import Look, Registration
from engine.spec.runs import Context, Identity, LookNoted, Planned
from engine.spec.study import StudySpec
from engine.spec.trial import TrialSpec
from engine.stats.display import wording


def registration(trial: TrialSpec, context: Context) -> Registration:
    """What is known of a trial to have been fixed beforehand."""
    planned = context.planned or Planned(digest=trial.registration)
    expected = planned.detectable
    return Registration(
        digest=planned.digest,
        queued=_moment(context.queued),
        detectable=expected.difference if expected else None,
        basis=expected.basis if expected else "",
        looks=context.looks,
        changed=changed(trial),
    )


def looks_at(
    study: StudySpec, runs: Sequence[Identity], noted: Iterable[LookNoted], scale: str = ""
) -> tuple[Look, ...]:
    """The trials by which arms that a study compares were shown, the first look first.

    Args:
        study: Which differences are read.
        runs: The runs that they are read from.
        noted: Looks of other trials, those that count.
        scale: At which the runs are; arms of looks at another are not known again by their kin.

    Raises:
        PluginError: The study's rule, from which it is known what is compared, cannot be had.
    """
    own = _Known(runs)
    shown = [
        (look, their, own.arms(their, look.scale == scale))
        for look in sorted(noted, key=lambda look: look.at)
        for their in look.runs
    ]
    by: dict[str, set[str]] = defaultdict(set)  # arm -> the runs by which it was shown
    for _, their, arms in shown:
        for arm in arms:
            by[arm].add(their.run)
    # One run that is known again as two arms (neither is trained) shows no difference of the two.
    read = [read[:2] for read in _reads(study)]
    compared = frozenset(arm for a, b in read if by[a] and by[b] and len(by[a] | by[b]) > 1 for arm in (a, b))
    first: dict[str, LookNoted] = {}
    seeds: dict[str, set[int]] = defaultdict(set)
    anew: dict[str, bool] = {}
    for look, their, arms in shown:
        if arms & compared:
            first.setdefault(look.trial, look)
            seeds[look.trial].add(their.seed)
            anew[look.trial] = anew.get(look.trial, True) and not own.has(their)
    return tuple(
        Look(trial=name, seeds=len(seeds[name]), at=_moment(look.at), shown=look.shown, anew=anew[name])
        for name, look in first.items()
    )


def probes_read(study: StudySpec) -> frozenset[str]:
    """The probes whose figures a verdict compares: equal answers to any other are no answer to the study's question."""
    return frozenset(read.metric.partition(".")[0] for read in _reads(study))


def _reads(study: StudySpec) -> tuple[Read, ...]:
    return Read.with_primary(study, *rule_of(study).reads())


class _Known:
    """A trial's runs, by which those of others are known again."""

    def __init__(self, runs: Sequence[Identity]) -> None:
        self._same: dict[str, set[str]] = defaultdict(set)
        self._kin: dict[str, set[str]] = defaultdict(set)
        for run in runs:
            for key in run.keys:
                self._same[key].add(run.arm)
            if run.kin:
                self._kin[run.kin].add(run.arm)

    def has(self, their: Identity) -> bool:
        """Whether it is one of them, or has the weights or the answers of one."""
        return any(key in self._same for key in their.keys)

    def arms(self, their: Identity, same_scale: bool) -> frozenset[str]:
        """Which arms a run of another trial belongs to; of several of one kin that of its own name, if there is one."""
        kin = self._kin.get(their.kin, set()) if same_scale else set()
        kin = {their.arm} if their.arm in kin else kin
        return frozenset(kin.union(*(self._same.get(key, ()) for key in their.keys)))


def why_exploratory(trial: TrialSpec, context: Context) -> str:
    """Why what a trial shows is exploratory, in words that go on after "Exploratory, "; "" where it is not."""
    return looked(context.looks) or changed(trial)


def changed(trial: TrialSpec) -> str:
    """Whether the user's own rule, or a probe that says how figures are drawn, is another than when it was queued."""
    read = [("rules", trial.study.rule.name), *(("probes", probe.probe) for probe in trial.study.probes)]
    other = [
        f"{kind}/{name.replace('-', '_')}.py"
        for kind, name in read
        if code_of(kind, name) != trial.uses.get(f"{kind}/{name}", "")
    ]
    if len(other) > 1:
        return f"since the files {' and '.join(other)} were changed after it was queued"
    return f"since the file {other[0]} was changed after it was queued" if other else ""


def looked(looks: Sequence[Look]) -> str:
    """Why a trial is exploratory, in words that go on after "Exploratory, "; "" where nobody had looked before."""
    return f"since {wording.look(looks[0], looks[0].trial)}, and spent the whole 5 %" if looks else ""


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
