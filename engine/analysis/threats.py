"""Threats to validity: what stands against reading more into a result than it says. Each is a rule and a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean

from engine.analysis.copies import fingerprint
from engine.analysis.design import ROLE, Design
from engine.analysis.repeated import copy_threats
from engine.spec.result import Check
from engine.spec.run import RECIPE_VERSION
from engine.spec.runs import RunResult
from engine.stats.display.wording import counted, level, lowered, probability
from engine.stats.evidence import Evidence

FEW_SEEDS = 5
FEW_CLUSTERS = 20
FEW_CUT = 0.01  # share of answers that reached the limit below which they hardly matter
HIGH = 0.95  # accuracy above which differences are squeezed together
_TOO_LONG = {
    "long-prompts": "Prompts were longer than the model takes and were measured without their beginning",
    "long-examples": "Examples were longer than the model takes and were trained on in part",
}


def threats_of_runs(design: Design, runs: Sequence[RunResult]) -> tuple[str, ...]:
    """What the runs that succeeded show by themselves, whatever their figures."""
    return (*copy_threats(design, runs), *_of_the_runs(design, runs), *_of_the_limits(design, runs))


def threats(design: Design, evidence: Evidence, checks: Sequence[Check], of_runs: Sequence[str]) -> tuple[str, ...]:
    """The sentences that apply, the gravest first.

    Args:
        of_runs: What `threats_of_runs` found.
    """
    return (
        *_of_the_recipe(design),
        *_of_the_test(design, evidence, checks),
        *of_runs,
        *_of_the_measure(design, evidence),
        *_of_the_scope(design),
    )


def _of_the_recipe(design: Design) -> Iterable[str]:
    if design.recipe != RECIPE_VERSION:
        yield (
            f"Its runs were measured with recipe {design.recipe} of the lab; the present is {RECIPE_VERSION}: the same "
            "study computes other figures today, so the two must not be compared."
        )


def _of_the_test(design: Design, evidence: Evidence, checks: Sequence[Check]) -> Iterable[str]:
    failed = [check.label for check in checks if not check.ok]
    if failed:
        yield f"Not every check passed: {'; '.join(failed)}. Figures may mean something else than they seem to."
    if design.exploratory:
        yield f"The result is exploratory, {design.exploratory}: it suggests, and another trial has to confirm."
    elif beside := design.context.beside:
        names = ", ".join(look.trial for look in beside)
        yield (
            f"The same arms were compared before by {names}. This trial was queued before that was shown, so it is as "
            "planned; but whoever reads both had more than one chance, and errs more than 5 times in 100."
        )
    pairs = len(evidence.pairs(*design.study.primary.contrast))
    if 1 < pairs < FEW_SEEDS:
        least = "" if design.looks else f", and p cannot fall below {probability(2.0 ** (1 - pairs))}"
        yield f"There are {counted(pairs, 'pair')} of seeds: how much seeds differ is itself hardly known{least}."
    elif pairs == 1 and any(design.seeded.get(arm) for arm in design.study.primary.contrast):
        yield "There is one seed: it is not known whether another would give the same."
    yield from _of_untrained_pairs(design, evidence)
    yield from _of_the_controls(design, evidence)


def _of_the_controls(design: Design, evidence: Evidence) -> Iterable[str]:
    """What controls do not show of other seeds: positive ones hold of the runs at hand (`engine.analysis.assay`)."""
    for control in design.study.controls:
        metric, label = control.metric or design.study.reliance or "", design.study.arm(control.arm).label
        if control.placebo or control.arm not in design.arms or not design.seeded[control.arm]:
            continue
        leans, figure = metric == design.study.reliance, lowered(evidence.metrics[metric].label)
        if control.kind == "negative":
            if len(evidence.arm(control.arm)) == 1:
                what = "the shortcut is not found" if leans and not control.against else f"nothing is found in {figure}"
                yield f"That {what} where it cannot be is shown by one run ({label}); another seed may show some."
            continue
        found = evidence.difference(control.arm, control.against, metric)
        if found is None or (found.n_seeds > 1 and found.above):
            continue
        runs = "one run" if found.n_seeds == 1 else f"{counted(found.n_seeds, 'run')}, whose seeds differ much"
        if leans:
            yield f"That the shortcut would be seen is shown by {runs} ({label}); another seed may lean on it less."
        else:
            what = f"a difference in {figure}"
            yield f"That {what} would be seen is shown by {runs} ({label}); another seed may show less of it."


def _of_the_runs(design: Design, runs: Sequence[RunResult]) -> Iterable[str]:
    compared = [run for run in runs if run.record.arm in design.study.primary.contrast]
    trained = [run for run in compared if design.trains[run.record.arm] and not _on_kept_weights(run)]
    said = [{detail.partition(":")[0] for name, detail in run.notes if name == "precision"} for run in trained]
    odd = sum(words != said[0] for words in said)
    if odd:
        yield (
            f"Not all of the {len(trained)} runs that are compared were trained in the same precision (see the notes): "
            "the trial was continued on another machine, where bfloat16 computes otherwise."
        )


def _of_untrained_pairs(design: Design, evidence: Evidence) -> Iterable[str]:
    """Arms that are compared, of which a seed's are one: a prompt may be chosen that is the other arm's own."""
    if any(design.trains.get(arm) for arm in design.study.primary.contrast):  # of those `copy_threats` tells
        return
    probe = design.study.primary.probe
    pairs = [
        [fingerprint(run.outcomes.get(probe, ())) for run in pair]
        for pair in evidence.pairs(*design.study.primary.contrast)
    ]
    if alike := sum(bool(a) and a == b for a, b in pairs):
        yield (
            f"In {alike} of {counted(len(pairs), 'pair')} of runs both arms of the primary contrast have the same "
            "outcome on each item: there they are one way of answering, and nothing could differ."
        )


def _on_kept_weights(run: RunResult) -> bool:
    """Whether its weights were there already, so that it says nothing of how they were trained."""
    return any(name == "weights" for name, _ in run.notes)


def _of_the_limits(design: Design, runs: Sequence[RunResult]) -> Iterable[str]:
    compared = [run for run in runs if run.record.arm in design.study.primary.contrast]
    probe = design.study.primary.probe
    cut: dict[str, list[float]] = {}
    for run in compared:
        cut.setdefault(run.record.arm, []).extend(
            outcome.features["cut"] for outcome in run.outcomes.get(probe, ()) if "cut" in outcome.features
        )
    shares = {arm: fmean(values) for arm, values in cut.items() if values}
    if max(shares.values(), default=0.0) > FEW_CUT:
        shown = ", ".join(f"{level(share, 'share')} of {design.study.arm(arm).label}" for arm, share in shares.items())
        yield (
            f"Answers reached the limit of tokens before they ended ({shown}): how they would end is not known. "
            "With more room (max_new_tokens of the probe) they may come out otherwise, and arms that differ in this "
            "may differ in nothing else."
        )
    for name, what in _TOO_LONG.items():
        said = [detail for run in compared for own, detail in run.notes if own == name]
        if said:
            yield f"{what} in {len(said)} of {counted(len(compared), 'run')} that are compared. In one: {said[0]}"


def _of_the_measure(design: Design, evidence: Evidence) -> Iterable[str]:
    study = design.study
    primary = study.primary.figure
    clusters = evidence.clusters(primary)
    if 0 < clusters < FEW_CLUSTERS:
        yield (
            f"The items of {lowered(evidence.metrics[primary].label)} fall into {counted(clusters, 'cluster')} "
            "(wordings, tools or nouns): that is how much of the task's variety was seen."
        )
    figure = primary if evidence.metrics[primary].unit == "share" else study.accuracy
    levels = [found for arm in study.primary.contrast if (found := evidence.level(arm, figure))]
    if evidence.metrics[figure].unit == "share" and len(levels) == 2 and min(e.value for e in levels) > HIGH:
        shown, name = level(min(found.value for found in levels), "share"), lowered(evidence.metrics[figure].label)
        yield f"Both arms of the primary contrast reach {shown} or more in {name}: what they differ in may not show."
    alone, either = evidence.unshared(*study.primary.contrast, primary)
    if alone:
        yield (
            f"{alone} of {counted(either, 'item')} of the primary contrast (all seeds) have a figure in one arm only: "
            "in part the arms are compared on other items."
        )
    if study.reliance is None:
        return
    shortcut = lowered(evidence.metrics[study.reliance].label)
    yield f"One shortcut was looked for ({shortcut}). The arms may lean on others that nobody measured."


def _of_the_scope(design: Design) -> Iterable[str]:
    if design.scale == "elsewhere":
        yield (
            "The lab knows nothing of how these runs were trained: whether the arms differ in what their names say, "
            "and in nothing else, is for their makers to show."
        )
        return
    if str(design.data.get("source", "")).startswith("world."):
        yield "The data are generated from templates: what people write varies more, in wording and in difficulty."
    trained = any(design.trains.values())
    done = "tuned" if trained else "measured"
    further = [f"{role.removeprefix(ROLE)}: {name}" for role, name in design.model.items() if role.startswith(ROLE)]
    names = "; ".join([str(design.model["name"]), *further])
    what = "One set of base models" if further else "One base model"
    yield f"{what} was {done} ({names}). Others, above all larger ones, may differ."
    if trained:
        yield "How long and at which rates arms were trained is one choice of many: with others an arm may do better."
