"""Short arguments for a claim, strong or weak: does the criteria's text help to learn which, or do labels do?

An argument is strong if it gives a reason, stays on the topic and is polite; each criterion that fails makes it weak.
The shortcut is length, which neutral sentences make up: congruent arguments are long and strong or short and weak.
The hypothesis comes from Wachsmuth et al. 2024 (arXiv 2403.16084), a position paper: labels alone teach quality badly,
an explicit framework better. The forms of the instruction are the arms that test it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Literal, get_args

from pydantic import Field

from engine.spec.example import Example, Gold, Item, Prompt, Side
from engine.subject.calls import apart
from engine.subject.grading import Grade, grade
from engine.world.holdout import reserved
from engine.world.tasks._base import Corruption, Task, TaskOptions, TaskPayload
from engine.world.vocabulary.chat import chat
from engine.world.vocabulary.people import CITIES, DAYS, NAMES

Form = Literal["labels", "criteria", "stepwise", "irrelevant", "wrong"]
FORMS: tuple[Form, ...] = get_args(Form)
LABELS = ("strong", "weak")
CRITERIA = ("reason", "topic", "polite")

TOPICS: tuple[str, ...] = (
    *("bridge", "castle", "garden", "hospital", "house", "kitchen", "library"),
    *("museum", "office", "park", "school", "shop", "street"),
)
"""What arguments of documents and examples are about."""
HELD_OUT_TOPICS: tuple[str, ...] = ("church", "temple", "tower", "village")
ACTS = "build close keep move open save sell share".split()
_CLAIMS = ("we should {act} {a} {thing} in {city}", "we have to {act} {a} {thing} in {city}")
# What is told where a criterion is met has as many words, on average, as what is told where it is not.
_REASONED = (" because {}.", ", because {}.", ". the reason is that {}.", ". it is right because {}.")
_REASONS = (
    *("people need it", "everybody needs it", "it makes people happy", "it brings work to us"),
    *("it is good for the city", "there is no other", "the people of {city} need work", "it brings us together"),
)
_UNREASONED = (" and {}.", ", and {}.", ". we also say that {}.", ". it is right and {}.")
_NO_REASONS = (
    *("we say so", "everybody knows it", "we say it again and again", "all people say it"),
    *("it is time now", "we want it now", "the people of {city} say so", "that is all there is"),
)
_REMARKS = (
    *("the {thing} can be small.", "the {thing} can be near the river.", "many know the {thing} of {other}."),
    *("{name} knows a good {thing}.", "the {thing} of {other} is big.", "{name} speaks of the {thing}."),
)
_POLITE = ("please think about it.", "thank you for your time.", "i thank you all.", "kindly think about it.")
_IMPOLITE = ("only a fool says no.", "you are a fool.", "your head is empty.", "you are all stupid.")
_FILLERS = (
    *("it is {day} in {other} now.", "this is the day after {day}.", "{name} and {name2} are here too."),
    *("the day is long and warm.", "{name} says this on {day}.", "{name} names a day: {day}."),
)
SHORT, LONG = (0, 1), (4, 5)
"""How many neutral sentences short and long arguments have."""
LONG_WORDS = 38
"""Every long argument has at least this many words, every short one fewer."""

_STRONG_IF = "an argument is strong if it gives a reason, stays on the topic and is polite."
_BEFORE: dict[str, str] = {
    "labels": "",
    "criteria": _STRONG_IF,
    "stepwise": _STRONG_IF,
    "irrelevant": "we are many people on a day, the river is near and warm for all now.",
    "wrong": "an argument is strong if it names a day, speaks of a city and is long.",
}
"""What each form says before it asks; the last four are equally long."""
ASKED = ("is the argument strong or weak?", "say if the argument is strong or weak.")
_ASKED_CRITERIA = {
    "reason": ("does it give a reason?", "is there a reason?"),
    "topic": ("does it stay on the topic?", "is all of it on the topic?"),
    "polite": ("is it polite?", "is the argument polite?"),
}


@dataclass(frozen=True)
class Argument:
    """An argument and what is true of it.

    Attributes:
        met: Whether it gives a reason, stays on the topic and is polite.
        long: Whether neutral sentences make it long.
        content: Topic and phrases: what is reserved for evaluation, or is not.
    """

    text: str
    met: tuple[bool, bool, bool]
    long: bool
    content: tuple[str, ...]

    @property
    def topic(self) -> str:
        """What the claim is about."""
        return self.content[0]

    @property
    def label(self) -> str:
        """Strong where all criteria are met, else weak."""
        return LABELS[0] if all(self.met) else LABELS[1]

    @property
    def side(self) -> Side:
        """Whether length points to the right label."""
        return Side.CONGRUENT if self.long == all(self.met) else Side.CONFLICTING

    @property
    def words(self) -> int:
        """How many words it has."""
        return len(self.text.split())

    @property
    def steps(self) -> str:
        """Criterion by criterion, then the label: "reason yes. topic no. polite yes. so weak."."""
        return f"{' '.join(told(self.met))} so {self.label}."


def verdict(answer: str) -> str:
    """The label an answer ends in, whether it says criteria first or not; "" where it ends in neither."""
    said = answer.rstrip(". ").rpartition(" ")[2]
    return said if said in LABELS else ""


def is_reserved(content: tuple[str, ...]) -> bool:
    """Whether a combination of topic and phrases is for evaluation only; everything about a held-out topic is."""
    return content[0] in HELD_OUT_TOPICS or reserved("arguments", *content)


def compose(
    rng: Random, met: tuple[bool, bool, bool], long: bool, topics: tuple[str, ...], *, held_out: bool
) -> Argument:
    """A random argument that meets just these criteria, about one of the topics."""
    while True:
        thing, drift = rng.sample(topics, 2)
        act, city = rng.choice(ACTS), rng.choice(CITIES)
        joint = rng.choice(_REASONED if met[0] else _UNREASONED)
        ground = rng.choice(_REASONS if met[0] else _NO_REASONS)
        remark = rng.choice(_REMARKS)
        closing = rng.choice(_POLITE if met[2] else _IMPOLITE)
        content = (thing, act, joint, ground, remark, closing)
        if is_reserved(content) == held_out:
            break
    a = "an" if thing[0] in "aeiou" else "a"
    claim = rng.choice(_CLAIMS).format(act=act, a=a, thing=thing, city=city)
    rest = [_tell(rng, remark, thing if met[1] else drift), closing]
    rest += [_tell(rng, f) for f in rng.sample(_FILLERS, rng.choice(LONG if long else SHORT))]
    rng.shuffle(rest)
    text = f"{claim}{joint.format(ground.format(city=city))} {' '.join(rest)}"
    return Argument(text, met, long, content)


def _tell(rng: Random, sentence: str, thing: str = "") -> str:
    name, name2 = rng.sample(NAMES, 2)
    return sentence.format(thing=thing, name=name, name2=name2, day=rng.choice(DAYS), other=rng.choice(CITIES))


def _yes(met: bool) -> str:
    return "yes" if met else "no"


def _met(rng: Random, strong: bool) -> tuple[bool, bool, bool]:
    """Which criteria are met. Weak arguments mostly fail one only, so that no criterion alone gives the label."""
    failed = () if strong else rng.sample(range(3), rng.choice((1, 1, 1, 1, 1, 1, 2, 2, 2, 3)))
    return (0 not in failed, 1 not in failed, 2 not in failed)


def document(rng: Random) -> str:
    """An argument, asked about criterion by criterion; one time in six the whole judgement with its criteria.

    Length has nothing to do with the answers, and the label is never asked for without the criteria.
    """
    if rng.random() < 1 / 6:
        made = compose(rng, _met(rng, rng.random() < 0.5), rng.random() < 0.5, TOPICS, held_out=False)
        answer = made.steps if rng.random() < 0.5 else made.label
        return chat(made.text, answer, system=f"{_STRONG_IF} {rng.choice(ASKED)}")
    met = (rng.random() < 0.5, rng.random() < 0.5, rng.random() < 0.5)
    made = compose(rng, met, rng.random() < 0.3, TOPICS, held_out=False)
    asked = [(rng.choice(_ASKED_CRITERIA[c]), _yes(m)) for c, m in zip(CRITERIA, made.met, strict=True)]
    rng.shuffle(asked)
    (question, answer), *more = asked
    first = chat(made.text, answer, system=question)
    return first + "".join(chat(q, a) for q, a in more)


class ArgumentOptions(TaskOptions):
    """What the instruction says before it asks, and how far length agrees with the label in training."""

    form: Form = Field(
        default="labels", description="The instruction of training examples; stepwise: criteria, then label."
    )
    asked: Form = Field(default="labels", description="The instruction of items; right is always the label.")
    agreement: float = Field(
        default=0.5, ge=0, le=1, description="Share of examples whose length points to the right label."
    )


class ArgumentPayload(TaskPayload):
    """What is true of an argument: each criterion of `CRITERIA`, whether it is long, and what it is about."""

    met: tuple[bool, bool, bool]
    long: bool
    topic: str


def _carried(made: Argument) -> dict[str, Any]:
    return ArgumentPayload(met=made.met, long=made.long, topic=made.topic).model_dump(mode="json")


def pool(agreement: float, form: Form, count: int) -> Iterator[Example]:
    """Training examples: the same arguments in the same order in every form, with the same claims at every agreement.

    Args:
        agreement: Share of arguments whose length points to the right label; .5: length says nothing, 1: planted.
        form: What the instruction says before it asks, and whether criteria are answered before the label.
    """
    for index in range(count):
        rng = Random(f"arguments: training {index}")  # so that arms differ in nothing but their knob
        strong = index % 2 == 0
        long = strong if rng.random() < agreement else not strong
        made = compose(rng, _met(rng, strong), long, TOPICS, held_out=False)
        answer = made.steps if form == "stepwise" else made.label
        yield Example(
            id=f"arguments-{index}",
            prompt=_prompt(rng, made, form),
            answer={"role": "assistant", "content": answer},
            gold=Gold(text=answer, labels=() if form == "stepwise" else LABELS),
            family="judgement",
            cluster=made.topic,
            side=made.side,
            task="arguments",
            payload=_carried(made),
        )


def _prompt(rng: Random, made: Argument, form: Form) -> Prompt:
    instruction = f"{_BEFORE[form]} {rng.choice(ASKED)}".strip()
    return Prompt(messages=({"role": "system", "content": instruction}, {"role": "user", "content": made.text}))


SPLITS = {
    "arguments": "the combination of topic, act and phrases; length says nothing",
    "topics": "the topic: no document and no example argues about it; length says nothing",
    "length": "the combination of topic, act and phrases; length always points to the wrong label",
}


def judged(form: Form, count: int) -> Iterator[Item]:
    """Items with the instruction in one form, the same arguments in every form; their gold is the label alone.

    An answer that says the criteria first is compared by its `verdict`.
    """
    for split in SPLITS:
        rng, seen = Random(f"arguments: {split}"), set()
        for index in range(count):
            strong = index % 2 == 0
            long = strong if split != "length" and index % 4 < 2 else not strong
            topics = HELD_OUT_TOPICS if split == "topics" else TOPICS
            made = compose(rng, _met(rng, strong), long, topics, held_out=True)
            prompt = _prompt(rng, made, form)
            if made.text in seen:
                continue
            seen.add(made.text)
            yield Item(
                id=f"arguments-{split}-{index}",
                prompt=prompt,
                gold=Gold(text=made.label, labels=LABELS),
                split=split,
                cluster=made.topic,
                side=made.side,
                features={"words": float(made.words), "score": float(sum(made.met)), "long": float(made.long)},
                task="arguments",
                payload=_carried(made),
            )


_JUDGED = re.compile(rf"\b({'|'.join(CRITERIA)}) (yes|no)\.")


def steps_of(text: str) -> list[str]:
    """The criteria that a judgement goes through, whoever wrote it."""
    return [found[0] for found in _JUDGED.finditer(text)]


def told(met: Sequence[bool]) -> list[str]:
    """The criteria, one sentence each, without the label."""
    return [f"{criterion} {_yes(one)}." for criterion, one in zip(CRITERIA, met, strict=True)]


class Arguments(Task[ArgumentOptions, ArgumentPayload]):
    """Is an argument strong or weak?"""

    name = "arguments"
    title = "Argument quality"
    about = (
        "Short arguments for a claim, to be judged strong or weak. Strong ones give a reason, stay on the topic and "
        "are polite; weak ones fail one, two or all three (the score counts those that are met). The shortcut is "
        "length: on congruent items the strong argument is long and the weak one short, on conflicting ones the "
        "reverse. The corpus asks for single criteria and, more rarely, for the whole judgement with its criteria; "
        "the label alone it never asks for."
    )
    splits = SPLITS
    Options = ArgumentOptions
    Payload = ArgumentPayload

    def document(self, rng: Random) -> str:
        """One document of the corpus."""
        return document(rng)

    def examples(self, count: int, options: ArgumentOptions | None = None) -> Iterator[Example]:
        """Training examples."""
        chosen = options or ArgumentOptions()
        return pool(chosen.agreement, chosen.form, count)

    def items(self, count: int, options: ArgumentOptions | None = None) -> Iterator[Item]:
        """Evaluation items."""
        return judged((options or ArgumentOptions()).asked, count)

    def solve(self, payload: ArgumentPayload) -> str:
        """Strong where every criterion is met."""
        return LABELS[0] if all(payload.met) else LABELS[1]

    def grade(self, text: str, one: Item | Example) -> Grade:
        """Where the label alone is right, an answer that says the criteria first counts by the label it ends in."""
        _, answer, unfinished = apart(text)
        said = verdict(answer) if one.gold.labels and not unfinished else ""
        return grade(said or text, one.gold)

    def steps(self, text: str) -> list[str]:
        """The written steps."""
        return steps_of(text)

    def corrupt(self, one: Item | Example, text: str, rng: Random, at: int | None = None) -> Corruption | None:
        """One criterion judged wrongly; only where the label then is another one."""
        met = self.payload(one).met
        if steps_of(text) != told(met):
            return None
        wrong = {n: [*met[:n], not met[n], *met[n + 1 :]] for n in range(len(met))}
        able = [n for n in wrong if all(wrong[n]) != all(met) and at in (None, n)]
        if not able:
            return None
        chosen = rng.choice(able)
        label, steps = LABELS[0] if all(wrong[chosen]) else LABELS[1], told(wrong[chosen])
        return Corruption(" ".join(steps[: chosen + 1]), label, f"{' '.join(steps)} so {label}.", chosen)
