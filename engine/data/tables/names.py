"""What columns may be called, and which column of a file plays which role."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.data.problems import shown, unusable
from engine.data.tables.choices import NOTHING


@dataclass(frozen=True)
class Names:
    """What a role's column may be called, in small letters and with _ for spaces.

    Attributes:
        sure: Taken for it, the first one first.
        known: Taken for it where there is exactly one of them.
        likely: Only suggested.
    """

    sure: tuple[str, ...]
    known: tuple[str, ...] = ()
    likely: tuple[str, ...] = ()


ROLES: Mapping[str, Names] = {
    "arm": Names(
        ("arm",), ("model", "model_name", "system", "method", "condition", "variant"),
        ("name", "run_name", "checkpoint", "adapter", "config", "experiment", "eval.model"),
    ),
    "seed": Names(
        ("seed",), ("random_seed", "rng_seed", "train_seed"),
        ("run", "run_id", "rep", "repeat", "repetition", "replicate", "replica", "trial", "epoch", "fold", "iteration",
         "lauf", "durchlauf", "wiederholung", "versuch"),
    ),
    "item": Names(
        ("item", "item_id"),
        ("question_id", "qid", "example_id", "sample_id", "instance_id", "doc_id", "problem_id", "prompt_id", "id"),
        ("question", "prompt", "index", "idx", "example", "task_id", "input"),
    ),
    "correct": Names(
        ("correct", "is_correct"), ("exact_match", "acc", "accuracy", "em", "score", "passed", "success", "is_right"),
        ("pass", "right", "result", "grade", "outcome", "match"),
    ),
    "prediction": Names(
        ("prediction", "predicted"), ("pred", "response", "output", "completion", "model_answer", "model_output"),
        ("answer", "generation", "reply", "text"),
    ),
    "gold": Names(
        ("gold", "label", "target"), ("ground_truth", "gold_answer", "expected", "reference_answer", "correct_answer"),
        ("answer", "reference", "truth", "solution"),
    ),
    "cluster": Names(("cluster",)),
    "side": Names(("side",)),
    "logprob": Names(("logprob", "log_probability")),
}  # fmt: skip
"""Role to what its column may be called."""
_INDEX = re.compile(r"|unnamed: ?\d+|index|__index_level_\d+__|\(column \d+ without a name\)", re.IGNORECASE)

_NUMBERED = re.compile(r"_?(id|no|nr|num|number|nummer|index)\.?$")
"""What a name may end in beside its word: `run_no`, `lauf_nr`."""


def spelled(name: str) -> str:
    """A column's name in one way to spell it."""
    return name.strip().lower().replace(" ", "_").replace("-", "_")


def is_index(column: str) -> bool:
    """Whether a column is called as pandas calls the numbers of rows, or has no name."""
    return _INDEX.fullmatch(column.strip()) is not None


def chosen(path: Path, columns: Iterable[str], told: Mapping[str, str]) -> dict[str, str]:
    """The columns that somebody named for roles, as the file spells them.

    Raises:
        DataError: A column is not there, or named for two roles.
    """
    there = list(columns)
    found: dict[str, str] = {}
    for role, name in told.items():
        if name == NOTHING and NOTHING not in there:
            continue
        alike = [c for c in there if c == name] or [c for c in there if spelled(c) == spelled(name)]
        if len(alike) != 1:
            has = ", ".join(shown(c) for c in there[:20])
            raise unusable(path, f"has no column {shown(name)} (for {role}); its columns: {has}", "Name one of these.")
        if alike[0] in found.values():
            raise unusable(path, f"has one column {shown(name)} for two roles", "Name another column for one of them.")
        found[role] = alike[0]
    return found


def roles_of(path: Path, columns: Iterable[str], told: Mapping[str, str]) -> dict[str, str]:
    """Which column plays which role: as somebody named them, else by their names.

    A role that could be played by two columns alike stays open, as does one that somebody said has no column. `label`
    is no right answer where a column says what is correct.

    Raises:
        DataError: A column that was named is not there.
    """
    there = list(columns)
    found = chosen(path, there, told)
    free: dict[str, list[str]] = {}
    for column in there:
        if column not in found.values():
            free.setdefault(spelled(column), []).append(column)
    for role, names in ROLES.items():
        if role in told:
            continue
        sure = next((free[name] for name in names.sure if name in free), [])
        known = [column for name in names.known for column in free.get(name, [])]
        if role == "item" and not sure and len(known) > 1:
            known = known[:1]  # an item may have several names; those of less weight are said not to be used
        mine = sure or known
        if len(mine) == 1:
            found[role] = mine[0]
    if "correct" in found and spelled(found.get("gold", "")) == "label" and "gold" not in told:
        del found["gold"]
    return {role: found[role] for role in ROLES if role in found}


def contested(columns: Iterable[str], role: str) -> tuple[str, ...]:
    """Columns of which each would be taken for a role if it were alone; () where there is no more than one."""
    found = tuple(column for column in columns if spelled(column) in ROLES[role].known)
    return found if len(found) > 1 else ()


def likely(columns: Iterable[str], role: str) -> tuple[str, ...]:
    """Columns that may play a role, by their names."""
    names = ROLES[role]
    wanted = (*names.sure, *names.known, *names.likely)
    return tuple(
        column for column in columns if _NUMBERED.sub("", spelled(column)) in wanted or spelled(column) in wanted
    )
