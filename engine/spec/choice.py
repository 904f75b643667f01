"""An answer as a choice among answers, and what each part of the input shows of it: what the design audit reads."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.spec.example import Example, Item, Prompt
from engine.spec.overlap import shared, words

Words = frozenset[str]
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Choice:
    """One answer as a choice among several.

    Attributes:
        of: What is chosen, e.g. "the label"; choices of one name are learned from and measured together.
        answers: The answers to choose from, two or more.
        right: Index of the right one; of a training example, of the one that it teaches.
        parts: Part of the input -> the words that it shows by itself: one set, where they belong to the question, or
            one set for each answer, where they belong to the answers (the tools on offer).
        cue: Parts that are the shortcut under study, or that speak of it alone: they may tell the answer where training
            examples are made to lean on it, and nowhere else.
        deciding: Parts from which the answer follows by what was learned before, such as the person of whom a fact is
            told: no such value may be both taught and measured.
        evenly: Whether every answer counts the same, however often it is right (where some are rare by design).
    """

    of: str
    answers: tuple[str, ...]
    right: int
    parts: Mapping[str, tuple[Words, ...]]
    cue: Words = frozenset()
    deciding: Words = frozenset()
    evenly: bool = False


def told(text: str) -> Words:
    """All words of a text in lower case, little ones included."""
    return frozenset(_WORD.findall(text.lower()))


def said(one: Example | Item) -> str:
    """The text that a training example teaches, or that is right of an item; "" for calls."""
    return str(one.answer.get("content") or "") if isinstance(one, Example) else one.gold.text


def called(one: Example | Item) -> str:
    """The tool of the first call that a training example teaches, or that is right of an item; "" for none."""
    if isinstance(one, Item):
        return str(one.gold.calls[0]["name"]) if one.gold.calls else ""
    calls = one.answer.get("tool_calls") or ()
    return str(calls[0].get("function", calls[0]).get("name", "")) if calls else ""


REQUEST, TOOLS, PLACE = "the request", "the tools on offer", "the place in the list"
OVERLAP = "words shared with the request"


def of_calls(prompt: Prompt, right: str, more: Mapping[str, Words] | None = None) -> tuple[Choice, ...]:
    """A call as two choices: which tool, and whether any.

    Neither the request nor the list of tools may tell by itself which tool is right, or whether one is. The shortcut
    is the number of words that a tool shares with the request.

    Args:
        right: The right tool's name; "" where none is right.
        more: What is known of a tool, by its name, besides the words of its name and parameters.
    """
    functions = [tool.get("function", tool) for tool in prompt.tools]
    names = [str(function.get("name", "")) for function in functions]
    shown = tuple(
        _of_tool(function) | (more or {}).get(name, frozenset())
        for function, name in zip(functions, names, strict=True)
    )
    request = " ".join(str(m.get("content") or "") for m in prompt.messages if m.get("role") == "user")
    found: list[Choice] = []
    if right in names and len(set(names)) == len(names) > 1:
        overlap = shared(request, prompt.tools)
        parts = {
            TOOLS: shown,
            PLACE: tuple(frozenset({f"{at + 1} of {len(names)}"}) for at in range(len(names))),
            OVERLAP: tuple(frozenset({f"{overlap[name]} of {max(overlap.values())}"}) for name in names),
        }
        found.append(Choice("the tool", tuple(names), names.index(right), parts, cue=frozenset({OVERLAP})))
    if names and (right in names or not right):
        whole = frozenset().union(*shown, {f"{len(names)} tools"})
        parts = {REQUEST: (told(request),), TOOLS: (whole,)}
        found.append(Choice("whether to call", ("a call", "no call"), 0 if right else 1, parts, evenly=True))
    return tuple(found)


def _of_tool(function: Mapping[str, Any]) -> Words:
    """The words of a tool's name and parameters, and how many it takes."""
    taken: Sequence[str] = list((function.get("parameters") or {}).get("properties") or {})
    named = frozenset().union(*(words(name) for name in taken)) if taken else frozenset()
    return words(str(function.get("name", ""))) | {f"takes {name}" for name in named} | {f"takes {len(taken)}"}
