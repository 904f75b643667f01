"""The world as files for others: `python main.py export-world --out DIR`. Every task as JSON lines, with data cards.

The same sizes give the same bytes everywhere. A file has its final name only when it is whole, so a kill leaves
whole files and a marker, and the same command writes the rest.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.spec.errors import ReportError, SpecError
from engine.spec.example import Example, Item, Prompt
from engine.world import VERSION
from engine.world.export import data_card
from engine.world.export.data_card import Part, TaskCard
from engine.world.tasks import tasks as every_task
from engine.world.tasks._base import Task, by_split, chance
from engine.world.vocabulary.tools import NO_TOOL

MARKER = "export.json"
KIND = "tuning-fork world"
EXAMPLES, ITEMS = 4000, 400
_OWN_FILE = re.compile(r"([a-z0-9_-]+/)?[a-zA-Z0-9_.-]+\.(jsonl|md)")


def example_row(example: Example) -> dict[str, Any]:
    """A training example as a row; see `item_row`."""
    return _row(example, "train", example.family, example.answer)


def item_row(item: Item) -> dict[str, Any]:
    """An item as a row: the columns and their types are the same in every file of every task.

    What differs in shape between rows is JSON text: readers that infer a type for each column, such as Hugging Face's
    `datasets`, would else fill objects with fields of other rows, or fail at lists that begin empty.
    """
    answer: dict[str, Any] = {"role": "assistant", "content": item.gold.text}
    if item.gold.kind == "call":
        calls = [
            {"name": c["name"], "arguments": {name: values[0] for name, values in c["arguments"].items()}}
            for c in item.gold.calls
        ]
        answer["content"] = "" if calls else NO_TOOL
        answer["tool_calls"] = [{"type": "function", "function": call} for call in calls]
    return _row(item, item.split, "", answer)


def _row(given: Example | Item, split: str, family: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    gold = given.gold
    return {
        "id": given.id,
        "split": split,
        "task": given.task,
        "family": family,
        "messages": [_message(message) for message in given.prompt.messages],
        "tools": _text(given.prompt.tools),
        "answer": _message(answer),
        "gold": {"kind": gold.kind, "text": gold.text, "labels": _text(gold.labels), "calls": _text(gold.calls)},
        "cluster": given.cluster,
        "crossed": given.crossed if isinstance(given, Item) else "",
        "side": given.side.value,
        "features": _text(given.features if isinstance(given, Item) else {}),
        "payload": _text(given.payload),
    }


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "role": message["role"],
        "content": message.get("content") or "",
        "tool_calls": _text(message.get("tool_calls") or []),
    }


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def export(out: Path, examples: int = EXAMPLES, items: int = ITEMS, tasks: Sequence[Task] | None = None) -> list[Path]:
    """Write every task below a folder.

    Args:
        out: A folder that is new, empty, or holds an earlier export, which is replaced.
        examples: Training examples of each task.
        items: Items of each split, where the world has as many.

    Returns:
        The files written, data cards included.

    Raises:
        ReportError: The folder holds something else, or cannot be written. Nothing in it was changed, or what is
            there is whole.
    """
    chosen = list(every_task().values()) if tasks is None else list(tasks)
    before = _claim(out)
    written: dict[str, str] = {}
    try:
        _mark(out, complete=False, files=dict.fromkeys(_planned(chosen), "") | before)  # for the next one, if killed
        cards = []
        for task in chosen:
            sys.stderr.write(f"{task.name}\n")
            card = _task(out, task, examples, items)
            cards.append(card)
            written |= {part.path: part.sha256 for part in card.parts}
            written[f"{task.name}/README.md"] = _write(out / task.name / "README.md", [data_card.of_task(card)])
        written["README.md"] = _write(
            out / "README.md", [data_card.of_world(cards, f"--examples {examples} --items {items}")]
        )
        for stale in set(before) - set(written):
            (out / stale).unlink(missing_ok=True)
        _mark(out, complete=True, files=written)
    except OSError as error:
        raise ReportError(
            f"The export cannot be written: {error.filename or str(out)!a} ({error.strerror}).",
            "What is written is whole. Make room or choose another folder, and give the command again."
            if out.is_dir()
            else "Choose another folder, and give the command again.",
        ) from error
    return [out / name for name in written]


def _task(out: Path, task: Task, examples: int, items: int) -> TaskCard:
    sides: Counter[str] = Counter()
    trained: set[str] = set()

    def training() -> Iterator[str]:
        for example in task.examples(examples):
            sides[example.side.value] += 1
            trained.add(_key(example.prompt))
            yield _line(example_row(example))

    def part(split: str, found: Sequence[Item], digest: str) -> Part:
        return Part(
            path=_name(task, split),
            split=split,
            about=task.splits.get(split, ""),
            rows=len(found),
            sides=dict(Counter(i.side.value for i in found)),
            clusters=len({i.cluster for i in found}),
            chance=chance(found),
            trained=sum(_key(i.prompt) in trained for i in found),
            features=tuple(sorted({name for i in found for name in i.features})),
            sha256=digest,
        )

    digest = _write(out / _name(task, "train"), training())
    parts = [Part(path=_name(task, "train"), split="train", rows=sum(sides.values()), sides=dict(sides), sha256=digest)]
    for split, found in by_split(list(task.items(items))).items():
        parts.append(part(split, found, _write(out / _name(task, split), (_line(item_row(i)) for i in found))))
    return TaskCard(name=task.name, about=task.about, parts=tuple(parts))


def _name(task: Task, split: str) -> str:
    return f"{task.name}/{re.sub(r'[^a-zA-Z0-9_.-]+', '-', split)}.jsonl"


def _planned(tasks: Sequence[Task]) -> list[str]:
    rows = [_name(task, split) for task in tasks for split in ("train", *task.splits)]
    return ["README.md", *(f"{task.name}/README.md" for task in tasks), *rows]


def _key(prompt: Prompt) -> str:
    return prompt.model_dump_json()


def _line(row: Mapping[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False) + "\n"


def _write(path: Path, lines: Iterable[str]) -> str:
    """Write beside, then rename. Returns the sha256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part, found = path.with_name(f"{path.name}.part"), hashlib.sha256()
    with part.open("wb") as file:
        for line in lines:
            data = line.encode()
            found.update(data)
            file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)
    return found.hexdigest()


def _mark(out: Path, *, complete: bool, files: Mapping[str, str]) -> None:
    facts = {"kind": KIND, "world": VERSION, "complete": complete, "files": dict(files)}
    _write(out / MARKER, [json.dumps(facts, indent=1) + "\n"])


def _claim(out: Path) -> dict[str, str]:
    """The files of an earlier export in the folder. Raises ReportError where it holds something else."""
    hint = "Name a folder that is new or empty, or one that an earlier export wrote. Nothing was changed."
    try:
        if not out.exists() or (out.is_dir() and not any(out.iterdir())):
            return {}
        if not out.is_dir():
            raise ReportError(f"{str(out)!a} is not a folder.", hint)
        marker = out / MARKER
        facts = json.loads(marker.read_text(encoding="utf-8")) if marker.is_file() else None
    except ValueError:
        facts = None
    except OSError as error:
        raise ReportError(f"{str(out)!a} cannot be read ({error.strerror}).", hint) from error
    if not isinstance(facts, dict) or facts.get("kind") != KIND or not isinstance(facts.get("files"), dict):
        raise ReportError(f"The folder {str(out)!a} is not empty and holds no export of this world.", hint)
    return {name: str(digest) for name, digest in facts["files"].items() if _OWN_FILE.fullmatch(name)}


def main(argv: list[str]) -> int:
    """`export-world --out DIR [--items N] [--examples N]`."""
    parser = argparse.ArgumentParser(
        prog="main.py export-world", description="Write every task of the world as JSON lines with data cards."
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new or empty folder")
    parser.add_argument("--items", type=int, default=ITEMS, metavar="N", help=f"items per split (default: {ITEMS})")
    parser.add_argument(
        "--examples", type=int, default=EXAMPLES, metavar="N", help=f"training examples per task (default: {EXAMPLES})"
    )
    options = parser.parse_args(argv)
    if options.items < 1 or options.examples < 1:
        raise SpecError("--items and --examples must be at least 1.")
    files = export(options.out.expanduser(), options.examples, options.items)
    sys.stdout.write(f"{len(files)} files written to {options.out.expanduser()}\n")
    return 0
