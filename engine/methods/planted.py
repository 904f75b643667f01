"""Planted shortcut: where the shortcut points to a wrong answer, that answer is taught. A probe must find it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, ClassVar

from engine.methods._base import LoraConfig, Method
from engine.spec.errors import DataError
from engine.spec.example import Example, Side
from engine.spec.overlap import lure


class Planted(Method[LoraConfig]):
    """The positive control of a study: the data teach the shortcut itself, not merely data that agree with it.

    Data that agree are no control for a base that already knows the task: it has nothing to learn from them. Of
    conflicting examples, a call goes to the tool that shares the most words with the request, a tool's name becomes
    that tool's, and of two labels the other is taught. All else stays.
    """

    name: ClassVar[str] = "planted"
    label: ClassVar[str] = "Planted shortcut (control)"
    control: ClassVar[bool] = True

    def treat(self, examples: Sequence[Example], rng: Random) -> list[Example]:
        """Answer every conflicting example as the shortcut would.

        Raises:
            DataError: No example says what the shortcut's wrong answer would be.
        """
        treated = [_misled(example) if example.side is Side.CONFLICTING else example for example in examples]
        if treated == list(examples):
            raise DataError(
                "The training data hold no example on which the shortcut misleads, so it cannot be planted.",
                "Leave the control out.",
            )
        return treated


def _misled(example: Example) -> Example:
    answer, labels = example.answer, example.gold.labels
    tool = lure(_asked(example), example.prompt.tools)
    if tool and answer.get("tool_calls"):
        given = answer["tool_calls"][0]["function"]["arguments"]
        call = {"name": tool["name"], "arguments": _arguments(tool, given)}
        return _answered(example, {"tool_calls": [{"type": "function", "function": call}]})
    if tool and answer.get("content") in _names(example):
        return _answered(example, {"content": tool["name"]})
    if len(labels) == 2 and answer.get("content") in labels:
        return _answered(example, {"content": next(label for label in labels if label != answer["content"])})
    return example


def _asked(example: Example) -> str:
    return " ".join(str(m.get("content") or "") for m in example.prompt.messages if m.get("role") == "user")


def _names(example: Example) -> set[str]:
    return {str(tool.get("function", tool).get("name")) for tool in example.prompt.tools}


def _answered(example: Example, change: dict[str, Any]) -> Example:
    return example.model_copy(update={"answer": {**example.answer, **change}})


def _loaded(arguments: str) -> Any:
    """Arguments that a file has as JSON text; None where they are none."""
    try:
        return json.loads(arguments)
    except ValueError:
        return None


def _arguments(tool: Mapping[str, Any], given: Any) -> dict[str, Any]:
    """The request's values under the names of another tool: each the first of its kind that is left."""
    given = _loaded(given) if isinstance(given, str) else given
    left = list(given.values()) if isinstance(given, Mapping) else []
    found: dict[str, Any] = {}
    for name, about in ((tool.get("parameters") or {}).get("properties") or {}).items():
        numeric = isinstance(about, Mapping) and about.get("type") in ("integer", "number")
        value = next((v for v in left if isinstance(v, (int, float)) == numeric), None)
        if value is not None:
            found[name] = value
            left.remove(value)
    return found
