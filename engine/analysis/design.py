"""What was to be done: all that analysis needs to know of a trial beside what came of its runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.rules import Advice
from engine.spec.audit import Audit
from engine.spec.result import Registration
from engine.spec.run import RECIPE_VERSION
from engine.spec.runs import Context
from engine.spec.study import StudySpec
from engine.spec.understanding import Understanding
from engine.stats.inference.looks import Looks
from engine.stats.metric import Metric

Value = str | int | float | bool
ROLE = "as "
"""How a further model's role begins among what is said of the model: "as small"."""


@dataclass(frozen=True)
class Design:
    """A design, whether of the lab or from elsewhere.

    Attributes:
        planned: The runs it consists of, as (arm, seed).
        trains: Which arms change weights.
        seeded: Which arms another seed changes; one that it does not is run once and paired with every seed.
        controls: Arms whose data withhold or plant something, by the study or by their method: nothing is asked of how
            well they were trained.
        metrics: Every metric by "probe.metric", the main ones first.
        model, data, provenance: What is said of them.
        registration: What was fixed when the trial was queued; None where nobody can say.
        exploratory: Why what it shows is exploratory; "" where the primary contrast was fixed beforehand.
        context: What is known beside the runs.
        audit: What the design audit found; None where none was made.
        understanding: What was read in the user's file; None where the data are the study's own.
        advice: What to do about what stands against a verdict.
        recipe: The recipe of its runs; another one than the present computed them differently.
        looks: The look that is taken, of a design that has several; None: the number of seeds was fixed.
        notes: What whoever reads the result should know of how it was read, before what the runs noted.
    """

    study: StudySpec
    id: str
    scale: str
    note: str
    seeds: int
    arms: tuple[str, ...]
    planned: frozenset[tuple[str, int]]
    trains: Mapping[str, bool]
    seeded: Mapping[str, bool]
    metrics: Mapping[str, Metric]
    model: Mapping[str, str | int]
    data: Mapping[str, str | int]
    provenance: Mapping[str, Value]
    registration: Registration | None = None
    exploratory: str = ""
    context: Context = field(default_factory=lambda: Context(queued=0.0))
    controls: frozenset[str] = frozenset()
    recipe: int = RECIPE_VERSION
    looks: Looks | None = None
    notes: tuple[str, ...] = ()
    understanding: Understanding | None = None
    audit: Audit | None = None
    advice: Advice = field(default_factory=Advice)

    def complete(self, arm: str) -> bool:
        """Whether an arm has all of its runs at the first of several looks, and so is compared on no more later.

        One that no seed changes has a single run, but that is compared with every further run of the other arm.
        """
        seeds = self.study.arm(arm).seeds
        capped = seeds is not None and self.looks is not None and seeds <= self.looks.seeds[0]
        return capped and self.seeded.get(arm, True)
