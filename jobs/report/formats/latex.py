r"""A report's tables for LaTeX, with booktabs, captions and labels: one file to `\input`, whole or table by table."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from engine.stats.display.wording import together
from jobs.report.content.model import Block, Checks, Examples, Facts, Report, Section, Table, Value

_HEAD = r"""%% Tables of a Tuning Fork report, to be \input into a document with pdflatex, xelatex or lualatex.
%% Needs: \usepackage{array,booktabs,longtable}, and with pdflatex \usepackage[T1]{fontenc}.
%% All tables:  \input{FILE}      One of them:  {\def\TuningForkOnly{NAME}\input{FILE}}
%% Question: %(title)s
%% Verdict: %(verdict)s
%% Tables and labels (NAME: label):
%(names)s
\providecommand\TuningForkOnly{}
\long\def\TuningForkTable#1#2{\def\TuningForkName{#1}%%
  \if\relax\detokenize\expandafter{\TuningForkOnly}\relax#2\else\ifx\TuningForkOnly\TuningForkName#2\fi\fi}
%% A character that not every engine and font has: itself where it is there, else its number.
\def\TuningForkCharacter#1{\ifdefined\Uchar\iffontchar\font"#1 \Uchar"#1\relax\else\texttt{U+#1}\fi
  \else\texttt{U+#1}\fi}
"""
_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"{\char34}", "'": r"\textquotesingle{}", "`": r"\textasciigrave{}",
    "\N{NO-BREAK SPACE}": "~", "−": "$-$", "–": r"\textendash{}", "—": r"\textemdash{}", "…": r"\ldots{}",
    "‘": r"\textquoteleft{}", "’": r"\textquoteright{}", "“": r"\textquotedblleft{}", "”": r"\textquotedblright{}",
    "→": r"$\rightarrow$", "←": r"$\leftarrow$", "×": r"$\times$", "±": r"$\pm$", "≤": r"$\leq$", "≥": r"$\geq$",
    "·": r"$\cdot$", "′": r"$'$", "≈": r"$\approx$", "≠": r"$\neq$", "∞": r"$\infty$",
}  # fmt: skip
_LETTERS = re.compile("[À-ÖØ-öø-ĥĨ-ķĹ-ľŁ-ňŊ-ťŨ-ž]")  # which pdflatex's T1 encoding has or makes
_LIGATURE = re.compile("(?<=-)(?=-)|(?<=,)(?=,)")  # "--" would become a dash, ",," a quotation mark
_LONG_WORD, _PIECE = 24, 12
_LETTERS_A_LINE = 74.0  # of \\footnotesize in the text of an article; 90 of \\scriptsize
_WIDEST = 40  # letters of a column of words, before its lines break
_LONGEST_TABLE = 28  # rows; a longer one is set over several pages


def render(report: Report) -> str:
    """The tables as source whose every text is data: nothing in it can be a command."""
    tables = [(section, table) for section in report.sections for table in _tables(section)]
    names = "\n".join(f"%   {table.name}: {_label(report, table)}" for _, table in tables)
    head = _HEAD % {
        "title": report.title,
        "verdict": f"{report.verdict.headline}. {report.verdict.text}",
        "names": names,
    }
    return head + "".join(_table(report, section, table) for section, table in tables)


def escaped(text: str) -> str:
    """A text of which nothing is a command, on one line."""
    words = unicodedata.normalize("NFC", together(text)).split(" ")
    return " ".join(_word(word) for word in words)


def _word(word: str) -> str:
    long = len(word) > _LONG_WORD
    pieces = (word[at : at + _PIECE] for at in range(0, len(word), _PIECE)) if long else (word,)
    made = r"\allowbreak{}".join("".join(map(_character, piece)) for piece in pieces)
    return _LIGATURE.sub("{}", made)


def _character(character: str) -> str:
    if character in _SPECIAL:
        return _SPECIAL[character]
    if character.isascii() or _LETTERS.match(character):
        return character
    return rf"\TuningForkCharacter{{{ord(character):04X}}}"


def _tables(section: Section) -> Iterable[Table]:
    for block in section.blocks:
        yield from _as_tables(section, block)


def _as_tables(section: Section, block: Block) -> Iterable[Table]:
    """What a block is as a table; nothing for prose and drawings."""
    if isinstance(block, Table):
        yield block
    elif isinstance(block, Value):
        pairs = ((block.figure, block.detail),)
        yield Table(section.name, section.title, ("difference", "details"), pairs, words=(0, 1))
    elif isinstance(block, Facts):
        yield Table(block.name, block.caption, ("what", "value"), block.pairs, words=(0, 1))
    elif isinstance(block, Checks):
        rows = tuple((check.label, check.word, check.detail) for check in block.entries)
        yield Table("checks", section.title, ("what must hold", "outcome", "details"), rows, words=(0, 1, 2))
    elif isinstance(block, Examples):
        for at, example in enumerate(block.entries):
            yield Table(f"example-{at + 1}", example.title, ("who", "words"), example.said, words=(0, 1))


def _table(report: Report, section: Section, table: Table) -> str:
    parts = [table.caption, f"({section.status})" if section.status else "", report.note]
    caption = f"\\caption{{{' '.join(escaped(part) for part in parts if part)}}}\\label{{{_label(report, table)}}}"
    columns, size = _columns(table)
    head = f"{_row(table.head)}\n\\midrule"
    body = "\n".join(_row(row, strong=at in table.strong) for at, row in enumerate(table.rows))
    if len(table.rows) > _LONGEST_TABLE:
        made = (
            f"{{{size}\\setlength{{\\tabcolsep}}{{3pt}}\n\\begin{{longtable}}{{{columns}}}\n{caption}\\\\\n"
            f"\\toprule\n{head}\n\\endfirsthead\n\\toprule\n{head}\n\\endhead\n\\bottomrule\n\\endfoot\n"
            f"{body}\n\\end{{longtable}}}}"
        )
    else:
        made = (
            f"\\begin{{table}}[htbp]\\centering{size}\\setlength{{\\tabcolsep}}{{3pt}}\n{caption}\n"
            f"\\begin{{tabular}}{{{columns}}}\n\\toprule\n{head}\n{body}\n\\bottomrule\n\\end{{tabular}}\n\\end{{table}}"
        )
    return f"\n\\TuningForkTable{{{table.name}}}{{%\n{made}%\n}}\n"


def _columns(table: Table) -> tuple[str, str]:
    """The columns, as wide as what they hold where a line of text has room, else with lines that break; the size."""
    cells = [[together(row[at]) for row in (table.head, *table.rows)] for at in range(len(table.head))]
    most = [max(map(len, column)) for column in cells]
    gap = 1.0  # letters between two columns
    if sum(most) + gap * len(most) <= _LETTERS_A_LINE:
        return f"@{{}}{''.join('l' if at in table.words else 'r' for at in range(len(most)))}@{{}}", r"\footnotesize"
    least = [_longest_word(column) * (1.15 if table.strong else 1.0) + 0.5 for column in cells]
    size, room = (r"\footnotesize", _LETTERS_A_LINE) if sum(least) < 0.8 * _LETTERS_A_LINE else (r"\scriptsize", 90.0)
    more = [max(0.0, min(_WIDEST, wish) - need) for wish, need in zip(most, least, strict=True)]
    spare = max(0.0, room - gap * len(most) - sum(least)) / max(1.0, sum(more))
    wide = [need + spare * part for need, part in zip(least, more, strict=True)]
    gaps = 2 * (len(wide) - 1) / len(wide)
    sides = ["raggedright" if at in table.words else "raggedleft" for at in range(len(wide))]
    made = (
        rf">{{\{side}\arraybackslash}}p{{\dimexpr {part / sum(wide):.4f}\linewidth-{gaps:.3f}\tabcolsep\relax}}"
        for side, part in zip(sides, wide, strict=True)
    )
    return f"@{{}}{''.join(made)}@{{}}", size


def _longest_word(cells: Sequence[str]) -> int:
    """Letters of the longest piece that no line may break."""
    return max(min(len(word), _PIECE if len(word) > _LONG_WORD else len(word)) for c in cells for word in c.split(" "))


def _row(cells: Sequence[str], strong: bool = False) -> str:
    made = " & ".join(rf"\textbf{{{cell}}}" if strong and cell else cell for cell in map(escaped, cells))
    # What follows a row's end or a rule would be read as its option.
    return f"{'{}' if made.startswith(('[', '*')) else ''}{made} \\\\"


def _label(report: Report, table: Table) -> str:
    return f"tab:{re.sub(r'[^a-z0-9]+', '-', report.name.lower()).strip('-')[:60] or 'report'}:{table.name}"
