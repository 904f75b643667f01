"""The result of a trial: what the JSON file holds (docs/results.md), and what window and reports draw."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from engine.spec.example import Frozen
from engine.spec.understanding import Understanding

Tone = Literal["good", "bad", "mixed", "form", "open"]
"""How a verdict is coloured, whatever its code: "open" where nothing was decided."""


class PrimaryResult(Frozen):
    """The endpoint: `metric` of `contrast[0]` minus that of `contrast[1]`.

    `registered` says whether it was fixed before any figure was there; otherwise what it shows is exploratory.
    """

    probe: str
    metric: str
    contrast: tuple[str, str]
    expected: str
    margin: float
    registered: bool = True


class Look(Frozen):
    """An earlier trial by whose runs the arms of the primary contrast could be compared when this one was queued."""

    trial: str
    seeds: int


class Registration(Frozen):
    """What was fixed when the trial was queued, before any figure was there.

    Attributes:
        digest: sha256 over the question's arms, primary endpoint, rules, controls, scale, seeds, model and data.
        queued: When (UTC).
        detectable: The true difference that the design was expected to find four times in five; null where
            nothing was known to expect it from.
        basis: What that expectation rests on, in words.
        looks: Earlier trials that showed the same comparison. The whole alpha was spent on the first of them.
    """

    digest: str
    queued: str
    detectable: float | None = None
    basis: str = ""
    looks: tuple[Look, ...] = ()


class StudyResult(Frozen):
    """Which question was asked, at which scale. `note` is a warning that belongs beside every figure.

    `registration` is null for results from elsewhere: nobody can say what was fixed before they were seen.
    """

    id: str
    trial: str
    question: str
    claim: str
    source: str
    published: str
    scale: str
    note: str
    seeds: int
    primary: PrimaryResult
    registration: Registration | None = None


class RunEntry(Frozen):
    """One run. `metrics` maps "probe.metric" to its value; what could not be measured is absent.

    `adapter` is the sha256 of its weights, "" where nothing was trained.
    """

    seed: int
    run: str
    status: str
    reason: str = ""
    seconds: float | None = None
    metrics: dict[str, float] = Field(default_factory=dict)
    adapter: str = ""


class Interval(Frozen):
    """A mean over seeds with a 95 % interval; the interval is null where seeds and items give none."""

    metric: str
    mean: float
    ci: tuple[float, float] | None
    n_seeds: int


class ArmResult(Frozen):
    """An arm: its runs, and its figures over seeds."""

    name: str
    label: str
    method: str
    role: str
    trains: bool
    runs: tuple[RunEntry, ...]
    summary: tuple[Interval, ...] = ()


class PairedSeed(Frozen):
    """One seed of a contrast: the difference of its two runs.

    On accuracy also the items that only one of the two has right, and McNemar's exact p, which speaks of these two runs
    alone; null where there are no items to compare.
    """

    seed: int
    difference: float
    only_a: int | None = None
    only_b: int | None = None
    p: float | None = None


class Contrast(Frozen):
    """`metric` of arm a minus that of arm b, paired by seed. `primary` marks the primary endpoint.

    Attributes:
        p: Sign-flip p over seeds; null with one seed.
        p_holm: Holm's, over all tests of the study; null where not tested.
        equivalent: Whether it was shown to be too small to matter; null where no margin is fixed.
        detectable: The true difference that would have been found four times in five, as run.
        cohens_h: Of the two arms' shares; null for other units.
        paired_d: Mean over standard deviation of the seeds' differences (d_z).
        cliffs_delta: Share of pairs of runs, of any seeds, that a wins minus the share that b wins.
    """

    a: str
    b: str
    metric: str
    difference: float
    ci: tuple[float, float] | None
    p: float | None
    p_holm: float | None = None
    n_seeds: int
    primary: bool = False
    equivalent: bool | None = None
    detectable: float | None = None
    cohens_h: float | None = None
    paired_d: float | None = None
    cliffs_delta: float | None = None
    seeds: tuple[PairedSeed, ...] = ()


class Step(Frozen):
    """One step of the gain's decomposition: what it adds, in the accuracy's unit.

    The first is the arm it starts from: its gain is its own level. `reliance` is the arm's, `leaning` by how much the
    step changed it; null where it was not measured, and of the first step.
    """

    label: str
    arm: str
    level: float
    gain: float
    ci: tuple[float, float] | None
    reliance: float | None = None
    leaning: float | None = None
    leaning_ci: tuple[float, float] | None = None


class Flip(Frozen):
    """An item on which the two arms of the primary contrast differ. Its texts are untrusted.

    Chosen by rule: of the items that one arm has right and the other wrong, those for which that is so in the
    most pairs of seeds, up to three for either arm, ties by the item's name.

    Attributes:
        right: The arm that has it right.
        wrong: The arm that has it wrong.
        seeds: In how many pairs of seeds that is so, of `pairs`.
        seed: The first such seed; the outputs are its runs' own words.
        prompt, gold: What was asked and what is right; "" where it was not kept.
        failure: The type of the wrong answer, "" where it has none.
    """

    item: str
    split: str
    side: str
    right: str
    wrong: str
    seeds: int
    pairs: int
    seed: int
    output_right: str
    output_wrong: str
    failure: str = ""
    prompt: str = ""
    gold: str = ""


class Curve(Frozen):
    """How a figure moved while one arm trained.

    Attributes:
        metric: "loss" or "probe.metric" (on the small live sample).
        steps: Optimizer steps; where a curve has very many, neighbours are averaged.
        mean: Over the seeds that reached the step.
        low, high: The lowest and the highest seed.
        seeds: How many seeds there are.
    """

    metric: str
    arm: str
    steps: tuple[float, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    seeds: int


class Check(Frozen):
    """An integrity check or control; a failed one makes the verdict inconclusive."""

    name: str
    label: str
    ok: bool
    detail: str


class MetricInfo(Frozen):
    """How to read a metric ("probe.metric")."""

    metric: str
    label: str
    unit: str
    direction: str | None


class NamedFigure(Frozen):
    """A figure that the rule reads and that is no difference of two arms, e.g. a share of a gap that was closed.

    Attributes:
        value: None where it could not be computed, or is not shown; `note` says why.
        ci: 95 % interval; null where there is none.
    """

    label: str
    value: float | None
    ci: tuple[float, float] | None = None
    unit: str = ""
    note: str = ""


class Verdict(Frozen):
    """The sentence, its reasons, and what would make it firmer.

    Attributes:
        code: The rule's own short name of what was decided.
        tone: How it is coloured.
        label: The code as people read it.
        figures: What the rule reads beside the contrasts.
    """

    code: str
    tone: Tone
    label: str
    text: str
    reasons: tuple[str, ...] = ()
    figures: tuple[NamedFigure, ...] = ()


class RuleResult(Frozen):
    """How the verdict was reached, fixed beforehand.

    Attributes:
        name: The rule's name (`engine/rules/<name>.py`).
        label: What people read.
        roles: Role -> the arm that plays it; the first is the arm that the question is about.
        reads: The metrics that it reads, as "probe.metric".
        thresholds: Its limits by name.
    """

    name: str
    label: str
    roles: dict[str, str] = Field(default_factory=dict)
    reads: tuple[str, ...] = ()
    thresholds: dict[str, float | str] = Field(default_factory=dict)


class Result(Frozen):
    """All of a trial's results."""

    format: int = 3
    study: StudyResult
    model: dict[str, str | int | float]
    data: dict[str, str | int | float]
    understanding: Understanding | None = Field(
        None, description="What was read in the user's file; null where the data are the study's own."
    )
    arms: tuple[ArmResult, ...]
    contrasts: tuple[Contrast, ...]
    further: tuple[Contrast, ...] = Field((), description="The same pairs on every other metric; none is tested.")
    decomposition: tuple[Step, ...] = ()
    checks: tuple[Check, ...]
    metrics: tuple[MetricInfo, ...] = ()
    accuracy: str = Field(description='Which metric the verdict reads as accuracy, e.g. "calls.accuracy".')
    reliance: str | None = Field(
        None, description="Which metric the verdict reads as reliance on the shortcut; null where there is none."
    )
    rule: RuleResult | None = None
    failures: dict[str, dict[str, float]] = Field(
        default_factory=dict, description="Arm -> failure type -> share of items."
    )
    flips: tuple[Flip, ...] = ()
    curves: tuple[Curve, ...] = ()
    notes: tuple[str, ...] = ()
    threats: tuple[str, ...] = ()
    verdict: Verdict
    provenance: dict[str, str | int | float | bool]

    @model_validator(mode="before")
    @classmethod
    def _of_format_2(cls, plain: Any) -> Any:
        """A result of the time when there was one rule."""
        if not isinstance(plain, dict) or plain.get("format") != 2:
            return plain
        found = {name: value for name, value in plain.items() if name != "rules"}
        old, verdict = plain.get("rules"), dict(plain["verdict"])
        tone, label = _FORMAT_2.get(verdict.get("code", ""), ("open", "Inconclusive"))
        if old is not None:
            roles = {role: old[role] for role in ("treated", "base", "format") if old.get(role)}
            reads = (plain["accuracy"], plain["reliance"])
            limits = {name: old[name] for name in ("floor", "margin")}
            found["rule"] = {"name": "shortcut", "label": "Shortcut", "roles": roles, "reads": reads,
                             "thresholds": limits}  # fmt: skip
        return {**found, "format": 3, "verdict": {"tone": tone, "label": label, **verdict}}


_FORMAT_2: dict[str, tuple[Tone, str]] = {
    "learned": ("good", "Learned"),
    "format": ("form", "Format only"),
    "shortcut": ("bad", "Shortcut"),
    "mixed": ("mixed", "Mixed"),
}
