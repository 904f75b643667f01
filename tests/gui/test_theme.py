from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from engine.spec.result import Tone
from gui.look import theme
from gui.look.theme import ArmStyle, Theme, arm_styles, contrast, reach
from gui.look.tokens import DARK, LIGHT, Tokens
from jobs.report.content.looks import Look, looks
from jobs.studies import load


def free(arms: list[str], tokens: Tokens) -> dict[str, ArmStyle]:
    """Arms without a part in any rule."""
    return arm_styles(looks(arms, (), {}, ()), tokens)


@pytest.mark.parametrize("tokens", [LIGHT, DARK])
def test_words_can_be_read(tokens: Tokens) -> None:
    for ground in (tokens.background, tokens.surface):
        assert contrast(tokens.text, ground) >= 7
        assert contrast(tokens.muted, ground) >= 4.5
    for tone in get_args(Tone):
        assert contrast(tokens.verdict(tone), tokens.surface) >= 4
    assert tokens.verdict("good") != tokens.verdict("bad") != tokens.verdict("open") == tokens.muted
    assert contrast(tokens.on_accent, tokens.accent) >= 4.5


def test_arms_are_told_apart_by_colour_dash_and_marker() -> None:
    arms = [f"a{n}" for n in range(7)]
    styles = free(arms, LIGHT)
    assert len({s.colour for s in styles.values()}) == 7
    assert len({s.marker for s in styles.values()}) == 7


def test_in_the_dark_every_arm_reaches_three_to_one() -> None:
    for style in free(["base", *(f"a{n}" for n in range(7))], DARK).values():
        assert contrast(style.colour, DARK.surface) >= 3
    assert reach("#0072B2", DARK.surface, 3.0) != "#0072B2" or contrast("#0072B2", DARK.surface) >= 3


def test_more_arms_than_colours_are_told_apart_all_the_same() -> None:
    styles = free([f"a{n}" for n in range(20)], LIGHT)
    assert len({(style.colour, style.marker) for style in styles.values()}) == 20
    assert len({(style.colour, style.dash) for style in styles.values()}) == 20


def test_arms_with_a_part_in_the_rule_keep_their_looks() -> None:
    arms = [a.name for a in load("function-calling").arms]
    roles = {"treated": "sft-dpo", "reference": "sft", "base": "base", "format": "shuffled"}
    styles = arm_styles(looks(arms, {"base"}, roles, ("sft-dpo", "sft")), LIGHT)
    assert (styles["base"].dash, styles["base"].marker) == ("dotted", "circle")
    assert (styles["shuffled"].colour, styles["shuffled"].marker) == ("#E69F00", "diamond")
    assert (styles["sft"].colour, styles["sft"].dash, styles["sft"].marker) == ("#0072B2", "solid", "square")
    assert (styles["sft-dpo"].colour, styles["sft-dpo"].dash, styles["sft-dpo"].marker) == (
        "#009E73",
        "dashed",
        "triangle",
    )


def test_whose_look_is_whose() -> None:
    arms = ["a", "b", "c", "d", "e"]
    free = [Look("free", n) for n in range(5)]
    assert looks(arms, (), {}, ()) == dict(zip(arms, free, strict=True))
    untold = looks(arms, {"b", "c"}, {}, ())
    assert untold == {"a": free[0], "b": Look("quiet"), "c": free[1], "d": free[2], "e": free[3]}
    roles = {"treated": "b", "base": "c", "target": "d", "expert": "e"}  # the arm in question trains nothing either
    assert looks(arms, {"b", "c"}, roles, ("b", "c")) == {
        "a": free[0], "b": free[1], "c": Look("quiet"), "d": Look("reference"), "e": free[2],
    }  # fmt: skip
    assert looks(arms, {"c"}, {"treated": "a", "reference": "d"}, ("a", "d"))["d"].kind == "free"
    assert looks(["a"], (), {"treated": "gone", "base": "gone too"}, ()) == {"a": free[0]}


def test_choosing_tells_the_widgets_once(qapp, qtbot) -> None:
    chosen = Theme("light")
    with qtbot.waitSignal(chosen.changed):
        chosen.choose("dark")
    assert chosen.tokens is DARK
    with qtbot.assertNotEmitted(chosen.changed):
        chosen.choose("dark")


@pytest.mark.parametrize("kept", ['{"appearance": "dark"}', "[]", "no json", '{"appearance": "pink"}'])
def test_what_was_chosen_is_read_back(tmp_path: Path, kept: str) -> None:
    path = tmp_path / "window.json"
    path.write_text(kept, "utf-8")
    assert theme.read_mode(path) == ("dark" if "dark" in kept else "system")
    theme.write_mode(path, "light")
    assert theme.read_mode(path) == "light"


def test_the_bundled_font_is_there_with_its_licence() -> None:
    fonts = theme.RESOURCES / "styles" / "fonts"
    assert (fonts / "Inter.ttf").stat().st_size > 100_000
    assert "SIL OPEN FONT LICENSE" in (fonts / "OFL.txt").read_text("utf-8").upper()
