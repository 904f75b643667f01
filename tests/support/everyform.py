"""One set of requests and calls in every form that data files have, so that forms can be compared with each other."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROWS = 30
PLACES = ("Paris", "Rome", "Oslo", "Lima", "Sao Tome")
TOOLS: tuple[tuple[str, dict[str, str]], ...] = (
    ("weather_now", {"city": "string"}),
    ("send_note", {"to": "string", "text": "string"}),
    ("book_room", {"city": "string", "nights": "integer"}),
    ("set_alarm", {"hour": "integer", "loud": "boolean"}),
    ("search_shop", {"words": "string", "price": "number"}),
    ("add_up", {"numbers": "array"}),
    ("find_train", {"start": "string", "stop": "string"}),
)


def name_of(at: int) -> str:
    return TOOLS[at % len(TOOLS)][0]


def arguments(at: int) -> dict[str, Any]:
    values = {
        "city": PLACES[at % 5], "to": f"guest {at}", "text": f'it\'s "{at}", see you\nat nine', "nights": at % 7 + 1,
        "hour": at % 24, "loud": at % 2 == 0, "words": "red shoes", "price": at + 0.5, "numbers": [at + 0.5, 2.25],
        "start": PLACES[at % 5], "stop": PLACES[(at + 2) % 5],
    }  # fmt: skip
    return {name: values[name] for name in TOOLS[at % len(TOOLS)][1]}


def call(at: int) -> dict[str, Any]:
    return {"name": name_of(at), "arguments": arguments(at)}


def request(at: int) -> str:
    return f"Request {at}: {name_of(at).replace('_', ' ')} with {json.dumps(arguments(at))}"


def declines(at: int) -> bool:
    return at % 6 == 5


DECLINED = "None of these tools can do that."


def tool(at: int) -> dict[str, Any]:
    name, types = TOOLS[at % len(TOOLS)]
    numbers = {"type": "array", "items": {"type": "number"}}
    properties = {key: numbers if kind == "array" else {"type": kind} for key, kind in types.items()}
    parameters = {"type": "object", "properties": properties, "required": list(types)}
    return {"name": name, "description": f"{name.replace('_', ' ')} for someone", "parameters": parameters}


def tools(at: int) -> list[dict[str, Any]]:
    return [tool(at), tool(at + 3)]


def _messages(at: int, answer: dict[str, Any], **more: Any) -> dict[str, Any]:
    said = {"role": "assistant", "content": DECLINED} if declines(at) else answer
    offered = [{"type": "function", "function": entry} for entry in tools(at)]
    return {"messages": [{"role": "user", "content": request(at)}, said], "tools": offered} | more


def openai(at: int) -> dict[str, Any]:
    function = {"name": name_of(at), "arguments": json.dumps(arguments(at))}
    calls = [{"id": f"c{at}", "type": "function", "function": function}]
    return _messages(at, {"role": "assistant", "content": None, "tool_calls": calls})


def in_words(at: int) -> dict[str, Any]:
    text = f"<think>Hm.</think>One moment.\n<tool_call>\n{json.dumps(call(at))}\n</tool_call>"
    return _messages(at, {"role": "assistant", "content": text})


def parts(at: int) -> dict[str, Any]:
    use = {"type": "tool_use", "id": "t", "name": name_of(at), "input": arguments(at)}
    return _messages(at, {"role": "assistant", "content": [{"type": "text", "text": "So:"}, use]})


def _shared(at: int, turn: dict[str, Any], **more: Any) -> dict[str, Any]:
    said = {"from": "gpt", "value": DECLINED} if declines(at) else turn
    return {"conversations": [{"from": "human", "value": request(at)}, said], "tools": json.dumps(tools(at))} | more


def sharegpt(at: int) -> dict[str, Any]:
    return _shared(at, {"from": "function_call", "value": json.dumps(call(at))})


def roles(at: int) -> dict[str, Any]:
    row = openai(at)
    return {"conversations": row["messages"], "tools": json.dumps(tools(at))}


def hermes(at: int) -> dict[str, Any]:
    return _shared(at, {"from": "gpt", "value": f"<tool_call>\n{json.dumps(call(at))}\n</tool_call>"})


def glaive(at: int) -> dict[str, Any]:
    inner = json.dumps(arguments(at)).replace("'", "\\'")
    said = f'<functioncall> {{"name": "{name_of(at)}", "arguments": \'{inner}\'}} <|endoftext|>'
    listed = "\n".join(json.dumps(entry) for entry in tools(at))
    system = f"SYSTEM: You are a helpful assistant with access to these functions. Use them if required -\n{listed}"
    return {"system": system, "chat": f"USER: {request(at)}\n\n\nASSISTANT: {DECLINED if declines(at) else said}"}


def xlam(at: int) -> dict[str, Any]:
    words = {"string": "str", "integer": "int", "boolean": "bool", "number": "float", "array": "List[float]"}
    offered = [
        {
            "name": name,
            "description": "d",
            "parameters": {k: {"type": words[t], "description": k} for k, t in p.items()},
        }
        for name, p in (TOOLS[at % len(TOOLS)], TOOLS[(at + 3) % len(TOOLS)])
    ]
    answers = [] if declines(at) else [call(at)]
    return {"id": at, "query": request(at), "tools": json.dumps(offered), "answers": json.dumps(answers)}


def toolace(at: int) -> dict[str, Any]:
    said = ", ".join(f"{key}={value!r}" for key, value in arguments(at).items())
    answer = DECLINED if declines(at) else f"[{name_of(at)}({said})]"
    turns = [{"from": "user", "value": request(at)}, {"from": "assistant", "value": answer}]
    return {"system": f"Here is a list of functions in JSON format: {json.dumps(tools(at))}.", "conversations": turns}


def gemini(at: int) -> dict[str, Any]:
    part = {"text": DECLINED} if declines(at) else {"functionCall": {"name": name_of(at), "args": arguments(at)}}
    contents = [{"role": "user", "parts": [{"text": request(at)}]}, {"role": "model", "parts": [part]}]
    return {"contents": contents, "tools": [{"functionDeclarations": tools(at)}]}


def bfcl(at: int) -> dict[str, Any]:
    truth = [] if declines(at) else [{name_of(at): {key: [value] for key, value in arguments(at).items()}}]
    question = [[{"role": "user", "content": request(at)}]]
    return {"id": f"simple_{at}", "question": question, "function": tools(at), "ground_truth": truth}


FORMS: dict[str, Callable[[int], dict[str, Any]]] = {
    form.__name__: form
    for form in (openai, in_words, parts, sharegpt, roles, hermes, glaive, xlam, toolace, gemini, bfcl)
}
PACKED = {"sharegpt": "list", "openai": "gzip", "roles": "parquet"}
"""Forms that are written in another kind of file than JSON lines."""


def write(folder: Path, form: str) -> Path:
    """A file of `ROWS` rows of a form."""
    rows = [FORMS[form](at) for at in range(ROWS)]
    kind = PACKED.get(form, "lines")
    path = folder / f"{form}.{'parquet' if kind == 'parquet' else 'json' if kind == 'list' else 'jsonl'}"
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    if kind == "parquet":
        import pyarrow as pa
        from pyarrow import parquet

        parquet.write_table(pa.Table.from_pylist(rows), path)
    elif kind == "gzip":
        path.write_bytes(gzip.compress(lines.encode()))
    else:
        path.write_text(json.dumps(rows) if kind == "list" else lines, encoding="utf-8")
    return path
