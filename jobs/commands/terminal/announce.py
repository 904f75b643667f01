"""The beginning of `run`: what is fixed from now on, and what the study can find, before any figure is shown.

Of a trial that goes on until it is settled, that is its looks and the most seeds too: to decide on them later would
be to stop where it pleases.
"""

from __future__ import annotations

from engine.analysis.registration import looked
from engine.probes import probe_class
from engine.spec.result import Registration
from engine.spec.trial import TrialSpec
from engine.stats.display.wording import EXPECTED, about, exists, lowered, unsigned
from jobs.commands.terminal.screen import Screen
from jobs.report.content.sequential import SPENDING, after


def announce(trial: TrialSpec, registration: Registration, screen: Screen) -> None:
    """Print the primary endpoint and the looks as they were registered, and the smallest difference that is found."""
    plan = trial.study.primary
    metric = next(m for m in probe_class(plan.probe).metrics if m.name == plan.metric)
    a, b = (trial.study.arm(arm).label for arm in plan.contrast)
    way = f"is compared between {a} and {b}"
    if plan.expected:
        joined = "and" if plan.expected == "equal" else "than"
        way = f"is expected to be {EXPECTED[plan.expected]} with {a} {joined} with {b}"
    margin = unsigned(plan.margin, metric.unit)
    since = "Asked" if registration.looks else "Fixed before any comparison that the verdict rests on was shown"
    screen.say(
        f"{since}: {lowered(metric.label)} {way}; "
        f"a difference within ±{margin} is too small to matter (registered as {registration.digest[:12]})."
    )
    if trial.looks:
        screen.say(
            f"It goes on until neither verdict nor answer is open: looks {after(trial.looks)}; "
            f"{trial.seeds} seeds are the most. The looks share one error of 5 % ({SPENDING}), so intervals are "
            "wider at early ones."
        )
    if registration.detectable is not None:
        size = about(registration.detectable, metric.unit)
        by = ", by its last look at the latest" if trial.looks else ""
        found = f"It finds differences from about {size} four times in five{by}"
        if not exists(registration.detectable, metric.unit):
            found = "It can find no difference, however large, at this size: run more seeds"
        screen.say(f"{found} ({registration.basis}).")
    elif trial.seeds < 2:
        screen.say("With one seed it finds no difference: run at least 2 seeds, better 5 or more.")
    if why := looked(registration.looks):
        screen.say(f"Exploratory, {why}: another trial has to confirm what it shows.", "bold yellow")
