"""The checks of all runs, gathered by name, and the controls: what must hold before a verdict is given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.analysis import assay
from engine.analysis.figures import margin_of
from engine.rules import Rule
from engine.spec.result import Check
from engine.spec.runs import RunResult
from engine.spec.study import ControlSpec, StudySpec
from engine.stats.display.wording import counted, lowered
from engine.stats.evidence import Evidence

LABELS = {
    "adapter-on": "adapter changes the logits",
    "adapter-off": "adapter off equals the base",
    "template": "same chat template throughout",
    "greedy": "greedy decoding",
    "overlap": "no overlap of training and evaluation",
}
_SOME = {  # where items have sides, and where wrong answers are sampled
    "length": "prompts as long where the shortcut helps as where it misleads",
    "negatives": "no rejected answer says what its chosen one says",
}
MOST_NAMED = 8
"""At most so many runs that are missing are named."""
_TRAINED_ONLY = ("adapter-on", "adapter-off")


def run_checks(runs: Sequence[tuple[RunResult, bool]]) -> list[Check]:
    """One check for each name, which holds only if it holds in every run.

    Args:
        runs: The runs that succeeded, and whether each changes weights.

    Returns:
        The checks that every run must record, then those that some recorded besides.
    """
    if not runs:
        return []
    names = [*LABELS, *sorted({name for run, _ in runs for name, _, _ in run.checks} - set(LABELS))]
    return [check for name in names if (check := _gathered(name, runs)) is not None]


def _gathered(name: str, runs: Sequence[tuple[RunResult, bool]]) -> Check | None:
    asked = [run for run, trains in runs if trains or name not in _TRAINED_ONLY]
    if not asked:
        return None
    found = [(run, ok, detail) for run in asked for own, ok, detail in run.checks if own == name]
    silent = [run for run in asked if all(own != name for own, _, _ in run.checks)] if name in LABELS else []
    failed = [(run, detail) for run, ok, detail in found if not ok]
    if failed:
        run, detail = failed[0]
        said = f"Fails in {len(failed)} of {counted(len(asked), 'run')}, first in {_name(run)}: {detail}"
    elif silent:
        said = f"Not recorded by {len(silent)} of {counted(len(asked), 'run')}, first by {_name(silent[0])}."
    else:
        every = "the one run" if len(found) == 1 else f"all {len(found)} runs"
        said = f"Holds in {every}, e.g. {_name(found[0][0])}: {found[0][2]}"
    return Check(
        name=name, label=(LABELS | _SOME).get(name, name.replace("-", " ")), ok=not (failed or silent), detail=said
    )


def missing_runs(study: StudySpec, planned: Iterable[tuple[str, int]], runs: Iterable[RunResult]) -> str:
    """The runs that did not succeed, named by arm and seed; "" where none is missing."""
    there = {(run.record.arm, run.record.seed) for run in runs if run.record.state == "succeeded"}
    places = {arm.name: at for at, arm in enumerate(study.arms)}
    lost = sorted(set(planned) - there, key=lambda run: (places.get(run[0], len(places)), run[1]))
    named = [f"{study.arm(arm).label} seed {seed}" for arm, seed in lost[:MOST_NAMED]]
    more = f" and {len(lost) - MOST_NAMED} more" if len(lost) > MOST_NAMED else ""
    return ", ".join(named) + more


def runs_check(study: StudySpec, planned: int, runs: Sequence[RunResult], missing: str = "") -> Check:
    """Whether every run succeeded, and what became of the others; `missing` names them."""
    done = sum(run.record.state == "succeeded" for run in runs)
    if done >= planned:
        every = "The one run" if planned == 1 else f"All {planned} runs"
        return Check(name="runs", label="every run succeeded", ok=True, detail=f"{every} succeeded.")
    bad = [run for run in runs if run.record.state != "succeeded"]
    said = f"{planned - done} of {counted(planned, 'run')} did not"
    if bad:
        first = bad[0].record
        why = first.reason if first.state in first.reason else f"{first.state}. {first.reason}"
        said += f", first {study.arm(first.arm).label}, seed {first.seed}: {why}"
    elif missing:
        said = (
            f"{planned - done} of {counted(planned, 'run')} {'is' if planned - done == 1 else 'are'} missing: {missing}"
        )
    return Check(name="runs", label="every run succeeded", ok=False, detail=said.rstrip(" .") + ".")


def control_checks(study: StudySpec, rule: Rule, arms: Sequence[str], evidence: Evidence) -> list[Check]:
    """Whether each control behaves. A rule may ask for a planted shortcut: without one, its study proves nothing."""
    planted = any(c.kind == "positive" and c.metric in ("", study.reliance) for c in study.controls)
    found = []
    if rule.wants_a_planted_shortcut and not planted:
        said = "No shortcut is planted in these data, so it is not proven that reliance would be seen."
        found.append(Check(name="positive-control", label="a planted shortcut must be found", ok=False, detail=said))
    for name, control in named(study.controls):
        found.append(_control(name, control, study, rule, arms, evidence))
    return found


def named(controls: Sequence[ControlSpec]) -> list[tuple[str, ControlSpec]]:
    """Every control with the name of its check: its kind, numbered where there are several of a kind."""
    kinds = [f"{control.kind}-control" for control in controls]
    return [
        (kind if kinds.count(kind) == 1 else f"{kind}-{kinds[: at + 1].count(kind)}", control)
        for at, (kind, control) in enumerate(zip(kinds, controls, strict=True))
    ]


def _control(
    name: str, control: ControlSpec, study: StudySpec, rule: Rule, arms: Sequence[str], evidence: Evidence
) -> Check:
    labels = [study.arm(arm).label for arm in control.arms]
    metric = control.metric or study.reliance or ""
    label = _label(control, study, evidence)
    absent = [study.arm(arm).label for arm in control.arms if arm not in arms]
    if absent:
        return Check(name=name, label=label, ok=False, detail=f"Not run: {', '.join(absent)}.")
    own = margin_of(study, rule, metric) or 0.0
    margin = own if control.margin is None else control.margin
    named = evidence.metrics[metric].label
    if control.placebo:
        named = "Reliance on cues drawn by lot" if metric == study.reliance else f"{named}, sides drawn by lot"
        shown = assay.placebo(control, metric, margin, evidence)
    elif control.kind == "positive":
        shown = assay.positive(control, metric, margin, evidence, leans=metric == study.reliance)
    else:
        shown = assay.negative(control, metric, margin, min(margin, own or margin), evidence)
    return Check(name=name, label=label, ok=shown.ok, detail=f"{named}, {' against '.join(labels)}: {shown.said}")


def _label(control: ControlSpec, study: StudySpec, evidence: Evidence) -> str:
    """What a control asks for, in words."""
    positive = control.kind == "positive"
    if control.metric in ("", study.reliance):
        return "a planted shortcut must be found" if positive else "no shortcut may be found where there is none"
    figure = lowered(evidence.metrics[control.metric].label)
    if not control.against:
        return f"{figure} must not be shown by {study.arm(control.arm).label}"
    a, b = (study.arm(arm).label for arm in control.arms)
    if control.either:
        return f"{figure} must be the same with {a} as with {b}"
    return f"{figure} must {'' if positive else 'not '}be higher with {a} than with {b}"


def _name(run: RunResult) -> str:
    return f"{run.record.arm}, seed {run.record.seed}"
