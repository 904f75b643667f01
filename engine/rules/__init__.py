"""The rules, one file each, in the package and in the user's folder: how a verdict is drawn from a trial's figures."""

from __future__ import annotations

from pydantic import ValidationError

from engine.rules._advice import Aim
from engine.rules._asking import AGAIN, asked, check_codes, decided, defined_at, faults
from engine.rules._base import (
    INCONCLUSIVE,
    OPEN,
    Advice,
    Case,
    Code,
    Decision,
    Gate,
    Read,
    Rule,
    RuleConfig,
)
from engine.rules._endpoint import Endpoint, EndpointConfig, EndpointReading, endpoint_gates, endpoint_metrics
from engine.rules._gates import enough_seeds, figure_gates, trial_gates
from engine.rules._reading import MIN_SEEDS, Reading, gained, lost, no_less, no_more, present, sentence
from engine.spec.errors import LabError, SpecError
from engine.spec.plugins.discovery import Found, discover
from engine.spec.plugins.misfits import fields_for, misfit
from engine.spec.study import StudySpec

__all__ = [
    "INCONCLUSIVE",
    "MIN_SEEDS",
    "OPEN",
    "Advice",
    "Aim",
    "Case",
    "Code",
    "Decision",
    "Endpoint",
    "EndpointConfig",
    "EndpointReading",
    "Gate",
    "Read",
    "Reading",
    "Rule",
    "RuleConfig",
    "decide",
    "endpoint_gates",
    "endpoint_metrics",
    "enough_seeds",
    "found",
    "gained",
    "lost",
    "no_less",
    "no_more",
    "present",
    "rule_class",
    "rule_of",
    "source_of",
]


def found() -> Found[Rule]:
    """All rules."""
    return discover("rules", Rule)


def rule_class(name: str) -> type[Rule]:
    """The rule of that name. Raises PluginError where there is none."""
    return found().get(name)


def rule_of(study: StudySpec) -> Rule:
    """The study's rule with its settings.

    Raises:
        PluginError: There is no such rule, it does not load, or its file says of itself what it should not.
        SpecError: Its settings do not fit, or name what the study does not have.
    """
    cls = rule_class(study.rule.name)
    try:
        config = cls.Config.model_validate(study.rule.settings)
    except ValidationError as error:
        raise SpecError(
            f"{misfit(error, 'rule.settings')}.",
            f"The settings of the rule {cls.name!r} are: {fields_for(error, cls.Config)}.",
        ) from error
    file = found().files.get(cls.name)
    with faults(cls, file, "Mend the file; nothing that was measured is lost.", passing=(LabError,)):
        rule = cls(config, study)
        check_codes(rule)
        asked(rule, "metrics")
        asked(rule, "thresholds")
        named = {*asked(rule, "roles").values(), *(arm for read in asked(rule, "reads") for arm in (read.a, read.b))}
    arms = {arm.name for arm in study.arms}
    if missing := sorted(named - arms):
        where = "rule.settings" if file is None else f"the rule {cls.name!r}"
        at = "" if file is None else f" {source_of(rule, 'reads')}: correct the rule."
        raise SpecError(f"{where}: no arm is named {', '.join(missing)}.", f"Arms: {', '.join(sorted(arms))}.{at}")
    return rule


def source_of(rule: Rule, method: str) -> str:
    """The file and line of a method of a user's rule, as tracebacks name them; "" for the lab's own."""
    file = found().files.get(rule.name)
    return defined_at(type(rule), method, file) if file is not None else ""


def decide(rule: Rule, case: Case) -> Decision:
    """The verdict of a case by a rule: first what stands against any verdict, then what the figures say.

    At smoke scale, which never gives a verdict, the rule is asked all the same where every figure that it reads is
    there: a rule that fails is known before a study is run at length.

    Raises:
        PluginError: A user's rule failed, or gave what it should not, e.g. a code that it does not have.
    """
    trial, figures = trial_gates(case), figure_gates(rule, case)
    with faults(type(rule), found().files.get(rule.name), AGAIN):
        own = asked(rule, "gates", case)
        gates = [*trial, *figures, *own]
        complete = case.runs[1] >= case.runs[0] and not figures and not own
        decision = decided(rule, case) if not gates or (case.smoke and complete) else None
        if decision is not None and not gates:
            return decision
        so_far = asked(rule, "reasons", case)
    heading = "No verdict yet: " if case.runs[1] < case.runs[0] else "No verdict: "
    said = (*(sentence(*gate) for gate in gates), *(() if case.smoke else so_far))
    return Decision(OPEN, heading + gates[0].what + ".", said)
