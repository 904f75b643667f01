"""Calls without a marker: bare JSON and bare Python. Words must never be taken for them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from engine.subject.calls import json_text, python_values, pythonic
from engine.subject.calls.call import Call, Unreadable
from engine.subject.calls.language import Found
from engine.subject.calls.offer import Offer

_OBJECT = re.compile(r"\{\s*\"(?:name|arguments|parameters|function|type|id|tool_calls|tool_name)\"\s*:")
_BRACKET = re.compile(r"\[\s*[A-Za-z_][\w.-]{0,255}\s*\(")
_NAMED = re.compile(r"\[?\s*([^\W\d][\w .-]{0,255}?)\s*\(")  # names of data files may hold spaces
_NAMED_LIST = re.compile(r"\[\s*[^\W\d][\w .-]{0,255}\(")
_NAME = re.compile(r"[^\W\d][\w.-]{0,255}")
_BETWEEN = re.compile(r"[\s,;]*")
_JSON_LIKE = re.compile(r"\{\s*[\"'}]|\[\s*[{\[]")
_FENCED = ("json", "python", "py", "text", "xml")
_GIVEN = r"\((?:\)|\s*\w{1,64}\s*=[^=]|\s*[\"'\[{\d-])"  # what follows a name where it is called with values
_TRIES = 32  # places of a text that are tried
_ARGUMENTS = {"arguments", "parameters", "args", "input", "tool_calls", "function_call"}
_KEYS = _ARGUMENTS | {"name", "tool_name", "function"}


def read_whole(text: str, offer: Offer) -> tuple[str, list[Call]]:
    """The calls of a text that is nothing but calls, whatever their names, and their language ("json", "pythonic")."""
    whole = _unfenced(text.strip())
    if calls := _json(whole, offer):
        return "json", calls
    if calls := _python(whole, offer):
        return "pythonic", calls
    return "", []


def read_within(text: str, offer: Offer) -> tuple[str, Found, bool]:
    """The calls within words: of tools on offer, or, where it is not known what is on offer, JSON that is a call.

    Returns:
        Their language ("" where there is none), the calls, and whether the text tries to call.
    """
    whole = _unfenced(text.strip())
    if whole == "[]":
        return "", Found([], [(0, len(text))]), False  # an empty list says that nothing is called
    for language, search in (("json", _json_within), ("pythonic", _python_within)):
        calls, parts, attempted = search(text, offer)
        if attempted:
            return language if calls else "", Found(calls, parts), True
    tried = _tries_json(whole, offer) or bool(_BRACKET.match(whole) and whole.endswith(")]")) or _in_code(text, offer)
    return "", Found([], []), tried


def _in_code(text: str, offer: Offer) -> bool:
    """Whether a tool on offer is called inside code that is not read, such as `print(f(a=1))` or `x = f("b")`."""
    return any(
        match.start() == 0 or not (text[match.start() - 1].isalnum() or text[match.start() - 1] in "_.")
        for name in offer.names
        if f"{name}(" in text
        for match in re.finditer(re.escape(name) + _GIVEN, text)
    )


def _unfenced(text: str) -> str:
    """What stands between fences, where they are the whole text."""
    first, _, rest = text.partition("\n")
    language = first.removeprefix("```").strip()
    if first.startswith("```") and rest.endswith("```") and (not language or language in _FENCED):
        inside = rest.removesuffix("```").strip()
        return inside if "```" not in inside else text
    return text


def _json(text: str, offer: Offer) -> list[Call]:
    """The calls of a text that is JSON, one value or several after each other; none where it is anything else."""
    calls: list[Call] = []
    at = 0
    try:
        while at < len(text):
            value, at = json_text.decode(text, at)
            more = json_text.calls_in(value)
            if not _is_call(value, more, offer):
                return []
            calls += more
            between = _BETWEEN.match(text, at)
            at = between.end() if between else at
    except Unreadable:
        return []
    return calls


def _is_call(value: Any, calls: list[Call], offer: Offer) -> bool:
    """Whether an object with a name is meant as a call: it has arguments, or its name is a tool's."""
    entries = value if isinstance(value, list) else [value]
    inner = [
        e.get("function") if isinstance(e, Mapping) and isinstance(e.get("function"), Mapping) else e for e in entries
    ]
    spelled = all(isinstance(entry, Mapping) and _ARGUMENTS & set(entry) for entry in inner)
    return bool(calls) and (spelled or all(call.name in offer.names for call in calls))


def _tries_json(text: str, offer: Offer) -> bool:
    """Whether a text that begins as JSON tries to call, though no call was found in it.

    It does where it cannot be read, where it has a key that calls have, or where it names a tool; other objects are
    words. Where nobody knows what is on offer, every object may be meant as a call.
    """
    at = 0
    while _JSON_LIKE.match(text, at):
        try:
            value, at = json_text.decode(text, at)
        except Unreadable:
            return True
        if not offer.names or _hints_at_call(value, offer):
            return True
        between = _BETWEEN.match(text, at)
        at = between.end() if between else at
    return False


def _hints_at_call(value: Any, offer: Offer) -> bool:
    entries = value if isinstance(value, list) else [value]
    if any(isinstance(entry, Mapping) and _KEYS & set(entry) for entry in entries):
        return True
    left = [value]
    while left:
        part = left.pop()
        if isinstance(part, str) and part in offer.names:
            return True
        if isinstance(part, Mapping):
            left += [*part.keys(), *part.values()]
        elif isinstance(part, list):
            left += part
    return False


def _python(text: str, offer: Offer) -> list[Call]:
    named = _NAMED.match(text)
    if named is None or (" " in named[1] and named[1] not in offer.names) or not text.endswith((")", "]", ";")):
        return []
    try:
        return pythonic.calls_in(text, offer)
    except Unreadable:
        return []


def _json_within(text: str, offer: Offer) -> tuple[list[Call], list[tuple[int, int]], bool]:
    calls: list[Call] = []
    parts: list[tuple[int, int]] = []
    broken = False
    at = 0
    for _ in range(_TRIES):
        if not (found := _OBJECT.search(text, at)):
            break
        try:
            value, at = json_text.decode(text, found.start())
            more = json_text.calls_in(value)
        except Unreadable:
            at = max(at, found.end())
            broken = broken or _names_a_tool(text[found.start() :], offer)
            continue
        known = all(call.name in offer.names for call in more) if offer.names else _is_call(value, more, offer)
        if known:
            calls += more
            parts.append((found.start(), at))
    if broken:
        return [], [], True
    return calls, parts, bool(calls)


def _names_a_tool(text: str, offer: Offer) -> bool:
    """Whether a broken object is one that calls a tool on offer, or any where none is known."""
    named = re.search(r"\"(?:name|function|tool_name)\"\s*:\s*\"([^\"\n]{1,256})\"", text[:2000])
    if named is None:
        return False
    return named[1] in offer.names if offer.names else bool(re.search(r"\"(?:arguments|parameters)\"\s*:", text[:2000]))


def _python_within(text: str, offer: Offer) -> tuple[list[Call], list[tuple[int, int]], bool]:
    calls: list[Call] = []
    parts: list[tuple[int, int]] = []
    starts = [found.start() for found in _NAMED_LIST.finditer(text)]
    spans = [(start, python_values.end_of(text, start)) for start in starts[:_TRIES]]
    spans += _lines(text, offer)[:_TRIES]
    for start, end in sorted(spans):
        if parts and start < parts[-1][1]:
            continue
        head = _NAMED.match(text[start : start + 300].lstrip())
        if head is None or head[1] not in offer.names:
            continue
        try:
            more = pythonic.calls_in(text[start:end] if end >= 0 else text[start:], offer)
        except Unreadable:
            return [], [], True
        calls += more
        parts.append((start, end))
    return calls, parts, bool(calls)


def _lines(text: str, offer: Offer) -> list[tuple[int, int]]:
    """The lines that are a call of a tool on offer and nothing else."""
    found: list[tuple[int, int]] = []
    at = 0
    for line in text.split("\n"):
        name = _NAME.match(line.strip())
        after = line.strip()[name.end() :] if name else ""
        if name and name[0] in offer.names and after.startswith("(") and after.rstrip(";").endswith(")"):
            found.append((at, at + len(line)))
        at += len(line) + 1
    return found
