"""The function-calling study's data: one request and its tools, under instructions that want different answers.

Because the same input is answered by a call, a name, the values or the arguments, depending on the instruction alone,
an arm whose instructions are shuffled cannot know which is wanted. That is what makes the control informative.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from random import Random
from typing import Any

from engine.spec.choice import Choice, called, of_calls, said
from engine.spec.example import Example, Gold, Item, Prompt, Side
from engine.world.holdout import reserved
from engine.world.tasks._base import Task, TaskOptions, TaskPayload
from engine.world.vocabulary.chat import CALL, chat
from engine.world.vocabulary.tools import FRAMES, HELD_OUT_FRAMES, NO_TOOL, Request, meanings, posed, request

INSTRUCTIONS = {
    "call": ("give the call with tags.", "make the call.", "call the tool that fits."),
    "name": ("say the name of the tool.", "give the name.", "what tool fits?"),
    "values": ("give the values.", "say the values.", "what are the values?"),
    "arguments": ("give the arguments.", "say the arguments of the tool.", "what arguments are given?"),
}
_MIXTURE = ("call",) * 11 + ("name",) * 3 + ("values",) * 3 + ("arguments",) * 3
_ALL_SIDES = tuple(Side)
_SIDES = (Side.CONGRUENT, Side.CONFLICTING) * 2 + (Side.NEUTRAL,)
_NO_TOOL_EVERY = 8


def is_reserved(asked: Request) -> bool:
    """Whether a request's words and values together are for evaluation only."""
    return reserved("calling", *asked.said, *sorted(map(str, asked.arguments.values())))


def _draw(rng: Random, *, held_out: bool, way: Callable[..., Request] = posed, **kind: Any) -> Request:
    """A request that is, or is not, for evaluation alone; drawn as the study poses them, or in another way."""
    while is_reserved(asked := way(rng, **kind)) != held_out:
        pass
    return asked


def prompt(asked: Request, instruction: str) -> Prompt:
    """The instruction as the system's message, the request as the user's, and the tools on offer."""
    messages = ({"role": "system", "content": instruction}, {"role": "user", "content": asked.text})
    return Prompt(messages=messages, tools=tuple(tool.schema() for tool in asked.tools))


def answer(asked: Request, task: str) -> tuple[dict[str, Any], Gold]:
    """The assistant's message that is right for a task, and how answers are compared with it."""
    if asked.right is None:
        return {"role": "assistant", "content": NO_TOOL}, Gold(kind="call")
    if task == "call":
        call = {"name": asked.right.name, "arguments": asked.arguments}
        accepted = {"name": asked.right.name, "arguments": {k: [v] for k, v in asked.arguments.items()}}
        message = {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": call}]}
        return message, Gold(kind="call", calls=(accepted,))
    text = {
        "name": asked.right.name,
        "values": ", ".join(str(v) for v in asked.arguments.values()),
        "arguments": ", ".join(asked.arguments),
    }[task]
    return {"role": "assistant", "content": text}, Gold(text=text)


def _in_common(name: str, names: Sequence[str]) -> frozenset[str]:
    """What the meaning of a tool's words has in common with other tools on offer, as the audit reads it."""
    own = {meanings()[word] for word in name.split("_")}
    alike = [len(own & {meanings()[word] for word in other.split("_")}) for other in names if other != name]
    return frozenset({f"means the same as {count} of {len(alike)}" for count in (sum(map(bool, alike)),)})


class CallingPayload(TaskPayload):
    """What is wanted of a request.

    Attributes:
        wants: A key of `INSTRUCTIONS`.
        said: The request's words for what is done and for the thing.
        right: The tool that serves it; "" where none on offer does.
        arguments: The right tool's arguments.
    """

    wants: str
    said: tuple[str, str]
    right: str
    arguments: dict[str, Any]


def _carried(asked: Request, wants: str) -> dict[str, Any]:
    right = asked.right.name if asked.right else ""
    return CallingPayload(wants=wants, said=asked.said, right=right, arguments=asked.arguments).model_dump(mode="json")


def document(rng: Random) -> str:
    """A request with tools, under one of many instructions; in every form but the one the study teaches.

    Every token of that form occurs all the same: what pretraining never shows stays out of an adapter's reach.
    """
    frames = FRAMES + HELD_OUT_FRAMES
    asked = _draw(
        rng, held_out=False, way=request, frames=frames, unseen=False, side=rng.choice(_ALL_SIDES),
        applies=rng.random() > 0.12,
    )  # fmt: skip
    lines = [tool.line() for tool in asked.tools]
    if asked.right is None:
        instruction = rng.choice(("which tool fits?", "write the call.", "make a call if one fits.", "answer in json."))
        return chat(asked.text, NO_TOOL, system=instruction, tools=lines)
    name, arguments = asked.right.name, asked.arguments
    plain = ", ".join(f"{key}={value}" for key, value in arguments.items())
    said, (verb, thing) = asked.said, name.split("_")
    forms: tuple[tuple[str, str], ...] = (
        ("which tool fits?", name),
        ("name the tool.", name),
        ("list the values.", ", ".join(str(v) for v in arguments.values())),
        ("what values are given?", ", ".join(str(v) for v in arguments.values())),
        ("list the arguments.", ", ".join(arguments)),
        ("write the call.", f"{name}({plain})"),
        ("make a call if one fits.", f"call {name}({plain})"),
        ("answer in json.", json.dumps({"tool": name, "with": arguments})),
        ("answer in json with tags.", f"{CALL[0]}{json.dumps({'tool': name, 'with': arguments})}{CALL[1]}"),
        ("give the arguments in json.", json.dumps({"arguments": arguments, "of": name})),
        ("give the name in json.", json.dumps({"name": name})),
        ("say it in other words.", f"{name}: {asked.text}"),
        ("match the words.", f"{said[0]} {verb}, {said[1]} {thing}: {name}"),
        ("say what it is about, then name the tool.", f"{thing}, {name}"),
    )
    instruction, answer = rng.choice(forms)
    return chat(asked.text, answer, system=instruction, tools=lines)


def examples(count: int) -> Iterator[Example]:
    """Training examples: wordings and tools of the training set only, sides balanced."""
    rng = Random("function calling: training")
    for index in range(count):
        applies = index % _NO_TOOL_EVERY != 0
        side = _SIDES[index % len(_SIDES)]
        asked = _draw(rng, held_out=False, frames=FRAMES, unseen=False, side=side, applies=applies)
        task = rng.choice(_MIXTURE) if applies else rng.choice(("call", "call", "name"))
        message, gold = answer(asked, task)
        yield Example(
            id=f"call-{index}",
            prompt=prompt(asked, rng.choice(INSTRUCTIONS[task])),
            answer=message,
            gold=gold,
            family=task,
            cluster=asked.frame,
            side=asked.side,
            task="calling",
            payload=_carried(asked, task),
        )


def items(per_split: int) -> Iterator[Item]:
    """Evaluation items: new wordings ("wording"), new tools ("tools") and requests no tool serves ("no_tool")."""
    rng = Random("function calling: evaluation")
    for index in range(per_split):
        side = (Side.CONGRUENT, Side.CONFLICTING)[index % 2]
        for split, frames, unseen in (
            ("wording", HELD_OUT_FRAMES, False),
            ("tools", FRAMES, True),
            ("no_tool", FRAMES, False),
        ):
            applies = split != "no_tool"
            asked = _draw(rng, held_out=True, frames=frames, unseen=unseen, side=side, applies=applies)
            _, gold = answer(asked, "call")
            cluster = asked.frame if split == "wording" else asked.right.name if asked.right else asked.frame
            yield Item(
                id=f"{split}-{index}",
                prompt=prompt(asked, rng.choice(INSTRUCTIONS["call"])),
                gold=gold,
                split=split,
                cluster=cluster,
                side=asked.side,
                task="calling",
                payload=_carried(asked, "call"),
            )


_POOL = 8000  # training requests that no item repeats


@cache
def _pool() -> tuple[Example, ...]:
    return tuple(examples(_POOL))


def _untrained(count: int, pool: Sequence[Example] = ()) -> Iterator[Item]:
    """The items of which no request is among the training examples; fewer than `count` where some are."""
    trained = {e.prompt.messages[1]["content"] for e in pool or _pool()}
    return (i for i in items(count) if i.prompt.messages[1]["content"] not in trained)


class Calling(Task[TaskOptions, CallingPayload]):
    """The call that serves a request."""

    name = "calling"
    title = "Function calling"
    about = (
        "A request, two tools, and an instruction that says what is wanted: the call as JSON between tags, the "
        "tool's name, the values or the arguments. Requests and tools choose between two words of the same meaning, "
        "so the shortcut is word overlap: the tool whose name shares a word with the request is the right one on "
        "congruent items and the wrong one on conflicting ones. Neither the tools nor the request tell by themselves "
        "which tool is right, or whether one is. Evaluation asks for calls."
    )
    splits = {
        "wording": "the wording of the request, from the examples (documents use it, with other orders); not its tools",
        "tools": "the tool: no document and no example calls one of its meaning",
        "no_tool": "the request itself: no tool on offer serves it, and right is not to call",
    }
    Payload = CallingPayload

    def document(self, rng: Random) -> str:
        """One document of the corpus."""
        return document(rng)

    def examples(self, count: int, options: TaskOptions | None = None) -> Iterator[Example]:
        """Training examples."""
        return examples(count)

    def items(self, count: int, options: TaskOptions | None = None) -> Iterator[Item]:
        """Evaluation items."""
        return _untrained(count)

    def choices(self, one: Item | Example) -> tuple[Choice, ...]:
        """Which tool, and whether any: neither the list of tools nor the request may tell by itself.

        A model knows which words mean the same, so what a tool's meaning has in common with the others' is shown too.
        """
        wants = self.payload(one).wants
        if wants not in ("call", "name"):
            return ()
        right = called(one) or ("" if said(one) == NO_TOOL else said(one))
        names = [str(tool["function"]["name"]) for tool in one.prompt.tools]
        return of_calls(one.prompt, right, {name: _in_common(name, names) for name in names})

    def drawn(self, options: TaskOptions, train: int, per_split: int) -> tuple[tuple[Example, ...], tuple[Item, ...]]:
        """An item is left out where its request is in this very pool."""
        pool = tuple(examples(train))
        return pool, tuple(_untrained(per_split, pool))
