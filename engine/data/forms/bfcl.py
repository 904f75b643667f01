"""Rows of the Berkeley Function Calling Leaderboard: `question` and `function`, with answers in a second file or in the
row as `ground_truth`."""  # noqa: D205, D209

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.data.conversation import Grader, Turn, example
from engine.data.files.opening import File, opened
from engine.data.files.rows import take
from engine.data.forms.accepted import first_values, read_accepted
from engine.data.forms.message import ROLES
from engine.data.forms.requests import DECLINE
from engine.data.problems import Problem, Problems, Unusable, name_of, printable, shown, unusable
from engine.data.row import Row
from engine.data.strict_json import NotJson, canonical, loads
from engine.data.tools.calls import Call
from engine.data.tools.reading import read_tools
from engine.spec.example import Example

FIELDS = ("id", "ground_truth")


@dataclass(frozen=True)
class Answers:
    """Accepted calls by id.

    Attributes:
        file: Where they come from; None where no file lies beside the questions.
        by_id: Row and `ground_truth` by id.
    """

    file: File | None
    by_id: Mapping[str, tuple[int, Any]]


def find(value: Mapping[str, Any]) -> str:
    """The form of a row in words; "" where it is not this one."""
    return "questions with accepted calls (BFCL)" if "question" in value and "function" in value else ""


def answers_paths(path: Path) -> list[Path]:
    """Where a file's answers may lie, in the order they are looked for."""
    beside = [path.with_name(f"{path.stem}.answers{suffix}") for suffix in (".json", ".jsonl")]
    return [path.parent / "possible_answer" / path.name, *beside]


def read_answers(path: Path) -> Answers:
    """The answers to a file of questions. Raises DataError where their file is broken."""
    found = next((p for p in answers_paths(path) if p.exists()), None)
    if found is None:
        return Answers(None, {})
    file, problems = opened(found), Problems(found)
    by_id: dict[str, tuple[int, Any]] = {}
    for row, text in take(file, FIELDS, problems).kept:
        try:
            value = loads(text.decode())
        except (NotJson, UnicodeDecodeError) as error:
            problems.add(row, "", f"is not JSON: {error}")
            continue
        key = value.get("id") if isinstance(value, dict) else None
        if not isinstance(key, str | int | float) or isinstance(key, bool):
            problems.add(row, "id", "is missing" if key is None else "must be text")
        elif "ground_truth" not in value:
            problems.add(row, "ground_truth", "is missing")
        elif (known := by_id.get(id_text(key))) and canonical(known[1]) != canonical(value["ground_truth"]):
            problems.add(row, "id", f"{shown(key)} is the id of row {known[0]} too, which has another answer")
        else:
            by_id[id_text(key)] = (row, value["ground_truth"])
    problems.check()
    return Answers(file, by_id)


def id_text(key: str | float) -> str:
    """An id as text; 3.0 and 3 are the same."""
    return str(int(key)) if isinstance(key, float) and key.is_integer() else str(key)


def read(key: str, value: Mapping[str, Any], row: Row, grader: Grader, answers: Answers, path: Path) -> list[Example]:
    """The example of a row; what is wrong with it is noted in the row. Raises Unusable.

    Raises:
        DataError: The row has no answer, and no file of answers lies beside the questions.
    """
    given = value.get("id")
    name = id_text(given) if isinstance(given, str | int | float) and not isinstance(given, bool) else ""
    turns: list[Turn] = []
    with row.part():
        turns = _turns(value["question"])
    tools = read_tools(value["function"], row, "function")
    if not tools.schemas and not row.failed:
        row.bad("function", "must not be empty")
    if row.failed:
        return []
    if value.get("ground_truth") is not None:
        calls = read_accepted(value["ground_truth"], row, "ground_truth", tools)
    elif answers.file is not None:
        if name not in answers.by_id:
            raise Unusable("id", f"{shown(name)} has no answer in {name_of(answers.file.path)}")
        at, truth = answers.by_id[name]
        try:
            calls = read_accepted(truth, row, "ground_truth", tools)
        except Unusable as error:  # the answers' file is named, not the questions'
            field = printable(error.field)
            row.bad(error.field, error.text, Problem(at, field, error.text, name_of(answers.file.path)))
            return []
    elif "irrelevance" in name.lower() or "irrelevance" in path.name.lower():
        calls = []
    else:
        looked = " or ".join("/".join(p.parts[-2:]) for p in answers_paths(path)[:2])
        hint = f"Put the accepted answers at {looked}. Only irrelevance files (so named, or in their ids) have none."
        raise unusable(path, f"has no answers (row {row.number}, field id: {shown(name)})", hint)
    if not calls:
        return [example(f"{key}#1", turns, Turn("assistant", DECLINE, ""), tools, (), row.number, grader)]
    learned = tuple(Call(call["name"], first_values(call, tools)) for call in calls)
    if grader == "strict":  # the one answer that is learned, and no alternatives
        calls = [{"name": c.name, "arguments": {n: [v] for n, v in c.arguments.items()}} for c in learned]
    return [example(f"{key}#1", turns, Turn("assistant", "", "", learned), tools, calls, row.number, grader)]


def _turns(question: Any) -> list[Turn]:
    if isinstance(question, str):
        question = [{"role": "user", "content": question}]
    if not isinstance(question, list) or not question:
        raise Unusable("question", "must be a list" if not isinstance(question, list) else "must not be empty")
    if len(question) > 1 and all(isinstance(entry, list) for entry in question):
        raise Unusable("question", f"has {len(question)} turns; only questions of one turn can be used")
    messages, field = (question[0], "question[0]") if isinstance(question[0], list) else (question, "question")
    turns: list[Turn] = []
    for at, value in enumerate(messages):
        place = f"{field}[{at}]"
        if not isinstance(value, Mapping):
            raise Unusable(place, 'must be an object with "role" and "content"')
        for name in ("role", "content"):
            if not isinstance(value.get(name), str):
                raise Unusable(f"{place}.{name}", "must be text" if name in value else "is missing")
        role = ROLES.get(value["role"].strip().lower())
        if role not in ("system", "user", "assistant"):
            raise Unusable(f"{place}.role", f"{shown(value['role'])} is no role: system, user or assistant")
        turns.append(Turn(role, value["content"], place))
    if not any(turn.role == "user" and turn.content.strip() for turn in turns):
        raise Unusable(field, "has no user message")
    if turns[-1].role == "assistant":
        raise Unusable(turns[-1].field, "the last message must be the user's")
    return turns
