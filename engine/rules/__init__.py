"""The rules, one file each, in the package and in the user's folder: how a verdict is drawn from a trial's figures."""

from __future__ import annotations

from pydantic import ValidationError

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
from engine.rules._gates import common_gates, enough_seeds
from engine.rules._reading import MIN_SEEDS, Reading, gained, lost, no_more, present, sentence
from engine.spec.errors import LabError, PluginError, SpecError
from engine.spec.plugin import Found, discover
from engine.spec.study import StudySpec

__all__ = [
    "INCONCLUSIVE",
    "MIN_SEEDS",
    "OPEN",
    "Advice",
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
    "no_more",
    "present",
    "rule_class",
    "rule_of",
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
        PluginError: There is no such rule, or it does not load.
        SpecError: Its settings do not fit, or name what the study does not have.
    """
    cls = rule_class(study.rule.name)
    try:
        config = cls.Config.model_validate(study.rule.settings)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(("rule", "settings", *(str(part) for part in first["loc"])))
        raise SpecError(f"{where}: {first['msg']}.", f"The rule {study.rule.name!r} lists its settings.") from error
    rule = cls(config, study)
    rule.code(OPEN)  # raises where the rule cannot say that the figures do not say
    arms = {arm.name for arm in study.arms}
    named = {*rule.roles().values(), *(arm for read in rule.reads() for arm in (read.a, read.b))}
    if missing := sorted(named - arms):
        raise SpecError(f"rule.settings: no arm is named {', '.join(missing)}.", f"Arms: {', '.join(sorted(arms))}.")
    return rule


def decide(rule: Rule, case: Case) -> Decision:
    """The verdict of a case by a rule: first what stands against any verdict, then what the figures say.

    Raises:
        PluginError: A user's rule failed, or gave a code that it does not have.
    """
    try:
        decision = _decided(rule, case)
    except LabError:
        raise
    except Exception as error:
        if rule.name not in found().files:
            raise
        raise PluginError(f"The rule {rule.name!r} failed: {error!r}.", f"See {found().files[rule.name]}.") from error
    rule.code(decision.code)
    return decision


def _decided(rule: Rule, case: Case) -> Decision:
    gates = [*common_gates(rule, case), *rule.gates(case)]
    if not gates:
        return rule.decide(case)
    heading = "No verdict yet: " if case.runs[1] < case.runs[0] else "No verdict: "
    so_far = [] if case.smoke else rule.reasons(case)
    return Decision(OPEN, heading + gates[0].what + ".", (*(sentence(*gate) for gate in gates), *so_far))
