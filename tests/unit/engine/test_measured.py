"""What a probe gives is held to what it was asked, before any figure is drawn from it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import pytest

from engine.probes._base import Measuring, Probe, ProbeConfig
from engine.run.measured import measured
from engine.spec.errors import PluginError
from engine.spec.example import Gold, Item, Outcome, Prompt, Side
from engine.stats.metric import Metric
from engine.stats.statistics.mean import Mean

ASKED = Prompt(messages=({"role": "user", "content": "?"},))
ITEMS = [Item(id=f"i{n}", prompt=ASKED, gold=Gold(kind="text"), split="s", cluster=f"c{n}") for n in range(4)]
Change = Callable[[list[Any]], Any]


class Letters(Probe[ProbeConfig]):
    """Gives what its test says."""

    name: ClassVar[str] = "letters"
    label: ClassVar[str] = "Letters"
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(name="n", label="N", unit="letters", statistic=Mean(column="value")),
    )
    change: Change

    def measure(self, kit: Measuring, items: Sequence[Item]) -> list[Outcome]:
        return self.change([own(item) for item in items])


def own(item: Item, **other: Any) -> Outcome:
    plain = {"item": item.id, "correct": None, "split": item.split, "cluster": item.cluster, "value": 1.0}
    return Outcome(**(plain | other))


def given(change: Change) -> list[Outcome]:
    probe = Letters(ProbeConfig())
    probe.change = change
    return measured(probe, Measuring(None), ITEMS)  # type: ignore[arg-type]


def test_what_is_as_it_was_asked_is_taken_as_it_is() -> None:
    assert given(lambda found: found) == [own(item) for item in ITEMS]
    assert given(tuple) == [own(item) for item in ITEMS]
    assert given(lambda found: [*found[:-1], own(ITEMS[-1], value=None)])[-1].value is None


def test_the_second_factor_of_an_item_is_carried_along_by_the_lab() -> None:
    items = [item.model_copy(update={"crossed": f"h{n % 2}"}) for n, item in enumerate(ITEMS)]
    probe = Letters(ProbeConfig())
    probe.change = lambda found: found
    found = measured(probe, Measuring(None), items)  # type: ignore[arg-type]
    assert [(o.cluster, o.crossed) for o in found] == [("c0", "h0"), ("c1", "h1"), ("c2", "h0"), ("c3", "h1")]
    assert Outcome.model_validate({"item": "i", "correct": True, "split": "s", "cluster": "c"}).crossed == ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda found: found + found[:1], "gave 5 outcomes for 4 items"),
        (lambda found: found[:-2], "gave 2 outcomes for 4 items"),
        (lambda found: found[::-1], "gave 'i3' as item of item 'i0'"),
        (lambda found: [found[0]] * 4, "gave 'i0' as item of item 'i1'"),
        (lambda found: [own(ITEMS[0], split="elsewhere"), *found[1:]], "gave 'elsewhere' as split of item 'i0'"),
        (lambda found: [own(ITEMS[0], cluster=""), *found[1:]], "gave '' as cluster of item 'i0'"),
        (lambda found: [own(ITEMS[0], side=Side.CONGRUENT), *found[1:]], "gave 'congruent' as side of item 'i0'"),
        (lambda found: [own(ITEMS[0], value=math.nan), *found[1:]], "gave nan as value of item 'i0'"),
        (lambda found: [own(ITEMS[0], value=math.inf), *found[1:]], "gave inf as value of item 'i0'"),
        (lambda found: [own(ITEMS[0], features={"z": math.nan}), *found[1:]], "gave nan as feature 'z' of item 'i0'"),
        (lambda found: [own(ITEMS[0], correct="yes"), *found[1:]], "gave 'yes' for correct of an Outcome"),
        (lambda found: [own(ITEMS[0], value="12"), *found[1:]], "gave '12' for value of an Outcome"),
        (lambda found: [{"item": "i0"}, *found[1:]], "gave a dict where an Outcome is expected"),
    ],
)
def test_anything_else_is_a_fault_of_the_probe_that_names_item_and_field(change: Change, said: str) -> None:
    with pytest.raises(PluginError) as caught:
        given(change)
    assert said in caught.value.message
    assert caught.value.message.startswith("The probe 'letters' (")
    assert "test_measured.py" in caught.value.message
    assert "weights that were trained are kept" in caught.value.hint


def test_a_live_metric_that_there_is_not_is_refused_as_the_class_is_made() -> None:
    with pytest.raises(TypeError, match="live metric 'nothing'"):

        class Wrong(Letters):
            live: ClassVar[tuple[str, ...]] = ("nothing",)
