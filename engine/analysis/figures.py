"""The figures that a study reads: every metric of its probes, and whether those that it names are there."""

from __future__ import annotations

from collections.abc import Mapping

from engine.probes import probe_class
from engine.rules import Read, Rule, rule_of, source_of
from engine.spec.errors import SpecError
from engine.spec.study import StudySpec
from engine.stats.metric import Metric


def metrics_of(study: StudySpec) -> dict[str, Metric]:
    """Every metric of the study's probes as "probe.metric": the primary one, accuracy and reliance first."""
    found = {f"{p.probe}.{m.name}": m for p in study.probes for m in probe_class(p.probe).metrics}
    return {name: found[name] for name in dict.fromkeys([*main_metrics(study), *found]) if name in found}


def main_metrics(study: StudySpec) -> tuple[str, ...]:
    """The metrics on which all of the study's pairs are compared: the primary one, accuracy and reliance."""
    primary = study.primary.figure
    named = (primary, study.accuracy, *([study.reliance] if study.reliance else []))
    return tuple(dict.fromkeys(named))


def check_figures(study: StudySpec) -> None:
    """Whether a study can be analysed as it is written: to be asked before anything runs.

    Raises:
        SpecError: Its rule does not fit, or does not read the primary contrast; a figure is none of its probes', or a
            control cannot be computed.
        PluginError: Its rule or a probe is not there.
    """
    rule, metrics = rule_of(study), metrics_of(study)
    for metric in (*main_metrics(study), *(c.metric for c in study.controls if c.metric)):
        _check_metric(study, metric, metrics)
    check_read(study, rule, metrics)
    primary = Read.primary(study)
    if not any(read.same(primary) for read in rule.reads()):
        raise SpecError(
            f"the rule {rule.name!r} does not read the primary contrast: its reads() gives {rule.reads()!r}.",
            f"It must give at least Read({primary.a!r}, {primary.b!r}, {primary.metric!r}, margin), which is "
            f"Read.primary(self.study): {source_of(rule, 'reads')}.",
        )
    for control in study.controls:
        metric = control.metric or study.reliance or ""
        if control.placebo and not by_side(metrics[metric]):
            raise SpecError(
                f"a placebo draws the sides of items by lot, and {metric!r} does not read them.",
                "Name a figure by side as the control's `metric`, or take `placebo` away.",
            )
        if (
            control.kind == "negative"
            and not control.placebo
            and not (control.margin or margin_of(study, rule, metric))
        ):
            raise SpecError(
                f"the negative control of {control.arm!r} has no margin for {metric}.",
                "Name its `margin`: the difference, in the metric's unit, that must be shown not to be there.",
            )


def margin_of(study: StudySpec, rule: Rule, metric: str) -> float | None:
    """What is too small a difference of a metric to matter: as the rule has it, else as the primary endpoint of it has.

    None where neither says.
    """
    read = next((read.margin for read in rule.reads() if read.metric == metric), None)
    if read is not None:
        return read
    return study.primary.margin if metric == study.primary.figure else None


def check_read(study: StudySpec, rule: Rule, metrics: Mapping[str, Metric]) -> None:
    """Raise SpecError where a rule reads a figure that is not there."""
    at = source_of(rule, "reads")
    for metric in (*rule.metrics(), *(read.metric for read in rule.reads())):
        _check_metric(study, metric, metrics, f" The rule {rule.name!r} reads it{f': {at}' if at else ''}.")


def _check_metric(study: StudySpec, metric: str, metrics: Mapping[str, Metric], who: str = "") -> None:
    if metric in metrics:
        return
    probe, _, name = metric.partition(".")
    own = sorted(known.partition(".")[2] for known in metrics if known.startswith(f"{probe}."))
    there = f"It has: {', '.join(own)}." if own else f"The study's probes: {', '.join(p.probe for p in study.probes)}."
    raise SpecError(f"the probe {probe!r} has no metric {name!r}.", there + who)


def by_side(metric: Metric) -> bool:
    """Whether the figure depends on which items are congruent and which conflicting."""
    return metric.statistic.sided or metric.statistic.side is not None
