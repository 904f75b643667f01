"""A trial: a study as launched. What is fixed before its first figure has a hash of its own."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from engine.spec.audit import Audit
from engine.spec.example import Frozen
from engine.spec.reference import DataRef, ModelRef
from engine.spec.run import RECIPE_VERSION, digest
from engine.spec.study import MOST_SEEDS, Scale, ScaleSpec, StudySpec, rising
from engine.spec.understanding import Inspection

UNNAMED_RECIPE = 3
"""The recipe of trials that were stored before trials said theirs."""


class TrialSpec(Frozen):
    """A study as launched: at a scale, on a model and data, with so many seeds. The same command is the same trial.

    Attributes:
        models: What plays the study's further models, by role.
        uses: sha256 of what its runs use beside model and data, by name: the user's own plug-ins, and models that arms
            name themselves. Another version of one of them is another trial.
        looks: After how many seeds it is looked at, where it goes on until it is settled; the last are `seeds`, the
            most that are run. Empty: all seeds are run.
        recipe: `RECIPE_VERSION` when it was planned: its runs are of that recipe.
        stored_as: The name it was stored under; "" for one of the present recipe, whose name follows from its content.
        audit: What the design audit found before it was queued; None where nobody asked. It is shown with the result,
            may stand against a verdict, and is no part of the trial's identity.
        inspection: What was understood of model and data before it was queued, where they are the user's own. It
            is shown with the result, and no part of the trial's identity.
    """

    study: StudySpec
    scale: Scale
    seeds: int = Field(ge=1, le=MOST_SEEDS)
    arms: tuple[str, ...]
    model: ModelRef
    models: dict[str, ModelRef] = Field(default_factory=dict)
    data: DataRef
    looks: tuple[int, ...] = ()
    uses: dict[str, str] = Field(default_factory=dict)
    recipe: int = Field(default_factory=lambda: RECIPE_VERSION)
    stored_as: str = ""
    inspection: Inspection | None = None
    audit: Audit | None = None

    @model_validator(mode="after")
    def _looks_end_with_all_seeds(self) -> TrialSpec:
        if rising(self.looks) and self.looks[-1] != self.seeds:
            raise ValueError(f"the last look is after {self.looks[-1]} seeds, and {self.seeds} are the most")
        return self

    @classmethod
    def stored(cls, plain: Any, name: str) -> TrialSpec:
        """A trial from its stored form and its stored name. Raises ValidationError where it is none."""
        if not isinstance(plain, dict):
            return cls.model_validate(plain)
        found = cls.model_validate({"recipe": UNNAMED_RECIPE, **plain})
        return found if found.recipe == RECIPE_VERSION else found.model_copy(update={"stored_as": name})

    @property
    def old(self) -> bool:
        """Whether it is of an older recipe: readable, and never run again."""
        return self.recipe != RECIPE_VERSION

    @property
    def id(self) -> str:
        """Readable and unique: study, scale and 8 hexadecimal digits."""
        if self.stored_as:
            return self.stored_as
        plain = self.model_dump(mode="json", exclude={"inspection", "audit", "stored_as"})
        return f"{self.study.id}-{self.scale}-{digest(plain)[:8]}"

    @property
    def registration(self) -> str:
        """sha256 of all that is fixed before the first figure: names, labels and paths do not count."""
        return digest([self.study.id, self.design, self.seeds, self.looks, self.arms])

    @property
    def design(self) -> str:
        """sha256 of the same without the study's name, arms left out and the number of seeds."""
        study = self.study
        fixed = {
            "recipe": self.recipe,
            "primary": study.primary.model_dump(mode="json", exclude={"seed_sd", "item_sd"}),
            "figures": [study.accuracy, study.reliance],
            "rule": study.rule.model_dump(mode="json"),
            "decomposition": study.decomposition.chain if study.decomposition else (),
            "contrasts": study.contrasts,
            "controls": [control.model_dump(mode="json") for control in study.controls],
            "arms": [arm.model_dump(mode="json", exclude={"label"}) for arm in study.arms],
            "probes": [probe.model_dump(mode="json") for probe in study.probes],
            "scale": self.settings.model_dump(mode="json", exclude={"seeds", "looks", "note"}),
            "model": self.model.model_dump(mode="json", include={"digest", "template"}),
            "models": {name: [model.digest, model.template] for name, model in self.models.items()},
            "data": self.data.model_dump(mode="json", exclude={"path"}),
            "uses": self.uses,
        }
        return digest(fixed)

    @property
    def settings(self) -> ScaleSpec:
        """The scale's sizes, with this trial's number of seeds."""
        return self.study.scales[self.scale].model_copy(update={"seeds": self.seeds})
