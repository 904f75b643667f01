"""What a model thinks before it answers: set aside, never scored."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

_PAIRS = {
    "<think>": "</think>", "<thinking>": "</thinking>", "<thought>": "</thought>", "[THINK]": "[/THINK]",
    "<seed:think>": "</seed:think>", "◁think▷": "◁/think▷", "<|START_THINKING|>": "<|END_THINKING|>",
    "<|inner_prefix|>": "<|inner_suffix|>", "<|channel>thought": "<channel|>",
    "<|channel|>analysis<|message|>": "<|end|>",
}  # fmt: skip
_MOST = 64  # thoughts of one text that are set aside
_OPENING = re.compile("|".join(map(re.escape, _PAIRS)))
_CLOSING = re.compile("|".join(re.escape(closing) for closing in _PAIRS.values() if closing != "<|end|>"))


class Thought(NamedTuple):
    """A text apart from its thoughts; `unfinished`: it ends within one."""

    thought: str
    rest: str
    unfinished: bool = False


def split(text: str, calls: re.Pattern[str], readable: Callable[[str], bool]) -> Thought:
    """The thoughts before a text's first call, and the rest.

    A thought may lack its beginning, which some templates put into the prompt, or its end, where the answer was cut.
    A call within a thought is a draft, no answer.

    Args:
        calls: What begins a call; from there on, tags are part of its values.
        readable: Whether a text holds no call that is broken off.
    """
    thoughts: list[str] = []
    opening = _OPENING.search(text)
    closing = _CLOSING.search(text)
    if closing and (not opening or closing.start() < opening.start()):  # its beginning is in the prompt
        before = text[: closing.start()]
        # A tag within a call's value breaks the call off where the text is cut there. A broken draft is told from it
        # by a call that follows, and by the whole text, which cannot be read either.
        if readable(before) or (calls.search(text, closing.end()) and not readable(text)):
            thoughts.append(before)
            text = text[closing.end() :]
    begins_with_call = text.lstrip()[:1] in ("{", "[") and not _OPENING.match(text.lstrip())
    if begins_with_call or calls.match(text.lstrip()):
        return Thought(_joined(thoughts), text)
    at = 0
    for _ in range(_MOST):
        opening, call = _OPENING.search(text, at), calls.search(text, at)
        if not opening or (call and call.start() < opening.start()):
            break
        end = text.find(_PAIRS[opening[0]], opening.end())
        if end < 0:
            return Thought(_joined([*thoughts, text[opening.end() :]]), text[: opening.start()], unfinished=True)
        thoughts.append(text[opening.end() : end])
        at = opening.start()
        text = text[:at] + text[end + len(_PAIRS[opening[0]]) :]
    return Thought(_joined(thoughts), text)


def mentioned(template: str) -> bool:
    """Whether a chat template knows of thoughts: its model may think before it answers."""
    return bool(_OPENING.search(template) or _CLOSING.search(template))


def _joined(thoughts: list[str]) -> str:
    return "\n".join(stripped for thought in thoughts if (stripped := thought.strip()))
