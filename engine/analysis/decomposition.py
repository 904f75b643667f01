"""Where the gain comes from: from the base to the treated arm, each arm of the chain adding one thing."""

from __future__ import annotations

from engine.spec.result import Step
from engine.spec.study import StudySpec
from engine.stats.evidence import Evidence


def chain(study: StudySpec, evidence: Evidence) -> tuple[Step, ...]:
    """The study's chain, or nothing where it has none or an arm of it was not measured.

    All of it is of the seeds that every arm of the chain has, so that gains add up to levels.
    """
    if study.decomposition is None:
        return ()
    arms, labels = study.decomposition.chain, study.decomposition.labels
    evidence = evidence.shared(*arms)
    found: list[Step] = []
    for at, arm in enumerate(arms):
        level = evidence.level(arm, study.accuracy)
        gain = evidence.difference(arm, arms[at - 1], study.accuracy) if at else level
        if level is None or gain is None:
            return ()
        reliance = evidence.level(arm, study.reliance) if study.reliance else None
        change = evidence.difference(arm, arms[at - 1], study.reliance) if at and study.reliance else None
        found.append(
            Step(
                label=labels[at - 1] if 0 < at <= len(labels) else study.arm(arm).label,
                arm=arm, level=level.value, gain=gain.value, ci=gain.ci, seeds=gain.n_seeds,
                reliance=reliance.value if reliance else None,
                leaning=change.value if change else None,
                leaning_ci=change.ci if change else None,
            )
        )  # fmt: skip
    return tuple(found)
