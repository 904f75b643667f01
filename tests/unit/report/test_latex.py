r"""LaTeX: what an escaped text shows, and tables that can be `\input` whole or one by one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.spec.result import Result
from jobs.report import write
from jobs.report.content.model import Table
from jobs.report.content.sections import report_of
from jobs.report.formats import latex
from tests.support.documents import latex_words, typeset


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("50 % & #1_a ~ ^ \\x {y}", r"50~\% \& \#1\_a \textasciitilde{} \textasciicircum{} \textbackslash{}x \{y\}"),
        ("−1.2 → ±3 × 2", r"$-$1.2 $\rightarrow$ $\pm$3 $\times$ 2"),
        ("“a” ‘b’ \"c\" 'd' `e`", None),
        ("--seeds ,,x <<y>>", r"-{}-seeds ,{},x \textless{}\textless{}y\textgreater{}\textgreater{}"),
        ("e\u0301 Łódź", "é Łódź"),
        ("数", r"\TuningForkCharacter{6570}"),
        ("a" * 30, r"aaaaaaaaaaaa\allowbreak{}aaaaaaaaaaaa\allowbreak{}aaaaaa"),
    ],
)
def test_escaping(text: str, made: str | None) -> None:
    escaped = latex.escaped(text)
    assert made in (None, escaped)
    assert latex_words(escaped) == text.replace("e\u0301", "é")


def test_every_table_has_a_caption_a_label_and_rules(calls: Result) -> None:
    report = report_of(calls)
    source = latex.render(report)
    names = [b.name for s in report.sections for b in s.blocks if isinstance(b, Table)]
    for name in names:
        assert source.count(rf"\label{{tab:{calls.study.trial}:{name}}}") == 1
        assert f"%   {name}: tab:{calls.study.trial}:{name}" in source
    tables = source.count(r"\TuningForkTable{")
    assert tables > len(names)
    assert source.count(r"\caption{") == source.count(r"\toprule") - source.count(r"\endhead") == tables
    assert source.count(r"\bottomrule") == tables
    assert r"\usepackage{array,booktabs,longtable}" in source.splitlines()[1]


def test_the_scales_warning_is_in_every_caption(smoke: Result) -> None:
    captions = [line for line in latex.render(report_of(smoke)).splitlines() if line.startswith(r"\caption")]
    assert captions
    assert all(latex.escaped(smoke.study.note) in caption for caption in captions)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["pdflatex", "xelatex", "lualatex"])
def test_a_paper_can_take_all_tables_or_one(engine: str, calls: Result, big: Result, tmp_path: Path) -> None:
    write(calls, tmp_path / "calls.tex")
    write(big.model_copy(update={"study": big.study.model_copy(update={"trial": "big"})}), tmp_path / "big.tex")
    one = typeset(engine, r"{\def\TuningForkOnly{arms}\input{calls}}", tmp_path)
    assert one.count("Float specifier") == 0
    assert re.findall(r"Output written on paper.pdf \((\d+) page", one) == ["1"]
    both = typeset(engine, r"\input{calls}\clearpage\input{big}", tmp_path)
    assert "multiply" not in both
    if engine == "pdflatex":
        assert "Overfull" not in typeset(engine, r"\input{calls}", tmp_path)
