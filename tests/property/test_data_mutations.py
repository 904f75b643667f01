"""Whatever is done to a user's file, reading it ends soon: with examples, or with one DataError."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.data.formats import read
from engine.data.overlap import side, words
from engine.data.split import split
from engine.errors import DataError
from engine.example import Side
from tests.support.userfiles import bfcl_row, chat_row, share_row, write_lines

QUICK = settings(max_examples=80, deadline=5000, suppress_health_check=[HealthCheck.too_slow])
ODD: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.just({}), st.just([]), st.just("{"),
    st.lists(st.integers(), max_size=3), st.dictionaries(st.text(max_size=4), st.integers(), max_size=2),
    st.sampled_from(["\ud800", "\0", "name", "user", '[{"name": "x"}]', {"name": "x", "arguments": "{}"}]),
)  # fmt: skip


def _try(path: Path) -> None:
    """Read and split: nothing but a DataError may come out."""
    try:
        examples = read(path)
        data = split(examples, path.name, "d")
    except DataError as error:
        said = str(error)
    else:
        said = f"{len(data.train)} and {len(data.items)}"
        assert data.train
        assert data.items
    assert said.encode()  # printable, whatever the file held


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, entry in inner for place in _places(entry, (*path, key)))]


def _change(value: Any, path: tuple[Any, ...], new: Any, drop: bool) -> None:
    for key in path[:-1]:
        value = value[key]
    if drop:
        del value[path[-1]]
    else:
        value[path[-1]] = new


@pytest.mark.parametrize("form", ["chat", "share", "bfcl", "answers"])
@QUICK
@given(data=st.data())
def test_any_value_anywhere(form: str, data: st.DataObject) -> None:
    rows: list[Any] = {
        "chat": lambda: [chat_row(at) for at in range(14)],
        "share": lambda: [share_row(at) for at in range(8)],
        "bfcl": lambda: [bfcl_row(at)[0] for at in range(14)],
        "answers": lambda: [bfcl_row(at)[1] for at in range(14)],
    }[form]()
    for _ in range(data.draw(st.integers(1, 3))):
        row = data.draw(st.integers(0, len(rows) - 1))
        path = data.draw(st.sampled_from(_places(rows[row])))
        new = data.draw(ODD)
        if not path:
            rows[row] = new
        else:
            _change(rows[row], path, new, data.draw(st.booleans()))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mine.json"
        if form == "bfcl":
            write_lines(path.parent / "possible_answer" / path.name, [bfcl_row(at)[1] for at in range(14)])
        if form == "answers":
            write_lines(path.parent / "possible_answer" / path.name, rows)
            rows = [bfcl_row(at)[0] for at in range(14)]
        _try(write_lines(path, rows))


@QUICK
@given(data=st.data(), as_list=st.booleans())
def test_any_bytes_anywhere(data: st.DataObject, as_list: bool) -> None:
    rows = [chat_row(at) for at in range(14)]
    text = json.dumps(rows) if as_list else "\n".join(json.dumps(row) for row in rows)
    raw = bytearray(text.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw)))
        cut = data.draw(st.integers(0, 40))
        raw[at : at + cut] = data.draw(st.binary(max_size=6))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mine.json"
        path.write_bytes(bytes(raw))
        _try(path)


@QUICK
@given(raw=st.binary(max_size=200))
def test_any_file_at_all(raw: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mine.json"
        path.write_bytes(raw)
        _try(path)


@QUICK
@given(query=st.text(), names=st.lists(st.text(max_size=10), max_size=5, unique=True), right=st.text(max_size=10))
def test_overlap_takes_any_text(query: str, names: list[str], right: str) -> None:
    tools = [{"name": name, "description": query[: len(name)]} for name in names]
    assert side(query, tools, right) in Side
    assert all(word == word.lower() for word in words(query) if word.isascii())
    if right not in names:
        assert side(query, tools, right) is Side.NEUTRAL
