"""Nobody's text becomes markup, a command or a formula: every hostile string, in every field, in every format."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.spec.result import Result
from jobs.report import FORMATS, write
from jobs.report.content.clean import clean
from jobs.report.content.sections import report_of
from jobs.report.formats import files, latex, markdown, page, pdf
from tests.support.documents import Page, latex_tables, markdown_tokens, markdown_words, pdf_text, typeset
from tests.support.hostile import (
    CORPUS,
    FORMULAS,
    GROUPS,
    LETTERS,
    SURROGATE,
    UNSEEN_CHARACTERS,
    emptied,
    poisoned,
    texts,
)

EVERY = pytest.mark.parametrize("group", GROUPS)
ALLOWED = UNSEEN_CHARACTERS & {"\u200c", "\u200d"}


WHOLE, NAMES = (), ("accuracy", "metric", "metrics", "probe", "reliance", "unit")
"""What keeps its text: nothing, or what the figures are looked up by, so that all of them are drawn."""


def of(result: Result, group: str, keep: tuple[str, ...] = WHOLE) -> tuple[Result, Result]:
    """A hostile result, and one like it in all but the string before each text."""
    return poisoned(result, [GROUPS[group]], keep), poisoned(result, ["plain "], keep)


NO_GLYPH = "\x00"
"""What is read of a letter that no font of this machine has; a NUL of the data itself never reaches Typst."""


def unseen(text: str) -> set[str]:
    return set(text) & (UNSEEN_CHARACTERS | {"\x0b", "\x0c"}) - ALLOWED


def squeezed(text: str) -> str:
    return re.sub(r"[\s\N{NO-BREAK SPACE}]+", "", text)


def test_the_walker_reaches_every_text_and_every_string(calls: Result) -> None:
    before, after = texts(calls), texts(poisoned(calls))
    assert len(before) == len(after) > 500
    assert all(b.endswith(a) for a, b in zip(before, after, strict=True))
    assert sum(a != b for a, b in zip(before, after, strict=True)) == len(before)
    assert all(any(text.startswith(string) for text in after) for string in CORPUS)
    assert not any(texts(emptied(calls)))


@EVERY
@pytest.mark.parametrize("keep", [WHOLE, NAMES])
def test_html(calls: Result, group: str, keep: tuple[str, ...]) -> None:
    text, benign = (page.render(report_of(result)) for result in of(calls, group, keep))
    made, plain = Page(text), Page(benign)
    assert text.count("<svg") == (4 if keep else 5)  # differences in units that nobody knows have an axis each
    assert made.open == []
    tags = [[(tag, {k: v for k, v in a.items() if k not in _PLACES}) for tag, a in p.tags] for p in (made, plain)]
    drawn = [[one for one in part if one[0] not in _DRAWN] for part in tags]
    assert drawn[0] == drawn[1]
    assert {(tag, *sorted(a)) for tag, a in tags[0]} <= {(tag, *sorted(a)) for tag, a in tags[1]}
    assert text.count("</style>") == 1
    assert not unseen(text) - {"\n"}
    assert squeezed(clean(GROUPS[group]))[:1500] in squeezed(made.words["verdict"])


_PLACES = {"x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "points", "viewbox", "height", "width"}
_DRAWN = {"text", "line", "polyline", "polygon", "rect", "circle"}  # how many there are goes by the labels' lengths


@EVERY
def test_markdown(calls: Result, group: str) -> None:
    text, plain = (markdown.render(report_of(result)) for result in of(calls, group))
    found, expected = ([t for t in markdown_tokens(one) if t.type not in _WORDS] for one in (text, plain))
    assert [token.type for token in found] == [token.type for token in expected]
    assert all(not token.attrs or set(token.attrs) <= {"style"} for token in found)
    outside = re.sub(r"^(`{3,})sh\n.*\n\1$", "", text, flags=re.MULTILINE)
    assert not re.search(r"(?<!\\)://|(?i:www)\.|(?<!\\)@", outside)
    assert not unseen(text) - {"\n"}
    assert squeezed(clean(GROUPS[group]))[:1500] in squeezed("".join(map(markdown_words, markdown_tokens(text))))


_WORDS = {"text", "text_special", "softbreak"}


@EVERY
def test_latex(calls: Result, group: str) -> None:
    text, plain = (latex.render(report_of(result)) for result in of(calls, group))
    made, expected = latex_tables(text), latex_tables(plain)
    assert list(made) == list(expected)
    for name, rows in made.items():
        assert [len(row) for row in rows] == [len(row) for row in expected[name]]
    _, body = text.split("\n\n", 1)
    known = _commands(plain) | {command for made in latex._SPECIAL.values() for command in _commands(made)}
    assert _commands(body) <= known | {r"\TuningForkCharacter", r"\allowbreak", r"\begin{longtable}", r"\endhead"}
    body = re.sub(r"(\\begin\{(?:tabular|longtable)\}).*", r"\1", body)  # the columns' own line
    bare = re.sub(r"\\[a-zA-Z]+\*?|\\[^a-zA-Z]", "", body)
    assert bare.count("{") == bare.count("}")
    assert set(re.findall(r"\$[^$]*\$", bare)) <= {"$-$", "$$", "$'$"}
    assert not re.search(r"%(?!\n)|[#^\"`<>|_]|'(?!\$)", bare)
    assert not re.search(r"\\(\\|toprule|midrule)\s*[\[*]|--|,,", body)
    assert {c for c in body if not c.isprintable()} == {"\n"}
    title = squeezed(clean(GROUPS[group]).replace("e\u0301", "é"))[:1500]
    assert title in squeezed("".join(cell for rows in made.values() for row in rows for cell in row))


def _commands(text: str) -> set[str]:
    return set(re.findall(r"\\(?:begin|end)\{\w+\}|\\[a-zA-Z]+", text))


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["pdflatex", "xelatex", "lualatex"])
@pytest.mark.parametrize("group", ["letters", "latex", "markup", "unseen"])
def test_latex_compiles(calls: Result, group: str, engine: str, tmp_path: Path) -> None:
    write(of(calls, group)[0], tmp_path / "tables.tex")
    assert "Output written on paper.pdf" in typeset(engine, r"\input{tables}", tmp_path)


@pytest.mark.parametrize("keep", [WHOLE, NAMES])
def test_pdf(calls: Result, keep: tuple[str, ...]) -> None:
    _check_pdf(poisoned(calls, [string for string in CORPUS if len(string) < 1000 and string not in LETTERS], keep))


def test_pdf_with_letters_of_all_the_world(calls: Result) -> None:
    """What is read of letters that no font here has is the reader's guess; the others must be there."""
    text = pdf_text(pdf.render(report_of(poisoned(calls, LETTERS))))
    assert "Zürich Łódź" in text
    assert "‘quotes’ “double” – — … − → ± × ≤ ≥ ·" in text


@pytest.mark.slow
@pytest.mark.parametrize("group", [group for group in GROUPS if group != "letters"])
def test_pdf_with_every_string_everywhere(calls: Result, group: str) -> None:
    _check_pdf(of(calls, group)[0])


def _texts(plain: Any) -> Iterator[str]:
    """Every text in a plain value."""
    if isinstance(plain, str):
        yield plain
    for part in plain.values() if isinstance(plain, dict) else plain if isinstance(plain, list) else ():
        yield from _texts(part)


def _check_pdf(result: Result) -> None:
    report = report_of(result)
    content = pdf.render(report)
    text = pdf_text(content)
    given = "".join(_texts(pdf._plain(report)))
    assert not unseen(given) - {"\n"}
    assert NO_GLYPH not in given
    assert not unseen(text) - {"\n", NO_GLYPH}
    assert not {b"/URI", b"/JavaScript", b"/EmbeddedFile"} & set(re.findall(rb"/\w+", content))
    whole = squeezed(re.sub(r"Tuning Fork \d+ / \d+", "", text))  # what is very long goes on over a page's foot
    for shown in (report.title, report.verdict.text, *report.verdict.reasons):
        assert not shown.isascii() or squeezed(shown) in whole


@pytest.mark.parametrize("string", [*FORMULAS, *(GROUPS[name] for name in ("unseen", "markup", "letters"))])
def test_csv(calls: Result, string: str) -> None:
    made, plain = (
        list(csv.reader(io.StringIO(files.as_csv(r), newline=""))) for r in (poisoned(calls, [string]), calls)
    )
    assert {len(row) for row in made} == {len(files.HEAD)}
    assert len(made) == len(plain)
    for row, same in zip(made[1:], plain[1:], strict=True):
        assert row[4] == same[4]
        assert not any(cell.lstrip().startswith((*"=+-@＝＋－＠", "\N{MINUS SIGN}")) for cell in [*row[:4], row[5]])
        assert not unseen("".join(row))
        assert "\n" not in "".join(row)


@EVERY
def test_json(calls: Result, group: str) -> None:
    made, _ = of(calls, group)
    assert json.loads(files.as_json(made)) == json.loads(json.dumps(made.model_dump()))


@pytest.mark.parametrize("suffix", FORMATS)
def test_without_any_text_and_with_half_characters(calls: Result, suffix: str, tmp_path: Path) -> None:
    for number, result in enumerate((emptied(calls), poisoned(calls, [SURROGATE]), poisoned(calls))):
        path = tmp_path / f"{number}{suffix}"
        write(result, path)
        content = path.read_bytes()
        assert content
        if suffix != ".pdf":
            content.decode("utf-8")
