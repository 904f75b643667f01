"""`analyze`: results from elsewhere, judged by the lab's rules, without a window and without torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.data.tables.choices import Choices, Source
from jobs.commands.targets import check_targets
from jobs.commands.terminal.screen import Screen
from jobs.commands.terminal.summary import summary
from jobs.elsewhere.judge import Thresholds, describe_file, judge_table
from jobs.elsewhere.kept import keep
from jobs.elsewhere.roles import suggest
from jobs.paths import Home
from jobs.report import write


def analyze(
    sources: Sequence[Source], choices: Choices, parts: Mapping[str, str | None], limits: Thresholds,
    reports: Sequence[Path], json: Path | None, home: Path | None, screen: Screen, only_show: bool = False,
) -> int:  # fmt: skip
    """Judge a table, say what was understood and what came out, and write its reports.

    Args:
        sources: The table's file, or files with the arms they were named for.
        choices: How they are to be read.
        parts: Which arm plays which part, None where nobody said.
        limits: What is too small to matter, and the accuracy needed for a verdict.
        reports: Files to write, and `json`: one more; the report as a page is always written, into the data folder.
        home: The data folder, None for the user's own. The window on it shows the result as well.
        only_show: Say what was understood, and judge nothing.

    Raises:
        Unclear: The table does not say all that is needed; the message says which option does.
        DataError: The file cannot be used.
        SpecError: The arms do not make a comparison, or a report has no known ending or is the table itself.
        ReportError: A file cannot be written.
    """
    for source in sources:
        check_targets(reports, json, source.path)
    contents = describe_file(sources, choices)
    for line in contents.understood:
        screen.say(line)
    if only_show:
        return 0
    table = contents.table
    result = judge_table(table, suggest(table.arms, **parts), limits)
    summary(result, screen)
    for note in result.notes:
        if note not in table.notes:  # those were said first
            screen.say(note, "bold yellow")
    keep(Home.at(home), result)
    for target in (Home.at(home).reports / f"{result.study.trial}.html", *reports, *([json] if json else [])):
        write(result, target)
        screen.say(f"Report: {target}")
    return 0
