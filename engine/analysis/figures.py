"""The figures that a study reads: every metric of its probes, and whether those that it names are there."""

from __future__ import annotations

from engine.probes import probe_class
from engine.rules import rule_of
from engine.spec.errors import SpecError
from engine.spec.study import StudySpec
from engine.stats.metric import Metric


def metrics_of(study: StudySpec) -> dict[str, Metric]:
    """Every metric of the study's probes as "probe.metric": the primary one, accuracy and reliance first."""
    found = {f"{p.probe}.{m.name}": m for p in study.probes for m in probe_class(p.probe).metrics}
    return {name: found[name] for name in dict.fromkeys([*main_metrics(study), *found]) if name in found}


def main_metrics(study: StudySpec) -> tuple[str, ...]:
    """The metrics on which all of the study's pairs are compared: the primary one, accuracy and reliance."""
    primary = f"{study.primary.probe}.{study.primary.metric}"
    named = (primary, study.accuracy, *([study.reliance] if study.reliance else []))
    return tuple(dict.fromkeys(named))


def check_figures(study: StudySpec) -> None:
    """Whether a study can be analysed as it is written: to be asked before anything runs.

    Raises:
        SpecError: Its rule does not fit, a figure is none of its probes', or a control cannot be computed.
        PluginError: Its rule or a probe is not there.
    """
    rule, metrics = rule_of(study), metrics_of(study)
    named = [*main_metrics(study), *rule.metrics(), *(c.metric for c in study.controls if c.metric)]
    for metric in named:
        if metric not in metrics:
            probe, _, name = metric.partition(".")
            own = sorted(known.partition(".")[2] for known in metrics if known.startswith(f"{probe}."))
            hint = (
                f"It has: {', '.join(own)}."
                if own
                else f"The study's probes: {', '.join(p.probe for p in study.probes)}."
            )
            raise SpecError(f"the probe {probe!r} has no metric {name!r}.", hint)
    for control in study.controls:
        metric = control.metric or study.reliance or ""
        if control.placebo and not by_side(metrics[metric]):
            raise SpecError(
                f"a placebo draws the sides of items by lot, and {metric!r} does not read them.",
                "Name a figure by side as the control's `metric`, or take `placebo` away.",
            )


def by_side(metric: Metric) -> bool:
    """Whether the figure depends on which items are congruent and which conflicting."""
    return metric.statistic.sided or metric.statistic.side is not None
