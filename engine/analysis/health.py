"""Recipe health: whether the arms that a verdict rests on were trained well enough to say anything of the question.

A fine-tune that unlearns what the base could do shows what a rate does, not what the data do. Each sign is asked of
every arm that trains, save controls, whose data withhold or plant something:

- *loss*: on examples of its own kind that a run does not train on it falls, and the objective's own loss rises in no
  phase. Where nothing is shown and the base already gives the right answers' tokens, there was little to learn;
- *accuracy*: an arm whose data do not favour the shortcut does not fall below the base;
- *readable answers*: their share does not fall below the base's, where the base can give them, nor below a half.

Accuracy and readable answers fail only where the fault is shown at 95 %. The loss must be shown to fall, since an arm
that was never trained would pass for one that is equivalent to the base. What could not be asked is said: such a recipe
neither passes nor fails.

Arms that the rule does not read are warned of, and gate nothing. So are runs that collapse: a gate on them would choose
among seeds by their outcome.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from engine.analysis.design import Design
from engine.analysis.loss import FASTER, FITTING, SLOWER, Sign, loss_sign
from engine.analysis.runs_apart import runs_apart
from engine.rules import Rule, lost
from engine.spec.result import Check
from engine.spec.runs import RunResult
from engine.spec.study import ArmSpec
from engine.spec.training import Training
from engine.stats.display.wording import counted, difference_of, level, lowered
from engine.stats.evidence import Evidence

NAME, LABEL = "recipe-health", "recipe healthy"
TRIVIAL = 0.01
"""A share that falls by less is not said to fall, however sure that is."""
READABLE, READABLE_FLOOR = "parses", 0.5
"""The metric of the accuracy's probe that is the share of answers which can be read, and what it must reach."""
ALWAYS_CLIPPED = 0.99
BASE_CEILING = 0.9
"""Accuracy of the base above which little is left to gain."""


class Health(NamedTuple):
    """The check (none where nothing could be asked), warnings that belong among the threats, and notes."""

    checks: tuple[Check, ...] = ()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def health_of(design: Design, rule: Rule, runs: Sequence[RunResult], evidence: Evidence) -> Health:
    """Whether the recipe of a design is healthy.

    Args:
        runs: Those that succeeded.
    """
    study = design.study
    asked = [name for name in design.arms if design.trains[name] and name not in design.controls]
    if design.scale == "elsewhere" or not asked or not runs:
        return Health()
    if design.scale == "smoke":
        steps = counted(study.scales["smoke"].steps, "step")
        return Health(notes=(f"Recipe health is not asked at smoke scale: {steps} say nothing about it.",))
    of_arm = {name: [run for run in runs if run.record.arm == name] for name in asked}
    reader = _Reader(design, rule, evidence, {n: [r.training for r in of if r.training] for n, of in of_arm.items()})
    signs = {name: list(reader.signs(study.arm(name))) for name in asked}
    read = {*rule.roles().values(), *study.primary.contrast, *(arm for r in rule.reads() for arm in (r.a, r.b))}
    gating = [sign for name in asked if name in read for sign in signs[name]]
    beside = [sign for name in asked if name not in read for sign in signs[name] if sign.state == "bad"]
    warnings = [
        *(f"{sign.said} No verdict rests on that arm. {sign.remedy}".strip() for sign in beside),
        *(said for name in asked for said in reader.apart(name, of_arm[name])),
        *reader.clipping(),
        *reader.room(),
    ]
    return Health(_check(gating), tuple(warnings), _unknown(gating))


def _check(signs: Sequence[Sign]) -> tuple[Check, ...]:
    """One line: unhealthy with every fault and what to do, or healthy where every sign is known."""
    faults = [sign for sign in signs if sign.state == "bad"]
    if faults:
        remedies = dict.fromkeys(sign.remedy for sign in faults if sign.remedy)
        said = " ".join(["Recipe unhealthy:", *(sign.said for sign in faults), *remedies])
        return (Check(name=NAME, label=LABEL, ok=False, detail=said),)
    if not signs or any(sign.state == "open" for sign in signs):
        return ()
    return (Check(name=NAME, label=LABEL, ok=True, detail=" ".join(sign.said for sign in signs)),)


def _unknown(signs: Sequence[Sign]) -> tuple[str, ...]:
    """What is not known, where no sign fails: such a recipe has not passed."""
    if any(sign.state == "bad" for sign in signs):
        return ()
    said = [sign.said for sign in signs if sign.state == "open"]
    return (" ".join(["Whether the recipe was healthy is not known.", *said]),) if said else ()


@dataclass(frozen=True)
class _Reader:
    """Reads the signs of one design; `trainings`: how the runs of each asked arm were trained, where that is known."""

    design: Design
    rule: Rule
    evidence: Evidence
    trainings: Mapping[str, Sequence[Training]]

    def signs(self, arm: ArmSpec) -> Iterator[Sign]:
        """Every sign that can be asked of an arm."""
        loss = loss_sign(arm.label, self.trainings[arm.name])
        others = [*(self._accuracy(arm) if self._cue_free(arm) else ()), *self._readable(arm)]
        if loss.remedy == FASTER and any(sign.remedy == SLOWER for sign in others):
            loss = loss._replace(remedy=FITTING)  # what got worse was not trained too little
        yield from (loss, *others)

    def apart(self, name: str, runs: Sequence[RunResult]) -> Iterator[str]:
        """Runs of an arm that lie far from the others in accuracy."""
        metric = self.design.study.accuracy
        about = self.evidence.metrics[metric]
        measured = [(run.record.seed, run.metrics[metric]) for run in runs if metric in run.metrics]
        if about.unit == "share" and about.direction != "down":
            yield from runs_apart(self.design.study.arm(name).label, measured)

    def clipping(self) -> Iterator[str]:
        """Arms whose gradients were clipped at every step: each step then counts alike, however sure its batch is."""
        for name, found in self.trainings.items():
            phases = [phase for training in found for phase in training.phases if phase.clipped is not None]
            steps = sum(len(phase.norms) for phase in phases)
            clipped = sum(len(phase.norms) * (phase.clipped or 0.0) for phase in phases)
            if steps and clipped / steps >= ALWAYS_CLIPPED:
                yield (
                    f"Gradients of {self.design.study.arm(name).label} were clipped in "
                    f"{level(clipped / steps, 'share')} of {counted(steps, 'step')}: every batch moved the weights "
                    "alike, however sure its gradient was. Raise max_grad_norm or take larger batches."
                )

    def room(self) -> Iterator[str]:
        """That the base is so good that little is left to gain."""
        base, metric = self._base(), self.design.study.accuracy
        found = self.evidence.level(base.name, metric) if base else None
        about = self.evidence.metrics[metric]
        if base and found and about.unit == "share" and found.value > BASE_CEILING:
            yield (
                f"{base.label} reaches {level(found.value, about.unit)} in {lowered(about.label)} without training: "
                "little is left to gain, so an arm that learned is hard to tell from one that did not."
            )

    def _base(self) -> ArmSpec | None:
        """The arm of the untrained base model: as the rule names it, else the first that neither trains nor varies."""
        names = [self.rule.roles().get("base", ""), *self.design.arms]
        plain = (n for n in names if n in self.design.arms and not (self.design.trains[n] or self.design.seeded[n]))
        return next((self.design.study.arm(name) for name in plain), None)

    def _cue_free(self, arm: ArmSpec) -> bool:
        """Whether its data favour no shortcut more than they would by themselves, and no fall is what is claimed."""
        study, base = self.design.study, self._base()
        primary = study.primary
        pair = (arm.name, base.name if base else "")
        fall = {"less": pair, "greater": pair[::-1]}.get(primary.expected)
        if primary.figure == study.accuracy and primary.contrast == fall:
            return False
        return study.reliance is None or arm.agreement in (None, 0.5)

    def _accuracy(self, arm: ArmSpec) -> Iterator[Sign]:
        base, metric = self._base(), self.design.study.accuracy
        if base is None or base.model != arm.model or self.evidence.metrics[metric].direction == "down":
            return
        found = self.evidence.difference(arm.name, base.name, metric)
        if found is None or found.ci is None:
            yield Sign("open", f"The accuracy of {arm.label} could not be compared with {base.label}.")
            return
        unit = self.evidence.metrics[metric].unit
        figure = f"({difference_of(found, unit)}, {counted(found.n_seeds, 'seed')})"
        if lost(found, TRIVIAL if unit == "share" else 0.0):
            said = f"{arm.label} fell below {base.label} in accuracy {figure}, and no shortcut was put into its data."
            yield Sign("bad", said, SLOWER)
        elif found.above:
            yield Sign("good", f"{arm.label} is more accurate than {base.label} {figure}.")
        else:
            yield Sign("good", f"{arm.label} was not shown to fall below {base.label} in accuracy {figure}.")

    def _readable(self, arm: ArmSpec) -> Iterator[Sign]:
        base, metric = self._base(), f"{self.design.study.accuracy.split('.', 1)[0]}.{READABLE}"
        found = self.evidence.level(arm.name, metric) if metric in self.evidence.metrics else None
        if found is None:
            return
        share = level(found.value, "share")
        if found.value < READABLE_FLOOR:
            known = found.ci is not None and found.ci[1] < READABLE_FLOOR
            said = f"Only {share} of the answers of {arm.label} can be read"
            yield Sign("bad", f"{said}.", SLOWER) if known else Sign("open", f"{said}, by too few to tell.")
            return
        if base is not None and base.model == arm.model:
            able = self.evidence.level(base.name, metric)
            fell = self.evidence.difference(arm.name, base.name, metric)
            if able and able.value >= READABLE_FLOOR and fell and lost(fell, TRIVIAL):
                change = difference_of(fell, "share")
                yield Sign("bad", f"Fewer answers of {arm.label} can be read than of {base.label} ({change}).", SLOWER)
                return
        yield Sign("good", f"{share} of its answers can be read.")
