"""Function calls as models and data files write them in words: one small reader for each way of writing.

`read` is the only door. A text that holds what looks like a call and cannot be read has `attempted` and no calls;
it is never taken for a text without a call.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from engine.subject.calls import python_values, thoughts, unmarked
from engine.subject.calls.call import Call, Reading, Unreadable
from engine.subject.calls.language import Language
from engine.subject.calls.languages import every
from engine.subject.calls.languages.hermes import CLOSE, OPEN
from engine.subject.calls.offer import Offer
from engine.subject.calls.thoughts import Thought

__all__ = ["CLOSE", "LABELS", "OPEN", "Call", "Reading", "Thought", "apart", "label", "read"]

LONGEST = 20_000  # characters of an answer that are read, its thought aside; no honest call is longer
LONGEST_THOUGHT = 400_000  # characters in which a thought is looked for
_OTHER = re.compile(  # what looks like the marker of a language that none of ours reads
    r"<[|｜]?/?[\w:▁-]{0,32}(?:tool|function)[_▁ ]?calls?[\w▁-]{0,32}[|｜]?>|\[/?TOOL_CALLS?\]", re.IGNORECASE
)
_BEGUN = re.compile(r"\s*(?:[\[{]|\w[\w.]{0,255}\()")  # bare JSON, or a call in Python
_ENDS = (
    "<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>", "<|end|>", "<|return|>", "<|eot|>",
    "<|END_OF_TURN_TOKEN|>", "<end_of_turn>", "<eos>", "</s>", "<|end_of_turn|>", "<｜end▁of▁sentence｜>", "<|user|>",
)  # fmt: skip
_MOST_ENDS = 100  # such tokens in a row that are taken away
LABELS = {"json": "bare JSON", "pythonic": "Python calls", "": ""}
"""What people call the languages without a marker."""


def label(language: str) -> str:
    """What people call a language, by `Reading.language`."""
    return LABELS[language] if language in LABELS else next(each.label for each in every() if each.name == language)


def read(text: str, tools: Sequence[Mapping[str, Any]] = ()) -> Reading:
    """The calls of a text. Never raises, whatever the text holds.

    Args:
        text: A model's answer, or an answer as a data file has it.
        tools: What was on offer, `{"type": "function", "function": {...}}` each: some ways of writing leave out whether
            a value is a number or a text, and only the tool's schema can tell.
    """
    offer = Offer(tools)
    thought, rest, unfinished = _apart(text, offer)
    if len(rest) > LONGEST:
        tried = bool(_openings().search(rest) or _OTHER.search(rest) or rest.lstrip()[:1] in ("{", "["))
        return Reading(attempted=tried, said="" if tried else rest.strip(), thought=thought, unfinished=unfinished)
    return _answer(rest, offer).model_copy(update={"thought": thought, "unfinished": unfinished})


def apart(text: str, tools: Sequence[Mapping[str, Any]] = ()) -> Thought:
    """A text's thought and its answer, without the tokens that end it; `tools` as `read` takes them."""
    return _apart(text, Offer(tools))


def _apart(text: str, offer: Offer) -> Thought:
    found = thoughts.split(text[:LONGEST_THOUGHT], _openings(), lambda part: _is_readable(part, offer))
    rest = _without_ends(found.rest + text[LONGEST_THOUGHT:]).replace("<|channel|>final<|message|>", "")
    return found._replace(rest=rest)


def _is_readable(text: str, offer: Offer) -> bool:
    """Whether a text holds no call that is broken off; none is as long as a text that is not read."""
    if len(text) > LONGEST:
        return True
    begun = _BEGUN.match(text)
    if begun and python_values.end_of(text, begun.end() - 1) < 0:
        return False
    found = _answer(text, offer)
    return bool(found.calls) or not found.attempted


def _answer(rest: str, offer: Offer) -> Reading:
    """The calls of a text without thoughts."""
    name, calls = unmarked.read_whole(rest, offer)
    if calls:  # markers in it are part of its values
        return Reading(calls=tuple(calls), attempted=True, language=name)
    language = _language(rest)
    try:
        if language is not None:
            name, found, attempted = language.name, language.read(rest, offer), True
        elif _OTHER.search(rest):
            raise Unreadable("a marker of another language")
        else:
            name, found, attempted = unmarked.read_within(rest, offer)
    except Unreadable:
        return Reading(attempted=True, said=rest.strip())
    said = _without(rest, found.parts)
    if language is not None and (not found.calls or _language(said) or _OTHER.search(_without_marks(said))):
        return Reading(attempted=True, said=rest.strip())
    return Reading(calls=tuple(found.calls), attempted=attempted, language=name, said=said)


def _language(text: str) -> Language | None:
    """The language whose opening comes first, the longest one of those that begin there."""
    found = [(match.start(), -len(match[0]), language.name, language) for language in every()
             if (match := language.opening.search(text))]  # fmt: skip
    return min(found)[3] if found else None


def _openings() -> re.Pattern[str]:
    global _ALL  # noqa: PLW0603 - compiled once, when the languages are first asked for
    if _ALL is None:
        _ALL = re.compile("|".join(f"(?:{language.opening.pattern})" for language in every()))
    return _ALL


_ALL: re.Pattern[str] | None = None


def _without_ends(text: str) -> str:
    end, kept = len(text), len(text)
    for _ in range(_MOST_ENDS):
        while end and text[end - 1].isspace():
            end -= 1
        token = next((token for token in _ENDS if text.endswith(token, 0, end)), "")
        if not token:
            break
        end = kept = end - len(token)
    return text[:kept]


def _without_marks(text: str) -> str:
    """Without closing tags that are left over."""
    return re.sub(r"</[\w:]+>|<\|/?[\w]*end[\w]*\|>", "", text)


def _without(text: str, parts: Sequence[tuple[int, int]]) -> str:
    kept, at = [], 0
    for start, end in parts:
        kept.append(text[at:start])
        at = end
    return "".join([*kept, text[at:]]).strip()
