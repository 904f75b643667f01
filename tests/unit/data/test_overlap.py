"""Where word overlap points."""

from __future__ import annotations

from typing import Any

import pytest

from engine.spec.example import Side
from engine.spec.overlap import lure, side, words


def tool(name: str, description: str = "") -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "description": description}}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("buy_ticket", {"buy", "ticket"}),
        ("getHTTPResponse2Cities", {"http", "response", "city"}),
        ("math.triangle-areas", {"math", "triangle", "area"}),
        ("Please show me the Boxes and the bus", {"show", "box", "bus"}),
        ("", set()),
        ("café zürich", {"café", "zürich"}),
    ],
)
def test_words(text: str, found: set[str]) -> None:
    assert words(text) == found


@pytest.mark.parametrize(
    ("query", "right", "expected"),
    [
        ("buy two tickets", "buy_ticket", Side.CONGRUENT),
        ("buy two tickets", "vend_pass", Side.CONFLICTING),
        ("buy a song", "buy_ticket", Side.NEUTRAL),  # a tie
        ("paint a house", "buy_ticket", Side.NEUTRAL),  # no overlap at all
        ("buy two tickets", "", Side.NEUTRAL),  # no right tool
        ("buy two tickets", "fly", Side.NEUTRAL),  # the right tool is not on offer
    ],
)
def test_side(query: str, right: str, expected: Side) -> None:
    tools = [tool("buy_ticket"), tool("vend_pass"), tool("sing_song")]
    assert side(query, tools, right) is expected


def test_descriptions_count_and_a_single_tool_is_neutral() -> None:
    tools = [tool("alpha", "Books flights to a city"), tool("beta", "Plays music")]
    assert side("a flight to the city", tools, "alpha") is Side.CONGRUENT
    assert side("a flight to the city", tools, "beta") is Side.CONFLICTING
    assert side("a flight to the city", tools[:1], "alpha") is Side.NEUTRAL
    assert (lure("a flight to the city", tools) or {}).get("name") == "alpha"
    assert lure("nothing of the kind", tools) is None
    assert lure("a flight to the city", tools[:1]) is None
    assert side("a flight", [t["function"] for t in tools], "alpha") is Side.CONGRUENT
