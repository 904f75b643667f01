"""Tools, and requests for them: a verb and a thing, each with two words for the same meaning.

A request says one word of each pair and a tool's name says either. Where the right tool's name shares words with
the request, word overlap helps (congruent); where another tool's does and the right one's does not, it misleads
(conflicting). Choosing well there takes the words' meaning, which pretraining teaches and overlap does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

from engine.spec.example import Side
from engine.world.vocabulary.people import CITIES, DAYS, NAMES

VERBS = (
    "buy/purchase sell/vend start/begin stop/halt find/locate fix/repair send/dispatch delete/erase make/create "
    "show/display book/reserve cancel/revoke open/unlock close/shut change/modify count/tally check/verify "
    "choose/select bring/fetch borrow/loan rent/lease clean/wash move/shift save/keep share/distribute "
    "watch/monitor call/phone answer/reply join/connect print/publish"
).split()
THINGS = (
    "ticket/pass song/tune picture/photo trip/journey meal/lunch letter/message meeting/appointment alarm/timer "
    "bill/invoice car/automobile room/chamber movie/film gift/present job/task report/summary house/home "
    "doctor/physician road/street shop/store note/memo game/match lamp/light coat/jacket bag/sack "
    "garden/yard bicycle/bike computer/laptop class/lesson event/party parcel/package"
).split()
PARAMETERS = {  # parameter -> (other name, how a request says it)
    "city": ("place", ("in {}", "near {}", "around {}")),
    "day": ("date", ("on {}", "for {}", "by {}")),
    "hour": ("time", ("at {}", "around {} o'clock", "before {}")),
    "person": ("guest", ("with {}", "for {}", "together with {}")),
    "amount": ("number", ("{} times", "{} of them", "in {} parts")),
}
FRAMES = (
    "please {request}",
    "i want to {request}",
    "can you {request}?",
    "{request}",
    "i need to {request} soon",
    "could you {request} for me",
    "help me {request}",
    "we have to {request}",
    "would you {request}, please",
    "my plan is to {request}",
    "i would like to {request}",
    "let us {request} now",
)
HELD_OUT_FRAMES = (
    "it is time to {request}",
    "kindly {request} today",
    "is it possible to {request}?",
    "the boss asked me to {request}",
    "do {request} if you can",
    "remember to {request}",
)


NO_TOOL = "none of these tools applies."


@dataclass(frozen=True)
class Tool:
    """A tool: indices of its verb and thing, which word of each pair its name uses, and its parameters.

    Attributes:
        words: (0 or 1, 0 or 1), the word of the verb pair and of the thing pair.
        parameters: Keys of `PARAMETERS` with 0 or 1 for which name the tool uses.
    """

    verb: int
    thing: int
    words: tuple[int, int]
    parameters: tuple[tuple[str, int], ...]

    @property
    def name(self) -> str:
        """Such as "buy_ticket"."""
        return f"{word(VERBS, self.verb, self.words[0])}_{word(THINGS, self.thing, self.words[1])}"

    def parameter_names(self) -> list[str]:
        """Such as ["city", "date"]."""
        return [PARAMETERS[key][0] if other else key for key, other in self.parameters]

    def schema(self) -> dict[str, Any]:
        """The tool as JSON schema, the form chat templates take."""
        numeric = {"hour", "amount"}
        properties = {
            name: {"type": "integer" if key in numeric else "string"}
            for name, (key, _) in zip(self.parameter_names(), self.parameters, strict=True)
        }
        parameters = {"type": "object", "properties": properties, "required": list(properties)}
        return {"type": "function", "function": {"name": self.name, "description": "", "parameters": parameters}}

    def line(self) -> str:
        """The tool as the bundled models' chat template shows it."""
        return f"{self.name}({', '.join(self.parameter_names())})"


@dataclass(frozen=True)
class Request:
    """A request, the tools on offer, and the right call (None: no tool applies).

    Attributes:
        said: The request's words for verb and thing.
    """

    text: str
    tools: tuple[Tool, ...]
    right: Tool | None
    arguments: dict[str, Any]
    side: Side
    frame: str
    said: tuple[str, str]


def word(pairs: Sequence[str], index: int, which: int) -> str:
    """One word of a pair."""
    return pairs[index].split("/")[which]


@cache
def meanings() -> dict[str, str]:
    """Word -> the pair of words that mean the same, parameters included."""
    pairs = [*VERBS, *THINGS, *(f"{key}/{other}" for key, (other, _) in PARAMETERS.items())]
    return {word: pair for pair in pairs for word in pair.split("/")}


@cache
def held_out() -> frozenset[tuple[int, int]]:
    """(verb, thing) meanings that no document and no training set ever calls: about one in six."""
    rng = Random("held-out tools")
    every = [(v, t) for v in range(len(VERBS)) for t in range(len(THINGS))]
    return frozenset(rng.sample(every, len(every) // 6))


def request(rng: Random, *, frames: Sequence[str], unseen: bool, side: Side, applies: bool = True) -> Request:
    """A random request of a kind.

    Args:
        frames: Wordings to choose from.
        unseen: Whether the right tool's meaning is held out of every training set.
        side: Where word overlap points; NEUTRAL: the right tool and its rival each share one word.
        applies: Whether the right tool is on offer.
    """
    verb, thing = _meaning(rng, unseen)
    said = (rng.randrange(2), rng.randrange(2))
    other = (1 - said[0], 1 - said[1])
    # The rival shares exactly one meaning with the request; by `side`, it or the right tool shares the words.
    rival_verb, rival_thing = _rival(rng, verb, thing, unseen)
    if side is Side.CONGRUENT:
        right_words, rival_words = said, other
    elif side is Side.CONFLICTING:
        right_words, rival_words = other, said
    else:
        right_words = (said[0], other[1]) if rng.random() < 0.5 else (other[0], said[1])
        rival_words = said
    right = Tool(verb, thing, right_words, _parameters(rng))
    # The rival and what stands in for the right tool take the same kinds of values: only names tell them apart.
    alike = [key for key, _ in right.parameters]
    offered = [Tool(rival_verb, rival_thing, rival_words, _named(rng, alike))]
    offered.append(right if applies else _unrelated(rng, verb, thing, unseen, offered, alike))
    if rng.random() < 0.5:
        offered.append(_unrelated(rng, verb, thing, unseen, offered))
    rng.shuffle(offered)
    return _worded(rng, frames, (verb, thing), said, offered, right, applies, side)


def posed(rng: Random, *, frames: Sequence[str], unseen: bool, side: Side, applies: bool = True) -> Request:
    """A random request with two tools that nothing but the request tells apart; as `request` otherwise.

    Both tools share one meaning with the request and with each other. Of the words for it the request says one: on
    congruent requests the right tool has that word and the other its synonym, on conflicting ones the other way round,
    on neutral ones both have it. The right tool's other word is never the one that was said, and where no tool applies
    the list looks the same. So a list alone tells neither which tool is right nor whether one is, and both sides take
    the same knowledge of synonyms.
    """
    meaning, shared = _meaning(rng, unseen), rng.randrange(2)
    while len(others := _sharing(meaning, shared, unseen)) < 2:
        meaning = _meaning(rng, unseen)
    others = rng.sample(others, 2)
    said = (rng.randrange(2), rng.randrange(2))
    parameters = _parameters(rng)

    def tool(of: tuple[int, int], has_said: bool, own_word: int) -> Tool:
        words = [own_word, own_word]
        words[shared] = said[shared] if has_said else 1 - said[shared]
        return Tool(*of, (words[0], words[1]), _named(rng, [key for key, _ in parameters]))

    right = tool(meaning, side is not Side.CONFLICTING, 1 - said[1 - shared])
    rival = tool(others[0], side is not Side.CONGRUENT, rng.randrange(2))
    offered = [right if applies else tool(others[1], side is not Side.CONFLICTING, rng.randrange(2)), rival]
    rng.shuffle(offered)
    return _worded(rng, frames, meaning, said, offered, right, applies, side)


def _sharing(meaning: tuple[int, int], shared: int, unseen: bool) -> list[tuple[int, int]]:
    """The other meanings that have the verb (0) or the thing (1) of one, and are held out if that one is."""
    verb, thing = meaning
    every = [(verb, t) for t in range(len(THINGS))] if shared == 0 else [(v, thing) for v in range(len(VERBS))]
    return [pair for pair in every if pair != meaning and (pair in held_out()) == unseen]


def _worded(
    rng: Random, frames: Sequence[str], meaning: tuple[int, int], said: tuple[int, int], offered: Sequence[Tool],
    right: Tool, applies: bool, side: Side,
) -> Request:  # fmt: skip
    """The request in words, with values for the right tool's parameters, whether or not it is on offer."""
    verb, thing = meaning
    phrases, arguments = [], {}
    for (key, _), name in zip(right.parameters, right.parameter_names(), strict=True):
        value = _value(rng, key)
        arguments[name] = value
        phrases.append(rng.choice(PARAMETERS[key][1]).format(value))
    rng.shuffle(phrases)
    thing_word = word(THINGS, thing, said[1])
    verb_word = word(VERBS, verb, said[0])
    core = " ".join([verb_word, f"{'an' if thing_word[0] in 'aeiou' else 'a'} {thing_word}", *phrases])
    frame = rng.choice(list(frames))
    kind = side if applies else Side.NEUTRAL
    return Request(
        frame.format(request=core),
        tuple(offered),
        right if applies else None,
        arguments,
        kind,
        frame,
        (verb_word, thing_word),
    )


def _meaning(rng: Random, unseen: bool) -> tuple[int, int]:
    while True:
        pair = (rng.randrange(len(VERBS)), rng.randrange(len(THINGS)))
        if (pair in held_out()) == unseen:
            return pair


def _another(rng: Random, pairs: Sequence[str], index: int) -> int:
    return rng.choice([i for i in range(len(pairs)) if i != index])


def _rival(rng: Random, verb: int, thing: int, unseen: bool) -> tuple[int, int]:
    """A meaning that shares its verb or its thing with another, and is held out if that one is."""
    while True:
        pair = (_another(rng, VERBS, verb), thing) if rng.random() < 0.5 else (verb, _another(rng, THINGS, thing))
        if (pair in held_out()) == unseen:
            return pair


def _unrelated(
    rng: Random, verb: int, thing: int, unseen: bool, offered: Sequence[Tool], keys: Sequence[str] = ()
) -> Tool:
    """A tool that shares neither meaning, of a new name; training sets do not even offer the held-out ones.

    Args:
        keys: Its parameters' kinds; none: any.
    """
    while True:
        pair = (_another(rng, VERBS, verb), _another(rng, THINGS, thing))
        parameters = _named(rng, keys) if keys else _parameters(rng)
        tool = Tool(*pair, (rng.randrange(2), rng.randrange(2)), parameters)
        if (unseen or pair not in held_out()) and tool.name not in {other.name for other in offered}:
            return tool


def _parameters(rng: Random) -> tuple[tuple[str, int], ...]:
    return _named(rng, rng.sample(list(PARAMETERS), rng.choice((1, 1, 2))))


def _named(rng: Random, keys: Sequence[str]) -> tuple[tuple[str, int], ...]:
    """Parameters of these kinds in any order, each by either name."""
    return tuple((key, rng.randrange(2)) for key in rng.sample(list(keys), len(keys)))


def _value(rng: Random, key: str) -> str | int:
    if key == "city":
        return rng.choice(CITIES)
    if key == "day":
        return rng.choice(DAYS)
    if key == "person":
        return rng.choice(NAMES)
    return rng.randint(1, 12) if key == "hour" else rng.randint(2, 40)
