"""The function-calling study's data: one request and its tools, under instructions that want different answers.

Because the same input is answered by a call, a name, the values or the arguments, depending on the instruction alone,
an arm whose instructions are shuffled cannot know which is wanted. That is what makes the control informative.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from engine.example import Example, Gold, Item, Prompt, Side, StudyData
from engine.spec import digest
from engine.world import VERSION
from engine.world.corpus import NO_TOOL, own_texts
from engine.world.tools import FRAMES, HELD_OUT_FRAMES, Request, request

INSTRUCTIONS = {
    "call": ("give the call with tags.", "make the call.", "call the tool that fits."),
    "name": ("say the name of the tool.", "give the name.", "what tool fits?"),
    "values": ("give the values.", "say the values.", "what are the values?"),
    "arguments": ("give the arguments.", "say the arguments of the tool.", "what arguments are given?"),
}
_MIXTURE = ("call",) * 11 + ("name",) * 3 + ("values",) * 3 + ("arguments",) * 3
_SIDES = (Side.CONGRUENT, Side.CONFLICTING) * 2 + (Side.NEUTRAL,)
_NO_TOOL_EVERY = 8


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


def examples(count: int) -> Iterator[Example]:
    """Training examples: wordings and tools of the training set only, sides balanced."""
    rng = Random("function calling: training")
    for index in range(count):
        applies = index % _NO_TOOL_EVERY != 0
        asked = request(rng, frames=FRAMES, unseen=False, side=_SIDES[index % len(_SIDES)], applies=applies)
        task = rng.choice(_MIXTURE) if applies else rng.choice(("call", "call", "name"))
        message, gold = answer(asked, task)
        yield Example(
            id=f"call-{index}",
            prompt=prompt(asked, rng.choice(INSTRUCTIONS[task])),
            answer=message,
            gold=gold,
            task=task,
            cluster=asked.frame,
            side=asked.side,
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
            asked = request(rng, frames=frames, unseen=unseen, side=side, applies=split != "no_tool")
            _, gold = answer(asked, "call")
            cluster = asked.frame if split == "wording" else asked.right.name if asked.right else asked.frame
            yield Item(
                id=f"{split}-{index}",
                prompt=prompt(asked, rng.choice(INSTRUCTIONS["call"])),
                gold=gold,
                split=split,
                cluster=cluster,
                side=asked.side,
            )


def study_data(train: int = 8000, per_split: int = 600) -> StudyData:
    """Training pool and held-out items, the same for every run; an item whose request is trained on is left out."""
    pool = tuple(examples(train))
    trained = {e.prompt.messages[1]["content"] for e in pool}
    kept = tuple(i for i in items(per_split) if i.prompt.messages[1]["content"] not in trained)
    return StudyData(
        train=pool,
        items=kept,
        texts=own_texts(),
        name="Function calling (bundled world)",
        digest=digest(["world.tools", VERSION, train, per_split]),
    )
