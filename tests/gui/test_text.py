from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gui.look import text


@given(st.text())
def test_clean_leaves_no_control_or_direction_character(raw: str) -> None:
    shown = text.clean(raw)
    assert not any(ord(c) < 32 or c in text.DIRECTION for c in shown)
    assert len(shown) <= text.LONGEST + 1


@given(st.text())
def test_a_tooltip_holds_no_markup_of_its_text(raw: str) -> None:
    assert text.tip(raw).count("<") == (2 if text.clean(raw) else 0)


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (9, 16, "9–16 s"),
        (110, 170, "2–3 min"),
        (40, 100, "40 s – 2 min"),
        (70, 80, "1 min"),
        (3600, 9000, "1 h 00 min – 2 h 30 min"),
    ],
)
def test_ranges(low: float, high: float, said: str) -> None:
    assert text.seconds_range(low, high) == said


def test_a_button_shows_an_ampersand() -> None:
    assert text.button("a & b") == "a && b"


def test_a_log_keeps_its_lines() -> None:
    assert text.clean_lines("a\r\nb\tc\x1b[0m") == "a\nb\tc\N{REPLACEMENT CHARACTER}[0m"


def test_a_long_name_loses_its_middle() -> None:
    assert len(text.elided("llama_lora_step_1200", 11)) == 11
    assert text.elided("llama_lora_step_1200", 11).startswith("llama")
    assert text.elided("llama_lora_step_1200", 11).endswith("_1200")
    assert text.elided("short", 11) == "short"
