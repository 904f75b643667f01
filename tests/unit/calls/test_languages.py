"""Every language: what it reads, and what it must not take for a call."""

from __future__ import annotations

from typing import Any

import pytest

from engine.subject.calls import label, read
from engine.subject.calls.languages import every

TOOLS = (
    {
        "type": "function",
        "function": {
            "name": "weather",
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string"}, "days": {"type": "integer"}, "flag": {"type": "boolean"},
                    "from": {"type": "string"}, "tags": {"type": "array", "items": {"type": "string"}},
                    "maybe": {"$ref": "#/$defs/Maybe"}, "open": {},
                },
                "required": ["city"],
                "$defs": {"Maybe": {"anyOf": [{"type": "integer"}, {"type": "null"}]}},
            },
        },
    },
    {"name": "get-news", "parameters": {"type": "object", "properties": {"q": {"type": "string"}}}},
    {"name": "Hotel Finder", "parameters": {"type": "object", "properties": {"check in": {"type": "string"}}}},
)  # fmt: skip
ROME = ("weather", {"city": "Rome"})
THREE = ("weather", {"city": "Rome", "days": 3})
READ: list[tuple[str, str, list[tuple[str, dict[str, Any]]]]] = [
    ("hermes", '<tool_call>\n{"name": "weather", "arguments": {"city": "Rome"}}\n</tool_call>', [ROME]),
    ("hermes", '<tool_call>{"name": "weather", "arguments": {"city": "Rome"}}', [ROME]),
    ("hermes", '<tool_call>{"name": "weather", "arguments": "{\\"city\\": \\"Rome\\"}"}</tool_call>', [ROME]),
    ("hermes", "<tool_call>{'arguments': {'city': 'Rome', 'flag': True}, 'name': 'weather'}</tool_call>",
     [("weather", {"city": "Rome", "flag": True})]),
    ("hermes", '<tool_call>{"name": "weather", "arguments": {"city": "</tool_call>"}}</tool_call>',
     [("weather", {"city": "</tool_call>"})]),
    ("hermes", 'So <tool_call>{"name": "weather", "parameters": {"city": "Rome"}}\n{"name": "weather"}</tool_call> ok',
     [ROME, ("weather", {})]),
    ("hermes", '<tool_calls>[{"name": "weather", "arguments": {"city": "Rome"}}]</tool_calls>', [ROME]),
    ("mistral", '[TOOL_CALLS] [{"name": "weather", "arguments": {"city": "Rome"}, "id": "call00000"}]', [ROME]),
    ("mistral", '[TOOL_CALLS]weather[ARGS]{"city": "Rome"}[TOOL_CALLS]weather[CALL_ID]a1[ARGS]{}',
     [ROME, ("weather", {})]),
    ("mistral", '[THINK]which?[/THINK][TOOL_CALLS]weather{"city": "Rome"}', [ROME]),
    ("llama", '<|python_tag|>{"name": "weather", "parameters": {"city": "Rome"}}; {"name": "weather"}<|eom_id|>',
     [ROME, ("weather", {})]),
    ("llama", '<|python_tag|>weather.call(city="Rome")', [ROME]),
    ("llama", '<function=weather>{"city": "Rome"}</function><|eom_id|>', [ROME]),
    ("qwen-coder", "<tool_call>\n<function=weather>\n<parameter=city>\nRome\n</parameter>\n<parameter=days>\n3\n"
     "</parameter>\n</function>\n</tool_call>", [THREE]),
    ("qwen-coder", "<function=weather>\n<parameter=flag>\nTrue\n</parameter>\n<parameter=maybe>\nNone\n</parameter>\n"
     "<parameter=city>\n5\n</parameter>\n<parameter=tags>\n['a', 'b']\n</parameter>\n</function>",
     [("weather", {"flag": True, "maybe": None, "city": "5", "tags": ["a", "b"]})]),
    ("qwen-coder", "<seed:tool_call><function=weather><parameter=open>{\"a\": 1}</parameter></function>"
     "</seed:tool_call>", [("weather", {"open": {"a": 1}})]),
    ("glm", "<tool_call>weather\n<arg_key>city</arg_key>\n<arg_value>Rome</arg_value>\n<arg_key>days</arg_key>\n"
     "<arg_value>3</arg_value>\n</tool_call>", [THREE]),
    ("glm", "<tool_call>weather</tool_call>", [("weather", {})]),
    ("glm", "<tool_call>made_up<arg_key>x</arg_key><arg_value>1</arg_value></tool_call>", [("made_up", {"x": 1})]),
    ("gemma", '```tool_code\nprint(weather(city="Rome", days=3))\n```', [THREE]),
    ("gemma", 'Here:\n```tool_call\n{"name": "weather", "arguments": {"city": "Rome"}}\n```', [ROME]),
    ("function-gemma", '<start_function_call>call:weather{city:<escape>a, "b" {}<escape>,days:3,flag:true,open:'
     "{x:<escape>y<escape>,l:[1,2.5,null]}}<end_function_call>",
     [("weather", {"city": 'a, "b" {}', "days": 3, "flag": True, "open": {"x": "y", "l": [1, 2.5, None]}})]),
    ("function-gemma", '<|tool_call>call:weather{city:<|"|>Rome<|"|>}<tool_call|>', [ROME]),
    ("glaive", """<functioncall> {"name": "weather", "arguments": '{"city": "Rome"}'} <|endoftext|>""", [ROME]),
    ("glaive", """<functioncall> {"name": "weather", "arguments": '{"city": "Rome\\'s"}'}""",
     [("weather", {"city": "Rome's"})]),
    ("deepseek", "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>weather\n```json\n"
     '{"city": "Rome"}\n```<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>function<｜tool▁sep｜>weather\n```json\n{}\n'
     "```<｜tool▁call▁end｜><｜tool▁calls▁end｜>", [ROME, ("weather", {})]),
    ("deepseek", '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>weather<｜tool▁sep｜>{"city": "Rome"}<｜tool▁call▁end｜>'
     "<｜tool▁calls▁end｜>", [ROME]),
    ("granite", '<|tool_call|>[{"name": "weather", "arguments": {"city": "Rome"}}]', [ROME]),
    ("granite", ' functools[{"name": "weather", "arguments": {"city": "Rome"}}]', [ROME]),
    ("granite", '<TOOLCALL>[{"name": "weather", "arguments": {"city": "Rome"}}]</TOOLCALL>', [ROME]),
    ("kimi", "<|tool_calls_section_begin|><|tool_call_begin|>functions.weather:0<|tool_call_argument_begin|>"
     '{"city": "Rome"}<|tool_call_end|><|tool_calls_section_end|>', [ROME]),
    ("invoke", '<minimax:tool_call>\n<invoke name="weather">\n<parameter name="city">Rome</parameter>\n'
     '<parameter name="days">3</parameter>\n</invoke>\n</minimax:tool_call>', [THREE]),
    ("invoke", '<｜DSML｜function_calls>\n<｜DSML｜invoke name="weather">\n<｜DSML｜parameter name="open" '
     'string="true">5</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜function_calls>', [("weather", {"open": "5"})]),
    ("lfm2", "<|tool_call_start|>[weather(city=\"Rome\", days=3), weather(city='it\"s', flag=true)]<|tool_call_end|>",
     [THREE, ("weather", {"city": 'it"s', "flag": True})]),
    ("lfm2", '<function_calls>weather(city="Rome")\nget-news(q="a\nb")</function_calls>',
     [ROME, ("get-news", {"q": "a\nb"})]),
    ("harmony", '<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>commentary to=functions.weather '
     '<|constrain|>json<|message|>{"city": "Rome"}<|call|>', [ROME]),
    ("cohere", '<|START_ACTION|>[{"tool_call_id": "0", "tool_name": "weather", "parameters": {"city": "Rome"}}]'
     "<|END_ACTION|>", [ROME]),
    ("cohere", '<|tools_prefix|>[{"weather": {"city": "Rome"}}]<|tools_suffix|>', [ROME]),
    ("json", '{"name": "weather", "arguments": {"city": "Rome"}}', [ROME]),
    ("json", '{"name": "weather", "parameters": {"city": "Rome"}}; {"name": "weather", "args": {}}',
     [ROME, ("weather", {})]),
    ("json", '```json\n[{"name": "weather", "arguments": {"city": "Rome"}}]\n```', [ROME]),
    ("json", 'I will:\n```json\n{"name": "weather", "arguments": {"city": "Rome"}}\n```\nDone.', [ROME]),
    ("json", '{"type": "function", "function": {"name": "weather", "arguments": "{\\"city\\": \\"Rome\\"}"}}', [ROME]),
    ("json", '{"tool_calls": [{"id": "1", "function": {"name": "weather", "arguments": {"city": "Rome"}}}]}', [ROME]),
    ("json", '{"name": "made_up", "arguments": {}}', [("made_up", {})]),
    ("json", '{"name": "weather", "arguments": {"city": "<tool_call>"}}', [("weather", {"city": "<tool_call>"})]),
    ("pythonic", '[weather(city="Rome"), weather("Oslo", 3)]', [ROME, ("weather", {"city": "Oslo", "days": 3})]),
    ("pythonic", 'weather(city="Rome", from="b")', [("weather", {"city": "Rome", "from": "b"})]),
    ("pythonic", 'Sure!\n[weather(city="Rome")] Bye', [ROME]),
    ("pythonic", 'Sure:\nweather(city="Rome")\n', [ROME]),
    ("pythonic", '[Hotel Finder(check in="May")]', [("Hotel Finder", {"check in": "May"})]),
    ("pythonic", "[made.up(a=(1, -2.5), b={'c': None})]", [("made.up", {"a": [1, -2.5], "b": {"c": None}})]),
]  # fmt: skip
BROKEN = (
    '<tool_call>{"name": "weather"', "<tool_call>nothing</tool_call>", "<tool_call></tool_call>", "<tool_call>",
    '<tool_call>{"name": "weather", "city": "Rome"}</tool_call>',
    '<tool_call>{"name": "weather", "arguments": {"city": "a", "city": "b"}}</tool_call>',
    '<tool_call>{"name": "weather", "arguments": {"days": NaN}}</tool_call>',
    '<tool_call>{"name": "weather", "arguments": {"days": 1e999}}</tool_call>',
    '<tool_call>{"name": "weather", "arguments": {}, "parameters": {"city": "x"}}</tool_call> [TOOL_CALLS]',
    '[TOOL_CALLS] [{"name": "weather", "arguments": {"city": ', "[TOOL_CALLS]weather[ARGS]", "[TOOL_CALLS]weather",
    "<|python_tag|>import os", "<function=weather>{}", "<tool_call><function=weather><parameter=city>Rome</function>",
    "<function=weather><parameter=days>1</parameter><parameter=days>2</parameter></function>",
    "<tool_call>weather<arg_key>city</arg_key><arg_value>Rome", "```tool_code\nweather(city=where())\n```",
    "<start_function_call>call:weather{city:<escape>Rome", "<start_function_call>call:weather{city:Rome}<end",
    "<functioncall> {name: weather}", "<｜tool▁calls▁begin｜><｜tool▁calls▁end｜>", "<|tool_call|>none", "functools[1]",
    "<｜tool▁call▁begin｜>function<｜tool▁sep｜>weather\n```json\n{}\n```", "<|tool_call|>[weather]",
    "<|tool_calls_section_begin|><|tool_call_begin|>x", '<invoke name="weather"><parameter name="city">Rome',
    '<|tool_call_start|>[weather(city="He said "no"")]<|tool_call_end|>', "<|tool_call_start|>[]<|tool_call_end|>",
    "<function_calls>weather(city=x)</function_calls>", "<|START_ACTION|>{<|END_ACTION|>",
    "<|channel|>commentary to=functions.weather<|message|>{", "<my_tool_call>weather</my_tool_call>",
    "<|some_function_calls_begin|>weather", '{"city": "Rome"', '{"name": "John", "age": 3}', '[{"name": "weather"',
    'Sure: {"name": "weather", "arguments": {"city": "Ro', "Sure: [weather(city=where)]",
    "[weather(1, 2, 3, 4, 5, 6, 7, 8)]",
    "[weather(city='a', city='b')]", "[weather(**{})]", "weather(city=f'{1}')", '<think>so</think><tool_call>{"name"',
)  # fmt: skip
WORDS = (
    "", "Plain words.", "[]", "[Note] I cannot do that.", "I cannot do {this}.", "You could call weather(city) for it.",
    "Use `weather` (it takes a city).", "See [1] and (2).", "2 < 3 and {a, b}", "[see note (a)]", "Hello (world)!",
    'An object like {"name": "Ann", "arguments": {}} is JSON.', "```python\nprint(1 + x)\n```", "<b>weather</b>",
    '{"answer": "I cannot help with that."}', '```json\n{"status": "no suitable tool"}\n```', '[{"step": 1}]', "{}",
    '{"city": "Rome"}',
    "<think>a <tool_call> is not needed</think> No tool can do it.", "f(x) = 2", "None of the functions can help.",
)  # fmt: skip


@pytest.mark.parametrize(("language", "text", "calls"), READ)
def test_it_is_read(language: str, text: str, calls: list[tuple[str, dict[str, Any]]]) -> None:
    found = read(text, TOOLS)
    assert [(call.name, call.arguments) for call in found.calls] == calls
    assert (found.language, found.attempted) == (language, True)
    assert repr([call.arguments for call in found.calls]) == repr([given for _, given in calls]), "types, too"


def test_every_language_is_tried_here() -> None:
    assert {language.name for language in every()} == {name for name, _, _ in READ} - {"json", "pythonic"}
    assert all(label(name) for name, _, _ in READ)


@pytest.mark.parametrize(("language", "text", "calls"), [r for r in READ if r[0] not in ("json", "pythonic")])
def test_a_thought_before_it_is_set_aside(language: str, text: str, calls: list[Any]) -> None:
    for before in ("<think>\nwhich tool?\n</think>\n\n", "which tool?\n</think>\n"):
        if text.startswith(("[THINK]", "<|channel|>analysis")):
            continue
        found = read(before + text, TOOLS)
        assert len(found.calls) == len(calls)
        assert found.thought == "which tool?"


@pytest.mark.parametrize("text", BROKEN)
def test_what_looks_like_a_call_and_cannot_be_read_is_an_attempt(text: str) -> None:
    found = read(text, TOOLS)
    assert found.calls == ()
    assert found.attempted


@pytest.mark.parametrize("text", WORDS)
def test_words_are_words(text: str) -> None:
    found = read(text, TOOLS)
    assert found.calls == ()
    assert not found.attempted
    assert found.language == ""


def test_words_beside_a_call_are_kept() -> None:
    found = read('<think>a</think>One moment. <tool_call>{"name": "weather"}</tool_call> Thanks.', TOOLS)
    assert found.said == "One moment.  Thanks."
    assert found.thought == "a"


@pytest.mark.parametrize(
    ("text", "thought", "unfinished", "said"),
    [
        ("<think>never ends", "never ends", True, ""),
        ("<think>a</think><think>b</think>c", "a\nb", False, "c"),
        ("a</think>b", "a", False, "b"),
        ("<think></think>b", "", False, "b"),
        ("<|START_THINKING|>a<|END_THINKING|>b", "a", False, "b"),
        ("<|channel|>analysis<|message|>a<|end|><|channel|>final<|message|>b", "a", False, "b"),
        ("[THINK]a[/THINK]b", "a", False, "b"),
        ("<think>" * 200, "<think>" * 199, True, ""),
    ],
)
def test_thoughts(text: str, thought: str, unfinished: bool, said: str) -> None:
    found = read(text)
    assert (found.thought, found.unfinished, found.said) == (thought, unfinished, said)


DRAFT = '<tool_call>{"name": "weather", "arguments": {"city": "Oslo"}}</tool_call>'
REAL = '<tool_call>{"name": "weather", "arguments": {"city": "Rome"}}</tool_call>'


@pytest.mark.parametrize(
    ("text", "cities", "said"),
    [
        (f"I could call {DRAFT} but\n</think>\n\nNone of the tools can do this.", [], "None of the tools can do this."),
        (f"{DRAFT}\n</think>\n", [], ""),
        (f"Plan: {DRAFT}\n</think>\n", [], ""),
        (f"{DRAFT} hmm </think> {REAL}", ["Rome"], ""),
        (f"maybe {DRAFT}?</think>{REAL}", ["Rome"], ""),
        (f"maybe <tool_call>weather?</think>{REAL}", ["Rome"], ""),
        ('{"name": "weather", "arguments": {"city": "Oslo"}} no </think>\n{"name": "weather", "arguments": '
         '{"city": "Rome"}}', ["Rome"], ""),
        ("[weather(city='Oslo')] no </think> [weather(city='Rome')]", ["Rome"], ""),
        (REAL.replace("Rome", "a</think>b"), ["a</think>b"], ""),
        (f"Sure. {REAL.replace('Rome', '</think>')} {REAL}", ["</think>", "Rome"], "Sure."),
        ('{"name": "weather", "arguments": {"city": "</think>"}}', ["</think>"], ""),
        ("[weather(city='</think>')]", ["</think>"], ""),
        ("weather(city='</think>')", ["</think>"], ""),
        ('hm </think>{"name": "weather", "arguments": {"city": "<think>"}}', ["<think>"], ""),
    ],
)  # fmt: skip
def test_a_draft_in_a_thought_that_begins_in_the_prompt_is_no_answer(text: str, cities: list[str], said: str) -> None:
    found = read(text, TOOLS)
    assert [call.arguments["city"] for call in found.calls] == cities
    assert (found.attempted, found.said) == (bool(cities), said)


def test_json_that_names_a_tool_or_has_a_calls_keys_is_an_attempt() -> None:
    for text in ('{"action": "weather", "input_": {}}', '{"weather": {"city": "Rome"}}', '{"parameters": {"city": 1}}',
                 '[{"do": ["weather"]}]', '{"a": 1} {"name": 5}'):  # fmt: skip
        assert read(text, TOOLS).attempted
        assert read(text, TOOLS).calls == ()
    assert read('{"city": "Rome"}').attempted, "where nobody knows what is on offer"


def test_brackets_in_strings_and_behind_a_value_do_not_count_as_depth() -> None:
    many = "(" * 70
    for text in (
        f'<tool_call>{{"name": "weather", "arguments": {{"city": "{many}"}}}}</tool_call>', f'[weather(city="{many}")]',
        f'{{"name": "weather", "arguments": {{"city": "{many}"}}}}',
    ):  # fmt: skip
        assert [call.arguments for call in read(text, TOOLS).calls] == [{"city": many}]
    assert read(f"{REAL} {many}", TOOLS).calls == read(REAL, TOOLS).calls
    assert read(f"[weather(city={'[' * 70}{']' * 70})]", TOOLS).calls == ()


def test_without_tools_json_in_words_counts_and_python_does_not() -> None:
    assert len(read('Look: {"name": "f", "arguments": {"a": 1}}').calls) == 1
    assert read("Look: [f(a=1)]").calls == ()
    assert len(read("[f(a=1)]").calls) == 1


def test_a_text_too_long_to_read_is_never_words_where_it_calls() -> None:
    long = "word " * 5000
    assert read(f'{long}<tool_call>{{"name": "weather"}}</tool_call>', TOOLS).attempted
    assert not read(long, TOOLS).attempted
    assert len(read(f'<think>{long}</think><tool_call>{{"name": "weather"}}</tool_call>', TOOLS).calls) == 1


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        ({"type": "string"}, "5", "5"), ({"type": "string"}, " a ", " a "), ({"type": "integer"}, "5", 5),
        ({"type": "integer"}, "5.0", 5.0), ({"type": "number"}, "5", 5), ({"type": "number"}, "x", "x"),
        ({"type": "boolean"}, "True", True), ({"type": "boolean"}, "false", False), ({"type": "boolean"}, "1", "1"),
        ({"type": ["string", "null"]}, "null", None), ({"type": ["string", "null"]}, "a", "a"),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, "5", 5), ({"enum": ["5", "6"]}, "5", "5"),
        ({"enum": [5, 6]}, "5", 5), ({"const": "a"}, "a", "a"), ({"type": "array"}, '["a"]', ["a"]),
        ({"type": "array"}, "a", "a"), ({"type": "object"}, "{'a': True}", {"a": True}),
        ({"$ref": "#/$defs/N"}, "5", 5), ({"$ref": "#/$defs/Loop"}, "5", 5),
        ({"type": "string", "nullable": True}, "null", None),
        ({}, "5", 5), ({}, "a b", "a b"), ({}, '"a"', "a"), (True, "5", 5), (None, "null", None), ({"type": 5}, "5", 5),
        ({"type": "integer"}, "NaN", "NaN"), ({"type": "integer"}, "9" * 5000, "9" * 5000),
    ],
)  # fmt: skip
def test_values_without_types_are_what_the_schema_says(schema: Any, text: str, value: Any) -> None:
    definitions = {"N": {"type": "integer"}, "Loop": {"$ref": "#/$defs/Loop"}}
    tool = {"name": "f", "parameters": {"properties": {"a": schema}, "$defs": definitions}}
    found = read(f"<tool_call>f<arg_key>a</arg_key><arg_value>{text}</arg_value></tool_call>", [tool])
    assert repr(found.calls[0].arguments) == repr({"a": value})


@pytest.mark.parametrize("tools", [[{}], [{"function": 5}], [{"name": "f", "parameters": []}], [5], [{"name": None}]])
def test_odd_tools_do_not_raise(tools: Any) -> None:
    assert len(read('<tool_call>{"name": "f"}</tool_call>', tools).calls) == 1
    assert read("<tool_call>f<arg_key>a</arg_key><arg_value>1</arg_value></tool_call>", tools).attempted


@pytest.mark.parametrize(
    ("text", "attempted"),
    [
        ('print(weather_now(city="Rome"))', True),
        ('result = weather_now(city="Rome")', True),
        ('I will call weather_now("Rome") now.', True),
        ("weather_now() would be it.", True),
        ("I would need weather_now (the tool) for that.", False),
        ("weather_now(city) is what you ask for, and I lack the city.", False),
        ('my_weather_now(city="Rome") is another tool.', False),
        ("f(x) == 3 is an equation.", False),
    ],
)
def test_a_call_inside_code_is_never_words(text: str, attempted: bool) -> None:
    tools = [{"type": "function", "function": {"name": "weather_now", "parameters": {"type": "object", "properties": {
        "city": {"type": "string"}}}}}]  # fmt: skip
    reading = read(text, tools)
    assert reading.attempted is attempted
    assert attempted or reading.calls == ()
