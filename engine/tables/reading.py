"""Reads tables of results: one file, or several that are one table."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from engine.data.problems import Problems, name_of, shown, unusable
from engine.example import TEXT, Outcome, Side
from engine.tables import answers
from engine.tables.cells import ABSENT, MOST_WORDS, Scoring, scoring
from engine.tables.choices import NOTHING, Choices, Source, Unclear
from engine.tables.grid import MOST_ROWS, open_grid
from engine.tables.layout import FORMS, Layout
from engine.tables.records import Record, records
from engine.tables.table import Compared, Table
from engine.tables.unpacking import EXPECTED, FEWER

_HARNESSES = ("lm-eval", "inspect")  # they grade answers by rules of their own: `correct` need not be what we see


def read(sources: Path | Sequence[Source], choices: Choices | None = None) -> Table:
    """Read one file, or several as one table.

    Args:
        sources: A file that says itself which arm a row is of, or files with the arms they were named for.
        choices: What was said of how to read it.

    Raises:
        Unclear: Something has to be said first, e.g. which column holds the seed.
        DataError: A file cannot be read, or rows are wrong; names file, row and field.
    """
    choices = choices or Choices()
    given = (Source(sources),) if isinstance(sources, Path) else tuple(sources)
    if not given:
        raise ValueError("no file was named")
    problems = [Problems(source.path) for source in given]
    found: list[Record] = []
    layouts: list[Layout] = []
    digests: list[str] = []
    notes: list[str] = []
    for number, source in enumerate(given):
        grid = open_grid(source.path, problems[number])
        made, own = records(number, source, grid, choices, problems[number])
        for record in own:
            found.append(record)
            if len(found) > MOST_ROWS:
                raise unusable(source.path, f"has too many rows (more than {MOST_ROWS:,} in all)", FEWER)
        problems[number].check()
        layouts.append(made)
        if grid.digest in digests:
            twin = name_of(given[digests.index(grid.digest)].path)
            hint = "Name each file once; a run that was copied is no other run."
            raise unusable(source.path, f"is the same as {twin}, byte by byte", hint)
        digests.append(grid.digest)
        notes += grid.notes
    if not found:
        raise unusable(given[0].path, "has no rows", EXPECTED)
    forms = list(dict.fromkeys(FORMS[made.form] for made in layouts))
    table = Table(
        path=given[0].path,
        digest=_digest(given, digests),
        sources=given,
        choices=choices,
        sketch=layouts[0].sketch(given),
        form=", and ".join(forms),
        columns=_columns(layouts),
        unused=_unused(layouts),
    )
    notes += _notes_of_layouts(layouts, choices, any(source.arm for source in given))
    notes += _tell_variants_apart(found)
    notes += _number_files(found, given)
    _score(table, found, problems, notes)
    _fill(table, found, layouts, problems)
    for own in problems:
        own.check()
    table.notes = tuple(notes)
    return table


def _digest(sources: Sequence[Source], digests: Sequence[str]) -> str:
    if len(sources) == 1 and not sources[0].arm:
        return digests[0]
    lines = [f"{digest} {source.arm}" for source, digest in zip(sources, digests, strict=True)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _columns(layouts: Sequence[Layout]) -> dict[str, str]:
    """Role to column; where files spell it otherwise, all that they say."""
    found: dict[str, dict[str, None]] = {}
    for made in layouts:
        for role, column in made.roles.items():
            found.setdefault(role, {})[column] = None
    return {role: " / ".join(columns) for role, columns in found.items()}


def _unused(layouts: Sequence[Layout]) -> tuple[str, ...]:
    used = {column for made in layouts for column in made.used}
    return tuple(dict.fromkeys(column for made in layouts for column in made.columns if column not in used))


def _notes_of_layouts(layouts: Sequence[Layout], choices: Choices, named: bool) -> Iterator[str]:
    first = next((made for made in layouts if made.form == "wide"), None)
    if first is not None:
        some = "; ".join(
            arm.column if arm.seed is None else f"{arm.column} is {arm.arm}, seed {arm.seed}" for arm in first.arms[:8]
        )
        yield f"Columns were read as arms: {some}{' …' if len(first.arms) > 8 else ''}."
        if first.unnamed_items:
            yield "Items have no name; each row of the table is one."
    if choices.columns.get("seed") == NOTHING and not named and any("seed" not in made.roles for made in layouts):
        yield "The table has no seeds: each arm counts as one run."
    if any(made.form == "inspect" and made.roles.get("seed") == "epoch" for made in layouts):
        yield (
            "Epochs of inspect_ai were read as seeds: they repeat the questions to one model, so how much a model "
            "trained with another seed would differ is not known."
        )
    for column, value in choices.only.items():
        yield f"Only rows with {column} = {value} were read."


def _tell_variants_apart(found: Iterable[Record]) -> Iterator[str]:
    """Documents of several tasks may share a number: then their hashes are part of the items' names."""
    variants: dict[str, set[str]] = {}
    for record in found:
        if record.variant:
            variants.setdefault(record.item, set()).add(record.variant)
    several = sum(len(hashes) > 1 for hashes in variants.values())
    if not several:
        return
    for record in found:
        if record.variant:
            alone = record.cluster == record.item
            record.item = f"{record.item} ({record.variant[:12]})"
            record.cluster = record.item if alone else record.cluster
    yield f"{several:,} numbers stand for several documents, as their hashes say: each document is an item."


def _number_files(found: Sequence[Record], sources: Sequence[Source]) -> Iterator[str]:
    """Files that were named for one arm and have no seeds are its seeds in order, or parts of one run.

    A file with an item that the arm's earlier files have is another seed; one without any is a further part.
    """
    items: dict[int, set[str]] = {}
    for record in found:
        if record.seed is None:
            items.setdefault(record.source, set()).add(record.item)
    taken: dict[str, list[set[str]]] = {}
    seeds: dict[int, int] = {}
    for number, own in items.items():
        runs = taken.setdefault(sources[number].arm or f"\0{number}", [])
        seed = next((at for at, there in enumerate(runs) if not there & own), len(runs))
        if seed == len(runs):
            runs.append(set())
        runs[seed] |= own
        seeds[number] = seed
    for record in found:
        if record.seed is None:
            record.seed = seeds[record.source] if sources[record.source].arm else 0
    several = [(sources[number], seed) for number, seed in seeds.items() if sources[number].arm]
    if len({source.arm for source, _ in several}) < len(several):
        said = "; ".join(f"{name_of(source.path)} is {source.arm}, seed {seed}" for source, seed in several[:12])
        yield f"Files of one arm count as its seeds in the order in which they were named: {said}."
    elif several:
        yield "The files have no seeds: each arm counts as one run."


def _score(table: Table, found: Sequence[Record], problems: Sequence[Problems], notes: list[str]) -> None:
    """Say of each record whether it is right: its word becomes "1", "0" or None, and `table` says how."""
    counts: Counter[str] = Counter()
    first: dict[str, Record] = {}
    for record in found:
        if record.word is not None and record.word not in ABSENT:
            counts[record.word] += 1
            first.setdefault(record.word, record)
    meaning = scoring(counts, table.choices)
    if counts:
        _ask(table, meaning, counts, first)
    hows: list[str] = []
    if any(record.word is not None for record in found):
        table.words = meaning.words(counts)
        if len(counts) <= MOST_WORDS:
            table.sketch = replace(table.sketch, words=table.words)
        hows.append(meaning.how or "no cell says it")
        if table.choices.threshold is not None or not set(meaning.meaning) <= {"0", "1", "true", "false"}:
            notes.append(_told(table, meaning, counts))
    wanted = "1 or 0, true or false" if table.choices.threshold is None else "a score from 0 to 1"
    for record in found:
        if record.word is not None:
            _read_word(record, meaning, wanted, problems[record.source])
    if any(record.word is None for record in found):
        hows.append(_compare_all(table, found, problems, notes))
    table.how = "; ".join(hows)


def _ask(table: Table, meaning: Scoring, counts: Counter[str], first: dict[str, Record]) -> None:
    """Raise Unclear where the cells as a whole are no right and wrong."""
    total = sum(counts.values())
    unknown = {word: rows for word, rows in counts.items() if word not in meaning.meaning}
    said = table.choices.right or table.choices.wrong
    path = table.path
    sketch = replace(table.sketch, words=meaning.words(counts))
    column = next(iter(first.values())).column
    if meaning.scores and not said and table.choices.threshold is None:
        word = max(unknown, key=lambda entry: unknown[entry])
        where = first[word]
        what = (
            f"holds scores, not right and wrong, in its column {shown(column)}: {shown(word)} in row {where.row}, and "
            f"{len(unknown):,} different values that are neither 0 nor 1 in {sum(unknown.values()):,} of {total:,} rows"
        )
        hint = (
            "If a score is a mean over repeats, give a row for each repeat with its own seed. Else say from which "
            "score on an answer is right, e.g. `--threshold 0.5`; the result will name it."
        )
        raise Unclear(path, what, hint, ("threshold",), sketch)
    if meaning.mixed:
        what = f"holds {meaning.mixed} in its column {shown(column)}"
        hint = "Write all cells alike, or say what they mean: `--right 100% --right 1 --wrong 0%`."
        raise Unclear(path, what, hint, ("words",), sketch)
    told = said or table.choices.threshold is not None
    if not told and len(counts) <= MOST_WORDS and 2 * sum(unknown.values()) > total:
        some = ", ".join(f"{shown(word)} in {rows:,} rows" for word, rows in counts.most_common(6))
        what = f"does not say right or wrong in words known here in its column {shown(column)}: {some}"
        word = counts.most_common(1)[0][0]
        hint = f"Say what they mean, e.g. `--right {word}`, and `--wrong` with the other."
        raise Unclear(path, what, hint, ("words",), sketch)


def _told(table: Table, meaning: Scoring, counts: Counter[str]) -> str:
    if table.choices.threshold is not None:
        right = sum(rows for word, rows in counts.items() if meaning.meaning.get(word))
        return (
            f"Scores were made right and wrong: a score of at least {table.choices.threshold:g} counts as right, which "
            f"is so in {right:,} of {sum(counts.values()):,} rows."
        )
    known = [word for word in table.words if word.right is not None]
    some = ", ".join(f"{shown(w.text)} is {'right' if w.right else 'wrong'} ({w.rows:,} rows)" for w in known)
    return f"Cells were read so: {some}."


def _read_word(record: Record, meaning: Scoring, wanted: str, problems: Problems) -> None:
    word = record.word or ""
    if word in ABSENT and word not in meaning.meaning:
        problems.add(record.row, record.column, "is missing")
    elif (right := meaning.meaning.get(word)) is None:
        problems.add(record.row, record.column, f"must be {wanted}, not {shown(word)}")
    else:
        record.word = "1" if right else "0"


def _compare_all(
    table: Table, found: Iterable[Record], problems: Sequence[Problems], notes: list[str]
) -> str:  # fmt: skip
    """Compare predictions with right answers, and say how."""
    loose = table.choices.match == "loose"
    test: Callable[[str, str], bool] = answers.alike if loose else answers.same
    commas, doubtful = 0, Counter[str]()
    for record in found:
        if record.word is not None:
            continue
        prediction, gold = record.prediction, record.gold
        if gold.casefold() in answers.NOT_GOLD:
            what = f"is {shown(gold)}, which is no answer" if gold else "is missing"
            problems[record.source].add(record.row, table.columns.get("gold", "gold"), what)
            continue
        if gold.casefold() in answers.DOUBTFUL:
            doubtful[gold] += 1
        right = test(prediction, gold)
        commas += right and answers.grouped(prediction, gold)
        own = table.compared.setdefault(record.arm, Compared())
        own.rows += 1
        own.same += right
        if not right:
            own.alike += answers.alike(prediction, gold)
            own.held += answers.holds(prediction, gold)
            if own.example == ("", ""):
                own.example = (prediction[:TEXT], gold[:TEXT])
        else:
            own.alike += 1
            own.held += 1
        record.word = "1" if right else "0"
    if commas:
        notes.append(f"In {commas:,} rows a comma was read as a separator of thousands (1,000 is 1000).")
    for text, rows in doubtful.items():
        notes.append(f"The right answer is {shown(text)} in {rows:,} rows: it was taken as a text, not as missing.")
    if loose:
        notes.append("Answers were compared without regard to case, spaces and marks around them, as was asked for.")
    return "prediction is compared with gold" + (", without regard to case, spaces and marks" if loose else "")


def _fill(table: Table, found: Iterable[Record], layouts: Sequence[Layout], problems: Sequence[Problems]) -> None:
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
    return said if "seed" in table.columns else f"{said} (which column tells repeats apart? `--seed-column NAME`)"


def _of(there: Record, here: Record, table: Table) -> str:
    return "" if there.source == here.source else f" of {name_of(table.sources[there.source].path)}"
