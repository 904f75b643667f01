"""What every probe promises, whatever its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from random import Random
from typing import Any

import numpy as np
import pytest

from engine.probes import found
from engine.probes._base import Measuring, Probe
from engine.spec.example import Prompt, StudyData
from engine.stats.statistics._table import Table
from engine.subject.protocol import Answer, Scored
from engine.world.study_data import study_data
from tests.support import examples
from tests.support.tiny import make_data

with examples.there():
    PROBES = sorted(found().classes.items())


class Noise:
    """A subject that answers at random."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)

    def generate(self, prompts: Sequence[Prompt], max_new_tokens: int) -> list[Answer]:
        said = ["", "Rome", '{"name": "weather", "arguments": {"city": "Rome"}}', "{"]
        return [Answer(self.rng.choice(said), self.rng.random() < 0.3) for _ in prompts]

    def room(self, think_tokens: int = 0, asked: int | None = None) -> int:
        return asked or 48 + think_tokens

    def rendered(self, prompt: Prompt, answer: Mapping[str, Any]) -> str:
        return str(answer.get("content"))

    def sample(
        self, prompts: Sequence[Prompt], count: int, temperature: float, seed: int, max_new_tokens: int
    ) -> list[list[Answer]]:
        return [self.generate([prompt] * count, max_new_tokens) for prompt in prompts]

    def score(
        self, prompts: Sequence[Prompt], answers: Sequence[str | Answer], entropies: bool = False, end: bool = True
    ) -> list[Scored]:
        sizes = [1 + self.rng.randrange(4) for _ in prompts]
        return [
            Scored((5,) * size, -np.full(size, self.rng.random()), np.full(size, 0.5) if entropies else None)
            for size in sizes
        ]

    def option_logprobs(self, prompts: Sequence[Prompt], options: Sequence[Sequence[str]]) -> list[np.ndarray]:
        return [np.array([-self.rng.random() for _ in texts]) for texts in options]

    def text_nll(self, texts: Sequence[str]) -> list[tuple[float, int]]:
        return [(self.rng.random() * len(text), len(text)) for text in texts]


@cache
def tried() -> list[StudyData]:
    own = (study_data("calling"), study_data("entailment"), study_data("facts", {"form": "ceiling"}))
    return [make_data(), *own, study_data("backwards")]


def test_none_is_broken() -> None:
    assert not found().broken, [broken.traceback for broken in found().broken]
    assert "forgetting" in dict(PROBES)


@pytest.mark.parametrize(("name", "cls"), PROBES, ids=[name for name, _ in PROBES])
class TestEveryProbe:
    def make(self, cls: type[Probe]) -> Probe:
        return cls(cls.Config())

    def data(self, probe: Probe) -> StudyData:
        """The first data that give this probe something to measure."""
        return next(data for data in tried() if probe.items(data, 6))

    def test_it_says_what_it_is(self, name: str, cls: type[Probe]) -> None:
        assert cls.name == name
        assert cls.label
        assert cls.__doc__
        names = [metric.name for metric in cls.metrics]
        assert len(names) == len(set(names)) > 0
        assert set(cls.live) <= set(names)
        assert all(metric.label for metric in cls.metrics)

    def test_every_setting_has_bounds_and_a_description(self, name: str, cls: type[Probe]) -> None:
        for field, schema in cls.Config.model_json_schema().get("properties", {}).items():
            assert schema.get("description", "").endswith("."), f"{name}.{field} has no description"
            if schema.get("type") in ("integer", "number"):
                assert {"minimum", "exclusiveMinimum"} & schema.keys(), f"{name}.{field} has no lower bound"

    def test_its_items_are_the_same_for_every_run(self, name: str, cls: type[Probe]) -> None:
        probe = self.make(cls)
        data = self.data(probe)
        items = probe.items(data, 6)
        assert items == self.make(cls).items(data, 6)
        assert len({item.id for item in items}) == len(items)

    def test_the_live_sample_gives_the_live_figures_of_all_its_items(self, name: str, cls: type[Probe]) -> None:
        probe = self.make(cls)
        data = self.data(probe)
        outcomes = probe.measure(Measuring(Noise(1)), probe.items(data, 6))
        sample = {item.id for item in probe.live_items(data, 6)}
        if not cls.live:
            assert not sample
            return
        whole = probe.figures(outcomes)
        part = probe.figures([outcome for outcome in outcomes if outcome.item in sample])
        assert {live: whole.get(live) for live in cls.live} == {live: part.get(live) for live in cls.live}
        assert set(cls.live) & set(part)

    def test_it_measures_every_item_in_order(self, name: str, cls: type[Probe]) -> None:
        probe = self.make(cls)
        items = probe.items(self.data(probe), 6)
        outcomes = probe.measure(Measuring(Noise(1)), items)
        assert [o.item for o in outcomes] == [item.id for item in items]
        assert [(o.split, o.cluster, o.side) for o in outcomes] == [(i.split, i.cluster, i.side) for i in items]
        assert outcomes == probe.measure(Measuring(Noise(1)), items)
        figures = probe.figures(outcomes)
        assert set(figures) <= {metric.name for metric in cls.metrics}
        assert all(np.isfinite(value) for value in figures.values())
        for metric in cls.metrics:
            if metric.name in figures and metric.unit == "share":
                assert 0 <= figures[metric.name] <= 1

    def test_what_is_not_scored_is_left_out_and_never_counted_as_wrong(self, name: str, cls: type[Probe]) -> None:
        probe = self.make(cls)
        outcomes = probe.measure(Measuring(Noise(1)), probe.items(self.data(probe), 6))
        unscored = [o.model_copy(update={"correct": None, "item": f"{o.item}-again"}) for o in outcomes]
        figures, more = probe.figures(outcomes), probe.figures([*outcomes, *unscored])
        for metric in cls.metrics:
            if "correct" in metric.statistic.columns():
                assert more.get(metric.name) == figures.get(metric.name), metric.name
                assert metric.statistic.of(unscored) is None

    def test_its_figures_are_those_of_its_statistics(self, name: str, cls: type[Probe]) -> None:
        probe = self.make(cls)
        outcomes = probe.measure(Measuring(Noise(1)), probe.items(self.data(probe), 6))
        for metric in cls.metrics:
            (of_all,) = metric.statistic.values(Table(outcomes), np.ones((1, len(outcomes))))
            figure = probe.figures(outcomes).get(metric.name)
            assert np.isnan(of_all) if figure is None else of_all == figure

    def test_nothing_measured_gives_no_figure(self, name: str, cls: type[Probe]) -> None:
        assert self.make(cls).figures([]) == {}
        assert self.make(cls).measure(Measuring(Noise(1)), []) == []
