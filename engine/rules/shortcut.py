"""The verdict: what a trial shows of accuracy and of a shortcut, by rules that are fixed before it runs.

In order; the first that holds decides, so that no case gets two codes, and what none settles is inconclusive:

1. *Gates.* Runs or figures missing, a check or control that fails, smoke scale, fewer than two seeds behind a figure
   that a rule reads, accuracy below the study's floor, answers that mostly cannot be read, or a base at the ceiling:
   inconclusive, whatever the figures say.
2. *It leans more* than the reference (the other arm of the primary contrast) or than the base, on the shortcut or
   against it; a base below the floor answers hardly anything and could not lean, so it is left out here. Where that
   lean misleads, the arm is less accurate than that same arm: *shortcut*. It gained there, and over all: *mixed*. It
   gained over all and was shown not to gain there, or was shown not to gain at all: *shortcut*. Otherwise inconclusive.
3. *Accuracy lost* against the base: *worse*.
4. *No gain* over the base that matters was shown. It lost a lean that the reference or the base has, and was shown to
   lose no accuracy against the base, nor against the arm whose lean it lost: *debiased*. Its gain was shown, its mean
   not above the margin: *small*, once no look at more seeds can tell whether it is more. It was shown to lie within the
   margin to either side: *equal*. Otherwise inconclusive.

What is left gained accuracy over the base.

5. *Format.* Where it did not gain over the format arm, and the format arm comes within the margin or explains most of
   the gain even at the interval's end: *format*. Neither shown: inconclusive.
6. *It leans*, whatever other arms do. Where that lean misleads it gained over the base: *mixed*. It was shown not to
   gain there: *shortcut*. Otherwise inconclusive.
7. *Whether it leans is open*: inconclusive.
8. *It lost a lean* that the reference or the base has, and was shown to lose no accuracy against that arm. It gained
   over that arm and over the base both where the shortcut helps and where it misleads: *learned*. Otherwise:
   *debiased*.
9. *Where the shortcut misleads* it must have gained over the base as well. It was shown not to, and its level of
   reliance is shown to be above zero: *shortcut*. Otherwise inconclusive.
10. *It leans no more* than others: shown of the reference; of the base by the mean alone, since the base is measured
    once and a rise over it is what training in general brings about. If so: *learned*. Otherwise inconclusive.

"Gained" is: the 95 % interval lies above zero and the mean above the margin (on one side of the items: above zero);
"lost" is the same below zero. "Shown not to gain" (or lose) is: the 90 % interval ends within the margin, a one-sided
test at 5 %. "Leans", "leans more" and "lost a lean" are defined in `engine/rules/_leaning.py`, from levels of reliance.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from engine.rules._base import INCONCLUSIVE, Case, Code, Decision, Gate, Read, Rule, RuleConfig
from engine.rules._shortcut_figures import Figures
from engine.rules._shortcut_finding import found
from engine.spec.errors import SpecError
from engine.spec.study import StudySpec

LEANS = 0.1
"""A level of reliance beyond +- this is called a lean where a study says nothing else."""


class ShortcutConfig(RuleConfig):
    """Which arms the verdict reads in which role, and its thresholds."""

    treated: str = Field(description="Arm that the question is about; one of the primary contrast.")
    base: str = Field("base", description="Arm of the base model, untrained.")
    format: str | None = Field(None, description="Arm that can learn only the form of the answer, if there is one.")
    floor: float = Field(ge=0, le=1, description="Accuracy of the treated arm below which no verdict is given.")
    ceiling: float = Field(0.98, ge=0, le=1, description="Accuracy of the base above which nothing is left to gain.")
    parses: str | None = Field(
        None, description='Share of answers that can be read, as "probe.metric"; unset: they always can.'
    )
    parse_floor: float = Field(0.5, ge=0, le=1, description="Share of answers that can be read that is needed.")
    margin: float = Field(0.05, ge=0, description="A change of reliance within +- this is too small to matter.")
    leans: float | None = Field(
        None,
        gt=0,
        description="Reliance beyond +- this is called a lean; unset: 10 points, or the margin where that is larger.",
    )


class Shortcut(Rule[ShortcutConfig]):
    """Accuracy gained and reliance on the shortcut, by its level and over a reference and the base."""

    name: ClassVar[str] = "shortcut"
    label: ClassVar[str] = "Learned or shortcut"
    about: ClassVar[str] = (
        "Tells whether an arm learned the task, only the form of the answer, or a shortcut, from what it gained in "
        "accuracy over the base and from how far it leans on the shortcut, by itself and beside others."
    )
    source: ClassVar[str] = "arXiv:2004.07780"
    Config: ClassVar[type[RuleConfig]] = ShortcutConfig
    wants_a_planted_shortcut: ClassVar[bool] = True
    codes: ClassVar[tuple[Code, ...]] = (
        Code("learned", "Learned", "good"),
        Code("debiased", "Debiased", "good"),
        Code("format", "Format only", "form"),
        Code("small", "Small gain", "form"),
        Code("equal", "Equal", "form"),
        Code("shortcut", "Shortcut", "bad"),
        Code("worse", "Worse", "bad"),
        Code("mixed", "Mixed", "mixed"),
        INCONCLUSIVE,
    )

    def __init__(self, config: ShortcutConfig, study: StudySpec) -> None:
        super().__init__(config, study)
        pair = study.primary.contrast
        if config.treated not in pair:
            raise SpecError(
                f"rule.settings: the treated arm, {config.treated}, must be in the primary contrast.",
                f"The primary contrast is {pair[0]} against {pair[1]}.",
            )
        if study.reliance is None:
            raise SpecError(
                "The rule 'shortcut' needs a figure of reliance.", "Name it in the study: `reliance = ...`."
            )
        if config.leans is not None and config.leans < config.margin:
            raise SpecError(
                f"rule.settings.leans: {config.leans:g} is smaller than the margin, {config.margin:g}.",
                "A level at which an arm is said to lean must matter: set it to the margin or more.",
            )
        self.treated, self.base, self.format = config.treated, config.base, config.format
        self.accuracy, self.reliance = study.accuracy, study.reliance
        self.leans = config.leans if config.leans is not None else max(LEANS, config.margin)
        other = [arm for arm in pair if arm != config.treated]
        self.reference = other[0] if len(other) == 1 else None
        primary = study.primary.figure
        self.margin = study.primary.margin if primary == study.accuracy else config.margin  # of accuracy

    def roles(self) -> dict[str, str]:
        """The treated arm, its reference, the base, and the arm of the form where there is one."""
        found = {"treated": self.treated, "reference": self.reference, "base": self.base, "format": self.format}
        return {role: arm for role, arm in found.items() if arm is not None}

    def metrics(self) -> tuple[str, ...]:
        """Accuracy, reliance, and the share of answers that can be read."""
        return (self.accuracy, self.reliance, *([self.config.parses] if self.config.parses else []))

    def reads(self) -> tuple[Read, ...]:
        """Accuracy over the base and over the form, reliance over the reference and over the base; the primary one."""
        over = [self.base, *([self.format] if self.format else [])]
        return Read.with_primary(
            self.study,
            *(Read(self.treated, arm, self.accuracy, self.margin) for arm in over),
            *(Read(self.treated, arm, self.reliance, self.config.margin) for arm in self.against),
        )

    def thresholds(self) -> dict[str, float | str]:
        """The settings that are numbers, as they hold; that about answers that can be read only where it is asked."""
        found = super().thresholds() | {"leans": self.leans}
        return {name: value for name, value in found.items() if name != "parse_floor" or self.config.parses}

    @property
    def against(self) -> tuple[str, ...]:
        """The arms beside which reliance is read: the reference and the base."""
        return tuple(dict.fromkeys([*([self.reference] if self.reference else []), self.base]))

    def gates(self, case: Case) -> list[Gate]:
        """Accuracy below the floor, answers that cannot be read, and a base at the ceiling."""
        return Figures(self, case).gates()

    def reasons(self, case: Case) -> list[str]:
        """The primary contrast, accuracy over each arm, and reliance by itself and over each."""
        return Figures(self, case).reasons()

    def decide(self, case: Case) -> Decision:
        """The verdict by the order that this file's head gives."""
        figures = Figures(self, case)
        code, lead, more = found(figures)
        return Decision(code, f"{lead}; {figures.primary_clause()}.", (*figures.reasons(), *more))
