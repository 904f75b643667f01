"""What a run consists of: its optimizer steps, the answers it asks for and the texts it scores, in tokens.

Probes, methods and objectives are asked what they would do, with a subject that answers at once and keeps count: none
is named. What cannot be told that way is said to be unknown.
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
from engine.spec.errors import LabError
from engine.spec.example import Example, Item, Prompt
from engine.subject.limits import Limits
from engine.subject.protocol import Answer, Scored, Subject
from engine.subject.rendering import Encoded, Renderer

NEAR = 50  # prompts among which another answer is looked for


class Unknown(Exception):
    """What cannot be told before a run has begun, in words."""


class Asked(NamedTuple):
    """Answers that are asked for at once.

    Attributes:
        prompts: Tokens of each prompt, as it is cut to fit.
        limit: The longest answer, in tokens.
        each: Answers for each prompt.
    """

    prompts: tuple[int, ...]
    limit: int
    each: int = 1


class AskedScores(NamedTuple):
    """Answers whose log-probability is asked for at once: tokens of each prompt, and of each of its answers."""

    blocks: tuple[tuple[int, tuple[int, ...]], ...]


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


def nothing(prompt: Prompt) -> str:
    """No answer."""
    return ""


@dataclass
class Counted:
    """An `engine.subject.protocol.Subject` that does nothing, and keeps what it was asked.

    Attributes:
        says: What it answers.
    """

    renderer: Renderer
    limits: Limits
    says: Callable[[Prompt], str] = nothing
    asked: list[Asked] = field(default_factory=list)
    scored: list[AskedScores] = field(default_factory=list)

    @property
    def idle(self) -> bool:
        """Whether it was asked for nothing."""
        return not self.asked and not self.scored

    def room(self, think_tokens: int = 0, asked: int | None = None) -> int:
        """Tokens that an answer may take, as `engine.subject.local.LocalSubject` gives them."""
        if asked is not None:
            return self.renderer.room(asked)
        return self.limits.of(self.renderer, think_tokens).tokens

    def rendered(self, prompt: Prompt, answer: Mapping[str, Any]) -> str:
        """A whole answer as the model's template writes it, without the end token."""
        return self.renderer.whole_answer(prompt, answer)

    def generate(self, prompts: Sequence[Prompt], max_new_tokens: int) -> list[Answer]:
        """An answer for each prompt."""
        self._ask(prompts, 1, max_new_tokens)
        return [Answer(self.says(prompt)) for prompt in prompts]

    def sample(
        self, prompts: Sequence[Prompt], count: int, temperature: float, seed: int, max_new_tokens: int
    ) -> list[list[Answer]]:
        """The same answer `count` times for each prompt."""
        self._ask(prompts, count, max_new_tokens)
        return [[Answer(self.says(prompt))] * count for prompt in prompts]

    def score(
        self, prompts: Sequence[Prompt], answers: Sequence[str | Answer], entropies: bool = False, end: bool = True
    ) -> list[Scored]:
        """Zeros."""
        sizes = []
        for prompt, answer in zip(prompts, answers, strict=True):
            text, ended = (answer.text, not answer.cut) if isinstance(answer, Answer) else (answer, True)
            sizes.append(self._tokens(prompt, text) - (not (end and ended)))
        lengths = [len(self.renderer.prompt_ids(prompt)) for prompt in prompts]
        self.scored.append(AskedScores(tuple((length, (size,)) for length, size in zip(lengths, sizes, strict=True))))
        return [Scored((0,) * size, np.zeros(size), np.zeros(size) if entropies else None) for size in sizes]

    def option_logprobs(self, prompts: Sequence[Prompt], options: Sequence[Sequence[str]]) -> list[np.ndarray]:
        """Zeros."""
        blocks = tuple(
            (len(self.renderer.prompt_ids(prompt)), tuple(self._tokens(prompt, text) for text in texts))
            for prompt, texts in zip(prompts, options, strict=True)
        )
        self.scored.append(AskedScores(blocks))
        return [np.zeros(len(texts)) for texts in options]

    def text_nll(self, texts: Sequence[str]) -> list[tuple[float, int]]:
        """One nat and one token each."""
        before = len(self.renderer.prefix) + 1
        sizes = [min(self.renderer.context - before, len(self.renderer.ids(text))) for text in texts]
        self.scored.append(AskedScores(tuple((before, (size,)) for size in sizes)))
        return [(1.0, 1)] * len(texts)

    def _tokens(self, prompt: Prompt, text: str) -> int:
        """About as many tokens as follow a prompt in a whole answer, its end included."""
        return max(1, 1 + len(self.renderer.ids(text)) - len(self.renderer.begun_ids(prompt)))

    def _ask(self, prompts: Sequence[Prompt], count: int, limit: int) -> None:
        limit = self.renderer.room(limit)
        room = max(1, self.renderer.context - limit)
        lengths = tuple(min(room, len(self.renderer.prompt_ids(prompt))) for prompt in prompts)
        self.asked.append(Asked(lengths, limit, count))


class Measured(NamedTuple):
    """What one measurement with all of a study's probes asks for."""

    asked: tuple[Asked, ...] = ()
    scored: tuple[AskedScores, ...] = ()

    def longer(self, more: int) -> Measured:
        """The same with so many more tokens in every prompt."""
        return Measured(_longer(self.asked, more), _longer_scores(self.scored, more))


def _longer(asked: Sequence[Asked], more: int) -> tuple[Asked, ...]:
    return tuple(one._replace(prompts=tuple(size + more for size in one.prompts)) for one in asked)


def _longer_scores(scored: Sequence[AskedScores], more: int) -> tuple[AskedScores, ...]:
    return tuple(AskedScores(tuple((size + more, answers) for size, answers in one.blocks)) for one in scored)


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
        least, most = _longer(self.least, more), _longer(self.most, more)
        return Rehearsal(least, most, _longer_scores(self.scored, more), tuple(after(prefix, self.rows)))


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
        raise Unknown(f"{name} cannot be told before ({type(error).__name__})") from error


def _no_order(rows: int, chunk: int) -> list[list[int]]:
    return []


def _say_nothing(*_: Any) -> None:
    pass
