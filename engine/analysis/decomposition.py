"""Where the gain comes from: from the base to the treated arm, each arm of the chain adding one thing."""

from __future__ import annotations

from dataclasses import dataclass

from engine.spec.study import StudySpec
from engine.stats.evidence import Evidence


@dataclass(frozen=True)
class Gain:
    """One step of the chain.

    Attributes:
        label: What the step adds; of the first, the arm it starts from.
        arm: The arm whose level is reached.
        level: Its accuracy.
        gain: What it adds to the step before; the first adds its own level, so that gains add up to the last level.
        ci: 95 % interval of the gain, paired by seed.
        reliance: The arm's reliance, None where it was not measured.
        leaning: How much more the arm relies on the shortcut than the one before it; None for the first.
        leaning_ci: 95 % interval of that change.
    """

    label: str
    arm: str
    level: float
    gain: float
    ci: tuple[float, float] | None
    reliance: float | None = None
    leaning: float | None = None
    leaning_ci: tuple[float, float] | None = None


def chain(study: StudySpec, evidence: Evidence) -> tuple[Gain, ...]:
    """The study's chain, or nothing where it has none or an arm of it was not measured.

    The levels are means over all of an arm's seeds and the gains are paired by seed, so where an arm lacks some
    seeds a gain may differ from the difference of its two levels.
    """
    if study.decomposition is None:
        return ()
    arms, labels = study.decomposition.chain, study.decomposition.labels
    found: list[Gain] = []
    for at, arm in enumerate(arms):
        level = evidence.level(arm, study.accuracy)
        gain = evidence.difference(arm, arms[at - 1], study.accuracy) if at else level
        if level is None or gain is None:
            return ()
        reliance = evidence.level(arm, study.reliance) if study.reliance else None
        change = evidence.difference(arm, arms[at - 1], study.reliance) if at and study.reliance else None
        found.append(
            Gain(
                labels[at - 1] if 0 < at <= len(labels) else study.arm(arm).label,
                arm, level.value, gain.value, gain.ci,
                reliance=reliance.value if reliance else None,
                leaning=change.value if change else None,
                leaning_ci=change.ci if change else None,
            )
        )  # fmt: skip
    return tuple(found)
