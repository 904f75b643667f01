"""What stands beside exported data: a card for each task, one for the whole. Readable, and read by Hugging Face."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from engine.world import VERSION

FIELDS = """\
| field | what it is |
|---|---|
| `id` | unique within the task |
| `split` | "train", or what is held out (see above) |
| `task` | the task, as the folder is named |
| `family` | training examples: the family of the instruction; "" for items |
| `messages` | the prompt: `role`, `content`, and `tool_calls` (JSON text of a list, "[]" where there are none) |
| `tools` | JSON text of a list of tools as JSON schema ("[]" where none are on offer) |
| `answer` | a right answer, as a message like the prompt's; of items the bare answer, without written steps |
| `gold` | what answers are compared with: `kind` ("text" or "call"), `text`, `labels` and `calls` (JSON text of each) |
| `cluster` | rows that share a template, noun, tool or fact: no independent draws |
| `crossed` | items: a second such thing that other clusters share (a hypothesis); "" where there is none |
| `side` | where the shortcut points: "congruent" (to the right answer), "conflicting" (to a wrong one), "neutral" |
| `features` | JSON text of an object of numbers |
| `payload` | JSON text of an object: what the task's own solver needs |

`labels` are all answers that are valid (case, closing stops and quotation marks are not compared); where there are
none, the whole answer must be `text`. Of an answer that says "the answer is", what follows is compared. `calls` are
the accepted calls, a list of accepted values for each argument; where it is empty, right is any answer without a
call."""

READING = '''\
```python
import json

def plain(row):
    """The row with its JSON text read."""
    message = lambda m: {**m, "tool_calls": json.loads(m["tool_calls"])}
    gold = row["gold"]
    return {
        **row,
        "messages": [message(m) for m in row["messages"]],
        "answer": message(row["answer"]),
        "tools": json.loads(row["tools"]),
        "gold": {**gold, "labels": json.loads(gold["labels"]), "calls": json.loads(gold["calls"])},
        "features": json.loads(row["features"]),
        "payload": json.loads(row["payload"]),
    }
```'''


@dataclass(frozen=True)
class Part:
    """One file of a task.

    Attributes:
        path: Below the export's folder.
        about: What is held out.
        sides: Side -> rows.
        clusters: Distinct clusters.
        chance: Share right by guessing.
        trained: Rows whose very prompt is in the training file.
        features: Names of numbers that rows carry.
    """

    path: str
    split: str
    rows: int
    sides: Mapping[str, int]
    sha256: str
    about: str = ""
    clusters: int = 0
    chance: float | None = None
    trained: int = 0
    features: tuple[str, ...] = ()


@dataclass(frozen=True)
class TaskCard:
    """A task and its files, the training file first."""

    name: str
    about: str
    parts: tuple[Part, ...] = field(default_factory=tuple)


def of_task(card: TaskCard) -> str:
    """A task's `README.md`."""
    items = [p for p in card.parts if p.split != "train"]
    splits = "\n".join(f"- **{p.split}**: {p.about}." for p in items)
    features = sorted({name for p in items for name in p.features})
    numbers = f"\nNumbers in `features`: {', '.join(f'`{name}`' for name in features)}.\n" if features else ""
    front = "\n".join(
        f"  - split: {re.sub(r'[^a-zA-Z0-9_]+', '_', p.split)}\n    path: {p.path.split('/')[-1]}" for p in card.parts
    )
    return f"""---
license: apache-2.0
language: en
pretty_name: Tuning Fork world, {card.name}
configs:
- config_name: default
  data_files:
{front}
---

# {card.name}

{card.about}

Part of an invented world (version {VERSION}); nothing here is true of the real one. Generated, not collected: no
person's data, no text of others.

## Splits, and what each holds out

{splits}

| file | rows | congruent | conflicting | neutral | clusters | by guessing | prompt is in train |
|---|---|---|---|---|---|---|---|
{_rows(card.parts)}

"By guessing" is one in as many labels as an answer has, or always the commonest answer, whichever is more; for calls,
never to call.

## Fields

{FIELDS}
{numbers}
## Reading

What differs in shape from row to row is JSON text, so that every file has the same columns of the same types.

{READING}

`datasets.load_dataset("json", data_files=...)` reads one file or several; `load_dataset` on this folder knows the
splits.

## Files

{_digests(card.parts)}

Licence: Apache-2.0.
"""


def of_world(cards: Sequence[TaskCard], options: str) -> str:
    """The export's own `README.md`."""
    tasks = "\n".join(
        f"| [{c.name}]({c.name}/README.md) | {c.parts[0].rows:,} | {sum(p.rows for p in c.parts[1:]):,} "
        f"| {', '.join(p.split for p in c.parts[1:])} |"
        for c in cards
    )
    about = "\n\n".join(f"**{c.name}**: {c.about}" for c in cards)
    return f"""# The world of Tuning Fork, version {VERSION}

The tasks on which the bundled models of Tuning Fork are trained and measured. The models' pretraining is generated by
the same code, so it is known of every noun, tool, fact and combination whether a model has met it. Each task holds out
something of its own, and most have a shortcut that is right on some items (congruent) and wrong on others
(conflicting): accuracy on both tells the task from the shortcut.

| task | training examples | items | splits |
|---|---|---|---|
{tasks}

{about}

## Fields

{FIELDS}

`TASK/train.jsonl` holds training examples, every other file one split of items.

{READING}

## Files

Written by `python main.py export-world {options}`; the same command gives the same bytes.

{_digests([p for c in cards for p in c.parts])}

Licence: Apache-2.0.
"""


def _rows(parts: Sequence[Part]) -> str:
    lines = []
    for p in parts:
        sides = " | ".join(str(p.sides.get(side, 0)) for side in ("congruent", "conflicting", "neutral"))
        rest = " | | " if p.chance is None else f"{p.clusters} | {p.chance:.3f} | {p.trained}"
        lines.append(f"| `{p.path.split('/')[-1]}` | {p.rows} | {sides} | {rest} |")
    return "\n".join(lines)


def _digests(parts: Sequence[Part]) -> str:
    return "\n".join(["| file | sha256 |", "|---|---|", *(f"| `{p.path}` | `{p.sha256}` |" for p in parts)])
