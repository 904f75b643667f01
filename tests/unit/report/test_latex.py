r"""LaTeX: what an escaped text shows, and tables that can be `\input` whole or one by one."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from jobs.report import latex, write
from jobs.report.model import Table
from jobs.report.sections import report_of
from jobs.result import Result
from tests.support.documents import latex_words

PAPER = (
    r"\documentclass{article}\usepackage{iftex}\ifpdftex\usepackage[T1]{fontenc}\fi"
    r"\usepackage{array,booktabs,longtable}\begin{document}%s\end{document}"
)


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
    if shutil.which(engine) is None:
        pytest.skip(f"{engine} is not installed")
    write(calls, tmp_path / "calls.tex")
    write(big.model_copy(update={"study": big.study.model_copy(update={"trial": "big"})}), tmp_path / "big.tex")
    one = _set(engine, r"{\def\TuningForkOnly{arms}\input{calls}}", tmp_path)
    assert one.count("Float specifier") == 0
    assert re.findall(r"Output written on paper.pdf \((\d+) page", one) == ["1"]
    both = _set(engine, r"\input{calls}\clearpage\input{big}", tmp_path)
    assert "multiply" not in both
    if engine == "pdflatex":
        assert "Overfull" not in _set(engine, r"\input{calls}", tmp_path)


def _set(engine: str, body: str, folder: Path) -> str:
    (folder / "paper.tex").write_text(PAPER % body, encoding="utf-8")
    command = [engine, "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=150)
    log = done.stdout.decode(errors="replace")
    assert done.returncode == 0, log[-1500:]
    return log.replace("\n", "")
