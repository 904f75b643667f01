"""Small files as users bring them, whole and broken in every way we know of."""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

CITIES = ("Paris", "Rome", "Oslo", "Lima", "Cairo", "Delhi", "Quito", "Seoul")
NAMES = ("get_weather", "book_hotel", "play_song", "send_letter", "count_steps", "find_train", "open_door", "buy_bread")


def tool(name: str) -> dict[str, Any]:
    properties = {"city": {"type": "string"}, "days": {"type": "integer"}}
    parameters = {"type": "object", "properties": properties, "required": ["city"]}
    return {"name": name, "description": f"{name.replace('_', ' ')} in a city", "parameters": parameters}


def chat_row(at: int) -> dict[str, Any]:
    """A row of chat messages; every fifth is a plain reply where no tool applies."""
    name, city = NAMES[at % len(NAMES)], CITIES[at % len(CITIES)]
    asked = f"Please {name.replace('_', ' ')} number {at} in {city} now"
    arguments = {"city": city, "days": at}
    call = {"id": f"c{at}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
    answer: dict[str, Any] = {"role": "assistant", "content": None, "tool_calls": [call]}
    if at % 5 == 4:
        asked, answer = f"How tall is tower {at} of {city}?", {"role": "assistant", "content": "I have no tool for it."}
    offered = [tool(name), tool(NAMES[(at + 3) % len(NAMES)])]
    return {
        "id": f"r{at}",
        "messages": [{"role": "user", "content": asked}, answer],
        "tools": [{"type": "function", "function": entry} for entry in offered],
    }


def share_row(at: int) -> dict[str, Any]:
    """A conversation of two requests, with an observation and a reply after the first."""
    name, city = NAMES[at % len(NAMES)], CITIES[at % len(CITIES)]
    call = {"name": name, "arguments": {"city": city}}
    again = {"name": name, "arguments": {"city": city, "days": at}}
    return {
        "conversations": [
            {"from": "human", "value": f"I want to {name.replace('_', ' ')} for guest {at} in {city}"},
            {"from": "function_call", "value": json.dumps(call)},
            {"from": "observation", "value": json.dumps({"ok": True, "number": at})},
            {"from": "gpt", "value": "Done."},
            {"from": "human", "value": f"Once more, with {at} days please"},
            {"from": "function_call", "value": json.dumps(again)},
        ],
        "tools": json.dumps([tool(name)]),
    }


def bfcl_row(at: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """A question and its answer; `unit` may be left out, `days` may be either of two."""
    name, city = NAMES[at % len(NAMES)], CITIES[at % len(CITIES)]
    properties = {"city": {"type": "string"}, "days": {"type": "float"}, "unit": {"type": "dict", "properties": {}}}
    parameters = {"type": "dict", "properties": properties, "required": ["city"]}
    function = {"name": f"{name}.now", "description": "Does it.", "parameters": parameters}
    question = {
        "id": f"simple_{at}",
        "question": [[{"role": "user", "content": f"{name.replace('_', ' ')} in {city} for case {at}"}]],
        "function": [function],
    }
    accepted = {"city": [city, city.upper()], "days": [at, at + 0.5], "unit": ["", {"kind": ["C", "F"]}]}
    return question, {"id": f"simple_{at}", "ground_truth": [{f"{name}.now": accepted}]}


def write_lines(path: Path, rows: list[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_chat(path: Path, count: int = 40) -> Path:
    return write_lines(path, [chat_row(at) for at in range(count)])


def write_share(path: Path, count: int = 24) -> Path:
    path.write_text(json.dumps([share_row(at) for at in range(count)], indent=1), encoding="utf-8")
    return path


def write_bfcl(path: Path, count: int = 24) -> Path:
    pairs = [bfcl_row(at) for at in range(count)]
    write_lines(path.parent / "possible_answer" / path.name, [answer for _, answer in pairs])
    return write_lines(path, [question for question, _ in pairs])


class Broken(NamedTuple):
    """A broken file: how it is made, and what its error must name ("" for what no single row or field has)."""

    make: Callable[[Path], Path]
    row: int
    field: str
    says: str


Change = Callable[[dict[str, Any]], Any]


def _chat(change: Change, row: int = 3) -> Callable[[Path], Path]:
    """A chat file whose given row is changed in place, or replaced by what the change gives."""

    def make(folder: Path) -> Path:
        rows: list[Any] = [chat_row(at) for at in range(20)]
        rows[row - 1] = change(rows[row - 1]) or rows[row - 1]
        return write_lines(folder / "mine.jsonl", rows)

    return make


def _share(change: Change, row: int = 2) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        rows: list[Any] = [share_row(at) for at in range(20)]
        rows[row - 1] = change(rows[row - 1]) or rows[row - 1]
        path = folder / "mine.json"
        path.write_text(json.dumps(rows), encoding="utf-8")
        return path

    return make


def _bfcl(change_question: Change | None, change_answer: Change | None = None, row: int = 4) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        pairs: list[Any] = [list(bfcl_row(at)) for at in range(20)]
        for which, change in enumerate((change_question, change_answer)):
            if change:
                pairs[row - 1][which] = change(pairs[row - 1][which]) or pairs[row - 1][which]
        write_lines(folder / "possible_answer" / "mine.json", [a for _, a in pairs if a != "drop"])
        return write_lines(folder / "mine.json", [q for q, _ in pairs])

    return make


def _bytes(content: bytes, name: str = "mine.jsonl") -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return make


def _raw_line(line: bytes, row: int = 3) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        lines = [json.dumps(chat_row(at)).encode() for at in range(20)]
        lines[row - 1] = line
        (folder / "mine.jsonl").write_bytes(b"\n".join(lines))
        return folder / "mine.jsonl"

    return make


def _cut_list(folder: Path) -> Path:
    text = json.dumps([share_row(at) for at in range(20)])
    (folder / "mine.json").write_text(text[: len(text) // 2], encoding="utf-8")
    return folder / "mine.json"


def _folder(folder: Path) -> Path:
    (folder / "mine.jsonl").mkdir()
    return folder / "mine.jsonl"


def _zip(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "mine.jsonl", "w") as archive:
        archive.writestr("a.json", "[]")
    return folder / "mine.jsonl"


def _no_answers(folder: Path) -> Path:
    return write_lines(folder / "mine.json", [bfcl_row(at)[0] for at in range(20)])


def _function(row: dict[str, Any]) -> dict[str, Any]:
    return row["messages"][1]["tool_calls"][0]["function"]


_PAIRS = b'[{"conversations": [], "chosen": {}, "rejected": {}}]'
_CALL = "messages[1].tool_calls[0].function"
_LINE = json.dumps(chat_row(2)).encode()

BROKEN: dict[str, Broken] = {
    "missing file": Broken(lambda folder: folder / "mine.jsonl", 0, "", "does not exist"),
    "folder": Broken(_folder, 0, "", "is a folder"),
    "empty": Broken(_bytes(b""), 0, "", "is empty"),
    "only spaces": Broken(_bytes(b" \n\n "), 0, "", "is empty"),
    "empty list": Broken(_bytes(b"[]"), 0, "", "is empty"),
    "plain words": Broken(_bytes(b"hello there\n"), 1, "", "is not JSON"),
    "one object": Broken(_bytes(json.dumps({"rows": 1}, indent=1).encode()), 0, "", "one JSON object"),
    "one object without rows": Broken(_bytes(json.dumps({"rows": []}, indent=1).encode()), 0, "", "is empty"),
    "two lists": Broken(_bytes(json.dumps({"train": [{"a": 1}], "test": [{"a": 1}]}).encode()), 0, "", "several lists"),
    "unknown fields": Broken(_bytes(b'{"text": "x"}\n'), 1, "messages", "is missing"),
    "list of numbers": Broken(_bytes(b"[1, 2]"), 1, "", "must be an object"),
    "latin-1": Broken(_raw_line(_LINE.replace(b"Oslo", b"\xc5lo")), 3, "", "is not UTF-8"),
    "utf-16": Broken(_bytes(_LINE.decode().encode("utf-16")), 0, "", "UTF-16"),
    "parquet": Broken(_bytes(b"PAR1\x15\x04\x15"), 0, "", "Parquet"),
    "pickle": Broken(_bytes(pickle.dumps([{"messages": []}])), 0, "", "pickle"),
    "zip": Broken(_zip, 0, "", "zip"),
    "binary": Broken(_bytes(b'{"a":1}\n\x00\x01\x02'), 2, "", "binary"),
    "preference pairs": Broken(_bytes(_PAIRS), 1, "chosen", "preference"),
    "cut line": Broken(_raw_line(_LINE[:80]), 3, "", "is not JSON"),
    "two rows on a line": Broken(_raw_line(_LINE + _LINE), 3, "", "more follows"),
    "cut list": Broken(_cut_list, 11, "", "cut off"),
    "too deep": Broken(_raw_line(b'{"messages": ' + b"[" * 100_000), 3, "", "nested too deeply"),
    "deep": Broken(_raw_line(b'{"messages": ' + b"[" * 80 + b"]" * 80 + b"}"), 3, "messages[0]", "nested too deeply"),
    "too long": Broken(_raw_line(b'{"messages": "' + b"x" * (2**21) + b'"}'), 3, "", "too long"),
    "long number": Broken(_raw_line(b'{"messages": ' + b"9" * 5000 + b"}"), 3, "", "number that is too long"),
    "NaN": Broken(_chat(lambda r: {**r, "score": float("nan")}), 3, "score", "NaN"),
    "infinity": Broken(_raw_line(_LINE[:-1] + b', "score": 1e999}'), 3, "score", "infinite"),
    "lone surrogate": Broken(_raw_line(_LINE.replace(b"Oslo", b"\\ud800", 1)), 3, "messages[0].content", "surrogate"),
    "NUL": Broken(_raw_line(_LINE.replace(b"Oslo", b"\\u0000", 1)), 3, "messages[0].content", "NUL"),
    "no messages": Broken(_chat(lambda r: r.pop("messages") and None), 3, "messages", "is missing"),
    "messages no list": Broken(_chat(lambda r: {**r, "messages": "hi"}), 3, "messages", "must be a list"),
    "empty messages": Broken(_chat(lambda r: {**r, "messages": []}), 3, "messages", "must not be empty"),
    "last not assistant": Broken(_chat(lambda r: r["messages"].pop() and None), 3, "messages[0]", "has no answer"),
    "only assistant": Broken(_chat(lambda r: {**r, "messages": r["messages"][1:]}), 3, "messages", "no user message"),
    "unknown role": Broken(_chat(lambda r: r["messages"][0].update(role="boss")), 3, "messages[0].role", "is no role"),
    "no role": Broken(_chat(lambda r: r["messages"][0].pop("role") and None), 3, "messages[0].role", "is missing"),
    "no content": Broken(
        _chat(lambda r: r["messages"][0].pop("content") and None), 3, "messages[0].content", "is missing"
    ),
    "image": Broken(
        _chat(lambda r: r["messages"][0].update(content=[{"type": "image_url", "image_url": "x"}])),
        3,
        "messages[0].content[0]",
        "images",
    ),
    "empty answer": Broken(_chat(lambda r: r["messages"][1].update(tool_calls=[])), 3, "messages[1]", "is empty"),
    "bad arguments": Broken(
        _chat(lambda r: _function(r).update(arguments="{city:")), 3, f"{_CALL}.arguments", "not JSON"
    ),
    "list arguments": Broken(_chat(lambda r: _function(r).update(arguments=[1])), 3, f"{_CALL}.arguments", "an object"),
    "unknown function": Broken(_chat(lambda r: _function(r).update(name="fly")), 3, f"{_CALL}.name", "not among"),
    "missing argument": Broken(_chat(lambda r: _function(r).update(arguments="{}")), 3, f"{_CALL}.arguments", "'city'"),
    "tools no list": Broken(_chat(lambda r: {**r, "tools": 3}), 3, "tools", "must be a list"),
    "tools bad text": Broken(_chat(lambda r: {**r, "tools": "[{"}), 3, "tools", "not JSON"),
    "tool without name": Broken(
        _chat(lambda r: r["tools"][0]["function"].pop("name") and None), 3, "tools[0].function.name", "is missing"
    ),
    "properties no object": Broken(
        _chat(lambda r: r["tools"][0]["function"]["parameters"].update(properties=3)),
        3,
        "tools[0].function.parameters.properties",
        "must be an object",
    ),
    "too few": Broken(lambda folder: write_chat(folder / "mine.jsonl", 6), 0, "", "fewer than 10"),
    "share role": Broken(
        _share(lambda r: r["conversations"][0].update({"from": "cat"})), 2, "conversations[0].from", "is no role"
    ),
    "share call": Broken(
        _share(lambda r: r["conversations"][1].update(value="{oops")), 2, "conversations[1].value", "not JSON"
    ),
    "share tools": Broken(_share(lambda r: {**r, "tools": "nothing"}), 2, "tools", "not JSON"),
    "share no answer": Broken(
        _share(lambda r: r.update(conversations=r["conversations"][:1])), 2, "conversations[0]", "has no answer"
    ),
    "answers missing": Broken(_no_answers, 1, "id", "has no answers"),
    "answer missing": Broken(_bfcl(None, lambda a: "drop"), 4, "id", "has no answer in"),
    "answer no list": Broken(_bfcl(None, lambda a: {**a, "ground_truth": {}}), 4, "ground_truth", "must be a list"),
    "answer unknown": Broken(
        _bfcl(None, lambda a: {**a, "ground_truth": [{"fly": {}}]}), 4, "ground_truth[0].name", "not among"
    ),
    "answer twice": Broken(_bfcl(None, lambda a: {**a, "id": "simple_0"}), 4, "id", "row 1"),
    "question several turns": Broken(_bfcl(lambda q: {**q, "question": q["question"] * 2}), 4, "question", "2 turns"),
    "no function": Broken(_bfcl(lambda q: q.pop("function") and None), 4, "function", "is missing"),
    "answers for questions": Broken(
        _bfcl(lambda q: {"id": "x", "ground_truth": []}, row=1), 1, "ground_truth", "answers"
    ),
}


def config_only_model(folder: Path) -> Path:
    """A model folder that passes every check that needs no torch; its weights are zeros."""
    folder.mkdir(parents=True, exist_ok=True)
    header = {"w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}
    write_weights(folder / "model.safetensors", header, bytes(24))
    config = {"model_type": "llama", "architectures": ["LlamaForCausalLM"]}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "tokenizer.json").write_text("{}", encoding="utf-8")
    return folder


def write_weights(path: Path, header: Any, data: bytes) -> Path:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(len(raw).to_bytes(8, "little") + raw + data)
    return path
