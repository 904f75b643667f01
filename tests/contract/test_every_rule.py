"""What every rule promises, whatever its name."""

from __future__ import annotations

import re
from typing import Any, get_args

import pytest

from engine.analysis.figures import metrics_of
from engine.rules import OPEN, Case, Read, Rule, RuleConfig, decide, found, rule_of
from engine.spec.errors import SpecError
from engine.spec.result import Tone
from engine.spec.study import RuleSpec, StudySpec
from jobs.studies import load
from tests.support import examples
from tests.support.invented import Invented

with examples.there():
    RULES = sorted(found().classes.items())
SETTINGS: dict[str, dict[str, Any]] = {
    "shortcut": {"treated": "sft-dpo", "format": "shuffled", "floor": 0.2, "parses": "calls.parses"},
    "gap-closed": {"treated": "sft", "target": "sft-dpo", "expert": "shuffled"},
}
"""What a rule needs on the function-calling study; the others need nothing."""
CASES = range(400)


def study_with(name: str, **settings: Any) -> StudySpec:
    rule = RuleSpec(name=name, settings=SETTINGS.get(name, {}) | settings)
    return load("function-calling").model_copy(update={"rule": rule})


def case_of(study: StudySpec, seed: int, missing: float = 0.0, **more: Any) -> Case:
    evidence = Invented(metrics_of(study), seed, missing=missing)
    return Case(study, evidence, (12, 12), more.pop("smoke", False), (), **more)  # type: ignore[arg-type]


def test_none_is_broken() -> None:
    assert not found().broken, [broken.traceback for broken in found().broken]
    assert {"shortcut", "effect", "equivalence", "gap-closed"} <= {name for name, _ in RULES}


@pytest.mark.parametrize(("name", "cls"), RULES, ids=[name for name, _ in RULES])
class TestEveryRule:
    def test_it_says_what_it_is(self, name: str, cls: type[Rule]) -> None:
        assert cls.name == name
        assert cls.label
        assert len(cls.label) < 40
        assert cls.about.endswith(".")
        assert cls.source
        assert cls.__doc__

    def test_its_codes(self, name: str, cls: type[Rule]) -> None:
        codes = {code.code: code for code in cls.codes}
        assert len(codes) == len(cls.codes)
        assert codes[OPEN].tone == "open"
        assert [code.code for code in cls.codes if code.tone == "open"] == [OPEN]
        assert {code.tone for code in cls.codes} <= set(get_args(Tone))
        assert len({code.label for code in cls.codes}) == len(cls.codes)

    def test_every_setting_has_a_description(self, name: str, cls: type[Rule]) -> None:
        assert issubclass(cls.Config, RuleConfig)
        for field, schema in cls.Config.model_json_schema()["properties"].items():
            assert schema.get("description", "").endswith("."), f"{name}.{field} has no description"
        with pytest.raises(ValueError, match="Extra inputs"):
            cls.Config.model_validate({"no_such_setting": 1})

    def test_what_it_reads_is_named_beforehand(self, name: str, cls: type[Rule]) -> None:
        study = study_with(name)
        rule, metrics = rule_of(study), metrics_of(study)
        arms = {arm.name for arm in study.arms}
        assert rule.roles()
        assert set(rule.roles().values()) <= arms
        assert any(read.same(Read.primary(study)) for read in rule.reads())
        primary = f"{study.primary.probe}.{study.primary.metric}"
        for read in rule.reads():
            assert {read.a, read.b} <= arms
            assert read.metric in metrics
            assert read.metric in {primary, *rule.metrics()}
            assert read.margin > 0
        assert set(rule.metrics()) <= set(metrics)
        assert rule.thresholds()["margin"] > 0  # type: ignore[operator]

    def test_settings_that_do_not_fit_are_refused(self, name: str, cls: type[Rule]) -> None:
        with pytest.raises(SpecError, match="no_such_setting"):
            rule_of(study_with(name, no_such_setting=1))
        if "treated" in cls.Config.model_fields:  # a rule without it reads the arms of the primary contrast
            with pytest.raises(SpecError, match=r"nobody|primary contrast"):
                rule_of(study_with(name, treated="nobody"))

    def test_every_case_gets_a_code_of_its_own_and_a_sentence(self, name: str, cls: type[Rule]) -> None:
        study = study_with(name)
        rule, seen = rule_of(study), set()
        for seed in CASES:
            decision = decide(rule, case_of(study, seed))
            seen.add(decision.code)
            assert decision.text.endswith(".")
            assert decision.text[0].isupper() or decision.text.startswith(tuple(a.label for a in study.arms))
            assert decision.reasons
            assert all(reason.endswith(".") for reason in decision.reasons)
            assert not re.search(r"None|nan|\binf\b", " ".join((decision.text, *decision.reasons)))
            assert decision == decide(rule, case_of(study, seed)), "the same figures give the same verdict"
        assert seen == {code.code for code in cls.codes}, "each verdict is reached by some case"

    def test_missing_figures_are_a_gate_and_never_an_error(self, name: str, cls: type[Rule]) -> None:
        study = study_with(name)
        rule = rule_of(study)
        for seed in CASES:
            case = case_of(study, seed, missing=0.5)
            decision = decide(rule, case)
            gone = [r for r in rule.reads() if case.evidence.difference(r.a, r.b, r.metric) is None]
            if gone:
                assert decision.code == OPEN
                assert "could not be" in " ".join(decision.reasons)

    def test_smoke_scale_asks_it_and_gives_no_verdict(self, name: str, cls: type[Rule]) -> None:
        study = study_with(name)
        for seed in CASES:
            decision = decide(rule_of(study), case_of(study, seed, missing=0.02, smoke=True))
            assert (decision.code, decision.figures) == (OPEN, ())
            assert decision.text == "No verdict: smoke scale shows that everything runs, and no more."

    @pytest.mark.parametrize("gate", ["smoke", "runs", "check"])
    def test_what_stands_against_any_verdict(self, name: str, cls: type[Rule], gate: str) -> None:
        study = study_with(name)
        for seed in range(60):
            plain = case_of(study, seed)
            case = Case(
                study,
                plain.evidence,
                (12, 11 if gate == "runs" else 12),
                gate == "smoke",
                [("the check", "Its detail.")] if gate == "check" else [],
            )
            decision = decide(rule_of(study), case)
            assert decision.code == OPEN
            assert decision.text.startswith("No verdict")
            assert decision.figures == ()
