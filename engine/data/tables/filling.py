"""Records that were decided become the outcomes of a table; what contradicts itself is a problem of its row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.data.problems import Problems, name_of, shown
from engine.data.tables import answers
from engine.data.tables.layout import Layout
from engine.data.tables.records import Record
from engine.data.tables.table import Table
from engine.spec.example import TEXT, Outcome, Side

_HARNESSES = ("lm-eval", "inspect")  # they grade answers by rules of their own: `correct` need not be what we see
_PARTS = ("task", "subset", "dataset", "benchmark", "config", "split", "metric")


def fill(table: Table, found: Iterable[Record], layouts: Sequence[Layout], problems: Sequence[Problems]) -> None:
    """Records as outcomes; an item that is not the same everywhere, or comes twice, is a problem."""
    first: dict[str, tuple[Record, tuple[str, Side, str]]] = {}
    seen: dict[tuple[str, int, str], Record] = {}
    graded = [made.form in _HARNESSES for made in layouts]
    with_gold = "gold" in table.columns
    for record in found:
        if record.word not in ("0", "1") or record.seed is None:
            continue  # what is wrong with it was said
        key = (record.arm, record.seed, record.item)
        own = problems[record.source]
        if key in seen:
            own.add(
                record.row, layouts[record.source].roles.get("item", record.column), _repeat(record, seen[key], table)
            )
            continue
        seen[key] = record
        what = (record.cluster, record.side, record.gold if with_gold else "")
        at, before = first.setdefault(record.item, (record, what))
        if before != what:
            pairs = list(zip(("cluster", "side", "gold"), before, what, strict=True))
            changed = [role for role, a, b in pairs if a != b and not (role == "gold" and answers.same(str(a), str(b)))]
            if changed:
                column = layouts[record.source].roles.get(changed[0], changed[0])
                where = f"row {at.row}{_of(at, record, table)}"
                own.add(record.row, column, f"differs from {where}, which has the same item {shown(record.item)}")
                continue
        correct = record.word == "1"
        table.runs[record.arm, record.seed].append(
            Outcome(
                item=record.item, correct=correct, split="all", cluster=record.cluster, side=record.side,
                output=record.prediction[:TEXT], failure=None, value=record.value,
            )
        )  # fmt: skip
        judged = "correct" in layouts[record.source].roles and not graded[record.source]
        judged = judged and "prediction" in table.columns and record.gold != ""
        if judged and answers.same(record.prediction, record.gold) != correct:
            table.contradicted.append(record.row)


def _repeat(record: Record, before: Record, table: Table) -> str:
    said = f"repeats row {before.row}{_of(before, record, table)}: {shown(record.item)} of this arm and seed"
    if "seed" not in table.columns:
        return f"{said} (if a column tells repeats apart, name it as that of the seed)"
    parts = next((column for column in table.unused if column.strip().lower() in _PARTS), None)
    return said if parts is None else f"{said} (one part at a time: read only the rows of one {shown(parts)})"


def _of(there: Record, here: Record, table: Table) -> str:
    return "" if there.source == here.source else f" of {name_of(table.sources[there.source].path)}"
