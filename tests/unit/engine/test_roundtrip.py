"""Right answers through templates in the manner of each family: read back as right, or refused with the reason."""

from __future__ import annotations

from typing import Any

import pytest

from engine.run.inspection import roundtrip
from engine.spec.example import Example, Gold, Prompt
from engine.subject.calls import read
from engine.subject.grading import grade
from engine.subject.limits import Limits
from engine.subject.rendering import Renderer
from engine.subject.template import CALL, TOOL
from tests.support.families import FAMILIES, READ, renderer_of, tokenizer_of

SCHEMA = {
    "type": "object",
    "properties": {
        "text": {"type": "string"}, "count": {"type": "integer"}, "share": {"type": "number"},
        "flag": {"type": "boolean"}, "note": {"type": ["string", "null"]}, "none": {"type": "null"},
        "list": {"type": "array", "items": {"type": "string"}}, "numbers": {"type": "array"},
        "about": {"type": "object"}, "choice": {"enum": ["a", "b"]}, "either": {"anyOf": [{"type": "integer"}]},
    },
}  # fmt: skip
TOOLS = tuple(
    {"type": "function", "function": {"name": name, "description": "Does it.", "parameters": SCHEMA}}
    for name in ("save_note", "math.add")
)
PLAIN: dict[str, dict[str, Any]] = {
    "text": {"text": "Rome"},
    "text like a number": {"text": "5"},
    "text like null": {"text": "null"},
    "integer": {"count": 3},
    "float": {"share": 2.5},
    "boolean": {"flag": True, "text": "x"},
    "null": {"none": None},
    "nested object": {"about": {"a": {"b": [1, 2.5, None, True]}, "c": "d"}},
    "list": {"list": ["a", "b"]},
    "list of objects": {"numbers": [{"a": 1}, {"a": 2}]},
    "unicode": {"text": "Żółć 😀 ｜"},
    "all": {"text": "a", "count": 0, "share": 1.0, "flag": False, "list": [], "about": {}, "choice": "b", "either": 7},
    "empty": {},
}
HARD: dict[str, dict[str, Any]] = {
    "double quotes": {"text": 'He said "no".'},
    "single quotes": {"text": "it's"},
    "both quotes": {"text": """it's "so" """},
    "line breaks": {"text": "one\ntwo\n\nthree"},
    "breaks around": {"text": "\n a \n"},
    "backslashes": {"text": "C:\\new\\table"},
    "xml": {"text": "<b>bold</b> & </parameter> </arg_value>"},
    "tags of calls": {"text": "</tool_call><tool_call>"},
    "think": {"text": "a </think> b <think>"},
    "braces": {"text": "}]) {[( :,"},
    "empty text": {"text": ""},
    "text or null": {"note": "null"},
    "null or text": {"note": None},
    "list with commas": {"list": ["a, b", 'c "d"', "e]"]},
    "ambiguous": {"numbers": ["1", 1, "true", True]},
}


def example(*calls: tuple[str, dict[str, Any]], words: str = "", messages: tuple[dict[str, Any], ...] = ()) -> Example:
    gold = tuple({"name": name, "arguments": {k: [v] for k, v in given.items()}} for name, given in calls)
    answer: dict[str, Any] = {"role": "assistant", "content": words}
    if calls:
        answer["tool_calls"] = [
            {"type": "function", "function": {"name": name, "arguments": given}} for name, given in calls
        ]
    prompt = Prompt(messages=messages or ({"role": "user", "content": "Please do it now"},), tools=TOOLS)
    gold = Gold(kind="call", calls=gold)
    return Example(id="mine", prompt=prompt, answer=answer, gold=gold, family="t", cluster="c", row=7)


def said(family: str, given: Example) -> str:
    renderer = renderer_of(family)
    return renderer.answer_of(renderer.answer_text(given.prompt, given.answer))


@pytest.mark.parametrize("family", READ)
@pytest.mark.parametrize("case", PLAIN)
def test_a_plain_call_is_said_and_read_back(family: str, case: str) -> None:
    given = example(("save_note", PLAIN[case]))
    assert roundtrip.check([given], renderer_of(family)) == []
    reading = read(said(family, given), TOOLS)
    assert [(call.name, call.arguments) for call in reading.calls] == [("save_note", PLAIN[case])]
    assert reading.language == FAMILIES[family].language


@pytest.mark.parametrize("family", READ)
@pytest.mark.parametrize("case", HARD)
def test_a_hard_call_is_read_back_or_refused_with_the_reason(family: str, case: str) -> None:
    given = example(("save_note", HARD[case]))
    refused = roundtrip.check([given], renderer_of(family))
    right = grade(said(family, given), given.gold, given.prompt.tools).correct
    assert right == (not refused)
    for each in refused:
        assert (each.row, each.example) == (7, "mine")
        assert "chat template writes" in each.reason
        assert "save_note" in each.reason


@pytest.mark.parametrize("family", READ)
def test_a_wrong_answer_is_graded_wrong(family: str) -> None:
    right = example(("save_note", {"text": "Rome", "count": 3}))
    assert grade(said(family, right), right.gold, TOOLS).correct
    for wrong, failure in (
        (("math.add", {"text": "Rome", "count": 3}), "wrong function"),
        (("save_note", {"text": "Oslo", "count": 3}), "wrong value"),
        (("save_note", {"text": "Rome", "count": 4}), "wrong value"),
        (("save_note", {"text": "Rome"}), "missing argument"),
        (("save_note", {"text": "Rome", "count": 3, "flag": True}), "extra argument"),
    ):
        assert grade(said(family, example(wrong)), right.gold, TOOLS).failure == failure


@pytest.mark.parametrize("family", READ)
def test_parallel_calls_and_dotted_names(family: str) -> None:
    given = example(("save_note", {"text": "a"}), ("math.add", {"count": 1}), ("save_note", {"text": "b"}))
    refused = roundtrip.check([given], renderer_of(family))
    if family in ("llama", "first_call_only"):
        assert len(refused) == 1
        says = "single tool-calls" if family == "llama" else "where save_note"
        assert says in refused[0].reason
    else:
        assert refused == []
        assert [call.name for call in read(said(family, given), TOOLS).calls] == ["save_note", "math.add", "save_note"]


@pytest.mark.parametrize("family", FAMILIES)
def test_words_are_no_call(family: str) -> None:
    given = example(words="None of the tools can do this.")
    assert roundtrip.check([given], renderer_of(family)) == []
    assert read(said(family, given), TOOLS).said == "None of the tools can do this."


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_trained_on_follows_the_prompt_and_ends(family: str) -> None:
    renderer = renderer_of(family)
    given = example(("save_note", {"text": "Rome"}))
    row = renderer.encode(given)
    assert row.prompt == renderer.prompt_ids(given.prompt)
    assert row.completion[-1] in renderer.end_ids
    assert sum(token in renderer.end_ids for token in row.completion) == 1
    assert "Please do it now" not in renderer.text(row.completion)
    assert "save_note" in renderer.text(row.completion)


def test_a_language_that_is_not_read_is_refused_with_what_it_writes() -> None:
    given = example(("save_note", {"text": "Rome"}))
    (refused,) = roundtrip.check([given], renderer_of("unknown_language"))
    assert "@@save_note WITH" in refused.reason
    assert "reads as no call" in refused.reason
    assert 'save_note(text="Rome") is right' in refused.reason


@pytest.mark.parametrize("family", FAMILIES)
def test_the_language_of_a_template_is_found_by_rendering_a_call(family: str) -> None:
    found = roundtrip.language(renderer_of(family))
    assert bool(found) == bool(FAMILIES[family].language)
    if family == "qwen_coder":
        assert found.startswith("Qwen3-Coder")


def history(with_system: bool = True) -> tuple[dict[str, Any], ...]:
    call = {"type": "function", "id": "x", "function": {"name": "save_note", "arguments": {"text": "before"}}}
    return (
        *([{"role": "system", "content": "Mind the garden gate."}] if with_system else []),
        {"role": "user", "content": "First question"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "Saved seventeen", "tool_call_id": "x"},
        {"role": "assistant", "content": "It is saved."},
        {"role": "user", "content": "Second question"},
    )


@pytest.mark.parametrize("family", READ)
def test_calls_before_and_system_messages_are_in_the_prompt(family: str) -> None:
    given = example(("math.add", {"count": 2}), messages=history())
    refused = roundtrip.check([given], renderer_of(family))
    if family == "gemma":  # its template takes user and assistant in turn alone
        assert "alternate" in refused[0].reason
        return
    assert refused == []
    shown = renderer_of(family).prompt_text(given.prompt)
    for part in ("garden gate", "save_note", "before", "seventeen", "Second question"):
        assert part in shown


def test_a_message_that_the_template_leaves_out_is_a_reason() -> None:
    renderer = renderer_of("plain")
    renderer.writer.text = "{%- for m in messages if m.role != 'system' %}{{ m.content + '<|im_end|>' }}{%- endfor %}"
    system = ({"role": "system", "content": "Mind the garden gate."}, {"role": "user", "content": "Go"})
    given = example(words="No.", messages=system)
    (refused,) = roundtrip.check([given.model_copy(update={"prompt": Prompt(messages=system)})], renderer)
    assert "leaves out the system message" in refused.reason


def test_ids_are_short_and_the_same_each_time() -> None:
    given = example(("save_note", {"text": "a"}), ("save_note", {"text": "b"}), messages=history(False))
    text = said("mistral_old", given)
    assert '"id": "call00001"' in text
    assert '"id": "call00002"' in text
    assert 'call_id": "call00000"' in renderer_of("mistral_old").prompt_text(given.prompt)
    assert "functions.save_note:1" in said("kimi", given)


def test_thoughts_are_asked_for_nowhere() -> None:
    given = example(("save_note", {"text": "a"}))
    renderer = renderer_of("qwen3")
    assert renderer.prompt_text(given.prompt).endswith("<think>\n\n</think>\n\n")
    assert said("qwen3", given).startswith("<tool_call>")
    always = said("qwen3_always_thinks", given)  # its prompt ends with <think>, its answers begin by closing it
    assert always.startswith("\n</think>")
    assert grade(always, given.gold, TOOLS).correct


def test_an_answer_longer_than_the_context_is_refused() -> None:
    renderer = Renderer(tokenizer_of("plain"), 60)
    given = example(("save_note", {"text": "a"}))
    (refused,) = roundtrip.check([given], renderer)
    assert "tokens; the model sees 60" in refused.reason


def test_an_answer_that_can_never_be_given_is_refused() -> None:
    """A quarter of the context is the prompt's: what takes more than the rest would be cut off each time."""
    given = example(("save_note", {"text": "a"}))
    free = Renderer(tokenizer_of("plain"), 4096)
    tokens = len(free.ids(free.answer_text(given.prompt, given.answer)))
    fitting = next(context for context in range(tokens, 4096) if context - context // 4 == tokens)
    assert roundtrip.check([given], Renderer(tokenizer_of("plain"), fitting)) == []
    short = Renderer(tokenizer_of("plain"), fitting - 1)
    (refused,) = roundtrip.check([given], short)
    assert f"takes {tokens} tokens" in refused.reason
    assert Limits((), (given,)).of(short).tokens < tokens


def test_arguments_that_are_no_json_are_a_reason() -> None:
    given = example(("save_note", {"text": "a"}))
    function = {"name": "save_note", "arguments": '{"text": '}
    broken = given.model_copy(
        update={"answer": {"role": "assistant", "content": "", "tool_calls": [{"function": function}]}}
    )
    (refused,) = roundtrip.check([broken], renderer_of("granite"))
    assert "no JSON" in refused.reason
    whole = given.model_copy(
        update={"answer": {**broken.answer, "tool_calls": [{"function": {**function, "arguments": '{"text": "a"}'}}]}}
    )
    assert roundtrip.check([whole], renderer_of("granite")) == []


def test_arguments_are_text_where_the_template_wants_text() -> None:
    given = example(("save_note", {"text": "it's", "flag": True}))
    assert '```json\n{"text": "it\'s", "flag": true}\n```' in said("deepseek", given)
    assert '"arguments": {"text": "it\'s", "flag": true}}' in said("first_call_only", given)


def test_a_text_answer_comes_back_whole() -> None:
    prompt = Prompt(messages=({"role": "user", "content": "How many?"},))
    steps = "7 + 3 = 10. the answer is 10."
    worked = Example(
        id="w", prompt=prompt, answer={"role": "assistant", "content": steps}, gold=Gold(text="10"), family="t",
        cluster="c",
    )  # fmt: skip
    assert roundtrip.check([worked], renderer_of("qwen3")) == []
    lost = worked.model_copy(update={"answer": {"role": "assistant", "content": "<|im_end|>10"}})
    (refused,) = roundtrip.check([lost], renderer_of("qwen3"))
    assert "for the answer '10'" in refused.reason


def test_the_tool_that_templates_are_tried_with_is_called_as_it_should_be() -> None:
    function = TOOL["function"]
    assert isinstance(function, dict)
    assert CALL.name == function["name"]
    assert set(CALL.arguments) == set(function["parameters"]["required"])
