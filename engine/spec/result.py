"""The result of a trial: what the JSON file holds (docs/results.md), and what window and reports draw."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from engine.spec.audit import Audit
from engine.spec.example import Frozen
from engine.spec.sequential import Sequential
from engine.spec.understanding import Understanding

Tone = Literal["good", "bad", "mixed", "form", "open"]
"""What a verdict is coloured by; "open": nothing was shown either way."""
FORMAT = 3


class PrimaryResult(Frozen):
    """The endpoint: `metric` of `contrast[0]` minus that of `contrast[1]`.

    `registered` says whether it was fixed before any comparison that the verdict rests on was shown; otherwise what it
    shows is exploratory.
    """

    probe: str
    metric: str
    contrast: tuple[str, str]
    expected: str
    margin: float
    registered: bool = True

    @property
    def figure(self) -> str:
        """The metric with its probe, "probe.metric"."""
        return f"{self.probe}.{self.metric}"


Shown = Literal["", "result", "live", "items", "assumed"]
"""How figures were shown: in a result (window, report, command), as live curves, or as a table of items. "assumed":
they were there while the lab kept no log of looks, so they count as shown. "": the result is of that time itself."""


class Look(Frozen):
    """An earlier trial whose figures were shown before this one was queued: of the same runs, or of equal ones.

    Attributes:
        seeds: Of how many of its seeds.
        at: When they were first shown (UTC); "" where that is not known.
        shown: How they were first shown.
        anew: Whether none of its runs is one of this trial's: they differ in numbers among their settings.
    """

    trial: str
    seeds: int
    at: str = ""
    shown: Shown = ""
    anew: bool = False


class Registration(Frozen):
    """What was fixed when the trial was queued, and which of its figures had been shown by then.

    Attributes:
        digest: sha256 over the question's arms, primary endpoint, rules, controls, scale, seeds, model and data.
        queued: When (UTC).
        detectable: The true difference that the design was expected to find four times in five; null where
            nothing was known to expect it from.
        basis: What that expectation rests on, in words.
        looks: Other trials by which arms that this one compares had been shown when it was queued, the first look
            first. The whole alpha was spent on it. Looks of the trial at its own figures are none of these.
        changed: What of the user's own files is another than it was then, in words that go on after "Exploratory, ";
            "" where nothing is.
    """

    digest: str
    queued: str
    detectable: float | None = None
    basis: str = ""
    looks: tuple[Look, ...] = ()
    changed: str = ""


class StudyResult(Frozen):
    """Which question was asked, at which scale. `note` is a warning that belongs beside every figure.

    `published_differs` says what the published figure is of, where the study's is of another quantity.
    `registration` is null for results from elsewhere: nobody can say what was fixed before they were seen.
    """

    id: str
    trial: str
    question: str
    claim: str
    source: str
    published: str
    published_differs: str = ""
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
        p: Sign-flip p over seeds; of what is compared at several looks, the smallest error shared by all of them at
            which this one shows a difference. Null with one seed.
        p_holm: Holm's, over all tests of the study; null where not tested.
        equivalent: Whether it was shown to be too small to matter; null where no margin is fixed.
        detectable: The true difference that would have been found four times in five, as run.
        cohens_h: Of the two arms' shares; null for other units.
        paired_d: Mean over standard deviation of the seeds' differences (d_z).
        cliffs_delta: Share of pairs of runs, of any seeds, that a wins minus the share that b wins; null with one seed.
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

    The first is the arm it starts from: its gain is its own level, so that gains add up to the last level. `ci` is the
    95 % interval of the gain, paired by seed. `reliance` is the arm's, `leaning` by how much the step changed it; null
    where it was not measured, and of the first step. `seeds` is how many the gain is of, alike in all steps but the
    first, where the first arm has one run; 0: older results do not say it.
    """

    label: str
    arm: str
    level: float
    gain: float
    ci: tuple[float, float] | None
    reliance: float | None = None
    leaning: float | None = None
    leaning_ci: tuple[float, float] | None = None
    seeds: int = 0


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
    """A check or control; a failed one makes the verdict inconclusive."""

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
    """A figure that the rule reads and that is no difference of two arms, e.g. the share of a gap that is closed.

    Attributes:
        value: None where it could not be computed, or says nothing and is not shown; `note` says why.
        ci: 95 % interval; null where there is none.
        note: What whoever reads it should know, "" for nothing.
    """

    label: str
    value: float | None
    ci: tuple[float, float] | None = None
    unit: str = ""
    note: str = ""


class Verdict(Frozen):
    """The sentence, its reasons, and what would make it firmer.

    Attributes:
        code: One of the rule's codes, or "inconclusive", which every rule has.
        label: The code in the words that people see.
        tone: What it is coloured by.
    """

    code: str
    label: str
    tone: Tone
    text: str
    reasons: tuple[str, ...] = ()
    figures: tuple[NamedFigure, ...] = ()


class RuleResult(Frozen):
    """The rule by which the verdict was reached: all of it was fixed beforehand.

    Attributes:
        name: Its file's name (`engine/rules/<name>.py`).
        roles: Role -> arm, e.g. {"treated": "sft"}; the first is the arm that the question is about.
        reads: The metrics that it reads.
        thresholds: Its settings that are numbers, e.g. {"margin": 0.05}.
    """

    name: str
    label: str
    roles: dict[str, str]
    reads: tuple[str, ...]
    thresholds: dict[str, float | str]


class Result(Frozen):
    """All of a trial's results."""

    format: int = FORMAT
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
    audit: Audit | None = Field(
        None, description="What the design audit found before anything was trained; null where none was made."
    )
    metrics: tuple[MetricInfo, ...] = ()
    accuracy: str = Field(description='Which metric says how well an arm does the task, e.g. "calls.accuracy".')
    reliance: str | None = Field(
        None, description="Which metric says how far an arm relies on the shortcut; null where none is looked for."
    )
    rule: RuleResult | None = Field(None, description="How the verdict was reached; null in very old results.")
    failures: dict[str, dict[str, float]] = Field(
        default_factory=dict, description="Arm -> failure type -> share of items."
    )
    flips: tuple[Flip, ...] = ()
    curves: tuple[Curve, ...] = ()
    notes: tuple[str, ...] = ()
    threats: tuple[str, ...] = ()
    verdict: Verdict
    sequential: Sequential | None = Field(
        None, description="Its looks, where the trial goes on until it is settled; null where the seeds were fixed."
    )
    provenance: dict[str, str | int | float | bool]

    @model_validator(mode="before")
    @classmethod
    def _of_format_2(cls, plain: Any) -> Any:
        """A result of the time when there was one rule, whose arms and thresholds stood under `rules`."""
        if not isinstance(plain, dict) or plain.get("format") != 2:
            return plain
        found = {name: value for name, value in plain.items() if name != "rules"} | {"format": FORMAT}
        if isinstance(verdict := plain.get("verdict"), dict):
            label, tone = _FORMAT_2.get(str(verdict.get("code")), ("", "open"))
            found["verdict"] = {"label": label, "tone": tone, **verdict}
        if isinstance(rules := plain.get("rules"), dict):
            roles = {name: rules[name] for name in ("treated", "base", "format") if rules.get(name)}
            other = [arm for arm in _contrast(plain) if arm != rules.get("treated")]
            found["rule"] = {
                "name": "shortcut",
                "label": "Learned or shortcut",
                "roles": roles | ({"reference": other[0]} if len(other) == 1 else {}),
                "reads": [plain[name] for name in ("accuracy", "reliance") if plain.get(name)],
                "thresholds": {name: rules[name] for name in ("floor", "margin") if name in rules},
            }
        return found


def _contrast(plain: dict[str, Any]) -> list[Any]:
    """The primary contrast of a result that is not yet validated."""
    found: Any = plain
    for name in ("study", "primary", "contrast"):
        found = found.get(name) if isinstance(found, dict) else None
    return list(found) if isinstance(found, list | tuple) else []


_FORMAT_2: dict[str, tuple[str, Tone]] = {
    "learned": ("Learned", "good"),
    "format": ("Format only", "form"),
    "shortcut": ("Shortcut", "bad"),
    "mixed": ("Mixed", "mixed"),
    "inconclusive": ("Inconclusive", "open"),
}
"""The verdicts that there were in results of format 2: label and tone."""
