"""From a conversation to training examples: which of its answers are worth learning from.

Every assistant turn that calls a tool becomes an example with the turns before it as the prompt. So does a reply in
plain words where it answers the user directly and tools were on offer: there, no call was right. Replies to a tool's
result, and replies where no tool was on offer, say nothing about calling and are left out. At most
`MOST_EXAMPLES` turns of a conversation are taken, its first, so that no single one weighs on the whole.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Literal

from engine.data.notes import ENDS_EARLY, JOINED, NOT_LEARNED, TOO_MANY_TURNS, UNWANTED, WORDS_AND_CALLS
from engine.data.problems import Unusable
from engine.data.row import Row
from engine.data.tools.calls import Call
from engine.data.tools.reading import Tools
from engine.spec.example import Example, Gold, Prompt
from engine.spec.overlap import side

MOST_EXAMPLES = 8
MOST_TURNS = 400
NO_TOOL = "no tool"

Grader = Literal["strict", "bfcl"]


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


def examples(
    key: str, turns: Sequence[Turn], tools: Tools, row: Row, where: str, grader: Grader = "strict"
) -> list[Example]:
    """The examples of one conversation.

    Args:
        key: The conversation's id; examples are "<key>#<turn>".
        where: The field that holds the turns.
        grader: How calls are compared.

    Raises:
        Unusable: The conversation has no answer, no request, or one turn of it cannot be what it says.
    """
    if len(turns) > MOST_TURNS:
        raise Unusable(where, f"has too many messages ({len(turns)}; at most {MOST_TURNS})")
    last = max((at for at, turn in enumerate(turns) if turn.role == "assistant"), default=None)
    if last is None:
        raise Unusable(turns[-1].field if turns else where, "the conversation has no answer of the assistant's")
    if not any(turn.role == "user" for turn in turns):
        raise Unusable(where, "has no user message to answer")
    _check_results(turns)
    row.note(ENDS_EARLY, int(last + 1 < len(turns)))
    turns = _joined(turns[: last + 1], row)
    found: list[Example] = []
    for at, turn in enumerate(turns):
        if turn.role != "assistant":
            continue
        if not turn.calls and not turn.content.strip():
            raise Unusable(turn.field, "the assistant's message is empty: it has neither content nor a call")
        asked = any(before.role == "user" for before in turns[:at])
        replies = bool(tools.schemas) and at > 0 and turns[at - 1].role == "user"
        if not turn.learn or not asked:
            row.note(UNWANTED, int(not turn.learn))
            continue
        if not (turn.calls or replies):
            row.note(NOT_LEARNED)
        elif len(found) >= MOST_EXAMPLES:
            row.note(TOO_MANY_TURNS)
        else:
            row.note(WORDS_AND_CALLS, int(bool(turn.calls and turn.content.strip())))
            gold = tuple({"name": c.name, "arguments": {n: [v] for n, v in c.arguments.items()}} for c in turn.calls)
            found.append(example(f"{key}#{at + 1}", turns[:at], turn, tools, gold, row.number, grader))
    return found


def example(
    key: str, before: Sequence[Turn], answer: Turn, tools: Tools, calls: Sequence[dict[str, Any]], row: int,
    grader: Grader = "strict",
) -> Example:  # fmt: skip
    """An example whose task and cluster are its tool, and whose instruction is the last user message.

    The family of an instruction is the tool it asks for: an example whose instruction is exchanged with one of
    another family keeps an answer that its new instruction does not ask for.
    """
    asked = max(at for at, turn in enumerate(before) if turn.role == "user")
    called = list(dict.fromkeys(str(call["name"]) for call in calls))
    task = " + ".join(sorted(called)) or NO_TOOL
    return Example(
        id=key,
        prompt=Prompt(messages=tuple(turn.message() for turn in before), tools=tools.schemas),
        answer=answer.message(),
        gold=Gold(kind="call", calls=tuple(calls), grader=grader),
        family=task,
        cluster=task if called else key.rpartition("#")[0],
        side=side(before[asked].content, tools.schemas, called[0] if len(called) == 1 else ""),
        instruction=asked,
        row=row,
    )


def _check_results(turns: Sequence[Turn]) -> None:
    """A tool's result follows a call: one that follows words shows that a call was not read."""
    called = False
    for at, turn in enumerate(turns):
        if turn.role == "assistant":
            called = bool(turn.calls) or (called and at > 0 and turns[at - 1].role == "assistant")
        elif turn.role != "tool":
            called = False
        elif not called:
            before = turns[at - 1] if at else None
            if before is not None and before.role == "assistant":
                raise Unusable(before.field, "a tool's result follows, but no call can be read here")
            raise Unusable(turn.field, "is a tool's result that follows no call")


def _joined(turns: Sequence[Turn], row: Row) -> list[Turn]:
    """Messages of the assistant that follow each other made one: words with the calls after them, calls with calls."""
    found: list[Turn] = []
    for turn in turns:
        before = found[-1] if found else None
        if (
            before is None
            or turn.role != "assistant"
            or before.role != "assistant"
            or (before.calls and not turn.calls)
        ):
            found.append(turn)
            continue
        row.note(JOINED)
        words = "\n".join(text for text in (before.content, turn.content) if text.strip())
        found[-1] = dataclasses.replace(
            before, content=words, calls=before.calls + turn.calls, learn=before.learn and turn.learn
        )
    return found
