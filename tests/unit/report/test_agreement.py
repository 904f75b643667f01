"""One result, one set of figures: every format shows the same, to the last digit, and it is the JSON's."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
from markupsafe import Markup

from engine.spec.result import Result
from engine.stats.display import wording
from jobs.report.content.model import Report, Table
from jobs.report.content.sections import report_of
from jobs.report.formats import files, latex, markdown, page, pdf
from tests.support import results
from tests.support.documents import Page, latex_tables, markdown_tables, markdown_tokens, markdown_words, pdf_text

_NUMBER = re.compile(rf"[+{wording.MINUS}]?\d+(?:\.\d+)?")
_UNBROKEN = 24  # letters of a word that no format breaks


@pytest.fixture(params=["calls", "nli", "smoke", "partial", "big", "other", "elsewhere"])
def result(request: pytest.FixtureRequest) -> Result:
    return results.small("nli-frequency") if request.param == "nli" else request.getfixturevalue(request.param)


def test_all_formats_show_the_same(result: Result) -> None:
    report = report_of(result)
    assert len(_numbers(_said(report))) > 50
    assert _disagreements(report, report) == []


def test_a_single_other_digit_would_be_found(calls: Result) -> None:
    report = report_of(calls)
    cell = next(cell for table in _tables(report) for row in table for cell in row if re.search(r"\.\d \w+ \[", cell))
    other = re.sub(r"\.(\d)", lambda found: f".{(int(found[1]) + 1) % 10}", cell, count=1)
    assert _disagreements(report, _replaced(report, cell, other)) == [
        "html", "markdown", "latex", "pdf",
    ]  # fmt: skip
    assert _disagreements(report, _replaced(report, report.verdict.reasons[1], "Accuracy: 12.3 %")) == [
        "html", "markdown", "pdf",
    ]  # fmt: skip


def test_every_figure_is_the_jsons_number_in_words(result: Result) -> None:
    """The figures of levels and differences, made anew from the file; `test_page` does so place by place."""
    plain = json.loads(files.as_json(result))
    units = {m["metric"]: m["unit"] for m in plain["metrics"]}
    made = [
        f"{wording.level(level['mean'], units[level['metric']])} "
        f"{wording.bounds(level['ci'], units[level['metric']], signed=False)}".rstrip()
        for arm in plain["arms"]
        for level in arm["summary"]
    ]
    made += [wording.difference(c["difference"], units[c["metric"]]) for c in (*plain["contrasts"], *plain["further"])]
    made += [wording.level(share, "share") for shares in plain["failures"].values() for share in shares.values()]
    made += [wording.level(c["mean"][-1], units[c["metric"]]) for c in plain["curves"] if c["metric"] in units]
    made += [f"{c['mean'][-1]:.3f}" for c in plain["curves"] if c["metric"] not in units]
    shown = {cell for table in _tables(report_of(result)) for row in table for cell in row}
    starts = {cell.partition(" [")[0] for cell in shown}
    assert len(made) > 10
    assert [figure for figure in made if figure not in shown | starts] == []


def test_the_csvs_values_are_the_jsons(result: Result) -> None:
    plain = json.loads(files.as_json(result))
    expected = [
        (arm["name"], str(run["seed"]), metric, value)
        for arm in plain["arms"]
        for run in arm["runs"]
        for metric, value in run["metrics"].items()
    ]
    rows = list(csv.DictReader(io.StringIO(files.as_csv(result))))
    assert [(r["arm"], r["seed"], r["metric"], float(r["value"])) for r in rows if r["value"]] == expected


def _disagreements(own: Report, shown: Report) -> list[str]:
    """The formats that, made from `shown`, let a reader see other figures than `own` has."""
    tables, said = _tables(own), [text for text in _said(own) if text.strip()]
    html, text, source = page.render(shown), markdown.render(shown), latex.render(shown)
    print_ = pdf_text(pdf.render(shown))
    seen = Page(html)
    named = latex_tables(source)
    names = [block.name for section in own.sections for block in section.blocks if isinstance(block, Table)]
    words = "\n".join(map(markdown_words, markdown_tokens(text)))
    right = {
        "html": seen.all_tables == tables and _holds("".join(seen.words.values()), said),
        "markdown": markdown_tables(text) == tables and _holds(words + text, said),
        "latex": [named.get(name) for name in names] == tables,
        "pdf": not _numbers([*said, *_drawn(own)]) - _numbers([print_])
        and _decimals([print_]) <= _decimals([*said, *_drawn(own)]),
    }
    return [name for name, agrees in right.items() if not agrees]


def _holds(whole: str, texts: list[str]) -> bool:
    squeezed = _squeezed(whole)
    return all(_squeezed(text) in squeezed for text in texts)


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def _numbers(texts: Iterable[str]) -> Counter[str]:
    words = (word for text in texts for word in text.split() if len(word) < _UNBROKEN)
    return Counter(number for word in words for number in _NUMBER.findall(word))


def _decimals(texts: Iterable[str]) -> set[str]:
    return {number for number in _numbers(texts) if "." in number}


def _drawn(report: Report) -> list[str]:
    """What is written in the drawings."""
    drawings = [b.svg for s in report.sections for b in s.blocks if hasattr(b, "svg")]
    return [words for svg in drawings for words in re.findall(r">([^<]+)</text>", svg)]


def _tables(report: Report) -> list[list[list[str]]]:
    blocks = [block for section in report.sections for block in section.blocks]
    return [[list(block.head), *map(list, block.rows)] for block in blocks if isinstance(block, Table)]


def _said(part: Any) -> Iterable[str]:
    """Every text of a part of a report, drawings by what is said of them."""
    if isinstance(part, Markup):
        return
    if isinstance(part, str):
        yield part
    elif isinstance(part, tuple):
        for one in part:
            yield from _said(one)
    elif dataclasses.is_dataclass(part):
        hidden = _HIDDEN | ({"title", "description"} if hasattr(part, "svg") else set())
        for field in dataclasses.fields(part):
            if field.name not in hidden | ({"caption"} if hasattr(part, "pairs") else set()):
                yield from _said(getattr(part, field.name))


_HIDDEN = {"name", "strong", "words", "tone", "voice"}


def _replaced(part: Any, old: str, new: str) -> Any:
    """The same with one text, wherever it stands, replaced."""
    if isinstance(part, str) and not isinstance(part, Markup):
        return new if part == old else part
    if isinstance(part, tuple):
        return tuple(_replaced(one, old, new) for one in part)
    if dataclasses.is_dataclass(part) and not isinstance(part, type):
        parts = {field.name: _replaced(getattr(part, field.name), old, new) for field in dataclasses.fields(part)}
        return dataclasses.replace(part, **parts)
    return part
