"""Rows of the Berkeley Function Calling Leaderboard: `question` and `function`, with accepted answers in a second file.

An answer lists, for every argument, the values that are accepted; "" among them says that the argument may be left
out. Objects inside are written the same way, field by field. `Gold.calls` keeps them as they stand, for the
leaderboard's own rules (`engine/grading/bfcl.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr, ValidationError

from engine.data.conversation import Turn, example
from engine.data.problems import Problems, name_of, shown, unusable
from engine.data.rows import Text, read_text, rows
from engine.data.schema import Call, Tools, check_call, read_tools
from engine.example import Example, first_accepted


class _Row(BaseModel):
    model_config = ConfigDict(extra="ignore")

    id: StrictStr | StrictInt
    question: list[Any] = Field(min_length=1)
    function: list[Any] = Field(min_length=1)


class _Message(BaseModel):
    model_config = ConfigDict(extra="ignore")

    role: StrictStr
    content: StrictStr


@dataclass(frozen=True)
class Answers:
    """Accepted calls by id.

    Attributes:
        file: Where they come from; None where no file lies beside the questions.
        by_id: Row and `ground_truth` by id.
    """

    file: Text | None
    by_id: Mapping[str, tuple[int, Any]]


def answers_paths(path: Path) -> list[Path]:
    """Where a file's answers may lie, in the order they are looked for."""
    beside = [path.with_name(f"{path.stem}.answers{suffix}") for suffix in (".json", ".jsonl")]
    return [path.parent / "possible_answer" / path.name, *beside]


def read_answers(path: Path) -> Answers:
    """The answers to a file of questions. Raises DataError where their file is broken."""
    found = next((p for p in answers_paths(path) if p.exists()), None)
    if found is None:
        return Answers(None, {})
    source, problems = read_text(found), Problems(found)
    by_id: dict[str, tuple[int, Any]] = {}
    for row, value in rows(source, problems):
        key = value.get("id") if isinstance(value, dict) else None
        if not isinstance(key, str | int) or isinstance(key, bool):
            problems.add(row, "id", "is missing" if key is None else "must be text")
        elif "ground_truth" not in value:
            problems.add(row, "ground_truth", "is missing")
        elif str(key) in by_id:
            problems.add(row, "id", f"{shown(key)} is the id of row {by_id[str(key)][0]} too")
        else:
            by_id[str(key)] = (row, value["ground_truth"])
    problems.check()
    return Answers(source, by_id)


def read_row(value: dict[str, Any], row: int, answers: Answers, path: Path, problems: Problems) -> list[Example]:
    """The example of a row; what is wrong with it goes to `problems`."""
    before = len(problems.found)
    try:
        found = _Row.model_validate(value)
    except ValidationError as error:
        problems.add_invalid(row, error)
        return []
    key = str(found.id)
    turns = _turns(found.question, row, problems)
    tools = read_tools(found.function, row, "function", problems)
    if len(problems.found) > before or not turns:
        return []
    if "ground_truth" in value:
        truth, at, source, field = value["ground_truth"], row, problems, "ground_truth"
    elif answers.file is not None:
        if key not in answers.by_id:
            problems.add(row, "id", f"{shown(key)} has no answer in {name_of(answers.file.path)}")
            return []
        at, truth = answers.by_id[key]
        source, field = Problems(answers.file.path), "ground_truth"
    elif "irrelevance" in key.lower() or "irrelevance" in path.name.lower():
        return [_example(key, turns, (), tools)]
    else:
        looked = " or ".join("/".join(p.parts[-2:]) for p in answers_paths(path)[:2])
        hint = f"Put the accepted answers at {looked}. Only irrelevance files (so named, or in their ids) have none."
        raise unusable(path, f"has no answers (row {row}, field id: {shown(key)})", hint)
    calls = _accepted(truth, at, field, tools, source)
    if source is not problems:
        source.check()  # the answers' file is named, not the questions'
    if calls is None:
        return []
    return [_example(key, turns, calls, tools)]


def _example(key: str, turns: list[Turn], calls: Sequence[dict[str, Any]], tools: Tools) -> Example:
    """The example of a question, compared by the leaderboard's rules."""
    called = tuple(Call(c["name"], _first(c, tools)) for c in calls)
    answer = Turn("assistant", "" if called else _DECLINE, "", called)
    found = example(f"{key}#1", turns, answer, tools, calls)
    return found.model_copy(update={"gold": found.gold.model_copy(update={"grader": "bfcl"})})


_DECLINE = "None of the tools can do this."


def _turns(question: list[Any], row: int, problems: Problems) -> list[Turn]:
    if len(question) > 1 and all(isinstance(entry, list) for entry in question):
        problems.add(row, "question", f"has {len(question)} turns; only questions of one turn can be used")
        return []
    messages, field = (question[0], "question[0]") if isinstance(question[0], list) else (question, "question")
    turns: list[Turn] = []
    for at, value in enumerate(messages):
        place = f"{field}[{at}]"
        try:
            message = _Message.model_validate(value)
        except ValidationError as error:
            names = dict.fromkeys(str(d["loc"][0]) if d["loc"] else "" for d in error.errors(include_url=False))
            for name in names:
                missing = isinstance(value, dict) and name not in value
                text = "is missing" if missing else 'must be text ("role", "content")'
                problems.add(row, f"{place}.{name}".rstrip("."), text)
            return []
        if message.role not in ("system", "user", "assistant"):
            problems.add(row, f"{place}.role", f"{shown(message.role)} is no role: system, user or assistant")
            return []
        turns.append(Turn(message.role, message.content, place))
    if not any(turn.role == "user" and turn.content.strip() for turn in turns):
        problems.add(row, field, "has no user message")
        return []
    if turns[-1].role == "assistant":
        problems.add(row, turns[-1].field, "the last message must be the user's")
        return []
    return turns


def _accepted(truth: Any, row: int, field: str, tools: Tools, problems: Problems) -> list[dict[str, Any]] | None:
    """Accepted calls as `Gold` has them. None where they cannot be used (noted)."""
    if not isinstance(truth, list):
        problems.add(row, field, "must be a list of calls")
        return None
    calls: list[dict[str, Any]] = []
    for at, entry in enumerate(truth):
        place = f"{field}[{at}]"
        if not isinstance(entry, dict) or len(entry) != 1:
            problems.add(row, place, 'must be an object with one function\'s name: {"name": {"argument": [values]}}')
            return None
        name, arguments = next(iter(entry.items()))
        if not isinstance(arguments, dict):
            problems.add(row, f"{place}.{name}", "must be an object of arguments")
            return None
        for argument, values in arguments.items():
            if not isinstance(values, list) or not values:
                problems.add(row, f"{place}.{name}.{argument}", "must be a list of accepted values, not empty")
                return None
        if not check_call(name, arguments, row, place, tools, problems, name):
            return None
        calls.append({"name": name, "arguments": arguments})
    return calls


def _first(call: Mapping[str, Any], tools: Tools) -> dict[str, Any]:
    """The arguments to learn: of each the value named first; left out where that is "" and it may be."""
    required = tools.functions[call["name"]]["parameters"]["required"]
    found: dict[str, Any] = {}
    for name, values in call["arguments"].items():
        value = values[0] if name not in required else next((v for v in values if v != ""), values[0])
        if value != "" or name in required:
            found[name] = first_accepted(value)
    return found
