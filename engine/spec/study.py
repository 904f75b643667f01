"""A study: a question with its arms, probes, rule and primary endpoint (`resources/studies/*.toml`)."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, field_validator, model_serializer, model_validator

from engine.spec.errors import SpecError
from engine.spec.example import Frozen

Scale = Literal["smoke", "quick", "full"]
MOST_SEEDS = 1000
"""Runs per arm, at most: a study's seeds lie below this number."""


FIRST_LOOK, MOST_UNTIL_SETTLED = 4, 12
"""Seeds of the first look and of the last, of a trial that goes on until it is settled, where a scale says nothing."""


class ScaleSpec(Frozen):
    """How large a study is run.

    Attributes:
        looks: After how many seeds a trial that goes on until it is settled is looked at, rising. At such a scale that
            is the usual way, and `seeds` is read only where a fixed number is asked for. Empty: seeds are fixed.
        note: A sentence shown with every figure of this scale ("" for none).
    """

    seeds: int = Field(3, ge=1, le=MOST_SEEDS, description="Runs per arm, paired by seed.")
    steps: int = Field(150, ge=1, le=1_000_000, description="Optimizer steps per run.")
    batch_size: int = Field(16, ge=1, le=4096, description="Examples per optimizer step.")
    train_examples: int = Field(2400, ge=1, description="Training examples drawn per run.")
    items: int = Field(200, ge=1, description="Evaluation items per split.")
    live_items: int = Field(40, ge=0, description="Items of the live sample per split.")
    live_every: int = Field(25, ge=1, description="Steps between live measurements.")
    checkpoint_every: int = Field(50, ge=1, description="Steps between checkpoints.")
    looks: tuple[int, ...] = ()
    note: str = ""

    @field_validator("looks")
    @classmethod
    def _looks_rise(cls, looks: tuple[int, ...]) -> tuple[int, ...]:
        return rising(looks)

    def looks_until(self, most: int | None = None) -> tuple[int, ...]:
        """The looks of a trial that ends after `most` seeds at the latest; None: after the last of the scale's own.

        Where the scale has none, there is one after every seed, from the fourth on; where it has too few, they go on
        as far apart as its last two.
        """
        most = most or (self.looks[-1] if self.looks else max(self.seeds, MOST_UNTIL_SETTLED))
        apart = self.looks[-1] - self.looks[-2] if self.looks[1:] else 1
        further = range(self.looks[-1] + apart if self.looks else FIRST_LOOK, most, apart)
        return (*(n for n in (*self.looks, *further) if n < most), most)


def rising(looks: tuple[int, ...]) -> tuple[int, ...]:
    """The looks themselves. Raises ValueError where they do not rise from at least two seeds to at most 1,000."""
    if looks and (looks[0] < 2 or looks[-1] > 1000 or any(b <= a for a, b in pairwise(looks))):
        raise ValueError(f"looks must rise from at least 2 seeds to at most 1000: {', '.join(map(str, looks))}")
    return looks


class ArmSpec(Frozen):
    """One condition of a study.

    Attributes:
        name: Short name, unique in the study.
        label: What people read.
        method: A method's name (`engine/methods/<method>.py`).
        settings: The method's settings, over its defaults.
        model: Which of the study's further `models` it is run on; "": the base model.
        data: Options of the data source, over the study's.
        agreement: Share of congruent examples among those that have a side, None: as the data has it.
        seeds: Fewer runs than the study's seeds (controls need one); None: all.
        longer: How many times the scale's steps and training examples: of a control that has more to take in. Not of an
            arm, which would differ from the others in more than its method.
        role: "arm", or "control" for an arm that only proves the probe.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")
    label: str
    method: str
    settings: dict[str, Any] = Field(default_factory=dict)
    model: str = ""
    data: dict[str, Any] = Field(default_factory=dict)
    agreement: float | None = Field(None, ge=0, le=1)
    seeds: int | None = Field(None, ge=1)
    longer: int = Field(default=1, ge=1, le=100)
    role: Literal["arm", "control"] = "arm"

    @model_validator(mode="after")
    def _as_long_as_others(self) -> Self:
        if self.longer > 1 and self.role == "arm":
            raise ValueError(f"{self.name}: only a control may train longer than the others")
        return self

    @model_serializer(mode="wrap")
    def _as_before(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without `longer` where it says nothing: trials are named by their arms, also those stored before it was."""
        found = dict(plain(self))
        if self.longer == 1:
            found.pop("longer", None)
        return found


class ProbeSpec(Frozen):
    """A probe of a study, with its settings over the probe's defaults."""

    probe: str
    settings: dict[str, Any] = Field(default_factory=dict)


class Primary(Frozen):
    """The endpoint that is fixed before the study runs: `metric` of `contrast[0]` minus that of `contrast[1]`.

    Attributes:
        expected: What the claim predicts; "equal": no difference beyond the margin; "": nobody said.
        margin: Differences within +- margin (the metric's unit) are too small to matter.
        seed_sd: Standard deviation of the paired difference over seeds that is expected (the metric's unit), from
            which it is said what the study can find before it runs; None: not known.
        item_sd: Standard deviation that the choice of items gives the difference where each split has one item; with
            n of them it is item_sd / sqrt(n). None: not known.
    """

    probe: str
    metric: str
    contrast: tuple[str, str]
    expected: Literal["", "greater", "less", "equal"] = "greater"
    margin: float = Field(0.03, ge=0)
    seed_sd: float | None = Field(None, ge=0)
    item_sd: float | None = Field(None, ge=0)

    @property
    def figure(self) -> str:
        """The metric with its probe, "probe.metric"."""
        return f"{self.probe}.{self.metric}"


class ControlSpec(Frozen):
    """A proof that the study can see what it looks for: a figure of `arm` against `against`'s must (not) be higher.

    Attributes:
        against: "": nothing, of a negative control: the arm's own figure must be shown to be no higher than the margin.
            For arms that cannot see what the figure is about, whatever others do.
        kind: "positive": the difference must be found in the runs at hand, its 95 % interval over items above zero and
            its mean above the margin, and of reliance the arm's own level as well; "negative": it must be shown to be
            absent, the upper bound of its 90 % interval below the margin.
        metric: The figure, as "probe.metric"; "": the study's reliance.
        margin: In the metric's unit; None: the margin that the rule, or else the primary endpoint, has for the metric.
            Where neither has one it is 0 for a positive control, and a negative one must name its own.
        either: Of a negative control: the difference must be shown to be absent to either side. For arms that are to be
            the same; else the control asks whether there is more than nothing, and less is none of its business.
        placebo: Of a negative control: draw each item's side by lot, many times over, so that nothing is there to be
            found, and ask how often something is. For tasks on which every trained arm may truly lean on the shortcut.
    """

    kind: Literal["positive", "negative"]
    arm: str
    against: str = ""
    metric: str = ""
    margin: float | None = Field(default=None, ge=0)
    either: bool = False
    placebo: bool = False

    @model_validator(mode="after")
    def _compares(self) -> Self:
        if not self.against and (self.placebo or self.kind == "positive"):
            raise ValueError("a positive control and a placebo name the arm that they are held against")
        if self.either and (self.placebo or self.kind == "positive"):
            raise ValueError("`either` goes with a negative control that is no placebo")
        return self

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms that it reads."""
        return (self.arm, self.against) if self.against else (self.arm,)


class RuleSpec(Frozen):
    """How the verdict is reached: a rule's name (`engine/rules/<name>.py`), and which arms and figures it reads."""

    name: str
    settings: dict[str, Any] = Field(default_factory=dict)


class DecompositionSpec(Frozen):
    """A gain in steps from arm to arm.

    Attributes:
        chain: Arms, in order.
        labels: What each step of the chain adds, one fewer than `chain`.
    """

    chain: tuple[str, ...]
    labels: tuple[str, ...]


class StudySpec(Frozen):
    """One question, its arms, probes, rule and primary endpoint.

    Attributes:
        data: A source, e.g. "world.calling"; `data_options` are its options, over its defaults.
        models: Further models that arms are run on: a role's name, and the bundled model or folder that plays it
            unless another is chosen.
        accuracy: Which figure, as "probe.metric", says how well an arm does the task.
        reliance: Which one says how much it relies on the shortcut; None where no shortcut is looked for.
    """

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")
    order: int = 100
    question: str
    summary: str = Field(description="One sentence: what is compared and what it would show.")
    claim: str
    source: str
    published: str = Field("", description="The published figure, in words.")
    published_differs: str = Field(
        default="", description="What the published figure is of, where the study's is of another."
    )
    data: str
    data_options: dict[str, Any] = Field(default_factory=dict)
    accepts_data: bool = Field(False, description="Whether a user's file can replace the data.")
    model: str = Field(default="", description='The base model unless another is chosen; "": the first bundled one.')
    models: dict[str, str] = Field(default_factory=dict)
    arms: tuple[ArmSpec, ...]
    probes: tuple[ProbeSpec, ...]
    primary: Primary
    contrasts: tuple[tuple[str, str], ...] = Field(description="Pairs of arms that are compared.")
    accuracy: str
    reliance: str | None = None
    rule: RuleSpec
    decomposition: DecompositionSpec | None = None
    controls: tuple[ControlSpec, ...] = ()
    scales: dict[Scale, ScaleSpec]

    @model_validator(mode="before")
    @classmethod
    def _with_a_rule(cls, plain: Any) -> Any:
        """A study of the time when there was one rule, whose settings stood under `verdict`."""
        if not isinstance(plain, dict) or not isinstance(plain.get("verdict"), dict):
            return plain
        rest = {name: value for name, value in plain.items() if name != "verdict"}
        settings = {name: value for name, value in plain["verdict"].items() if value is not None}
        found = {name: settings.pop(name) for name in ("accuracy", "reliance") if name in settings}
        chain, labels = settings.pop("chain", ()), settings.pop("chain_labels", ())
        if chain:
            found["decomposition"] = {"chain": chain, "labels": labels}
        return {"rule": {"name": "shortcut", "settings": settings}, **found, **rest}

    @model_validator(mode="after")
    def _names_exist(self) -> StudySpec:
        names = {arm.name for arm in self.arms}
        if len(names) != len(self.arms):
            raise ValueError("two arms have the same name")
        used = {n for pair in self.contrasts for n in pair} | set(self.primary.contrast)
        used |= {n for c in self.controls for n in c.arms}
        used |= set(self.decomposition.chain) if self.decomposition else set()
        if missing := sorted(used - names):
            raise ValueError(f"no arm is named {', '.join(missing)}")
        if missing := sorted({arm.model for arm in self.arms if arm.model} - set(self.models)):
            raise ValueError(f"models: no model is named {', '.join(missing)}")
        probes = {p.probe for p in self.probes}
        read = [self.accuracy, *([self.reliance] if self.reliance else []), *(c.metric for c in self.controls)]
        wanted = {self.primary.probe, *(metric.split(".")[0] for metric in read if metric)}
        if missing := sorted(wanted - probes):
            raise ValueError(
                f"{', '.join(missing)} is read and not among the study's probes ({', '.join(sorted(probes))})"
            )
        if self.reliance is None and any(not control.metric for control in self.controls):
            raise ValueError("controls: a control names its metric where the study has no reliance")
        return self

    def on_own_data(self) -> StudySpec:
        """The study as it is run on a user's data: as they are, with no shortcut planted and so without controls.

        Nor is a spread expected: the study's own was measured on its own data.
        """
        arms = tuple(a.model_copy(update={"agreement": None}) for a in self.arms if a.role == "arm")
        primary = self.primary.model_copy(update={"seed_sd": None, "item_sd": None})
        return self.model_copy(update={"arms": arms, "controls": (), "primary": primary})

    def arm(self, name: str) -> ArmSpec:
        """The arm of that name. Raises SpecError where there is none."""
        for arm in self.arms:
            if arm.name == name:
                return arm
        raise SpecError(f"Study {self.id!r} has no arm {name!r}.", f"Its arms: {', '.join(a.name for a in self.arms)}.")
