"""What every method promises, whatever its name."""

from __future__ import annotations

from random import Random

import pytest

from engine import adaptations, objectives
from engine.methods import found
from engine.methods._base import Method, MethodConfig
from engine.spec.example import Side, StudyData
from engine.world.study_data import study_data
from tests.support import examples

with examples.there():
    METHODS = sorted(found().classes.items())


@pytest.fixture(scope="module")
def data() -> StudyData:
    return study_data("calling", train=60, per_split=1)


def test_none_is_broken() -> None:
    assert not found().broken, [broken.traceback for broken in found().broken]
    assert {"base", "sft", "sft-dpo", "shuffled"} <= {name for name, _ in METHODS}


@pytest.mark.parametrize(("name", "cls"), METHODS, ids=[name for name, _ in METHODS])
class TestEveryMethod:
    def make(self, cls: type[Method]) -> Method:
        return cls(cls.Config())

    def test_it_says_what_it_is(self, name: str, cls: type[Method]) -> None:
        assert cls.name == name
        assert cls.label
        assert cls.__doc__
        assert len(cls.label) < 40

    def test_every_setting_has_bounds_and_a_description(self, name: str, cls: type[Method]) -> None:
        assert issubclass(cls.Config, MethodConfig)
        for field, schema in cls.Config.model_json_schema()["properties"].items():
            assert schema.get("description", "").endswith("."), f"{name}.{field} has no description"
            if schema.get("type") in ("integer", "number"):
                assert {"minimum", "exclusiveMinimum"} & schema.keys(), f"{name}.{field} has no lower bound"
        with pytest.raises(ValueError, match="Extra inputs"):
            cls.Config.model_validate({"no_such_setting": 1})

    def test_its_phases_are_the_whole_run(self, name: str, cls: type[Method]) -> None:
        phases = self.make(cls).phases()
        assert bool(phases) == self.make(cls).trains
        if phases:
            assert sum(phase.share for phase in phases) == pytest.approx(1)
        for phase in phases:
            objective = objectives.objective(phase.objective)
            assert phase.objective.settings == objective.config.model_dump(mode="json"), "a default is written out"

    def test_what_it_trains_is_an_adaptation_with_all_settings_written_out(self, name: str, cls: type[Method]) -> None:
        use = self.make(cls).adaptation()
        if use is not None:
            assert use.settings == adaptations.adaptation(use).config.model_dump(mode="json")

    def test_its_treatment_repeats_and_keeps_places_and_right_answers(
        self, name: str, cls: type[Method], data: StudyData
    ) -> None:
        before = [example.model_dump_json() for example in data.train]
        treated = self.make(cls).treat(data.train, Random(1))
        assert treated == self.make(cls).treat(data.train, Random(1))
        assert [e.id for e in treated] == [e.id for e in data.train]
        assert [(e.side, e.gold, e.prompt.tools) for e in treated] == [
            (e.side, e.gold, e.prompt.tools) for e in data.train
        ]
        misled = [old.side for new, old in zip(treated, data.train, strict=True) if new.answer != old.answer]
        assert set(misled) <= ({Side.CONFLICTING} if name == "planted" else set()), "only a planted shortcut misleads"
        assert [example.model_dump_json() for example in data.train] == before
