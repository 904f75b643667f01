"""What a reader of a report's file sees: tables as rows of cells, and all text."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from pypdf import PdfReader

from jobs.report.formats import latex
from tests.support.patience import HANG

Rows = list[list[str]]
PAPER = (
    r"\documentclass{article}\usepackage{iftex}\ifpdftex\usepackage[T1]{fontenc}\fi"
    r"\usepackage{array,booktabs,longtable}\begin{document}%s\end{document}"
)
VOID = {"meta", "br", "img", "link", "input", "hr"}


class Page(HTMLParser):
    """Tags, and the tables and words of each section."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.tables: dict[str, list[Rows]] = {}
        self.words: dict[str, str] = {}
        self.open: list[str] = []
        self._section = ""
        self._cell = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs) -> None:
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "section":
            self._section = attributes["id"] or ""
        tables = self.tables.setdefault(self._section, [])
        if tag == "table":
            tables.append([])
        elif tag == "tr":
            tables[-1].append([])
        elif tag in ("td", "th"):
            tables[-1][-1].append("")
            self._cell = True

    def handle_startendtag(self, tag, attrs) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag
        if tag in ("td", "th"):
            self._cell = False

    def handle_data(self, data) -> None:
        text = data.replace("\N{NO-BREAK SPACE}", " ")
        self.words[self._section] = self.words.get(self._section, "") + text
        if self._cell:
            self.tables[self._section][-1][-1][-1] += text

    @property
    def all_tables(self) -> list[Rows]:
        """The tables in the page's order."""
        return [table for tables in self.tables.values() for table in tables]


def markdown_tokens(text: str) -> list[Token]:
    """All tokens of a text in GitHub's Markdown, those within lines too."""
    found = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    return [one for token in found for one in (token, *(token.children or ()))]


def markdown_words(token: Token) -> str:
    """What a line shows."""
    return "".join(part.content for part in token.children or () if part.type in ("text", "text_special"))


def markdown_tables(text: str) -> list[Rows]:
    """Tables as rows of cells."""
    found: list[Rows] = []
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif token.type == "inline" and token.level >= 4 and found and found[-1] and len(token.map or ()) == 2:
            found[-1][-1].append(markdown_words(token))
    return found


_SHOWN = {made: plain for plain, made in latex._SPECIAL.items()}
_MADE = re.compile(
    "|".join([*(re.escape(made) for made in sorted(_SHOWN, key=len, reverse=True)), r"\\TuningForkCharacter\{(\w+)\}"])
)


def latex_words(source: str) -> str:
    """What an escaped text shows."""
    plain = source.replace(r"\allowbreak{}", "").replace("-{}-", "--").replace("-{}-", "--").replace(",{},", ",,")
    plain = plain.removeprefix("{}")
    if plain.startswith(r"\textbf{"):
        plain = plain.removeprefix(r"\textbf{").removesuffix("}")
    shown = _MADE.sub(lambda found: chr(int(found[1], 16)) if found[1] else _SHOWN[found[0]], plain)
    return shown.replace("\N{NO-BREAK SPACE}", " ")


def latex_tables(source: str) -> dict[str, Rows]:
    """Tables by name, as rows of cells."""
    found: dict[str, Rows] = {}
    for name, body in re.findall(r"\\TuningForkTable\{([\w-]+)\}\{%\n(.*?)%\n\}\n", source, re.DOTALL):
        lines = [line for line in body.split("\n") if line.endswith(r" \\")]
        if r"\endhead" in body:
            lines = lines[1:]  # the head of further pages
        found[name] = [[latex_words(cell) for cell in line.removesuffix(r" \\").split(" & ")] for line in lines]
    return found


def pdf_text(content: bytes) -> str:
    """All text of a document's pages."""
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)


def typeset(engine: str, body: str, folder: Path) -> str:
    """Set a paper that takes in files of the folder; gives the log on one line. Skips where there is no such LaTeX."""
    if shutil.which(engine) is None:
        pytest.skip(f"{engine} is not installed")
    (folder / "paper.tex").write_text(PAPER % body, encoding="utf-8")
    command = [engine, "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=HANG)
    log = done.stdout.decode(errors="replace")
    assert done.returncode == 0, log[-1500:]
    return log.replace("\n", "")
