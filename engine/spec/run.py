"""A run: the weights it makes (`TuneSpec`) and what is measured on them. Hashes of the content identify both."""

from __future__ import annotations

import hashlib
import json
from typing import Any, NamedTuple

from pydantic import Field

from engine.spec.example import Frozen
from engine.spec.reference import DataRef, ModelRef

RECIPE_VERSION = 6
"""Raised whenever a change of the engine changes what a run computes, so that old results are not taken for new."""


class Use(Frozen):
    """A plug-in as a run uses it.

    Attributes:
        settings: All settings, defaults included, so that writing a default out does not change the hash.
        code: sha256 of the plug-in's file if it is the user's; "" for the lab's, which `RECIPE_VERSION` covers.
    """

    name: str
    settings: dict[str, Any] = Field(default_factory=dict)
    code: str = ""


class Size(Frozen):
    """How much a run is trained on."""

    steps: int
    batch_size: int
    train_examples: int


class Sample(Frozen):
    """How much is measured, and how often while a run trains.

    Attributes:
        items: Evaluation items per split.
        live_items: Items of the live sample per split; 0: none is measured.
        live_every: Steps between live measurements.
    """

    items: int
    live_items: int = 0
    live_every: int = 25


class Wanted(NamedTuple):
    """What a method or a probe uses beside the base model and the data: exactly one of `model` and `arm` is set.

    Attributes:
        model: A bundled model's name, a folder, or the role of one of the study's further models.
        arm: Another arm of the study, whose weights at the same seed are used.
    """

    model: str = ""
    arm: str = ""


class Need(Frozen):
    """What a run uses beside its base model and data; exactly one of `model` and `weights` is set.

    Attributes:
        model: Another model.
        weights: `TuneSpec.hash` of the run that makes them.
        of: That run's name, for display.
    """

    model: ModelRef | None = None
    weights: str = ""
    of: str = ""

    @property
    def content(self) -> str:
        """Its hash, which does not depend on path or name."""
        return self.model.digest + self.model.template if self.model else self.weights


class TuneSpec(Frozen):
    """What made the weights: everything that could change them, and nothing else.

    Attributes:
        adaptation: What is trained; None: nothing is.
        objectives: What is minimised, phase by phase.
        agreement: Share of congruent examples among the congruent and conflicting ones; None: not changed.
        needs: Further models and weights, by the method's name for each.
    """

    method: Use
    adaptation: Use | None = None
    objectives: tuple[Use, ...] = ()
    data: DataRef
    agreement: float | None = None
    model: ModelRef
    seed: int
    size: Size
    needs: dict[str, Need] = Field(default_factory=dict)
    recipe: int = RECIPE_VERSION

    @property
    def hash(self) -> str:
        """16 hexadecimal digits. Names and paths do not count: the same content elsewhere makes the same weights."""
        plain = self.model_dump(mode="json", exclude={"model": {"path", "name"}, "data": {"path"}, "needs": True})
        plain["needs"] = {name: need.content for name, need in self.needs.items()}
        return digest(plain)[:16]


class RunSpec(Frozen):
    """One arm at one seed: everything a child process needs.

    Attributes:
        study, arm: Where it was first queued; not hashed, since another study may share the run.
        needs: Further models and weights that probes use, by the probes' name for each.
        checkpoint_every: Steps between checkpoints; it changes no figure.
    """

    study: str
    arm: str
    tune: TuneSpec
    probes: tuple[Use, ...]
    sample: Sample
    needs: dict[str, Need] = Field(default_factory=dict)
    checkpoint_every: int = 50

    @property
    def hash(self) -> str:
        """16 hexadecimal digits: of the weights, and of all that is measured on them."""
        plain = self.model_dump(mode="json", include={"probes", "sample"})
        plain |= {"tune": self.tune.hash, "needs": {name: need.content for name, need in self.needs.items()}}
        return digest(plain)[:16]

    @property
    def model(self) -> ModelRef:
        """The base model."""
        return self.tune.model

    @property
    def data(self) -> DataRef:
        """What it is trained and measured on."""
        return self.tune.data

    @property
    def seed(self) -> int:
        """The seed."""
        return self.tune.seed

    @property
    def trains(self) -> bool:
        """Whether it makes weights."""
        return self.tune.adaptation is not None

    @property
    def kin(self) -> str:
        """Hash of what is trained on what: of all that made the weights but seed, sizes and numbers among settings.

        Runs of one kin differ at most in their seed, in how long and at which rates they were trained.
        """
        tune = self.tune
        used = [tune.method, *([tune.adaptation] if tune.adaptation else []), *tune.objectives]
        return digest(
            [
                [[use.name, {name: _unless_number(value) for name, value in use.settings.items()}] for use in used],
                tune.data.model_dump(mode="json", exclude={"path"}), tune.agreement, tune.recipe,
                [tune.model.digest, tune.model.template],
                {name: need.model.digest if need.model else "" for name, need in tune.needs.items()},
            ]
        )[:16]  # fmt: skip

    @property
    def measures(self) -> str:
        """Hash of data, probes and sample: runs with equal values are measured on the same items by the same probes."""
        data = self.tune.data.model_dump(mode="json", exclude={"path"})
        plain = self.model_dump(mode="json", include={"probes", "sample"})
        return digest([data, plain, {name: need.content for name, need in self.needs.items()}])


def _unless_number(value: Any) -> Any:
    return None if isinstance(value, int | float) and not isinstance(value, bool) else value


def digest(plain: Any) -> str:
    """sha256 of the canonical JSON of a plain value."""
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
