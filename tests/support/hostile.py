"""Strings that break what shows them unescaped, and a way to put them into every text of a value."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from itertools import cycle
from typing import Any, Literal, get_origin

from pydantic import BaseModel

MARKUP = (
    "</style></svg><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "<svg onload=alert(1)><foreignObject><a href='javascript:alert(1)'>x</a></foreignObject></svg>",
    "&amp;&lt;b&gt;&#x202e;<!-- --><![CDATA[x]]>",
    "{{ 7*7 }}{% raw %}{# c #}",
)
MARKDOWN = (
    "[a](http://evil.example) ![i](http://evil.example/i.png) <http://evil.example>",
    "http://evil.example www.evil.example mail@evil.example [ref]: http://evil.example",
    "| a | b |\n|---|---|\n| **x** | `y` |",
    "# heading\n===\n---\n- item\n1. one\n> quote\n```sh\nrm -rf /\n```",
    "**bold** _em_ ~~gone~~ `code` $math$ :smile: &copy;",
    "    indented \\* back\\slash \\",
)
LATEX = (
    "\\input{/etc/passwd}\\write18{id}\\def\\x{\\x}\\x",
    "100% of $x_1^2$ & #3 ~ {un{balanced",
    "}}\\end{tabular}\\end{document} ^^5cinput",
    "\\\\[3cm] -- --- `` '' << >> ,, ?` !` \"= [-1] *",
)
TYPST = (
    '#eval("1") #read("/etc/passwd") #panic()',
    "*bold* _em_ $x$ `raw` <label> @ref = heading // comment /* */",
    '"; #set page(width: 1pt)',
)
FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\n=cmd|'/c calc'!A1", "\N{MINUS SIGN}1", "＝1+1")
UNSEEN = (
    "\x00\x01\x07\x08\x0b\x0c\x1b[31m\x7f\x85\x9b",
    "\u202eright to left\u202c \u2066isolate\u2069 \u200e\u200f\u061c",
    "zero\u200bwidth\u2060\ufeffjoin\u00adhyphen\u180e \U000e0041\U000e0042",
    "lines\u2028and\u2029paragraphs\r\nand\ttabs",
    "\ufffe\uffff\ufdd0\U0001ffff",
)
SURROGATE = "lone \ud800 surrogate \udfff"
LETTERS = (
    "مرحبا بالعالم שלום",
    "👩‍👩‍👧‍👦 🏳️‍🌈 ✓ ✗ 🧪",
    "数据 データ 데이터 Ωμέγα Привет",
    "Zürich Łódź İstanbul naïve œuvre e\u0301 ŉ ĸ",
    "‘quotes’ “double” – — … − → ± × ≤ ≥ · ′",
)
LONG = ("long " * 1200, "w" * 3000)
GROUPS = {
    "markup": " ".join(MARKUP), "markdown": " ".join(MARKDOWN), "latex": " ".join(LATEX), "typst": " ".join(TYPST),
    "formula": FORMULAS[0], "unseen": " ".join(UNSEEN), "letters": " ".join(LETTERS), "words": LONG[0], "word": LONG[1],
}  # fmt: skip
"""By what they are meant to break; a report must show each in every field."""
CORPUS = (*MARKUP, *MARKDOWN, *LATEX, *TYPST, *FORMULAS, *UNSEEN, *LETTERS, *LONG)
UNSEEN_CHARACTERS = frozenset(c for c in "".join(UNSEEN) if not c.isprintable()) - {"\n"}


def poisoned(value: Any, strings: Sequence[str] = CORPUS, keep: Container[str] = ()) -> Any:
    """The same value, a hostile string before every text: fields, keys and nested values, whatever they are called.

    The strings are used in turn, over and over. The same text gets the same string, so that names still refer to each
    other. What a model allows only in a fixed set (a Literal) is kept, and so are fields named in `keep`.
    """
    turn = cycle(strings)
    given: dict[str, str] = {}

    def change(text: str) -> str:
        if text not in given:
            given[text] = next(turn) + text
        return given[text]

    return _changed(value, change, keep)


def emptied(value: Any) -> Any:
    """The same value without a single text."""
    return _changed(value, lambda _: "")


def texts(value: Any) -> list[str]:
    """Every text of a value, keys too."""
    found: list[str] = []
    _changed(value, lambda text: found.append(text) or text)
    return found


def _changed(value: Any, change: Callable[[str], str], keep: Container[str] = ()) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {_changed(k, change, keep): _changed(v, change, keep) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return tuple(_changed(part, change, keep) for part in value)
    if isinstance(value, BaseModel):
        fixed = {name for name, field in type(value).model_fields.items() if get_origin(field.annotation) is Literal}
        return value.model_copy(
            update={
                name: _changed(getattr(value, name), change, keep)
                for name in type(value).model_fields
                if name not in fixed and name not in keep
            }
        )
    return value
