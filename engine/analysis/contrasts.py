"""Paired differences as a result holds them: the study's family, tested together, and everything else, untested."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import fmean

from engine.analysis.figures import main_metrics, margin_of
from engine.analysis.flips import flipped
from engine.rules import Rule, enough_seeds
from engine.spec.result import Contrast, Flip, PairedSeed
from engine.spec.runs import Context
from engine.spec.study import StudySpec
from engine.stats.evidence import Estimate, Evidence, Run
from engine.stats.inference import effects, paired
from engine.stats.inference.discordant import discordant
from engine.stats.inference.equivalence import equivalent
from engine.stats.statistics._base import Statistic
from engine.stats.statistics.mean import Mean

Pair = tuple[str, str]


def family(study: StudySpec, rule: Rule, evidence: Evidence) -> list[Contrast]:
    """The study's own pairs on the primary metric, accuracy and reliance, and every other difference the rule reads.

    p values are Holm's over all tests of the study's own pairs, whatever their metric: they are one family. What the
    rule reads beside them, e.g. accuracy over the base, is shown and not tested.
    """
    primary = (study.primary.contrast, study.primary.figure)
    own = own_pairs(study)
    asked = [
        (pair, metric)
        for metric in shown_metrics(study, rule)
        for pair in dict.fromkeys(
            [*(own if metric in main_metrics(study) else ()), *((r.a, r.b) for r in rule.reads() if r.metric == metric)]
        )
    ]
    found = {(pair, metric): e for pair, metric in asked if (e := evidence.difference(*pair, metric)) is not None}
    tested = {at: e.p for at, e in found.items() if at[0] in own and e.p is not None}
    adjusted = dict(zip(tested, paired.holm(list(tested.values())), strict=True))
    return [
        _contrast(pair, metric, e, evidence, _splits(evidence.metrics[metric].statistic)).model_copy(
            update={
                "p_holm": adjusted.get((pair, metric)),
                "primary": (pair, metric) == primary,
                "equivalent": _equivalent(study, rule, evidence, pair, metric, e),
            }
        )
        for (pair, metric), e in found.items()
    ]


def own_pairs(study: StudySpec) -> tuple[Pair, ...]:
    """The pairs of arms that the study compares, the primary contrast first."""
    return tuple(dict.fromkeys([study.primary.contrast, *study.contrasts]))


def shown_metrics(study: StudySpec, rule: Rule) -> tuple[str, ...]:
    """The metrics on which the family's differences are drawn."""
    return tuple(dict.fromkeys([*main_metrics(study), *(read.metric for read in rule.reads())]))


def _equivalent(
    study: StudySpec, rule: Rule, evidence: Evidence, pair: Pair, metric: str, found: Estimate
) -> bool | None:
    """Whether a difference was shown to be too small to matter; None without a margin or with too few seeds."""
    on_primary = metric == study.primary.figure
    margin = study.primary.margin if on_primary else margin_of(study, rule, metric)
    if margin is None or found.ci90 is None or not enough_seeds(evidence, *pair, found):
        return None
    return equivalent(found.ci90, margin)


def others(study: StudySpec, rule: Rule, evidence: Evidence) -> Iterable[Contrast]:
    """The study's own pairs on every other metric; none is tested."""
    shown = shown_metrics(study, rule)
    for metric in evidence.metrics:
        for pair in own_pairs(study):
            if metric not in shown and (found := evidence.difference(*pair, metric)) is not None:
                yield _contrast(pair, metric, found, evidence)


def _contrast(
    pair: Pair, metric: str, found: Estimate, evidence: Evidence, splits: tuple[str, ...] | None = None
) -> Contrast:
    """One pair on one metric. Items of these splits are compared one by one within each seed; None: no items."""
    runs = [(x, y) for x, y in evidence.pairs(*pair) if metric in x.metrics and metric in y.metrics]
    levels = [[run.metrics[metric] for run in evidence.arm(arm) if metric in run.metrics] for arm in pair]
    share = evidence.metrics[metric].unit == "share"
    return Contrast(
        a=pair[0], b=pair[1], metric=metric, difference=found.value, ci=found.ci, p=found.p, n_seeds=found.n_seeds,
        detectable=found.detectable,
        cohens_h=effects.cohens_h(*(fmean(run.metrics[metric] for run in side) for side in zip(*runs, strict=True)))
        if share and runs
        else None,
        paired_d=effects.paired_d(found.per_seed),
        cliffs_delta=effects.cliffs_delta(*levels) if found.n_seeds > 1 else None,
        seeds=tuple(_paired_seed(x, y, metric, splits) for x, y in runs),
    )  # fmt: skip


def _paired_seed(a: Run, b: Run, metric: str, splits: tuple[str, ...] | None) -> PairedSeed:
    found = None
    if splits is not None:
        probe = metric.split(".", 1)[0]
        sides = ([o for o in r.outcomes.get(probe, ()) if not splits or o.split in splits] for r in (a, b))
        found = discordant(*sides)
    return PairedSeed(
        seed=a.seed if a.seeded or not b.seeded else b.seed,
        difference=a.metrics[metric] - b.metrics[metric],
        only_a=found.only_a if found else None,
        only_b=found.only_b if found else None,
        p=found.p if found else None,
    )


def _splits(statistic: Statistic) -> tuple[str, ...] | None:
    """The splits over which a figure is the plain share of right items; None where it is anything else."""
    return statistic.splits if statistic == Mean(splits=statistic.splits) else None


def flips(study: StudySpec, evidence: Evidence, context: Context) -> Iterable[Flip]:
    """Items on which the arms of the primary contrast differ, with their words where those were kept."""
    a, b = study.primary.contrast
    pairs = evidence.pairs(a, b)
    for found in flipped(pairs, study.accuracy.split(".", 1)[0]):
        text = context.texts.get(found.right.item)
        yield Flip(
            item=found.right.item, split=found.right.split, side=found.right.side,
            right=a if found.a_right else b, wrong=b if found.a_right else a,
            seeds=found.times, pairs=len(pairs), seed=found.seed,
            output_right=found.right.output, output_wrong=found.wrong.output, failure=found.wrong.failure or "",
            prompt=text.prompt if text else "", gold=text.gold if text else "",
        )  # fmt: skip
