"""Results from elsewhere: a table of arm, seed and item as outcomes, the form in which the lab keeps its own."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.data.problems import Problems, shown, unusable
from engine.data.table import EXPECTED, Row, read_table
from engine.example import Outcome, Side

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "arm": ("arm",),
    "seed": ("seed",),
    "item": ("item", "item_id"),
    "correct": ("correct",),
    "prediction": ("prediction", "predicted"),
    "gold": ("gold", "label", "target"),
    "cluster": ("cluster",),
    "side": ("side",),
    "logprob": ("logprob", "log_probability", "log-probability"),
}
"""What a column may be called, in any case; others are not read."""
_RIGHT = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
_SIDES = {side.value: side for side in Side}
_LONGEST = 200  # characters of a name
Run = tuple[str, int]


@dataclass
class Table:
    """What a file holds.

    Attributes:
        digest: sha256 of its bytes.
        runs: Outcomes by arm and seed, in the file's order.
        columns: Which column of the file was read as which of ours.
        contradicted: Rows whose `correct` is not what `prediction` and `gold` say.
    """

    path: Path
    digest: str = ""
    runs: dict[Run, list[Outcome]] = field(default_factory=lambda: defaultdict(list))
    columns: dict[str, str] = field(default_factory=dict)
    contradicted: list[int] = field(default_factory=list)

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms, in the file's order."""
        return tuple(dict.fromkeys(arm for arm, _ in self.runs))

    @property
    def sided(self) -> bool:
        """Whether items say where the shortcut points."""
        sides = {outcome.side for outcomes in self.runs.values() for outcome in outcomes}
        return {Side.CONGRUENT, Side.CONFLICTING} <= sides

    @property
    def valued(self) -> bool:
        """Whether rows carry a log-probability."""
        return "logprob" in self.columns

    def seeds(self, arm: str) -> list[int]:
        """The arm's seeds, in order."""
        return sorted(seed for own, seed in self.runs if own == arm)


def read(path: Path) -> Table:
    """Read a table.

    Raises:
        DataError: The file cannot be read, a column is missing, or rows are wrong; names file, row and field.
    """
    problems = Problems(path)
    digest, found = read_table(path, problems)
    table = Table(path, digest)
    first: dict[str, tuple[int, tuple[str, Side, str]]] = {}  # where an item stood first, and what it was
    seen: dict[tuple[str, int, str], int] = {}
    for row, cells in _of_one_probe(path, found):
        if not table.columns:
            table.columns = _columns(path, cells)
        own = {name: cells.get(column) for name, column in table.columns.items()}
        outcome = _outcome(row, own, problems)
        if outcome is None:
            continue
        run, made, gold = outcome
        key = (*run, made.item)
        if key in seen:
            problems.add(
                row, table.columns["item"], f"repeats row {seen[key]}: {shown(made.item)} of this arm and seed"
            )
            continue
        seen[key] = row
        what = (made.cluster, made.side, gold)
        at, before = first.setdefault(made.item, (row, what))
        if before != what:
            changed = [n for n, a, b in zip(("cluster", "side", "gold"), before, what, strict=True) if a != b]
            column = table.columns.get(changed[0], changed[0])
            problems.add(row, column, f"differs from row {at}, which has the same item {shown(made.item)}")
            continue
        table.runs[run].append(made)
        if _contradicts(own, made.correct):
            table.contradicted.append(row)
    problems.check()
    if not table.runs:
        raise unusable(path, "has no rows", EXPECTED)
    return table


def _of_one_probe(path: Path, found: Iterator[Row]) -> Iterator[Row]:
    """The rows, as long as a column `probe` says the same in all: two measurements judged as one would be neither."""
    column, probes = "", dict[str, None]()
    for row, cells in found:
        column = column or _spelled(cells).get("probe", "")
        if probe := _text(cells.get(column)):
            probes[probe] = None
        if len(probes) > 1:
            probes |= dict.fromkeys(text for _, more in found if (text := _text(more.get(column))))
            some = ", ".join(shown(probe) for probe in list(probes)[:8]) + (" …" if len(probes) > 8 else "")
            raise unusable(
                path, f"holds {len(probes)} probes in its column {shown(column)}: {some}",
                "One probe is judged at a time: write it with `report TRIAL --to FILE.csv --items --probe NAME`, "
                "or keep the rows of one probe.",
            )  # fmt: skip
        yield row, cells


def _spelled(names: Iterable[Any]) -> dict[str, str]:
    """Our way to spell a column's name, and the file's."""
    return {str(name).strip().lower().replace(" ", "_"): str(name) for name in names}


def _contradicts(cells: Mapping[str, Any], correct: bool) -> bool:
    """Whether a row's prediction and right answer, as far as it has both, say otherwise than its `correct`."""
    if not {"correct", "prediction", "gold"} <= cells.keys() or not _text(cells["gold"]):
        return False
    return (_text(cells["prediction"]) == _text(cells["gold"])) != correct


def _columns(path: Path, cells: Mapping[str, Any]) -> dict[str, str]:
    """Which of the file's columns is which of ours."""
    spelled = _spelled(cells)
    found = {ours: spelled[name] for ours, names in COLUMNS.items() for name in reversed(names) if name in spelled}
    missing = [name for name in ("arm", "seed", "item") if name not in found]
    if "correct" not in found and not {"prediction", "gold"} <= found.keys():
        missing.append("correct (or prediction and gold)")
    if missing:
        has = ", ".join(shown(str(name)) for name in list(cells)[:20])
        raise unusable(path, f"has no column {', '.join(missing)}; its columns: {has}", EXPECTED)
    return found


def _outcome(row: int, cells: Mapping[str, Any], problems: Problems) -> tuple[Run, Outcome, str] | None:
    """A row's run, outcome and right answer; what is wrong with it goes to `problems`."""
    before = len(problems.found)
    arm, item = (_name(row, name, cells.get(name), problems) for name in ("arm", "item"))
    seed = _seed(row, cells.get("seed"), problems)
    prediction, gold = (_text(cells.get(name)) for name in ("prediction", "gold"))
    if "correct" in cells:
        correct = _RIGHT.get(_whole(_text(cells["correct"])).lower())
        if correct is None:
            problems.add(row, "correct", f"must be 1 or 0, true or false, not {shown(cells['correct'])}")
    else:
        correct = prediction == gold
        if cells.get("gold") is None:
            problems.add(row, "gold", "is missing")
    side = _SIDES.get(_text(cells.get("side")).lower() or Side.NEUTRAL)
    if side is None:
        problems.add(row, "side", f"must be one of {', '.join(_SIDES)}, or empty, not {shown(cells['side'])}")
    value = _number(row, cells.get("logprob"), problems)
    if len(problems.found) > before or side is None:
        return None
    made = Outcome(
        item=item, correct=bool(correct), split="all", cluster=_text(cells.get("cluster")) or item, side=side,
        output=prediction[:500], failure=None, value=value,
    )  # fmt: skip
    return (arm, seed), made, gold


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():  # a table's 1 comes back as 1.0 where a column has gaps
        value = int(value)
    return "" if value is None else str(value).strip()


def _whole(text: str) -> str:
    """A whole number as it is spelled, where a program has written it as 1.0."""
    return re.sub(r"(?<=\d)\.0+$", "", text)


def _name(row: int, field_: str, value: Any, problems: Problems) -> str:
    text = _text(value)
    if not text:
        problems.add(row, field_, "is missing")
    elif len(text) > _LONGEST:
        problems.add(row, field_, f"is too long ({len(text)} characters; at most {_LONGEST})")
    return text


def _seed(row: int, value: Any, problems: Problems) -> int:
    text = _whole(_text(value))
    if text.isascii() and text.isdigit() and len(text) < 16:
        return int(text)
    problems.add(row, "seed", f"must be a whole number, not {shown(value)}" if text else "is missing")
    return 0


def _number(row: int, value: Any, problems: Problems) -> float | None:
    if value is None or _text(value) == "":
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        problems.add(row, "logprob", f"must be a finite number, not {shown(value)}")
        return None
    return number
