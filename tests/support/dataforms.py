"""The same requests and calls in every form that files have them in."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

CITIES = ("Bergen", "Turin", "Galway", "Ghent", "Malmo", "Porto", "Graz")
NAMES = ("tell_weather", "book_room", "open_gate", "count_items", "find_train", "send_note", "play_music")

Row = dict[str, Any]
Make = Callable[[int], Row]


def schema() -> Row:
    """Parameters of every tool here."""
    properties = {"city": {"type": "string", "description": "where"}, "nights": {"type": "integer"}}
    return {"type": "object", "properties": properties, "required": ["city"]}


def bare(name: str) -> Row:
    return {"name": name, "description": f"{name.replace('_', ' ')} somewhere", "parameters": schema()}


def names(at: int) -> tuple[str, str]:
    """The right tool of a row, and the other on offer."""
    return NAMES[at % len(NAMES)], NAMES[(at + 2) % len(NAMES)]


def tools(at: int) -> list[Row]:
    return [{"type": "function", "function": bare(name)} for name in names(at)]


def asked(at: int) -> str:
    return f"Please {names(at)[0].replace('_', ' ')}, case {at}, in {CITIES[at % len(CITIES)]}"


def arguments(at: int) -> Row:
    return {"city": CITIES[at % len(CITIES)], "nights": at}


def call(at: int) -> Row:
    return {"name": names(at)[0], "arguments": arguments(at)}


def gold(at: int) -> tuple[Row, ...]:
    """What a row's `Gold.calls` must be, whatever its form."""
    return ({"name": names(at)[0], "arguments": {k: [v] for k, v in arguments(at).items()}},)


def messages(at: int, answer: Row, *after: Row) -> list[Row]:
    return [{"role": "user", "content": asked(at)}, {"role": "assistant", **answer}, *after]


def chat(at: int, **answer: Any) -> Row:
    return {"messages": messages(at, answer), "tools": tools(at)}


def share(at: int, *turns: tuple[str, Any], system: str = "") -> Row:
    said = [("human", asked(at)), *turns]
    row: Row = {"conversations": [{"from": who, "value": text} for who, text in said]}
    return {**row, "system": system} if system else {**row, "tools": json.dumps(tools(at))}


def calling(at: int) -> list[Row]:
    return [{"id": f"c{at}", "type": "function", "function": {**call(at), "arguments": json.dumps(arguments(at))}}]


def tagged(at: int) -> str:
    return f"<tool_call>\n{json.dumps(call(at))}\n</tool_call>"


def glaive_call(at: int) -> str:
    return f'<functioncall> {{"name": "{names(at)[0]}", "arguments": \'{json.dumps(arguments(at))}\'}} <|endoftext|>'


def pythonic(at: int) -> str:
    told = ", ".join(f"{k}={v!r}" for k, v in arguments(at).items())
    return f"[{names(at)[0]}({told})]"


def flat(at: int) -> list[Row]:
    given = {"city": {"type": "str", "description": "where", "default": ""}, "nights": {"type": "int, optional"}}
    return [{"name": name, "description": "d", "parameters": given} for name in names(at)]


def padded(at: int) -> Row:
    """As a table unifies the rows: every argument of any tool, and every field of any message, is there."""
    given = {**arguments(at), "to": None, "text": None}
    first: Row = {"role": "user", "content": asked(at), "tool_calls": None, "name": None}
    calls = [{"id": None, "type": "function", "function": {"name": names(at)[0], "arguments": given}}]
    offered = [
        {"type": "function", "function": {**bare(name), "strict": None, "parameters": {**schema(), "title": None}}}
        for name in names(at)
    ]
    return {"messages": [first, {"role": "assistant", "content": None, "tool_calls": calls}], "tools": offered}


def parts(at: int, *inner: Row) -> Row:
    said = [{"type": "text", "value": asked(at)}]
    return {"messages": [{"role": "user", "content": said}, {"role": "assistant", "content": list(inner)}],
            "tools": json.dumps(tools(at))}  # fmt: skip


def gemini(at: int) -> Row:
    upper = {"type": "OBJECT", "properties": {"city": {"type": "STRING"}, "nights": {"type": "INTEGER"}}}
    return {
        "systemInstruction": {"role": "system", "parts": [{"text": "Be brief."}]},
        "contents": [
            {"role": "user", "parts": [{"text": asked(at)}]},
            {"role": "model", "parts": [{"functionCall": {"name": names(at)[0], "args": arguments(at)}}]},
        ],
        "tools": [{"functionDeclarations": [{"name": n, "description": "d", "parameters": upper} for n in names(at)]}],
    }


def bedrock(at: int) -> Row:
    use = {"toolUse": {"toolUseId": "t", "name": names(at)[0], "input": arguments(at)}}
    return {
        "messages": [
            {"role": "user", "content": [{"text": asked(at)}]},
            {"role": "assistant", "content": [{"text": "One moment."}, use]},
        ],
        "tools": [{"toolSpec": {"name": n, "description": "d", "inputSchema": {"json": schema()}}} for n in names(at)],
    }


def glaive(at: int) -> Row:
    offered = "\n".join(json.dumps(bare(name), indent=4) for name in names(at))
    head = "SYSTEM: You are a helpful assistant with access to the following functions. Use them if required -"
    system = f"{head}\n{offered}\n"
    said = f'USER: {asked(at)}\n\n\nASSISTANT: {glaive_call(at)}\n\n\nFUNCTION RESPONSE: {{"ok": 1}}\n\n\n'
    return {"system": system, "chat": f"{said}ASSISTANT: It is done. <|endoftext|>\n\n\n"}


def with_tools(make: Make, offered: Callable[[int], Any]) -> Make:
    return lambda at: {**make(at), "tools": offered(at)}


def structured(at: int) -> Row:
    return chat(at, content=None, tool_calls=calling(at))


OFFERS: dict[str, Callable[[int], Any]] = {
    "openai": tools,
    "bare": lambda at: [bare(name) for name in names(at)],
    "json text": lambda at: json.dumps(tools(at)),
    "python text": lambda at: str(tools(at)),
    "a json text each": lambda at: [json.dumps(tool) for tool in tools(at)],
    "json texts under each other": lambda at: "\n\n".join(json.dumps(bare(name), indent=1) for name in names(at)),
    "anthropic": lambda at: [{"name": n, "description": "d", "input_schema": schema()} for n in names(at)],
    "mcp": lambda at: [{"name": n, "title": n, "inputSchema": schema(), "annotations": {"a": 1}} for n in names(at)],
    "flat": flat,
    "flat in function": lambda at: [{"type": "function", "function": tool} for tool in flat(at)],
    "flat with types alone": lambda at: [
        {"name": n, "parameters": {"city": "str", "nights": "int"}} for n in names(at)
    ],
    "flat with required": lambda at: [
        {"name": n, "parameters": {"city": {"type": "str"}, "nights": {"type": "int"}, "required": ["city"]}}
        for n in names(at)
    ],
    "list of parameters": lambda at: [
        {"name": n, "parameters": [{"name": "city", "type": "string", "required": True}, {"name": "nights"}]}
        for n in names(at)
    ],
    "two lists of parameters": lambda at: [
        {"name": n, "required_parameters": [{"name": "city"}], "optional_parameters": [{"name": "nights"}]}
        for n in names(at)
    ],
    "by name": lambda at: {n: {"description": "d", "parameters": schema()} for n in names(at)},
    "bfcl": lambda at: [{**bare(n), "parameters": {**schema(), "type": "dict"}} for n in names(at)],
    "referenced": lambda at: [
        {"name": n, "parameters": {"$ref": "#/$defs/P", "$defs": {"P": schema()}}} for n in names(at)
    ],
}
"""Ways of describing the tools of a row."""

CALLS: dict[str, Callable[[int], Any]] = {
    "openai": calling,
    "objects": lambda at: [{"type": "function", "function": call(at)}],
    "bare": lambda at: [call(at)],
    "one": call,
    "json text": lambda at: json.dumps([call(at)]),
    "a json text each": lambda at: [json.dumps(call(at))],
    "args": lambda at: [{"name": names(at)[0], "args": arguments(at)}],
    "parameters": lambda at: [{"name": names(at)[0], "parameters": arguments(at)}],
    "input": lambda at: [{"type": "tool_use", "id": "t", "name": names(at)[0], "input": arguments(at)}],
    "kwargs": lambda at: [{"name": names(at)[0], "kwargs": arguments(at)}],
    "tool_name": lambda at: [{"tool_name": names(at)[0], "tool_args": arguments(at)}],
    "by name": lambda at: [{names(at)[0]: arguments(at)}],
    "pairs": lambda at: [
        {"name": names(at)[0], "arguments": [{"name": k, "value": v} for k, v in arguments(at).items()]}
    ],
    "text of text": lambda at: [{"name": names(at)[0], "arguments": json.dumps(json.dumps(arguments(at)))}],
}
"""Ways of writing the calls of an answer in its `tool_calls`."""

SPOKEN: dict[str, Callable[[int], str]] = {
    "hermes": tagged,
    "hermes after words": lambda at: f"Let me see.\n{tagged(at)}",
    "hermes after thoughts": lambda at: f"<think>\nThe gate {{is}} shut.\n</think>\n{tagged(at)}",
    "bare json": lambda at: json.dumps(call(at)),
    "fenced json": lambda at: f"```json\n{json.dumps(call(at))}\n```",
    "glaive": glaive_call,
    "toolace": pythonic,
    "mistral": lambda at: f"[TOOL_CALLS]{json.dumps([call(at)])}",
}
"""Ways of writing a call as the words of an answer."""

FORMS: dict[str, tuple[Make, str]] = {
    "chat": (structured, "chat messages (OpenAI)"),
    "function_call field": (lambda at: chat(at, content="", function_call=call(at)), "chat messages (OpenAI)"),
    "roles": (
        lambda at: {
            "messages": [
                {"role": "user", "content": asked(at)},
                {"role": "function_call", "content": json.dumps(call(at))},
                {"role": "observation", "content": "{}"},
                {"role": "assistant", "content": "Done."},
            ],
            "tools": json.dumps(tools(at)),
        },
        "chat messages (OpenAI)",
    ),
    "conversations with role": (
        lambda at: {"conversations": messages(at, {"content": "", "tool_calls": calling(at)}), "tools": tools(at)},
        "conversations with role and content",
    ),
    "sharegpt": (lambda at: share(at, ("function_call", json.dumps(call(at)))), "conversations (ShareGPT)"),
    "sharegpt thoughts": (
        lambda at: share(at, ("function_call", f"<think>\nhm\n</think>\n{json.dumps(call(at))}")),
        "conversations (ShareGPT)",
    ),
    "sharegpt words first": (
        lambda at: share(
            at, ("gpt", "One moment."), ("function_call", json.dumps(call(at))), ("observation", {"a": 1})
        ),
        "conversations (ShareGPT)",
    ),
    "sharegpt field": (
        lambda at: {
            "conversations": [
                {"from": "human", "value": asked(at)},
                {"from": "gpt", "value": "One moment.", "tool_calls": calling(at)},
            ],
            "tools": tools(at),
        },
        "conversations (ShareGPT)",
    ),
    "tools in system": (
        lambda at: share(at, ("gpt", pythonic(at)), system=f"You can call: {json.dumps([bare(n) for n in names(at)])}"),
        "conversations (ShareGPT)",
    ),
    "hermes system": (
        lambda at: share(at, ("gpt", tagged(at)), system=f"Here are <tools>{json.dumps(tools(at))}</tools>. Use them."),
        "conversations (ShareGPT)",
    ),
    "padded": (padded, "chat messages (OpenAI)"),
    "parts": (
        lambda at: parts(
            at, {"type": "reasoning", "value": "hm"}, {"type": "tool_call", "value": json.dumps(call(at))}
        ),
        "chat messages (OpenAI)",
    ),
    "anthropic parts": (
        lambda at: parts(at, {"type": "text", "text": "One moment."}, CALLS["input"](at)[0]),
        "chat messages (OpenAI)",
    ),
    "gemini": (gemini, "contents with parts (Gemini)"),
    "bedrock": (bedrock, "chat messages (OpenAI)"),
    "glaive": (glaive, "system and chat as text (Glaive)"),
    "xlam": (
        lambda at: {"id": at, "query": asked(at), "tools": json.dumps(flat(at)), "answers": json.dumps([call(at)])},
        "query, tools and answers (xLAM)",
    ),
    "xlam objects": (
        lambda at: {"id": at, "query": asked(at), "tools": flat(at), "answers": [call(at)]},
        "query, tools and answers (xLAM)",
    ),
    "instruction": (
        lambda at: {"instruction": asked(at), "input": "", "output": tagged(at), "tools": tools(at)},
        "instruction, tools and output",
    ),
    "prompt and completion": (
        lambda at: {
            "prompt": [{"role": "user", "content": asked(at)}],
            "completion": [{"role": "assistant", "tool_calls": calling(at)}],
            "tools": tools(at),
        },
        "prompt, tools and completion",
    ),
    "bfcl strings": (
        lambda at: {
            "id": f"simple_{at}",
            "question": [[{"role": "user", "content": asked(at)}]],
            "function": [bare(n) for n in names(at)],
            "ground_truth": [pythonic(at)[1:-1]],
        },
        "questions with accepted calls (BFCL)",
    ),
}
"""Whole rows, and how their form is called."""
