"""Studies, arms and runs, as frozen values. A run's hash is its identity: nothing is computed twice."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Literal

from pydantic import Field, model_validator

from engine.spec.errors import SpecError
from engine.spec.example import Frozen
from engine.spec.understanding import Inspection

Scale = Literal["smoke", "quick", "full"]

UNNAMED_RECIPE = 3
"""The recipe of trials that were stored before trials said theirs."""

RECIPE_VERSION = 4
"""Raised whenever a change of the engine changes what a run computes, so that old results are not taken for new."""


class ScaleSpec(Frozen):
    """How large a study is run.

    Attributes:
        note: A sentence shown with every figure of this scale ("" for none).
    """

    seeds: int = Field(3, ge=1, le=1000, description="Runs per arm, paired by seed.")
    steps: int = Field(150, ge=1, le=1_000_000, description="Optimizer steps per run.")
    batch_size: int = Field(16, ge=1, le=4096, description="Examples per optimizer step.")
    train_examples: int = Field(2400, ge=1, description="Training examples drawn per run.")
    items: int = Field(200, ge=1, description="Evaluation items per split.")
    live_items: int = Field(40, ge=0, description="Items of the live sample per split.")
    live_every: int = Field(25, ge=1, description="Steps between live measurements.")
    checkpoint_every: int = Field(50, ge=1, description="Steps between checkpoints.")
    note: str = ""


class ArmSpec(Frozen):
    """One condition of a study.

    Attributes:
        name: Short name, unique in the study.
        label: What people read.
        method: A method's name (`engine/methods/<method>.py`).
        settings: The method's settings, over its defaults.
        agreement: Share of congruent examples among those that have a side, None: as the data has it.
        seeds: Fewer runs than the study's seeds (controls need one); None: all.
        role: "arm", or "control" for an arm that only proves the probe.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")
    label: str
    method: str
    settings: dict[str, Any] = Field(default_factory=dict)
    agreement: float | None = Field(None, ge=0, le=1)
    seeds: int | None = Field(None, ge=1)
    role: Literal["arm", "control"] = "arm"


class ProbeSpec(Frozen):
    """A probe of a study, with its settings over the probe's defaults."""

    probe: str
    settings: dict[str, Any] = Field(default_factory=dict)


class Primary(Frozen):
    """The endpoint that is fixed before the study runs: `metric` of `contrast[0]` minus that of `contrast[1]`.

    Attributes:
        expected: The direction the claim predicts.
        margin: Differences within +- margin (the metric's unit) are too small to matter.
        seed_sd: Standard deviation of the paired difference over seeds that is expected (the metric's unit), from
            which it is said what the study can find before it runs; None: not known.
        item_sd: Standard deviation that the choice of items gives the difference where each split has one item; with
            n of them it is item_sd / sqrt(n). None: not known.
    """

    probe: str
    metric: str
    contrast: tuple[str, str]
    expected: Literal["greater", "less"] = "greater"
    margin: float = Field(0.03, ge=0)
    seed_sd: float | None = Field(None, ge=0)
    item_sd: float | None = Field(None, ge=0)


class ControlSpec(Frozen):
    """A proof that the study can see the shortcut: `arm`'s reliance against `against`'s must (not) be higher.

    Attributes:
        kind: "positive": the difference must lie above zero; "negative": it must not.
        placebo: Measure a cue that means nothing instead (each item's side is drawn by lot): for negative controls
            of tasks on which every trained arm may truly lean on the shortcut.
    """

    kind: Literal["positive", "negative"]
    arm: str
    against: str
    placebo: bool = False


class VerdictSpec(Frozen):
    """Which figures the verdict reads, as "probe.metric", and which arms.

    Attributes:
        accuracy: The task's accuracy.
        reliance: The reliance on the shortcut.
        floor: Accuracy below which no verdict is given.
        treated: The arm the question is about.
        base: The untouched base's arm.
        format: The arm that can learn only the form of the answer, if the study has one.
        parses: The share of answers that can be read at all, where answers are written; None: they always can.
        parse_floor: A share of them below which no verdict is given.
        ceiling: Accuracy of the base above which nothing is left to gain, and no verdict is given.
        chain: Arms in the order in which the gain is decomposed.
        chain_labels: What each step of the chain adds, one fewer than `chain`.
    """

    accuracy: str
    reliance: str
    floor: float = Field(ge=0, le=1)
    parses: str | None = None
    parse_floor: float = Field(0.5, ge=0, le=1)
    ceiling: float = Field(0.98, ge=0, le=1)
    treated: str
    base: str = "base"
    format: str | None = None
    chain: tuple[str, ...] = ()
    chain_labels: tuple[str, ...] = ()
    margin: float = Field(0.05, ge=0, description="A change of reliance within +- this is too small to matter.")


class ModelRef(Frozen):
    """A base model: where it lies and what it is. `digest` (sha256 of weights and tokenizer) is its identity."""

    name: str
    path: str
    digest: str
    template: str = Field("", description="sha256 of the chat template in use.")
    parameters: int = 0


class DataRef(Frozen):
    """Where a study's data come from: a bundled source ("world.tools") or a user's file, with its sha256.

    Attributes:
        grader: How calls are compared ("strict" or "bfcl"); "": as the form of the data has it.
        skip_bad_rows: Whether rows that cannot be used are left out; otherwise they refuse the file.
        without: Rows of the file, counted from 1, that the chosen model's chat template refuses and that are left
            out as well.
    """

    source: str
    path: str = ""
    digest: str = ""
    grader: Literal["", "strict", "bfcl"] = ""
    skip_bad_rows: bool = False
    without: tuple[int, ...] = ()


class StudySpec(Frozen):
    """One question, its arms, probes and primary endpoint (`resources/studies/*.toml`)."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")
    order: int = 100
    question: str
    summary: str = Field(description="One sentence: what is compared and what it would show.")
    claim: str
    source: str
    published: str = Field("", description="The published figure, in words.")
    data: str = Field(description='A bundled source, e.g. "world.tools".')
    accepts_data: bool = Field(False, description="Whether a user's file can replace the data.")
    arms: tuple[ArmSpec, ...]
    probes: tuple[ProbeSpec, ...]
    primary: Primary
    contrasts: tuple[tuple[str, str], ...] = Field(description="Pairs of arms that are compared.")
    verdict: VerdictSpec
    controls: tuple[ControlSpec, ...] = ()
    scales: dict[Scale, ScaleSpec]

    @model_validator(mode="after")
    def _names_exist(self) -> StudySpec:
        names = {arm.name for arm in self.arms}
        if len(names) != len(self.arms):
            raise ValueError("two arms have the same name")
        used = {n for pair in self.contrasts for n in pair} | set(self.primary.contrast) | set(self.verdict.chain)
        used |= {self.verdict.treated, self.verdict.base} | {n for c in self.controls for n in (c.arm, c.against)}
        used |= {self.verdict.format} if self.verdict.format else set()
        if missing := sorted(used - names):
            raise ValueError(f"no arm is named {', '.join(missing)}")
        if self.verdict.treated not in self.primary.contrast:
            raise ValueError(f"the treated arm, {self.verdict.treated}, must be in the primary contrast")
        probes = {p.probe for p in self.probes}
        read = [self.verdict.accuracy, self.verdict.reliance, self.verdict.parses or self.verdict.accuracy]
        wanted = {self.primary.probe, *(metric.split(".")[0] for metric in read)}
        if missing := sorted(wanted - probes):
            raise ValueError(f"no probe is named {', '.join(missing)}")
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


class RunSpec(Frozen):
    """One arm at one seed: everything a child process needs, and nothing else (labels change no result)."""

    study: str
    arm: str
    method: str
    settings: dict[str, Any]
    agreement: float | None
    seed: int
    probes: tuple[ProbeSpec, ...]
    scale: ScaleSpec
    model: ModelRef
    data: DataRef
    recipe: int = RECIPE_VERSION

    @property
    def hash(self) -> str:
        """16 hexadecimal digits. Paths and notes do not count: the same content elsewhere is the same run."""
        plain = self.model_dump(
            mode="json", exclude={"model": {"path", "name"}, "data": {"path"}, "scale": {"note", "seeds"}}
        )
        plain["data"] = _said(plain["data"])
        return digest(plain)[:16]

    @property
    def measures(self) -> str:
        """Runs with the same value are measured on the same items, and by the same probes."""
        probes = [probe.model_dump(mode="json") for probe in self.probes]
        return digest([_said(self.data.model_dump(mode="json")), probes, self.scale.items, self.scale.live_items])


_LATER = {"primary": ("seed_sd", "item_sd"), "verdict": ("parses", "parse_floor", "ceiling")}
"""Parts of a study that came when trials had been stored: left at their defaults they change no trial's name."""


def _said(data: dict[str, Any]) -> dict[str, Any]:
    """A `DataRef` without the options that came when runs had been stored, where they are left at their defaults."""
    return {name: value for name, value in data.items() if value or name not in _LATER_OF_DATA}


_LATER_OF_DATA = ("grader", "skip_bad_rows", "without")


class TrialSpec(Frozen):
    """A study as launched: at a scale, on a model and data, with so many seeds. The same command is the same trial.

    Attributes:
        recipe: `RECIPE_VERSION` when it was planned: its runs are of that recipe.
        inspection: What was understood of model and data before it was queued, where they are the user's own. It
            is shown with the result, and no part of the trial's identity.
    """

    study: StudySpec
    scale: Scale
    seeds: int = Field(ge=1, le=1000)
    arms: tuple[str, ...]
    model: ModelRef
    data: DataRef
    recipe: int = Field(default_factory=lambda: RECIPE_VERSION)
    inspection: Inspection | None = None

    @classmethod
    def stored(cls, plain: Any) -> TrialSpec:
        """A trial from its stored form. Raises ValidationError where it is none."""
        return cls.model_validate({"recipe": UNNAMED_RECIPE, **plain} if isinstance(plain, dict) else plain)

    @property
    def id(self) -> str:
        """Readable and unique: study, scale and 8 hexadecimal digits."""
        plain = self.model_dump(mode="json", exclude={"inspection"})
        for part, fields in _LATER.items():
            for name in fields:
                if plain["study"][part][name] == type(getattr(self.study, part)).model_fields[name].default:
                    del plain["study"][part][name]
        plain["data"] = _said(plain["data"])
        if self.recipe == UNNAMED_RECIPE:
            del plain["recipe"]
        return f"{self.study.id}-{self.scale}-{digest(plain)[:8]}"

    @property
    def registration(self) -> str:
        """sha256 of all that is fixed before the first figure: names, labels and paths do not count."""
        return digest([self.study.id, self.design, self.seeds, self.arms])

    @property
    def design(self) -> str:
        """sha256 of the same without the study's name, arms left out and the number of seeds."""
        study = self.study
        fixed = {
            "recipe": self.recipe,
            "primary": study.primary.model_dump(mode="json", exclude={"seed_sd", "item_sd"}),
            "verdict": study.verdict.model_dump(mode="json", exclude={"chain_labels"}),
            "contrasts": study.contrasts,
            "controls": [control.model_dump(mode="json") for control in study.controls],
            "arms": [arm.model_dump(mode="json", exclude={"label"}) for arm in study.arms],
            "probes": [probe.model_dump(mode="json") for probe in study.probes],
            "scale": self.settings.model_dump(mode="json", exclude={"seeds", "note"}),
            "model": self.model.model_dump(mode="json", include={"digest", "template"}),
            "data": _said(self.data.model_dump(mode="json", exclude={"path"})),
        }
        return digest(fixed)

    @property
    def settings(self) -> ScaleSpec:
        """The scale's sizes, with this trial's number of seeds."""
        return self.study.scales[self.scale].model_copy(update={"seeds": self.seeds})

    def runs(self) -> list[RunSpec]:
        """Every run, seed by seed, so that each seed's arms are complete as early as possible.

        An arm whose method trains nothing is the same for every seed and is run once, at seed 0.
        """
        from engine.methods import method_class

        found: list[RunSpec] = []
        for seed in range(self.seeds):
            for name in self.arms:
                arm = self.study.arm(name)
                if seed >= (arm.seeds or self.seeds) or (seed > 0 and not method_class(arm.method).trains):
                    continue
                found.append(
                    RunSpec(
                        study=self.study.id,
                        arm=name,
                        method=arm.method,
                        settings=arm.settings,
                        agreement=arm.agreement,
                        seed=seed,
                        probes=self.study.probes,
                        scale=self.settings,
                        model=self.model,
                        data=self.data,
                        recipe=self.recipe,
                    )
                )
        return found


def digest(plain: Any) -> str:
    """sha256 of the canonical JSON of a plain value."""
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
