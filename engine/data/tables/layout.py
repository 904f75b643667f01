"""What a file is taken for, and which column plays which role; what cannot be told is asked for, not guessed."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from engine.data.problems import printable, shown, unusable
from engine.data.tables import names, wide
from engine.data.tables.cells import seed_of, text_of
from engine.data.tables.choices import NOTHING, Choices, Need, Sketch, Source, Unclear
from engine.data.tables.rows import inspect_log, lm_eval
from engine.data.tables.rows.grid import Grid
from engine.data.tables.rows.unpacking import EXPECTED

FORMS = {
    "long": "a row for each arm, seed and item",
    "wide": "a row for each item, a column for each arm",
    "lm-eval": "samples of lm-evaluation-harness",
    "inspect": "samples of a log of inspect_ai",
}
"""Form to what it is, for people."""
_ASKED: Mapping[Need, str] = {
    "arm": "the arm: `--arm-column NAME`, or name each arm's own file: `--arm base=FILE --arm sft=FILE`",
    "seed": "the seed: `--seed-column NAME`, or `--seed-column none` where every arm was run once",
    "item": "the item: `--item-column NAME`",
    "correct": "what is right: `--correct-column NAME`, or `--prediction-column NAME` with `--gold-column NAME`",
    "arms": "the columns that are arms: `--arm-columns NAME,NAME`",
    "gold": "whether cells are answers or say right and wrong: `--gold-column NAME`, or `--gold-column none`",
}
_SAMPLES, _LONGEST_SAMPLE = 4, 40


@dataclass(frozen=True)
class Layout:
    """How a file's rows are read.

    Attributes:
        form: One of `FORMS`.
        roles: Role to column.
        arms: In a wide table, whose results each column holds.
        columns: Every column with some of its values.
        unnamed_items: Items have no column: rows are counted.
    """

    form: str
    roles: Mapping[str, str]
    columns: Mapping[str, tuple[str, ...]]
    arms: tuple[wide.ArmColumn, ...] = ()
    unnamed_items: bool = False
    likely: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def used(self) -> tuple[str, ...]:
        """The columns that are read."""
        also = ("doc_hash", "filtered_resps", lm_eval.ANSWER) if self.form == "lm-eval" else ()
        return (*self.roles.values(), *(arm.column for arm in self.arms), *also)

    def sketch(self, sources: Sequence[Source]) -> Sketch:
        """The same for whoever has to say what is open."""
        return Sketch(
            sources=tuple(sources), form=self.form, columns=self.columns, roles=self.roles, likely=self.likely,
            arm_columns=tuple(arm.column for arm in self.arms),
        )  # fmt: skip


def layout(grid: Grid, source: Source, head: Sequence[Mapping[str, Any]], choices: Choices) -> Layout:
    """How a file is to be read.

    Args:
        grid: The file.
        source: Whose results it holds, as far as that was said.
        head: Its first rows.
        choices: What was said.

    Raises:
        Unclear: Something has to be said first.
        DataError: A column that was named is not there.
    """
    columns = list(dict.fromkeys(str(name) for cells in head for name in cells))
    told = choices.columns
    if told.get("seed") == wide.NAMES and wide.NAMES not in columns:
        told = {**told, "seed": NOTHING}
    if grid.form == "inspect":
        roles, form, open_ = _of_inspect(grid, columns, told), "inspect", []
    elif lm_eval.recognised(columns):
        form, open_ = "lm-eval", []
        roles = {**lm_eval.roles(list(map(dict, head))), **names.chosen(grid.path, columns, told)}
        roles = {role: column for role, column in roles.items() if told.get(role) != NOTHING}
        if "arm" not in told and (arm := [c for c in columns if names.spelled(c) in ("arm", "model")]):
            roles["arm"] = arm[0]
        if "seed" not in told and "seed" in columns:
            roles["seed"] = "seed"
    else:
        roles, form, open_ = names.roles_of(grid.path, columns, told), "long", []
        if (found := _wide(grid, roles, columns, head, choices)) is not None:
            return _checked(found, grid, source, choices)
    free = [column for column in columns if column not in roles.values()]
    made = Layout(form, roles, _sampled(columns, head), likely=_likely(form, free, roles, head))
    if not source.arm and "arm" not in roles:
        open_.append("arm")
    if "seed" not in roles and "seed" not in told and not source.arm:
        open_.append("seed")
    if "item" not in roles:
        open_.append("item")
    compared = {"prediction", "gold"} <= roles.keys()
    scores = names.contested(free, "correct") if form == "long" else made.likely.get("correct", ())
    several = len(scores) > 1  # of which one has to be named
    if "correct" not in roles and (not compared or (several and not {"correct", "gold"} & told.keys())):
        open_.append("correct")
    if open_:
        raise _unclear(grid, source, made, open_)
    return made


def _of_inspect(grid: Grid, columns: Sequence[str], told: Mapping[str, str]) -> dict[str, str]:
    scores = [column for column in columns if column.startswith(inspect_log.SCORES)]
    own = {"arm": "model", "seed": "epoch", "item": "id", "prediction": "answer", "gold": "target"}
    if len(scores) == 1:
        own["correct"] = scores[0]
    found = {**own, **names.chosen(grid.path, columns, told)}
    return {role: column for role, column in found.items() if told.get(role) != NOTHING}


def _wide(
    grid: Grid, roles: Mapping[str, str], columns: Sequence[str], head: Sequence[Mapping[str, Any]], choices: Choices
) -> Layout | None:
    """A file read as a wide table; None where it is none."""
    told = choices.columns
    if choices.arm_columns:
        named = [names.chosen(grid.path, columns, {"arm": name})["arm"] for name in choices.arm_columns]
    elif {"arm", "correct", "prediction"} & roles.keys() or {"arm", "correct", "prediction"} & told.keys():
        return None
    else:
        named = list(wide.candidates(columns, roles, head))
        if len(named) < 2 and not ("gold" in roles and "item" in roles):
            return None
    own = {role: c for role, c in roles.items() if role not in ("arm", "correct", "prediction") and c not in named}
    index = next((c for c in columns if names.is_index(c) and c not in named and c not in own.values()), None)
    if "item" not in own and index is not None and _all_differ(index, head):
        own["item"] = index
    if told.get("seed") == wide.NAMES:
        arms, certain = wide.numbers_are_seeds(named), True
    elif told.get("seed") == NOTHING or "seed" in own:
        arms, certain = [wide.ArmColumn(column, column.strip(), None) for column in named], True
    else:
        arms, certain = wide.arms_of(named)
    free = [c for c in columns if c not in own.values() and c not in named and not names.is_index(c)]
    made = Layout(
        "wide", own, _sampled(columns, head), tuple(arms), "item" not in own,
        {"arms": (*named, *free), "seed": _seeds(free, head)},
    )  # fmt: skip
    open_: list[Need] = []
    if "gold" in own and "gold" not in told:
        open_.append("gold")
        if not choices.arm_columns:
            open_.append("arms")
    elif not choices.arm_columns and (unsure := wide.doubtful(arms)):
        open_.append("arms")
        made = replace(made, arms=tuple(arm for arm in arms if arm.column not in unsure))
    seeds = any(arm.seed is not None for arm in arms) or "seed" in own or "seed" in told
    if not certain or not seeds:
        open_.append("seed")
    if open_:
        raise _unclear(grid, Source(grid.path), made, open_)
    return made


def _checked(found: Layout, grid: Grid, source: Source, choices: Choices) -> Layout:
    """A wide table, unless it was named for one arm."""
    if source.arm:
        what = f"is a table with a column for each of {len(found.arms)} arms, and was named for arm {shown(source.arm)}"
        hint = (
            f"Give the file alone, or say which one column tells what is correct, e.g. {shown(found.arms[0].column)}."
        )
        raise unusable(grid.path, what, hint)
    return found


def _all_differ(column: str, head: Sequence[Mapping[str, Any]]) -> bool:
    texts = [text_of(cells.get(column)) for cells in head]
    return all(texts) and len(set(texts)) == len(texts)


def _sampled(columns: Iterable[str], head: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """Every column with its first different values."""
    found: dict[str, tuple[str, ...]] = {}
    for column in columns:
        some = dict.fromkeys(text_of(cells.get(column))[:_LONGEST_SAMPLE] for cells in head)
        found[column] = tuple(text for text in some if text)[:_SAMPLES]
    return found


def _likely(
    form: str, free: Sequence[str], roles: Mapping[str, str], head: Sequence[Mapping[str, Any]]
) -> dict[str, tuple[str, ...]]:
    found = {role: names.likely(free, role) for role in names.ROLES if role not in roles}
    if "seed" in found:
        found["seed"] = _seeds(free, head)
    if form == "lm-eval":
        found["correct"] = lm_eval.metrics(head)
    if form == "inspect":
        found["correct"] = tuple(column for column in free if column.startswith(inspect_log.SCORES))
    return {role: columns for role, columns in found.items() if columns}


def _seeds(free: Iterable[str], head: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Columns that may hold seeds: called so, with a few whole numbers that come again and again."""
    return tuple(column for column in names.likely(free, "seed") if _few_numbers(column, head))


def _few_numbers(column: str, head: Sequence[Mapping[str, Any]]) -> bool:
    cells = [text for row in head if (text := text_of(row.get(column)))]
    return 2 * len(set(cells)) <= len(cells) and all(seed_of(text) is not None for text in cells)


def _unclear(grid: Grid, source: Source, made: Layout, needs: list[Need]) -> Unclear:
    columns = [column for column in made.columns if column != lm_eval.ANSWER]  # that one is not the file's own
    has = ", ".join(map(shown, columns[:20])) + (" …" if len(columns) > 20 else "")
    if made.form == "wide":
        arms = ", ".join(shown(arm.column) for arm in made.arms[:12]) or "none yet"
        said = f"looks like {FORMS['wide']} (taken for arms: {arms})"
        what = {"seed": "which seeds", "gold": "what its cells are", "arms": "which columns are arms"}
        said += f", and does not say {' nor '.join(what[need] for need in needs)}; its columns: {has}"
    else:
        taken = "" if made.form == "long" else f"was read as {FORMS[made.form]} and "
        correct = "correct (or prediction and gold)"
        lacks = ", ".join(correct if need == "correct" else need for need in needs)
        said = f"{taken}has no column for {lacks}; its columns: {has}"
    asked = [_ASKED[need] for need in needs]
    if made.form == "lm-eval" and "arm" in needs:
        asked = ["the arm of each file: `--arm base=FILE --arm sft=FILE`; files of one arm are its seeds"]
        asked += [_ASKED[need] for need in needs if need not in ("arm", "seed")]
    if made.form == "wide" and "seed" in needs:
        asked = [
            "the seeds: `--seed-column none` where each column is an arm that was run once, `--seed-column names` "
            "where numbers at the end of columns' names are seeds (as in sft_0)" if need == "seed" else _ASKED[need]
            for need in needs
        ]  # fmt: skip
    perhaps = [
        f"--{need}-column {printable(column)}"
        for need in needs
        for column in made.likely.get(need, ())[:3]
        if need != "arms"
    ]
    hint = f"Say {'; and '.join(asked)}." + (f" Perhaps: {', '.join(perhaps)}." if perhaps else "")
    if needs == ["arms"]:
        seeded = shlex.quote(",".join(printable(arm.column) for arm in made.arms))
        hint += f" Without the columns that name no seed: `--arm-columns {seeded}`."
    if made.form == "long" and len(needs) > 2 and not perhaps:
        hint += f" {EXPECTED}"
    return Unclear(grid.path, said, hint, tuple(needs), made.sketch([source]))
