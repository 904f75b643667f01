"""Whatever is done to a user's file, reading it ends soon: with examples, or with one DataError."""

from __future__ import annotations

import gzip
import json
import multiprocessing
import random
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from engine.data.formats import read_source
from engine.data.split import split
from engine.spec.errors import DataError
from engine.spec.example import Side
from engine.spec.overlap import side, words
from tests.support.dataforms import CALLS, FORMS, OFFERS, SPOKEN, chat, structured
from tests.support.userfiles import bfcl_row, chat_row, share_row, write_lines

QUICK = settings(max_examples=80, deadline=5000, suppress_health_check=[HealthCheck.too_slow])
LONGEST = 10  # seconds that any file may take
ODD: list[Any] = [
    None, True, False, 0, -1, 10**30, 1.5, float("nan"), float("inf"), "", " ", "a", "{", "[", "[]", "{}", "null",
    "\ud800", "\0", "\x1b[31m", "name", "user", "tool", [], {}, [None], [[]], {"": None}, [{}], "x" * 5000,
    '[{"name": "x"}]', {"name": "x", "arguments": "{}"}, '{"a": 1, "a": 2}', "<tool_call>", "<think>", "</think>",
    "[f(a=", "<functioncall> {", {"$ref": "#"}, {"$ref": "#/properties"}, {"type": "object"}, {"type": ["null"]},
    {"type": "tool_use"}, [{"type": "text"}], {"anyOf": [{"anyOf": 3}]}, "List[" * 40, "('" * 300, "-" * 3000,
]  # fmt: skip
KEYS = (
    "messages", "conversations", "role", "from", "content", "value", "tools", "function", "parameters", "properties",
    "required", "arguments", "args", "name", "type", "items", "$ref", "id", "query", "answers", "chat", "system",
)  # fmt: skip


def attempt(path: Path, **options: Any) -> None:
    """Read and split: nothing but a DataError may come out, soon, in words that print."""
    start = time.monotonic()
    try:
        source = read_source(path, **options)
        data = split(source.examples, path.name, "d")
    except DataError as error:
        said = str(error)
        assert said.replace("\n", "").isprintable()
    else:
        said = " ".join(source.notes)
        assert data.train
        assert data.items
        assert all(e.gold.calls or e.answer["content"] for e in source.examples)
    said.encode()  # raises for half of a surrogate pair
    assert time.monotonic() - start < LONGEST


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, entry in inner for place in places(entry, (*path, key)))]


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def change(row: Any, draw: random.Random) -> Any:
    """A row with one thing changed: a value replaced, left out, repeated, renamed, wrapped, or its text bent."""
    path = draw.choice(places(row))
    if not path:
        return draw.choice([row, *ODD])
    holder, key, value = at(row, path[:-1]), path[-1], at(row, path)
    way = draw.randrange(7)
    if way == 0:
        del holder[key]
    elif way == 1 and isinstance(holder, list):
        holder.insert(key, value)
    elif way == 2 and isinstance(holder, dict):
        holder[draw.choice(KEYS)] = holder.pop(key)
    elif way == 3:
        holder[key] = draw.choice([[value], {"value": value}, json.dumps(value), str(value)])
    elif way == 4 and isinstance(value, str) and value:
        cut = draw.randrange(len(value))
        holder[key] = (
            value[:cut] + draw.choice(["", '"', "'", "}", "]", "<", "\\", "{", "("]) + value[cut + draw.randrange(3) :]
        )
    elif way == 5:
        other = draw.choice(places(row))
        holder[key] = json.loads(json.dumps(at(row, other)))
    else:
        holder[key] = draw.choice(ODD)
    return row


def makers() -> dict[str, Any]:
    found = {name: make for name, (make, _) in FORMS.items()}
    found |= {f"offer {n}": lambda i, n=n: {**structured(i), "tools": OFFERS[n](i)} for n in OFFERS}
    found |= {f"call {n}": lambda i, n=n: chat(i, content=None, tool_calls=CALLS[n](i)) for n in CALLS}
    found |= {f"spoken {n}": lambda i, n=n: chat(i, content=SPOKEN[n](i)) for n in SPOKEN}
    return {**found, "chat row": chat_row, "share row": share_row}


def write(folder: Path, rows: list[Any], draw: random.Random) -> Path:
    """The rows in any way of writing; now and then a few bytes are bent."""
    lines = "\n".join(json.dumps(row) for row in rows).encode()
    way = draw.randrange(8)
    raw = lines
    if way == 0:
        raw = json.dumps(rows, indent=draw.choice([None, 1])).encode()
    elif way == 1:
        raw = json.dumps({"data": rows}).encode()
    elif way == 2:
        raw = "\n".join(json.dumps(row, indent=1) for row in rows).encode()
    elif way == 3:
        try:
            parquet.write_table(pa.Table.from_pylist(rows), folder / "t.parquet")
            raw = (folder / "t.parquet").read_bytes()
        except (pa.ArrowException, UnicodeError, TypeError, ValueError, OverflowError, AttributeError):
            raw = lines  # rows that no table can hold
    if draw.random() < 0.15:
        raw = gzip.compress(raw)
    if draw.random() < 0.25:
        bent = bytearray(raw)
        for _ in range(draw.randrange(1, 4)):
            start = draw.randrange(len(bent))
            bent[start : start + draw.randrange(20)] = draw.randbytes(draw.randrange(6))
        raw = bytes(bent)
    path = folder / "mine.json"
    path.write_bytes(raw)
    return path


def mutate(seed: int, count: int) -> None:
    draw = random.Random(seed)
    made = makers()
    names = sorted(made)
    for _ in range(count):
        make = made[draw.choice(names)]
        rows = [json.loads(json.dumps(make(n))) for n in range(12)]
        for _ in range(draw.randrange(1, 5)):
            which = draw.randrange(len(rows))
            rows[which] = change(rows[which], draw)
        with tempfile.TemporaryDirectory() as folder:
            options = {"skip_bad_rows": draw.random() < 0.5, "grader": draw.choice(["", "strict", "bfcl"])}
            attempt(write(Path(folder), rows, draw), **options)


@pytest.mark.parametrize("seed", range(4))
def test_a_few_hundred_changed_files(seed: int) -> None:
    mutate(seed, 75)


def peak_memory(seed: int, count: int) -> float | None:
    """`mutate`, then the highest memory (GiB) that this process ever held; None where /proc does not say."""
    mutate(seed, count)
    status = Path("/proc/self/status")
    return (
        int(status.read_text(encoding="ascii").partition("VmHWM:")[2].split()[0]) / 2**20 if status.exists() else None
    )


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 110))
def test_ten_thousand_changed_files(seed: int) -> None:
    # A process of its own: this one holds what the tests before it left.
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as alone:
        peak = alone.submit(peak_memory, seed, 1000).result()
    if peak is None:
        pytest.skip("all files were read; the peak of memory is read from /proc, which is not there")
    assert 0 < peak < 1, f"{peak:.2f} GiB"


@pytest.mark.parametrize("answers", [False, True], ids=["questions", "answers"])
@QUICK
@given(seed=st.integers(0, 2**32))
def test_any_value_anywhere_in_the_leaderboards_files(answers: bool, seed: int) -> None:
    draw = random.Random(seed)
    pairs = [bfcl_row(n) for n in range(14)]
    rows: list[Any] = [json.loads(json.dumps(pair[answers])) for pair in pairs]
    for _ in range(draw.randrange(1, 4)):
        which = draw.randrange(len(rows))
        rows[which] = change(rows[which], draw)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mine.json"
        write_lines(path.parent / "possible_answer" / path.name, rows if answers else [a for _, a in pairs])
        attempt(write_lines(path, [q for q, _ in pairs] if answers else rows), skip_bad_rows=draw.random() < 0.5)


@QUICK
@given(data=st.data(), as_list=st.booleans())
def test_any_bytes_anywhere(data: st.DataObject, as_list: bool) -> None:
    rows = [chat_row(n) for n in range(14)]
    text = json.dumps(rows) if as_list else "\n".join(json.dumps(row) for row in rows)
    raw = bytearray(text.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(raw)))
        cut = data.draw(st.integers(0, 40))
        raw[start : start + cut] = data.draw(st.binary(max_size=6))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mine.json"
        path.write_bytes(bytes(raw))
        attempt(path)


@QUICK
@given(raw=st.binary(max_size=200))
def test_any_file_at_all(raw: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mine.json"
        path.write_bytes(raw)
        attempt(path)


@QUICK
@given(query=st.text(), names=st.lists(st.text(max_size=10), max_size=5, unique=True), right=st.text(max_size=10))
def test_overlap_takes_any_text(query: str, names: list[str], right: str) -> None:
    tools = [{"name": name, "description": query[: len(name)]} for name in names]
    assert side(query, tools, right) in Side
    assert all(word == word.lower() for word in words(query) if word.isascii())
    if right not in names:
        assert side(query, tools, right) is Side.NEUTRAL
