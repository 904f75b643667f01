"""Calls written and read back, and hostile text: `read` never raises, and never takes long."""

from __future__ import annotations

import json
import time
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.subject.calls import read
from engine.subject.calls.languages import every

SCHEMA = {"type": "object", "properties": {name: {} for name in ("a", "b", "from", "c d")}}
TOOLS = [{"type": "function", "function": {"name": name, "parameters": SCHEMA}} for name in ("f", "g.h", "get-it")]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs",)))
    | st.sampled_from(["</tool_call>", "<think>", "'\"", "[f(a=1)]"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip
CALLS = st.lists(
    st.tuples(
        st.sampled_from(["f", "g.h", "get-it"]),
        st.dictionaries(st.sampled_from(["a", "b", "from", "c_d"]), VALUES, max_size=4),
    ),
    min_size=1,
    max_size=3,
)
Written = list[tuple[str, dict[str, Any]]]


def as_json(name: str, arguments: dict[str, Any], key: str = "arguments") -> str:
    return json.dumps({"name": name, key: arguments}, ensure_ascii=False)


def as_python(name: str, arguments: dict[str, Any]) -> str:
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})"


WRITERS = {
    "hermes": lambda calls: "\n".join(f"<tool_call>\n{as_json(*call)}\n</tool_call>" for call in calls),
    "json": lambda calls: "[" + ", ".join(as_json(*call) for call in calls) + "]",
    "mistral": lambda calls: "[TOOL_CALLS] [" + ", ".join(as_json(*call) for call in calls) + "]",
    "mistral named": lambda calls: "".join(f"[TOOL_CALLS]{n}[ARGS]{json.dumps(given)}" for n, given in calls),
    "pythonic": lambda calls: "[" + ", ".join(as_python(*call) for call in calls) + "]",
    "lfm2": lambda calls: f"<|tool_call_start|>[{', '.join(as_python(*call) for call in calls)}]<|tool_call_end|>",
    "granite": lambda calls: "<|tool_call|>[" + ", ".join(as_json(*call) for call in calls) + "]",
}


@pytest.mark.parametrize("language", WRITERS)
@given(calls=CALLS)
def test_what_is_written_is_read_back(language: str, calls: Written) -> None:
    text = WRITERS[language](calls)
    found = read(text, TOOLS)
    assert [(call.name, call.arguments) for call in found.calls] == calls
    assert repr([call.arguments for call in found.calls]) == repr([given for _, given in calls])


PARTS = (
    "<tool_call>", "</tool_call>", "{", "}", "[", "]", "(", ")", '"', "'", "\\", " ", "\n", "<think>",
    "</think>", "<function=f>", "<parameter=a>", "</parameter>", "</function>", "[TOOL_CALLS]", "[ARGS]",
    "<arg_key>a</arg_key>", "<arg_value>", "</arg_value>", "<|tool_call_start|>", "<|tool_call_end|>", "[f(",
    "f(a=1", "```tool_code\n", "```", "<functioncall>", "<start_function_call>", "call:f{", "<escape>",
    "<end_function_call>", ' "arguments": \'', "<｜tool▁call▁begin｜>", "<｜tool▁sep｜>", "<|tool_call|>",
    "<|tool_call_begin|>", '<invoke name="f">', '<parameter name="a">', "to=functions.f",
    "<|channel|>analysis<|message|>", "<|message|>", "<|python_tag|>", '{"name":"f","arguments":{',
    '"name": "f", ', "-", "not ", "lambda:", "a.", "1e999,", "0x", 'f"', "True", "null", "\ud800", "\x00",
    "<|im_end|>", "</s>", ";", ",", "from=", "'''", '"""', "#", "@", "**", "if ", "9" * 50,
)  # fmt: skip


@given(st.text() | st.lists(st.sampled_from(PARTS), max_size=40).map("".join))
def test_no_text_raises(text: str) -> None:
    found = read(text, TOOLS)
    assert found.attempted or not found.calls
    assert bool(found.language) == bool(found.calls)


def test_every_language_reads_hostile_text_in_time() -> None:
    rng = Random(5)
    texts = [part * (19_900 // len(part)) for part in PARTS]
    texts += [start + part * (19_000 // len(part)) for start in PARTS for part in rng.sample(PARTS, 6)]
    texts += [part * (1_000_000 // len(part)) for part in rng.sample(PARTS, 20)]
    slowest = 0.0
    for text in texts:
        before = time.perf_counter()
        read(text, TOOLS)
        slowest = max(slowest, time.perf_counter() - before)
    assert slowest < 10, "about 1 s on a quiet machine"


@pytest.mark.parametrize("language", [language.name for language in every()])
def test_an_opening_alone_is_an_attempt(language: str) -> None:
    openings = {
        "hermes": "<tool_call>", "mistral": "[TOOL_CALLS]", "llama": "<|python_tag|>", "qwen-coder": "<function=f>",
        "glm": "<tool_call>f", "gemma": "```tool_code\n", "function-gemma": "<start_function_call>",
        "glaive": "<functioncall>", "deepseek": "<｜tool▁calls▁begin｜>", "granite": "<|tool_call|>",
        "kimi": "<|tool_call_begin|>", "invoke": "<invoke name=", "lfm2": "<|tool_call_start|>",
        "harmony": "to=functions.f", "cohere": "<|START_ACTION|>",
    }  # fmt: skip
    found = read(f"I will look. {openings[language]}", TOOLS)
    assert found.attempted
    assert not found.calls
