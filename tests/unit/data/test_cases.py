"""Files that others wrote: public failure cases and real data, with counts that were checked by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.data.problems import BadRows
from engine.run import sources
from jobs.studies import load as study_of

KEPT = Path(__file__).resolve().parents[2] / "data" / "cases"
SHARED = Path(__file__).resolve().parents[4] / "shared"
CASES = {  # name: form, rows, words of a note and its count
    "01-hermes-think-before-tool_call/think.jsonl": ("conversations (ShareGPT)", 24, ("thoughts", 24)),
    "02-messages-tool_call-as-text/messages.jsonl": ("chat messages (OpenAI)", 24, None),
    "02-messages-tool_call-as-text/glaive_functioncall.jsonl": ("conversations (ShareGPT)", 24, None),
    "03-xlam-query-tools-answers/xlam.jsonl": ("query, tools and answers (xLAM)", 24, None),
    "04-flat-parameters/flat.jsonl": ("chat messages (OpenAI)", 24, None),
    "05-datasets-null-filled/arguments_only.jsonl": ("chat messages (OpenAI)", 24, ("Nulls left out", 207)),
    "06-role-and-key-spellings/conversations_role_content.jsonl": ("conversations with role and content", 24, None),
    "06-role-and-key-spellings/messages_function_call_role.jsonl": ("chat messages (OpenAI)", 24, ("not learned", 24)),
    "07-conversation-ends-with-tool-turn/ends.jsonl": ("chat messages (OpenAI)", 24, ("end without an answer", 2)),
    "08-think-in-function_call/think.jsonl": ("conversations (ShareGPT)", 24, ("thoughts", 24)),
    "09-calls-longer-than-48-tokens/long.jsonl": ("chat messages (OpenAI)", 40, None),
    "11-template-refuses-a-row/some_parallel.jsonl": ("chat messages (OpenAI)", 40, None),
    "20-other-spellings/anthropic_input_schema.jsonl": ("chat messages (OpenAI)", 24, None),
    "20-other-spellings/args_spelled_args.jsonl": ("chat messages (OpenAI)", 24, None),
    "20-other-spellings/id_float.jsonl": ("chat messages (OpenAI)", 24, None),
    "20-other-spellings/params_list.jsonl": ("chat messages (OpenAI)", 24, None),
    "20-other-spellings/sharegpt_gpt_with_tool_calls.jsonl": (
        "conversations (ShareGPT)",
        24,
        ("beside their calls", 24),
    ),
    "20-other-spellings/toolace_like.jsonl": ("conversations (ShareGPT)", 24, ("system message", 24)),
    "22-content-parts-type-value/parts.jsonl": ("chat messages (OpenAI)", 20, ("thoughts", 20)),
}


def shared(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} is not beside this checkout (../shared)")
    return path


@pytest.mark.parametrize("name", CASES)
def test_every_public_case_is_read_as_calls(name: str) -> None:
    form, rows, note = CASES[name]
    prepared = sources.prepare(study_of("function-calling"), KEPT / name)
    found = prepared.understanding
    assert found is not None
    assert (found.form, found.rows, found.examples, found.calls, found.grader) == (form, rows, rows, rows, "strict")
    assert found.several == (4 if "parallel" in name else 0)
    assert (found.declined, found.texts, found.left_out_count) == (0, 0, 0)
    later = ("neither trained on nor measured", "taken as they stand")  # of the split, and of the file's own values
    of_reading = [text for text in found.notes if not any(words in text for words in later)]
    assert [text for text in of_reading if note is None or note[0] not in text] == []
    if note is not None:
        assert found.notes[0].endswith(f": {note[1]}.")
    second = next(e for e in prepared.examples if e.row == 2)
    if "long" not in name:
        assert second.gold.calls == ({"name": "book_room", "arguments": {"city": ["Rome"], "nights": [2]}},)
    for example in prepared.examples:
        for tool in example.prompt.tools:
            assert tool["function"]["parameters"]["properties"]


def test_a_real_file_of_conversations() -> None:
    path = shared("data/toolcalls/glaive_toolcall_en_demo.json")
    found = sources.prepare(study_of("function-calling"), path).understanding
    assert found is not None
    rows = json.loads(path.read_text(encoding="utf-8"))
    calls = sum(turn["from"] == "function_call" for row in rows for turn in row["conversations"])
    replies = sum(
        before["from"] == "human" and turn["from"] == "gpt" and bool(json.loads(row["tools"]))
        for row in rows
        for before, turn in zip(row["conversations"], row["conversations"][1:], strict=False)
    )
    assert (found.rows, found.calls, found.declined, found.several) == (300, 211, 138, 0)
    assert (found.calls, found.declined) == (calls, replies)
    assert found.tools == len(
        {tool["name"] for row in rows for tool in json.loads(row["tools"]) if json.loads(row["tools"])}
    )


@pytest.mark.parametrize(
    ("name", "rows", "calls"), [("simple_python", 400, 400), ("multiple", 200, 200), ("irrelevance", 240, 0)]
)
def test_real_files_of_the_leaderboard(name: str, rows: int, calls: int) -> None:
    path = shared(f"data/bfcl/BFCL_v4_{name}.json")
    prepared = sources.prepare(study_of("function-calling"), path)
    found = prepared.understanding
    assert found is not None
    assert (found.rows, found.examples, found.calls, found.declined) == (rows, rows, calls, rows - calls)
    assert (found.grader, found.form) == ("bfcl", "questions with accepted calls (BFCL)")
    assert all("neither trained on nor measured" in note for note in found.notes)
    if calls:
        text = (path.parent / "possible_answer" / path.name).read_text(encoding="utf-8")
        truth = {row["id"]: row["ground_truth"] for row in map(json.loads, text.splitlines())}
        for example in prepared.examples:
            want = truth[example.id.rpartition("#")[0]]
            assert [{call["name"]: call["arguments"]} for call in example.gold.calls] == want


def test_real_preference_pairs_are_refused() -> None:
    with pytest.raises(Exception, match="row 1, field chosen: these are preference pairs") as caught:
        sources.prepare(study_of("function-calling"), shared("data/toolcalls/dpo_pairs_100.json"))
    assert not isinstance(caught.value, BadRows)
