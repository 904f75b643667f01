"""Stories whose later sentences follow only from several earlier ones: running text for thoughts at every token.

People find, lose, give and take coins, or a thing goes where its holder goes. "now ben has 7 coins." cannot be read off
any one sentence; most other tokens can be guessed without thought. Which characters are the hard ones is known
(`Passage.hard`), so that a gain can be told by difficulty (Zelikman et al. 2024, Quiet-STaR, arXiv:2403.09629).

As questions the stories carry a shortcut: the answer is the number, or the city, that was mentioned last.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from pydantic import Field

from engine.spec.example import Example, Gold, Item, Prompt, Side
from engine.world.holdout import reserved
from engine.world.tasks._base import Task, TaskOptions, TaskPayload
from engine.world.vocabulary.chat import chat
from engine.world.vocabulary.people import CITIES, COLORS, DAYS, NAMES

MOST = 20
"""Nobody ever has more coins."""
THINGS = "ticket picture letter lamp coat bag gift game bicycle computer".split()
COIN_QUESTIONS = ("how many coins has {} now?", "how many coins has {} in the end?")
PLACE_QUESTIONS = ("where is the {} now?", "in which city is the {} now?")
COUNTS = tuple(str(n) for n in range(MOST + 1))

Event = tuple[str, str, int | str, str]
"""Verb, who, how many coins or which city ("" where a thing is sent), whom ("" where nobody)."""


@dataclass(frozen=True)
class Story:
    """People, what each starts with, and what happens.

    Attributes:
        thing: What is passed on, at first by the first of the people; "" in a story about coins.
        start: Coins or cities, one for each of the people.
    """

    people: tuple[str, ...]
    thing: str
    start: tuple[int | str, ...]
    events: tuple[Event, ...] = ()


@dataclass(frozen=True)
class Span:
    """Characters of a passage that follow from `events` events since their matter was last stated."""

    start: int
    end: int
    events: int


@dataclass(frozen=True)
class Passage:
    """Running text and its hard spots."""

    text: str
    hard: tuple[Span, ...]


class State:
    """Who has how many coins, or who and what is where.

    Attributes:
        values: Person or thing -> coins or city.
        events: Person or thing -> events that touched its value since the start, or since it was last stated.
    """

    def __init__(self, story: Story) -> None:
        self.values: dict[str, int | str] = dict(zip(story.people, story.start, strict=True))
        self.events: Counter[str] = Counter()
        self.thing, self.holder = story.thing, story.people[0]
        if self.thing:
            self.values[self.thing] = story.start[0]

    def apply(self, event: Event) -> None:
        """Let something happen."""
        verb, who, what, whom = event
        if isinstance(what, int):
            gain = what if verb in ("finds", "takes") else -what
            self._set(who, int(self.values[who]) + gain)
            if whom:
                self._set(whom, int(self.values[whom]) - gain)
        elif verb == "goes":
            self._set(who, what)
            if who == self.holder:
                self._set(self.thing, what)
        else:
            self.holder = whom
            self._set(self.thing, self.values[whom])

    def _set(self, subject: str, value: int | str) -> None:
        self.values[subject] = value
        self.events[subject] += 1


def replay(story: Story) -> State:
    """The state at the end."""
    state = State(story)
    for event in story.events:
        state.apply(event)
    return state


def is_reserved(story: Story) -> bool:
    """Whether a story (who, start, events) is for evaluation only."""
    return reserved("stories", story.thing, *story.people, *story.start, *story.events)


def draw(rng: Random, coins: bool, events: int) -> Story:
    """A random story of coins, or of a thing that moves."""
    people = tuple(rng.sample(NAMES, rng.choice((2, 2, 3))))
    if coins:
        story = Story(people, "", tuple(rng.randint(0, 12) for _ in people))
    else:
        story = Story(people, rng.choice(THINGS), tuple(rng.sample(CITIES, len(people))))
    state, happened = State(story), []
    for _ in range(events):
        event = _coin_event(rng, state) if coins else _place_event(rng, state)
        state.apply(event)
        happened.append(event)
    return Story(story.people, story.thing, story.start, tuple(happened))


def _coin_event(rng: Random, state: State) -> Event:
    """Nobody falls below none or above the most."""
    people = list(state.values)
    while True:
        verb = rng.choice(("finds", "loses", "gives", "takes"))
        who, other = rng.sample(people, 2)
        whom = other if verb in ("gives", "takes") else ""
        mine, theirs = int(state.values[who]), int(state.values[other])
        most = {
            "finds": MOST - mine,
            "loses": mine,
            "gives": min(mine, MOST - theirs),
            "takes": min(theirs, MOST - mine),
        }
        if most[verb] > 0:
            return (verb, who, rng.randint(1, min(9, most[verb])), whom)


def _place_event(rng: Random, state: State) -> Event:
    people = [p for p in state.values if p != state.thing]
    if rng.random() < 0.4:
        return ("sends", state.holder, "", rng.choice([p for p in people if p != state.holder]))
    who = state.holder if rng.random() < 0.3 else rng.choice(people)
    return ("goes", who, rng.choice([c for c in CITIES if c != state.values[who]]), "")


def opening(story: Story) -> list[str]:
    """Sentences that tell the start."""
    if not story.thing:
        return [f"{who} has {_coins(n)}." for who, n in zip(story.people, story.start, strict=True)]
    places = [f"{who} is in {city}." for who, city in zip(story.people, story.start, strict=True)]
    return [*places, f"{story.people[0]} has the {story.thing}."]


def told(event: Event, thing: str) -> str:
    """The sentence that tells an event."""
    verb, who, what, whom = event
    if isinstance(what, int):
        tail = {"gives": f" to {whom}", "takes": f" from {whom}"}.get(verb, "")
        return f"{who} {verb} {_coins(what)}{tail}."
    return f"{who} goes to {what}." if verb == "goes" else f"{who} sends the {thing} to {whom}."


def _coins(count: int | str) -> str:
    return f"{count} coin{'' if count == 1 else 's'}"


def _easy(rng: Random, thing: str) -> str:
    """A sentence that changes nothing and names neither a number nor a city."""
    if rng.random() < 0.4:
        return f"it is {rng.choice(DAYS)}."
    return f"the {thing or rng.choice(THINGS)} is {rng.choice(COLORS)}."


def passage(rng: Random, *, held_out: bool = False) -> Passage:
    """A story as running text that now and then, and once it ends, states what has come of it."""
    story = draw(rng, rng.random() < 0.6, rng.randint(3, 5))
    while is_reserved(story) != held_out or (story.thing and not replay(story).events[story.thing]):
        story = draw(rng, rng.random() < 0.6, rng.randint(3, 5))
    state, parts, hard = State(story), opening(story), []
    for number, event in enumerate(story.events, 1):
        parts.append(told(event, story.thing))
        state.apply(event)
        if rng.random() < 0.2:
            parts.append(_easy(rng, story.thing))
        last = number == len(story.events)
        # where the thing is, or how much somebody has of whom most was told
        subject = story.thing or max(story.people, key=lambda who: state.events[who])
        if state.events[subject] and (last or (state.events[subject] > 1 and rng.random() < 0.5)):
            before = sum(len(part) + 1 for part in parts) + len("now ")
            before += len(f"the {subject} is in " if story.thing else f"{subject} has ")
            value = state.values[subject]
            parts.append(f"now the {subject} is in {value}." if story.thing else f"now {subject} has {_coins(value)}.")
            hard.append(Span(before, before + len(str(value)), state.events[subject]))
            state.events[subject] = 0
    return Passage(" ".join(parts), tuple(hard))


def passages(count: int, *, held_out: bool) -> Iterator[Passage]:
    """Running text to train on, or to measure with, a pure function of both arguments."""
    rng = Random(f"stories: passages {'held out' if held_out else 'training'}")
    for _ in range(count):
        yield passage(rng, held_out=held_out)


def document(rng: Random) -> str:
    """Running text; one time in five a story with a question."""
    if rng.random() < 0.8:
        return passage(rng).text
    story, subject = _asked(rng, coins=rng.random() < 0.6, events=rng.randint(1, 3), side=None, held_out=False)
    return chat(_text(rng, story, subject), str(replay(story).values[subject]))


def _text(rng: Random, story: Story, subject: str) -> str:
    """A story with its question."""
    parts = opening(story)
    for event in story.events:
        parts.append(told(event, story.thing))
        if rng.random() < 0.25:
            parts.append(_easy(rng, story.thing))
    return f"{' '.join(parts)} {rng.choice(PLACE_QUESTIONS if story.thing else COIN_QUESTIONS).format(subject)}"


def last_mentioned(story: Story) -> str:
    """What the shortcut answers: the last number or city of the story."""
    for _, _, what, _ in reversed(story.events):
        if what != "":
            return str(what)
    return str(story.start[-1])


def _asked(rng: Random, *, coins: bool, events: int, side: Side | None, held_out: bool) -> tuple[Story, str]:
    """A story and a person or thing that so many of its events touch; at most one other event is told."""
    while True:
        story = draw(rng, coins, events + rng.choice((0, 0, 1)))
        state = replay(story)
        touched = [s for s in ([story.thing] if story.thing else story.people) if state.events[s] == events]
        if not touched:
            continue
        subject = rng.choice(touched)
        right = str(state.values[subject]) == last_mentioned(story)
        if side in (None, Side.CONGRUENT if right else Side.CONFLICTING) and is_reserved(story) == held_out:
            return story, subject


class StoryOptions(TaskOptions):
    """What stories are about and how many events matter."""

    matter: Literal["both", "coins", "places"] = Field(
        default="both", description="Coins, where a thing is, or both in turn."
    )
    length: int = Field(default=0, ge=0, le=4, description="Events that touch what is asked, 1 to 4; 0: one to three.")

    def cell(self, index: int) -> tuple[bool, Side]:
        """Whether the story with that number is of coins, and its side."""
        coins, side = _CELLS[index % 4]
        return (coins if self.matter == "both" else self.matter == "coins"), side


class StoryPayload(TaskPayload):
    """A story, and the person or thing that is asked about."""

    people: tuple[str, ...]
    thing: str
    start: tuple[int | str, ...]
    events: tuple[Event, ...]
    subject: str

    @property
    def story(self) -> Story:
        """As the generators have it."""
        return Story(self.people, self.thing, self.start, self.events)


def _carried(story: Story, subject: str) -> dict[str, Any]:
    carried = StoryPayload(
        people=story.people, thing=story.thing, start=story.start, events=story.events, subject=subject
    )
    return carried.model_dump(mode="json")


_EVENTS = {1: "one event", 2: "two events", 3: "three events", 4: "four events"}
_CELLS = [(coins, side) for coins in (True, False) for side in (Side.CONGRUENT, Side.CONFLICTING)]


def splits_of(options: StoryOptions) -> dict[str, str]:
    """Split -> what it holds out."""
    lengths = (options.length,) if options.length else (1, 2, 3)
    return {
        name: f"the story; {name} touch{'es' if n == 1 else ''} what is asked"
        for n, name in _EVENTS.items()
        if n in lengths
    }


SPLITS = splits_of(StoryOptions())


def examples(count: int, options: StoryOptions | None = None) -> Iterator[Example]:
    """Stories with a question, of one to three events, the shortcut right as often as wrong."""
    asked = options or StoryOptions()
    rng = Random("stories: training")
    for index in range(count):
        coins, side = asked.cell(index)
        events = asked.length or index % 3 + 1
        story, subject = _asked(rng, coins=coins, events=events, side=side, held_out=False)
        prompt, gold = _posed(rng, story, subject)
        yield Example(
            id=f"stories-{index}",
            prompt=prompt,
            answer={"role": "assistant", "content": gold.text},
            gold=gold,
            family="how many" if coins else "where",
            cluster=" ".join(event[0] for event in story.events),
            side=side,
            task="stories",
            payload=_carried(story, subject),
        )


def items(count: int, options: StoryOptions | None = None) -> Iterator[Item]:
    """Reserved stories with a question, by how many events touch what is asked."""
    wanted = options or StoryOptions()
    for events, split in _EVENTS.items():
        if split not in splits_of(wanted):
            continue
        rng, seen = Random(f"stories: {split}"), set()
        for index in range(count):
            coins, side = wanted.cell(index)
            story, subject = _asked(rng, coins=coins, events=events, side=side, held_out=True)
            while story in seen:
                story, subject = _asked(rng, coins=coins, events=events, side=side, held_out=True)
            seen.add(story)
            prompt, gold = _posed(rng, story, subject)
            yield Item(
                id=f"stories-{split.replace(' ', '-')}-{index}",
                prompt=prompt,
                gold=gold,
                split=split,
                cluster=" ".join(event[0] for event in story.events),
                side=side,
                features={"events": float(events), "told": float(len(story.events)), "coins": float(coins)},
                task="stories",
                payload=_carried(story, subject),
            )


def _posed(rng: Random, story: Story, subject: str) -> tuple[Prompt, Gold]:
    prompt = Prompt(messages=({"role": "user", "content": _text(rng, story, subject)},))
    return prompt, Gold(text=str(replay(story).values[subject]), labels=tuple(CITIES) if story.thing else COUNTS)


class Stories(Task[StoryOptions, StoryPayload]):
    """How many coins, or where, after some events."""

    name = "stories"
    title = "Stories"
    about = (
        "Little stories in which people find, lose, give and take coins, or a thing goes where its holder goes. How "
        "many, or where, follows from several sentences together. The shortcut is to answer with the number or the "
        "city that was mentioned last; it is right half of the time. As running text the stories state such things "
        "between easy sentences, and which characters are the hard ones is known."
    )
    splits = SPLITS
    Options = StoryOptions
    Payload = StoryPayload

    def document(self, rng: Random) -> str:
        """One document of the corpus."""
        return document(rng)

    def examples(self, count: int, options: StoryOptions | None = None) -> Iterator[Example]:
        """Training examples."""
        return examples(count, options)

    def items(self, count: int, options: StoryOptions | None = None) -> Iterator[Item]:
        """Evaluation items."""
        return items(count, options)

    def splits_of(self, options: StoryOptions) -> dict[str, str]:
        """Splits with these options."""
        return splits_of(options)

    def solve(self, payload: StoryPayload) -> str:
        """By letting the events happen."""
        return str(replay(payload.story).values[payload.subject])
