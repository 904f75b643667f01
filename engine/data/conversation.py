"""From a conversation to training examples: which of its answers are worth learning from.

Every assistant turn that calls a tool becomes an example with the turns before it as the prompt. So does a reply in
plain words where it answers the user directly and tools were on offer: there, no call was right. Replies to a tool's
result, and replies where no tool was on offer, say nothing about calling and are left out. At most
`MOST_EXAMPLES` turns of a conversation are taken, its first, so that no single one weighs on the whole.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from engine.data.overlap import side
from engine.data.problems import Problems
from engine.data.schema import Call, Tools, names
from engine.example import Example, Gold, Prompt

MOST_EXAMPLES = 8
MOST_TURNS = 200
NO_TOOL = "no tool"


@dataclasses.dataclass(frozen=True)
class Turn:
    """One message.

    Attributes:
        role: "system", "user", "assistant" or "tool".
        field: Where it stands in its row, for messages to the user.
        learn: Whether the file wants it learned from.
        extra: What a chat template may want besides (a tool's name, the call's id).
    """

    role: str
    content: str
    field: str
    calls: tuple[Call, ...] = ()
    learn: bool = True
    extra: dict[str, str] = dataclasses.field(default_factory=dict)

    def message(self) -> dict[str, Any]:
        """As chat templates take it."""
        plain: dict[str, Any] = {"role": self.role, "content": self.content, **self.extra}
        return {**plain, "tool_calls": [call.message() for call in self.calls]} if self.calls else plain


def examples(key: str, turns: Sequence[Turn], tools: Tools, row: int, where: str, problems: Problems) -> list[Example]:
    """The examples of one conversation.

    Args:
        key: The conversation's id; examples are "<key>#<turn>".
        where: The field that holds the turns.
    """
    if len(turns) > MOST_TURNS:
        problems.add(row, where, f"has too many messages ({len(turns)}; at most {MOST_TURNS})")
        return []
    if turns[-1].role != "assistant":
        problems.add(row, turns[-1].field, f"the last message must be the assistant's, not the {turns[-1].role}'s")
        return []
    if not any(turn.role == "user" for turn in turns):
        problems.add(row, where, "has no user message to answer")
        return []
    found: list[Example] = []
    for at, turn in enumerate(turns):
        if turn.role != "assistant":
            continue
        if not turn.calls and not turn.content.strip():
            problems.add(row, turn.field, "the assistant's message is empty: it has neither content nor a call")
            return []
        asked = any(before.role == "user" for before in turns[:at])
        replies = bool(tools.schemas) and at > 0 and turns[at - 1].role == "user"
        if turn.learn and asked and (turn.calls or replies) and len(found) < MOST_EXAMPLES:
            gold = tuple({"name": c.name, "arguments": {n: [v] for n, v in c.arguments.items()}} for c in turn.calls)
            found.append(example(f"{key}#{at + 1}", turns[:at], turn, tools, gold))
    return found


def example(key: str, before: Sequence[Turn], answer: Turn, tools: Tools, calls: Sequence[dict[str, Any]]) -> Example:
    """An example whose task and cluster are its tool, and whose instruction is the last user message.

    The family of an instruction is the tool it asks for: an example whose instruction is exchanged with one of
    another family keeps an answer that its new instruction does not ask for.
    """
    asked = max(at for at, turn in enumerate(before) if turn.role == "user")
    called = names(calls)
    task = " + ".join(sorted(called)) or NO_TOOL
    return Example(
        id=key,
        prompt=Prompt(messages=tuple(turn.message() for turn in before), tools=tools.schemas),
        answer=answer.message(),
        gold=Gold(kind="call", calls=tuple(calls)),
        task=task,
        cluster=task if called else key.rpartition("#")[0],
        side=side(before[asked].content, tools.schemas, called[0] if len(called) == 1 else ""),
        instruction=asked,
    )
