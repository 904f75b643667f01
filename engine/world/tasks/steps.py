"""Requests that take two calls in order: the first finds out what the second must be told.

"find the day of the party and then book a room on that day": the tool that looks things up gives "friday", the second
call takes it as an argument, and a short answer ends the exchange. Both right tools have a rival that shares one
meaning. Word overlap helps with one of the two calls and misleads with the other: where the lookup's name says the
request's words, the second tool's name says their synonyms, and the reverse (see `engine.world.vocabulary.tools`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from engine.spec.example import Example, Gold, Item, Prompt, Side
from engine.world.holdout import reserved
from engine.world.tasks._base import Task, TaskOptions, TaskPayload
from engine.world.vocabulary.chat import CALL, END, chat
from engine.world.vocabulary.tools import FRAMES, PARAMETERS, THINGS, Tool, request

LOOKED_UP = ("city", "day", "hour")
"""Parameters whose value a first call finds out."""
LOOKUP_VERBS = ("find/locate", "check/verify", "show/display")
LOOKUP_PARAMETERS = ("item", "thing")
SUBJECTS = tuple(THINGS.index(t) for t in ("trip/journey", "meeting/appointment", "movie/film", "game/match",
                                           "class/lesson", "event/party"))  # fmt: skip
"""Things that have a city, a day and an hour."""
JOINS = ("{} and then {}", "{}, then {}", "{} and {}")
INSTRUCTIONS = (
    "make one call at a time.",
    "one call at a time, with tags.",
    "call the tools with tags, one at a time.",
)
"""How examples and items ask for the calls."""


@dataclass(frozen=True)
class Lookup:
    """A tool that finds out a city, day or hour: `find_day(item)`."""

    name: str
    parameter: str

    def schema(self) -> dict[str, Any]:
        """The tool as JSON schema, the form chat templates take."""
        parameters = {
            "type": "object",
            "properties": {self.parameter: {"type": "string"}},
            "required": [self.parameter],
        }
        return {"type": "function", "function": {"name": self.name, "description": "", "parameters": parameters}}

    def line(self) -> str:
        """The tool as the bundled models' chat template shows it."""
        return f"{self.name}({self.parameter})"


@dataclass(frozen=True)
class Exchange:
    """A request, the tools on offer, both calls (name, arguments), what each gives, and the closing answer.

    Attributes:
        sides: Where word overlap points, for each call.
        looked_up: Key of `PARAMETERS` that the first call finds out.
        meaning: (verb, thing) of the second call.
    """

    request: str
    tools: tuple[Lookup | Tool, ...]
    calls: tuple[tuple[str, dict[str, Any]], tuple[str, dict[str, Any]]]
    results: tuple[str, str]
    answer: str
    sides: tuple[Side, Side]
    looked_up: str
    meaning: tuple[int, int]


def is_reserved(looked_up: str, meaning: tuple[int, int]) -> bool:
    """Whether looking this up and then doing that is for evaluation only."""
    return reserved("steps", looked_up, *meaning)


_OPPOSITE = {
    Side.CONGRUENT: Side.CONFLICTING,
    Side.CONFLICTING: Side.CONGRUENT,
    Side.NEUTRAL: Side.NEUTRAL,
}


def exchange(rng: Random, first: Side, *, held_out: bool, unseen: bool = False) -> Exchange:
    """A random exchange.

    Args:
        first: Where word overlap points for the first call; for the second it points the other way.
        held_out: Whether looking this up and then doing that is reserved (says nothing where `unseen`).
        unseen: Whether the second tool's meaning is held out of every training set.
    """
    while True:
        act = request(rng, frames=("{request}",), unseen=unseen, side=_OPPOSITE[first])
        right = act.right
        known = [(k, n) for (k, _), n in zip(right.parameters, right.parameter_names(), strict=True)] if right else []
        known = [(key, name) for key, name in known if key in LOOKED_UP]
        if (
            right is None or not known or len(act.tools) > 2 or " times" in act.text
        ):  # "3 times" overlaps with find_time
            continue
        key, argument = rng.choice(known)
        meaning, value = (right.verb, right.thing), act.arguments[argument]
        if not unseen and is_reserved(key, meaning) != held_out:
            continue
        if len(re.findall(rf"\b{value}\b", act.text)) == 1:  # an hour may equal an amount
            break
    said = (rng.randrange(2), rng.randrange(2))
    other = (1 - said[0], 1 - said[1])
    if first is Side.CONGRUENT:
        right_words, rival_words = said, other
    elif first is Side.CONFLICTING:
        right_words, rival_words = other, said
    else:
        right_words, rival_words = rng.choice(((said[0], other[1]), (other[0], said[1]))), said
    taken = {part for tool in act.tools for part in tool.name.split("_")}
    verbs = [v for v in LOOKUP_VERBS if not taken & set(v.split("/"))]
    verb, rival_verb = rng.sample(verbs, 2) if len(verbs) > 1 else (verbs[0], verbs[0])
    rival_key = rng.choice([k for k in LOOKED_UP if k != key])
    if rng.random() < 0.5 or verb == rival_verb:
        rival_verb = verb
    else:
        rival_key = key
    subject_pair = rng.choice([THINGS[s] for s in SUBJECTS if not taken & set(THINGS[s].split("/"))])
    subject = rng.choice(subject_pair.split("/"))
    lookups = [
        Lookup(f"{v.split('/')[words[0]]}_{_key_word(k, words[1])}", rng.choice(LOOKUP_PARAMETERS))
        for v, k, words in ((verb, key, right_words), (rival_verb, rival_key, rival_words))
    ]
    offered = [*lookups, *act.tools]
    rng.shuffle(offered)
    key_said = _key_word(key, said[1])
    look = f"{verb.split('/')[said[0]]} the {key_said} of the {subject}"
    do = re.sub(rf"\b{value}\b( o'clock)?", f"that {key_said}", act.text)
    code = rng.randint(10, 99)
    return Exchange(
        request=rng.choice(FRAMES).format(request=rng.choice(JOINS).format(look, do)),
        tools=tuple(offered),
        calls=((lookups[0].name, {lookups[0].parameter: subject}), (right.name, act.arguments)),
        results=(str(value), str(code)),
        answer=f"done: {value}, {code}.",
        sides=(first, _OPPOSITE[first]),
        looked_up=key,
        meaning=meaning,
    )


def _key_word(key: str, which: int) -> str:
    """One of the two words for what is looked up, such as "city" or "place"."""
    return (key, PARAMETERS[key][0])[which]


def _plain(name: str, arguments: Mapping[str, Any]) -> str:
    return f"{name}({', '.join(f'{key}={value}' for key, value in arguments.items())})"


def _json(name: str, arguments: Mapping[str, Any]) -> str:
    return json.dumps({"tool": name, "with": arguments})


_FORMS: tuple[tuple[str, Callable[[str, Mapping[str, Any]], str]], ...] = (
    ("write one call at a time.", _plain),
    ("one at a time, call the tools.", lambda name, arguments: f"call {_plain(name, arguments)}"),
    ("make calls in json, one at a time.", _json),
    ("answer with tags, one call at a time.", lambda name, arguments: f"{CALL[0]}{_json(name, arguments)}{CALL[1]}"),
)
"""Instructions of the corpus and the form of call each asks for: every form but the one that fine-tuning teaches."""


def document(rng: Random) -> str:
    """A whole exchange, its calls in any form but the one that fine-tuning teaches (see `calling`)."""
    shown = exchange(rng, rng.choice(tuple(Side)), held_out=False)
    instruction, form = rng.choice(_FORMS)
    start = chat(shown.request, form(*shown.calls[0]), system=instruction, tools=[tool.line() for tool in shown.tools])
    second = form(*shown.calls[1])
    until_then = f"{start}<|tool|>{shown.results[0]}{END}<|assistant|>{second}{END}"
    if second.endswith((CALL[1], "}}")) and len(shown.calls[1][1]) > 1:  # long enough already
        return until_then
    return f"{until_then}<|tool|>{shown.results[1]}{END}<|assistant|>{shown.answer}{END}"


def in_corpus_form(rng: Random, side: Side, turn: int) -> tuple[Prompt, str]:
    """A reserved exchange up to its first (0) or second (1) call, as documents write it, and the call that is right.

    Args:
        side: Of that call.
    """
    shown = exchange(rng, _OPPOSITE[side] if turn else side, held_out=True)
    instruction, form = rng.choice(_FORMS)
    messages = [{"role": "system", "content": instruction}, {"role": "user", "content": shown.request}]
    if turn:
        messages += [
            {"role": "assistant", "content": form(*shown.calls[0])},
            {"role": "tool", "content": shown.results[0]},
        ]
    prompt = Prompt(messages=tuple(messages), tools=tuple(tool.schema() for tool in shown.tools))
    return prompt, form(*shown.calls[turn])


def turns(shown: Exchange, instruction: str) -> list[tuple[Prompt, dict[str, Any], Gold]]:
    """The assistant's three turns: prompt so far, the right message, and what it is compared with."""
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": instruction},
        {"role": "user", "content": shown.request},
    ]
    tools = tuple(tool.schema() for tool in shown.tools)
    found = []
    for (name, arguments), result in zip(shown.calls, shown.results, strict=True):
        call = {"name": name, "arguments": arguments}
        message = {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": call}]}
        gold = Gold(kind="call", calls=({"name": name, "arguments": {k: [v] for k, v in arguments.items()}},))
        found.append((Prompt(messages=tuple(messages), tools=tools), message, gold))
        messages += [message, {"role": "tool", "content": result}]
    final = {"role": "assistant", "content": shown.answer}
    return [*found, (Prompt(messages=tuple(messages), tools=tools), final, Gold(text=shown.answer))]


class StepsPayload(TaskPayload):
    """An exchange, and which of the assistant's turns is asked for.

    Attributes:
        calls: Name and arguments of both calls.
        results: What each gives.
        turn: 0 and 1 are the calls, 2 is the closing answer.
    """

    calls: tuple[tuple[str, dict[str, Any]], tuple[str, dict[str, Any]]]
    results: tuple[str, str]
    looked_up: str
    turn: int


def _carried(shown: Exchange, turn: int) -> dict[str, Any]:
    carried = StepsPayload(calls=shown.calls, results=shown.results, looked_up=shown.looked_up, turn=turn)
    return carried.model_dump(mode="json")


_SIDES = (Side.CONGRUENT, Side.CONFLICTING) * 2 + (Side.NEUTRAL,)


def examples(count: int) -> Iterator[Example]:
    """One example for each of the assistant's turns, exchange after exchange."""
    rng = Random("steps: training")
    for index in range(count // 3 + 1):
        shown = exchange(rng, _SIDES[index % len(_SIDES)], held_out=False)
        sides = (*shown.sides, Side.NEUTRAL)
        for turn, (prompt, message, gold) in enumerate(turns(shown, rng.choice(INSTRUCTIONS))):
            if index * 3 + turn >= count:
                return
            yield Example(
                id=f"steps-{index}-{turn + 1}",
                prompt=prompt,
                answer=message,
                gold=gold,
                family=("first call", "second call", "answer")[turn],
                cluster=shown.calls[min(turn, 1)][0],
                side=sides[turn],
                task="steps",
                payload=_carried(shown, turn),
            )


SPLITS = {
    "first call": "the combination of what is looked up and what is then done; asked for the lookup",
    "second call": "the same combination; asked for the second call, the first one and its result given",
    "tools": "the second tool's meaning; asked for the second call",
}


def items(count: int) -> Iterator[Item]:
    """First calls, second calls, and second calls of tools whose meaning no training set holds."""
    for split in SPLITS:
        rng, turn, asked = Random(f"steps: {split}"), int(split != "first call"), set()
        for index in range(count):
            side = (Side.CONGRUENT, Side.CONFLICTING)[index % 2]
            first = _OPPOSITE[side] if turn else side
            shown = exchange(rng, first, held_out=True, unseen=split == "tools")
            while shown.request in asked:
                shown = exchange(rng, first, held_out=True, unseen=split == "tools")
            asked.add(shown.request)
            prompt, _, gold = turns(shown, rng.choice(INSTRUCTIONS))[turn]
            yield Item(
                id=f"steps-{split.replace(' ', '-')}-{index}",
                prompt=prompt,
                gold=gold,
                split=split,
                cluster=shown.calls[turn][0],
                side=side,
                features={"parameters": float(len(shown.calls[turn][1])), "tools": float(len(shown.tools))},
                task="steps",
                payload=_carried(shown, turn),
            )


class Steps(Task[TaskOptions, StepsPayload]):
    """Two calls, the second with what the first gave."""

    name = "steps"
    title = "Two calls in order"
    about = (
        "Requests that take two calls: a tool is asked for a city, a day or an hour, and a second tool is told what it "
        "gave. The tools' names share words with the request or use synonyms; each right tool has a rival. The "
        "shortcut is to call the tool whose name shares most words; it is right for half of the calls."
    )
    splits = SPLITS
    Payload = StepsPayload

    def document(self, rng: Random) -> str:
        """One document of the corpus."""
        return document(rng)

    def examples(self, count: int, options: TaskOptions | None = None) -> Iterator[Example]:
        """Training examples."""
        return examples(count)

    def items(self, count: int, options: TaskOptions | None = None) -> Iterator[Item]:
        """Evaluation items."""
        return items(count)
