"""What probes, methods and objectives would ask of models: each is tried with a subject that answers at once.

None is named. What cannot be told that way, for it takes a model or follows from what a model says, is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from engine.objectives import Kit, Objective
from engine.probes import Measuring, Probe
from engine.run import sources
from engine.run.costs.work import Asked, AskedScores, Counted, Measured, longer, longer_scores
from engine.spec.errors import LabError
from engine.spec.example import Example, Item, Prompt
from engine.subject.limits import Limits
from engine.subject.protocol import Subject
from engine.subject.rendering import Encoded, Renderer

NEAR = 50  # prompts among which another answer is looked for


class Unknown(Exception):
    """What cannot be told before a run has begun, in words."""


@dataclass
class Others:
    """For each prompt the right answer of another one: wrong, and as long as answers are.

    Args:
        examples: The first that has the prompt is looked at, and then those that follow it.
    """

    examples: Sequence[Example]
    renderer: Renderer
    _places: dict[int, int] = field(default_factory=dict)
    _texts: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for at, example in enumerate(self.examples):
            self._places.setdefault(id(example.prompt), at)

    def __call__(self, prompt: Prompt) -> str:
        """The answer; "" for a prompt that is no example's."""
        at = self._places.get(id(prompt))
        if at is None:
            return ""
        own, count = self._text(at), len(self.examples)
        after = (self._text((at + more) % count) for more in range(1, min(count, NEAR)))
        other = next((text for text in after if text != own), "")
        return self.renderer.begun_text(prompt) + other if other else ""

    def _text(self, at: int) -> str:
        if at not in self._texts:
            example = self.examples[at]
            self._texts[at] = self.renderer.answer_of(self.renderer.answer_text(example.prompt, example.answer))
        return self._texts[at]


@dataclass(frozen=True)
class Answering:
    """How an arm answers in a way of its own.

    Attributes:
        answerer: Makes of the tuned model, and of other models by name, the subject that is measured.
        needs: The names of those other models.
    """

    answerer: Callable[[Subject, Mapping[str, Subject]], Subject]
    needs: tuple[str, ...] = ()


def measured(
    probes: Sequence[Probe], items: dict[str, list[Item]], renderer: Renderer, limits: Limits,
    answering: Answering | None = None,
) -> Measured:  # fmt: skip
    """What the probes ask of a model on their items, by the probe's name.

    Args:
        answering: Of an arm that answers in a way of its own; None: the model itself answers.

    Raises:
        Unknown: Other models are asked, or the way to answer takes more than a subject.
    """
    counted = subject = Counted(renderer, limits)
    others = {slot: Counted(renderer, limits) for slot in (answering.needs if answering else ())}
    if answering:
        subject = _told(lambda: answering.answerer(counted, others), "how it answers")
    for probe in probes:
        if not items.get(probe.name):
            continue
        beside = {slot: Counted(renderer, limits) for slot in probe.needs()}
        kit = Measuring(subject, beside, sources.task)
        _told(lambda probe=probe, kit=kit: probe.measure(kit, items[probe.name]), f"what {probe.label!r} asks")
        others |= {f"{probe.name}:{slot}": counted for slot, counted in beside.items()}
    asked = sorted(slot for slot, one in others.items() if not one.idle)
    if asked:
        raise Unknown(f"other models answer, too ({', '.join(asked)})")
    return Measured(tuple(counted.asked), tuple(counted.scored))


class Rehearsal(NamedTuple):
    """What an objective asks for while it makes its rows.

    Attributes:
        least: Answers that are asked for where every one is wrong; `most`: where none is.
        scored: Answers that are scored in the first case.
        rows: The rows of the first case, as long as those that it will make.
    """

    least: tuple[Asked, ...]
    most: tuple[Asked, ...]
    scored: tuple[AskedScores, ...]
    rows: tuple[Encoded, ...]

    def after(self, prefix: tuple[int, ...]) -> Rehearsal:
        """The same with a prefix before every prompt."""
        more = len(prefix)
        least, most = longer(self.least, more), longer(self.most, more)
        return Rehearsal(least, most, longer_scores(self.scored, more), tuple(after(prefix, self.rows)))


@dataclass(frozen=True)
class _CountingKit(Kit):
    """A kit without a model, that keeps what is asked of it."""

    counted: Counted | None = None

    def logprobs(self, pairs: Sequence[tuple[tuple[int, ...], tuple[int, ...]]]) -> np.ndarray:
        """Zeros; neighbours of one prompt are counted as one block."""
        blocks: list[tuple[int, tuple[int, ...]]] = []
        last = None
        for prompt, answer in pairs:
            if prompt == last:
                blocks[-1] = (blocks[-1][0], (*blocks[-1][1], len(answer)))
            else:
                blocks.append((len(prompt), (len(answer),)))
            last = prompt
        if self.counted is not None:
            self.counted.scored.append(AskedScores(tuple(blocks)))
        return np.zeros(len(pairs))


def after(prefix: tuple[int, ...], rows: Sequence[Any]) -> list[Any]:
    """Rows with a prefix before every prompt."""
    return [row.model_copy(update={"prompt": (*prefix, *row.prompt)}) for row in rows]


def rehearsed(objective: Objective[Any], kit: dict[str, Any], needs: Sequence[str], limits: Limits) -> Rehearsal:
    """What an objective will ask for to make its rows, and rows of the lengths that it will have.

    Args:
        kit: The fields of `engine.objectives.Kit` that need no model.
        needs: The names of other models, which are taken to be as fast as the model itself.

    Raises:
        Unknown: It needs a model to make them, or answers that are more than wrong.
    """
    renderer = kit["renderer"]
    pool = [*kit["examples"], *kit["pool"]]
    never, always = Counted(renderer, limits), Counted(renderer, limits, Others(pool, renderer))

    def made(counted: Counted) -> Sequence[Any]:
        def policy() -> AbstractContextManager[Subject]:
            return nullcontext(counted)

        whole = _CountingKit(
            **kit, model=None, policy=policy, order=_no_order, needs=dict.fromkeys(needs, counted),
            note=_say_nothing, check=_say_nothing, counted=counted,
        )  # fmt: skip
        return objective.rows(whole, 0)

    what = f"what {objective.label!r} makes its rows of"
    rows = _told(lambda: made(always), what)
    with suppress(_Refused):  # it found nothing to learn from, once it had asked for all that it may ask for
        _told(lambda: made(never), what)
    return Rehearsal(tuple(always.asked), tuple(never.asked), tuple(always.scored), tuple(rows))


class _Refused(Unknown):
    """What was rehearsed ended with one of the lab's own errors."""


def _told(what: Callable[[], Any], name: str) -> Any:
    """What a plug-in gives. Raises Unknown where it cannot do it without a model."""
    try:
        return what()
    except Unknown:
        raise
    except LabError as error:
        raise _Refused(f"{name} cannot be told before ({error.message})") from error
    except Exception as error:  # a plug-in's code may raise anything where there is no model
        raise Unknown(f"{name} cannot be told without the models themselves") from error


def _no_order(rows: int, chunk: int) -> list[list[int]]:
    return []


def _say_nothing(*_: Any) -> None:
    pass
