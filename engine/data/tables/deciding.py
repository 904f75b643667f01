"""Whether each record is right: by what a cell says, or by comparing an answer with the right one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from engine.data.problems import Problems, shown
from engine.data.tables import answers
from engine.data.tables.cells import ABSENT, MOST_WORDS, Scoring, scoring
from engine.data.tables.choices import Unclear
from engine.data.tables.records import Record
from engine.data.tables.table import Compared, Table
from engine.spec.example import TEXT


def decide(table: Table, found: Sequence[Record], problems: Sequence[Problems], notes: list[str]) -> None:
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
    if table.choices.right or table.choices.wrong:
        wanted = "one of the cells that were said to mean right or wrong"
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
        percent = f" ({100 * table.choices.threshold:g} %)" if any(word.endswith("%") for word in counts) else ""
        return (
            f"Scores were made right and wrong: a score of at least {table.choices.threshold:g}{percent} counts as "
            f"right, which "
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
        notes.append(f"In {_rows(commas)} a comma was read as a separator of thousands (1,000 is 1000).")
    for text, rows in doubtful.items():
        notes.append(f"The right answer is {shown(text)} in {_rows(rows)}: it was taken as a text, not as missing.")
    if loose:
        notes.append("Answers were compared without regard to case, spaces and marks around them, as was asked for.")
    return "prediction is compared with gold" + (", without regard to case, spaces and marks" if loose else "")


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"
