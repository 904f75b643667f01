"""Wide tables: an item in each row, and a column for each arm, or for each arm and seed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.data.tables.cells import ABSENT, scoring, word_of
from engine.data.tables.choices import Choices
from engine.data.tables.names import is_index

_SEED = re.compile(
    r"(?P<arm>.+?)[\s_.,/|:-]*[(\[]?(?:seed|sd|run|rep)[\s_.=:#-]*(?P<seed>\d{1,15})[)\]]?", re.IGNORECASE
)
_NUMBER = re.compile(r"(?P<arm>.+?)(?:[\s_-]+s?|/|\.)(?P<seed>\d{1,6})", re.IGNORECASE)


@dataclass(frozen=True)
class ArmColumn:
    """A column of a wide table: whose results it holds; None where no seed is in its name."""

    column: str
    arm: str
    seed: int | None


def candidates(columns: Iterable[str], roles: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The columns that may be arms: all of their cells say right or wrong, and they play no other role."""
    taken = {column for role, column in roles.items() if role not in ("arm", "correct")}
    return tuple(c for c in columns if c not in taken and not is_index(c) and _says_right(c, rows))


def _says_right(column: str, rows: Sequence[Mapping[str, Any]]) -> bool:
    counts = Counter(word for cells in rows if (word := word_of(cells.get(column))) not in ABSENT)
    found = scoring(counts, Choices())
    return bool(counts) and (found.scores or counts.keys() <= found.meaning.keys())


def arms_of(columns: Sequence[str]) -> tuple[list[ArmColumn], bool]:
    """Whose results each column holds, and whether that is certain.

    A seed is what follows the word seed (or run, rep). A number alone at the end may belong to the arm's own name
    (llama-3): it is a seed where two arms or more are numbered alike from 0 or 1 on; otherwise it is uncertain.
    """
    named = {column: match for column in columns if (match := _SEED.fullmatch(column.strip()))}
    found = [
        ArmColumn(column, _trimmed(named[column]["arm"]), int(named[column]["seed"]))
        if column in named
        else ArmColumn(column, column.strip(), None)
        for column in columns
    ]
    if named:
        return found, True
    numbered: dict[str, dict[int, str]] = {}
    for column in columns:
        if match := _NUMBER.fullmatch(column.strip()):
            numbered.setdefault(_trimmed(match["arm"]), {})[int(match["seed"])] = column
    several = {arm: seeds for arm, seeds in numbered.items() if len(seeds) > 1}
    alike = {tuple(sorted(seeds)) for seeds in several.values()}
    first = min((number for seeds in alike for number in seeds), default=2)
    in_order = all(seeds == tuple(range(first, first + len(seeds))) for seeds in alike)
    if len(several) < 2 or len(alike) > 1 or first > 1 or not in_order:
        return found, not several
    seeds_of = {column: (arm, seed) for arm, seeds in several.items() for seed, column in seeds.items()}
    return [ArmColumn(c.column, *seeds_of.get(c.column, (c.arm, None))) for c in found], True


def doubtful(arms: Sequence[ArmColumn]) -> tuple[str, ...]:
    """Columns without a seed beside columns with one, which may be no arms but say something of the item.

    One of them alone is an arm that was run once where it is called like an untuned model.
    """
    without = [arm for arm in arms if arm.seed is None]
    if len(without) == len(arms) or (len(without) == 1 and without[0].arm.lower() in BASES):
        return ()
    return tuple(arm.column for arm in without)


BASES = ("base", "untuned", "pretrained")
"""What the untuned model is called, in small letters."""
NAMES = "names"
"""Said of seeds in place of a column: they are the numbers at the end of the columns' names."""


def numbers_are_seeds(columns: Sequence[str]) -> list[ArmColumn]:
    """Whose results each column holds where somebody said that a number at its name's end is a seed."""
    found = []
    for column in columns:
        match = _SEED.fullmatch(column.strip()) or _NUMBER.fullmatch(column.strip())
        arm, seed = (_trimmed(match["arm"]), int(match["seed"])) if match else (column.strip(), None)
        found.append(ArmColumn(column, arm, seed))
    return found


def _trimmed(name: str) -> str:
    return name.strip(" \t_-.,/|:([")
