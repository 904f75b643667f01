"""What a rule is: which arms and figures a verdict reads, which codes it may give, and how it decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Generic, NamedTuple, TypeVar

from engine.spec.errors import PluginError
from engine.spec.example import Frozen
from engine.spec.result import NamedFigure, Tone
from engine.spec.study import StudySpec
from engine.stats.evidence import Evidence

OPEN = "inconclusive"
"""The code that every rule has, of tone "open": the figures do not say."""


class Code(NamedTuple):
    """One of the answers that a rule may give.

    Attributes:
        code: As the JSON result holds it, e.g. "learned".
        label: As people read it, e.g. "Learned".
        tone: What the window colours it by.
    """

    code: str
    label: str
    tone: Tone


INCONCLUSIVE = Code(OPEN, "Inconclusive", "open")


class Read(NamedTuple):
    """A paired difference that a rule reads: `metric` ("probe.metric") of arm a minus that of arm b.

    Attributes:
        margin: Differences within +- margin (the metric's unit) are too small to matter.
    """

    a: str
    b: str
    metric: str
    margin: float

    def same(self, other: Read) -> bool:
        """Whether both are of the same metric and the same two arms, whichever is taken from the other."""
        return self.metric == other.metric and {self.a, self.b} == {other.a, other.b}

    @classmethod
    def primary(cls, study: StudySpec) -> Read:
        """The study's primary contrast, which every rule must read."""
        primary = study.primary
        return cls(*primary.contrast, primary.figure, primary.margin)

    @classmethod
    def with_primary(cls, study: StudySpec, *reads: Read) -> tuple[Read, ...]:
        """These differences, and the primary contrast where it is none of them."""
        primary = cls.primary(study)
        return reads if any(read.same(primary) for read in reads) else (*reads, primary)


class Gate(NamedTuple):
    """What stands against any verdict, as the end of the sentence "No verdict: ...", and what would remove it."""

    what: str
    remedy: str


@dataclass(frozen=True)
class Advice:
    """What to do about runs that are missing, and about an arm that is hardly ever right."""

    missing: str = "Let the missing runs finish, or try the failed ones again."
    weak: str = "Train longer, on more examples, or start from a stronger model."


@dataclass(frozen=True)
class Case:
    """What the verdict rests on.

    Attributes:
        runs: Runs the trial consists of, and how many of them succeeded.
        smoke: Whether the scale only shows that everything runs.
        failed: Checks and controls that failed: (label, detail).
        exploratory: Why the primary contrast does not count as fixed before anything that the verdict rests on was
            shown; "" where it does.
        missing: The runs that are missing, named.
        advice: What to do about what stands against a verdict.
    """

    study: StudySpec
    evidence: Evidence
    runs: tuple[int, int]
    smoke: bool
    failed: Sequence[tuple[str, str]]
    exploratory: str = ""
    missing: str = ""
    advice: Advice = field(default_factory=Advice)


@dataclass(frozen=True)
class Decision:
    """A verdict.

    Attributes:
        code: One of the rule's codes.
        text: One sentence in plain words.
        reasons: What it rests on, each a sentence with its figures.
        figures: Figures that are no difference of two arms, e.g. the share of a gap that is closed.
    """

    code: str
    text: str
    reasons: tuple[str, ...] = ()
    figures: tuple[NamedFigure, ...] = ()


class RuleConfig(Frozen):
    """Settings every rule has (none)."""


C = TypeVar("C", bound=RuleConfig)


class Rule(Generic[C]):
    """Base of every rule (`engine/rules/<name>.py`, one class a file).

    Attributes:
        name: The file's name, with "-" for "_".
        label: What people read.
        about: In one sentence, what it decides and by what.
        source: The paper or book that the test comes from.
        codes: Every answer that it may give; one of them is `INCONCLUSIVE`.
        wants_a_planted_shortcut: Whether a study must show by a positive control that reliance would be seen.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    about: ClassVar[str]
    source: ClassVar[str] = ""
    Config: ClassVar[type[RuleConfig]] = RuleConfig
    codes: ClassVar[tuple[Code, ...]] = (INCONCLUSIVE,)
    wants_a_planted_shortcut: ClassVar[bool] = False

    def __init__(self, config: C, study: StudySpec) -> None:
        """Raise SpecError where the study does not have what the rule needs."""
        self.config, self.study = config, study

    def roles(self) -> dict[str, str]:
        """Role -> arm, e.g. {"treated": "sft"}."""
        return {}

    def metrics(self) -> tuple[str, ...]:
        """The figures that it reads, as "probe.metric"; the primary one may be left out."""
        return ()

    def reads(self) -> tuple[Read, ...]:
        """The differences that it reads, the study's primary contrast among them (`Read.with_primary`).

        No verdict is given where one of them is missing or rests on too few seeds.
        """
        return ()

    def thresholds(self) -> dict[str, float | str]:
        """What was fixed beforehand beside the arms, as a result names it: the settings that are numbers."""
        found = self.config.model_dump()
        return {k: v for k, v in found.items() if isinstance(v, int | float) and not isinstance(v, bool)}

    def gates(self, case: Case) -> list[Gate]:
        """What stands against a verdict, beside what stands against any (`engine.rules._gates`)."""
        return []

    def reasons(self, case: Case) -> list[str]:
        """Every figure that it reads, as sentences. Also said where there is no verdict, so figures may be missing."""
        return []

    def decide(self, case: Case) -> Decision:
        """The verdict, where no gate stands against it: every figure of `reads` is there."""
        raise TypeError(f"{type(self).__name__} has no decide()")

    def code(self, name: str) -> Code:
        """One of its codes. Raises PluginError where it has none of that name."""
        for code in self.codes:
            if code.code == name:
                return code
        raise PluginError(f"The rule {self.name!r} has no code {name!r}.", "Its `codes` must list all that it gives.")
