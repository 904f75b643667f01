"""Word overlap between a request and its tools: the shortcut that the function-calling study looks for.

A model may choose the tool whose name and description share the most words with the request, without weighing
what either means.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from engine.spec.example import Side

STOP_WORDS = frozenset(
    "a an the and or but if of to in on at by for from with as is are was were be been being am do does did can could "
    "would should will shall may might must have has had i you he she it we they me him her us them my your his its "
    "our their this that these those there here what which who whom whose when where why how not no yes so than "
    "then too please want need like let get give given using use based about into over out up down all any some".split()
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"[^\W\d_]+")


@lru_cache(maxsize=4096)  # the same tools come in many rows
def words(text: str) -> frozenset[str]:
    """Lower-case words of a text or identifier: singular, without stop words, digits and single letters."""
    found = (_stem(word) for word in _WORD.findall(_CAMEL.sub(" ", text).lower()) if word not in STOP_WORDS)
    return frozenset(word for word in found if len(word) > 1)


def shared(query: str, tools: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Tool name -> how many of the query's words its name and description hold."""
    asked = words(query)
    counts: dict[str, int] = {}
    for tool in tools:
        function = tool.get("function", tool)
        name = str(function.get("name", ""))
        counts[name] = len(asked & (words(name) | words(str(function.get("description") or ""))))
    return counts


def side(query: str, tools: Sequence[Mapping[str, Any]], right_name: str) -> Side:
    """Whether word overlap leads to the right tool, to another one, or to none.

    Args:
        tools: `{"type": "function", "function": {...}}` or bare functions.
        right_name: The right tool's name; "" where none is right.

    Returns:
        CONGRUENT where the right tool alone shares the most words with the query, CONFLICTING where another tool
        alone does, NEUTRAL otherwise: ties, a single tool, no right tool.
    """
    first = _leader(shared(query, tools))
    if not first or right_name not in _named(tools):
        return Side.NEUTRAL
    return Side.CONGRUENT if first == right_name else Side.CONFLICTING


def lure(query: str, tools: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The function that alone shares the most words with the query, right or wrong; None where no tool does."""
    return _named(tools).get(_leader(shared(query, tools)))


def _named(tools: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    functions = (tool.get("function", tool) for tool in tools)
    return {str(function.get("name", "")): function for function in functions}


def _leader(counts: Mapping[str, int]) -> str:
    """The tool that alone shares the most words; "" where there is none, or no other to compare it with."""
    most = max(counts.values(), default=0)
    first = [name for name, count in counts.items() if count == most]
    return first[0] if len(first) == 1 and len(counts) > 1 else ""


def _stem(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("ches", "shes", "sses", "xes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
