"""Markdown: what is special is escaped, and no more than that, so that the source reads well too."""

from __future__ import annotations

import pytest

from engine.spec.result import Result
from jobs.report.content.sections import report_of
from jobs.report.formats import markdown
from tests.support.documents import markdown_tokens, markdown_words


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("49.2 % [−1.2, +3.4]", "49.2 % [−1.2, +3.4]"),
        ("[1, 2](x)", r"\[1, 2\](x)"),
        ("[1, 2]: x", r"\[1, 2\]: x"),
        ("1. one", r"1\. one"),
        ("1) one", r"1\) one"),
        ("- one", r"\- one"),
        ("+ one", r"\+ one"),
        ("+1 point", "+1 point"),
        ("---", r"\---"),
        ("=== =", r"\=== ="),
        ("# one | two", r"\# one \| two"),
        ("Kung & Peng &amp; &#60;", r"Kung & Peng \&amp; \&\#60;"),
        ("see https://x.example and www.x.example", r"see https\://x.example and www\.x.example"),
        ("  many \n spaces ", "many spaces"),
    ],
)
def test_escaping(text: str, made: str) -> None:
    assert markdown.escaped(text) == made
    for place in ("{}", "- {}", "| {} |\n| --- |\n| {} |", "*{}*", "# {}", "a\n\n{}\n\nb"):
        tokens = markdown_tokens(place.format(made, made))
        assert not {"link_open", "html_inline", "html_block", "image", "hr", "code_inline", "s_open"} & {
            token.type for token in tokens
        }
        assert {token.type for token in tokens if "list" in token.type} <= {
            "bullet_list_open", "list_item_open", "list_item_close", "bullet_list_close",
        }  # fmt: skip
        assert sum(token.type == "list_item_open" for token in tokens) == place.startswith("- ")
        assert any(markdown_words(token) == " ".join(text.split()) for token in tokens)


def test_the_command_is_a_block_that_nothing_ends(calls: Result) -> None:
    provenance = {**calls.provenance, "command": "run ``` and ````` x"}
    text = markdown.render(report_of(calls.model_copy(update={"provenance": provenance})))
    (fence,) = [token for token in markdown_tokens(text) if token.type == "fence"]
    assert fence.content == "run ``` and ````` x\n"


def test_figures_are_told_in_words(calls: Result) -> None:
    report = report_of(calls)
    text = " ".join(map(markdown_words, markdown_tokens(markdown.render(report))))
    figures = [b for s in report.sections for b in s.blocks if hasattr(b, "svg")]
    assert len(figures) == 4
    for figure in figures:
        assert " ".join(figure.description.split()) in text


def test_the_scales_warning_is_beside_every_table_and_figure(smoke: Result) -> None:
    report = report_of(smoke)
    blocks = [b for s in report.sections for b in s.blocks if type(b).__name__ in ("Table", "Figure", "Value")]
    assert markdown.render(report).count(f"**{markdown.escaped(smoke.study.note)}**") == len(blocks) + 1
