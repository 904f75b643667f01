"""What was understood of a user's model and data, in words: the same in the window, on the terminal and in reports."""

from __future__ import annotations

from engine.spec.understanding import Fit, Inspection, Understanding
from engine.stats.display.wording import counted

GRADERS = {
    "strict": "strictly, as JSON values",
    "bfcl": "by the rules of the BFCL leaderboard",
}
SPLITS = {
    "wording": "requests in new wordings",
    "tools": "requests for tools not seen in training",
    "no_tool": "requests that no tool serves",
}
ROWS = {"strict": "rows of other forms", "bfcl": "the leaderboard's rows"}
"""Whose calls a grader compares where a file has several."""


def facts(found: Understanding) -> tuple[tuple[str, str], ...]:
    """What a file holds, as (name, value) pairs."""
    calls = f"{found.calls:,}" + (f" ({found.several:,} of them with several calls)" if found.several else "")
    items = [f"{count:,} {SPLITS.get(name, name)}" for name, count in found.items.items() if count]
    pairs = [
        ("File", found.file),
        ("Form", found.form),
        ("Rows", f"{found.rows:,}" + (f" ({found.left_out_count:,} left out)" if found.left_out_count else "")),
        ("Answers", f"{found.examples:,}"),
        ("that call tools", calls),
        ("where no tool applies", f"{found.declined:,}"),
        ("in words, no tools on offer", f"{found.texts:,}"),
        ("Tools", f"{found.tools:,}"),
        ("Calls are compared", grader_words(found.grader)),
        ("To train on", f"{found.train:,}"),
        *(("To measure on" if at == 0 else "and", text) for at, text in enumerate(items)),
    ]
    return tuple(pair for pair in pairs if pair[1] != "0" or pair[0] in ("Answers", "that call tools"))


def grader_words(grader: str) -> str:
    """How calls are compared, in words; "strict and bfcl" where a file has rows of both kinds."""
    names = grader.split(" and ")
    if len(names) == 1:
        return GRADERS.get(grader, grader)
    return "; ".join(f"{ROWS.get(name, 'others')} {GRADERS.get(name, name)}" for name in names)


def fit_facts(found: Fit) -> tuple[tuple[str, str], ...]:
    """The data as the model sees them, as (name, value) pairs."""
    pairs = [
        ("The model writes calls", f"as {found.language} does" if found.language else ""),
        ("Longest prompt", f"{found.prompt_tokens:,} tokens (the model takes {found.context:,})"),
        ("Too long prompts", f"{found.cut:,}, cut from the left" if found.cut else ""),
        ("Longest right answer", f"{found.answer_tokens:,} tokens; answers are given up to {found.limit:,}"),
    ]
    return tuple(pair for pair in pairs if pair[1])


def left_out(found: Understanding) -> str:
    """How many rows were left out, and how many of them are listed."""
    listed = len(found.left_out)
    more = f"; the first {listed} are" if found.left_out_count > listed else ""
    return f"{counted(found.left_out_count, 'row')} cannot be used and were left out{more}:"


def cost_words(found: Inspection) -> str:
    """What the trial is expected to take on this machine; "" where nothing is known."""
    parts = []
    if found.seconds is not None:
        parts.append(f"about {duration(*found.seconds)} on this machine")
    if found.memory:
        parts.append(f"{found.memory / 1e9:.1f} GB of memory for a run")
    basis = next((cost.basis for cost in found.costs if cost.basis), "")
    said = f"{' and '.join(parts)}{f' ({basis})' if basis else ''}." if parts else ""
    return said[:1].upper() + said[1:]


def brief(found: Inspection) -> list[str]:
    """The same in a few lines, for the beginning of a run on a terminal."""
    lines = []
    if (read := found.understanding) is not None:
        lines.append(_sentence(facts(read)))
        lines += read.notes
        if read.left_out_count:
            lines += [left_out(read), *(f"- {row}" for row in read.left_out)]
    lines.append(_sentence(fit_facts(found.fit)))
    return [*lines, *([cost_words(found)] if cost_words(found) else []), *found.warnings]


def _sentence(pairs: tuple[tuple[str, str], ...]) -> str:
    """Pairs in one line; "and" goes on with the pair before."""
    said = ""
    for name, value in pairs:
        said += f", {value}" if name == "and" else f"{'; ' if said else ''}{name[:1].lower()}{name[1:]}: {value}"
    return f"{said[:1].upper()}{said[1:]}."


def duration(low: float, high: float) -> str:
    """A range of seconds in words: "40 to 60 seconds", "3 to 5 minutes", "2.0 to 3.1 hours"."""
    for size, word, digits in ((3600.0, "hours", 1), (60.0, "minutes", 0)):
        if high >= 2 * size:
            return f"{low / size:.{digits}f} to {high / size:.{digits}f} {word}"
    first, last = f"{low:.0f}", f"{high:.0f}"
    return f"{first} to {last} seconds" if first != last else f"{last} seconds"
