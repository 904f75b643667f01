"""Trials of studies with other rules than the first: planted truths, controls of any figure, and no shortcut."""

from __future__ import annotations

from typing import Any

import pytest

from engine.analysis.analysis import analyse
from engine.analysis.figures import check_figures
from engine.spec.errors import SpecError
from engine.spec.result import Result
from engine.spec.study import ControlSpec, RuleSpec, StudySpec
from jobs.studies import load
from tests.support.planted import CALLS, Rates, make_runs, make_trial

LIFTED = ControlSpec(kind="positive", arm="sft", against="base", metric="calls.accuracy", margin=0.4)


def study_with(name: str, controls: tuple[ControlSpec, ...] = (LIFTED,), **settings: Any) -> StudySpec:
    """The function-calling study with another rule, where no shortcut is looked for."""
    plain = load("function-calling").model_dump() | {
        "rule": {"name": name, "settings": settings},
        "reliance": None,
        "controls": [control.model_dump() for control in controls],
    }
    found = StudySpec.model_validate(plain)
    check_figures(found)
    return found


def result_of(study: StudySpec, rates: Rates = CALLS, seeds: int = 6) -> Result:
    trial = make_trial(study, seeds)
    return analyse(trial, make_runs(trial, rates, items=400, clusters=40))


@pytest.mark.parametrize(
    ("code", "name", "rates", "settings"),
    [
        ("shown", "effect", {"sft-dpo": (0.97, 0.93)}, {}),
        ("opposite", "effect", {"sft-dpo": (0.60, 0.55)}, {}),
        ("absent", "effect", {"sft-dpo": (0.82, 0.76)}, {"margin": 0.06}),
        ("inconclusive", "effect", {"sft-dpo": (0.82, 0.76)}, {"margin": 0.004}),
        ("inconclusive", "effect", {"sft-dpo": (0.10, 0.05), "sft": (0.82, 0.76)}, {"floor": 0.2}),
        ("equivalent", "equivalence", {"sft-dpo": (0.82, 0.76)}, {"margin": 0.06}),
        ("different", "equivalence", {"sft-dpo": (0.97, 0.93)}, {}),
        ("inconclusive", "equivalence", {"sft-dpo": (1.0, 1.0), "sft": (1.0, 1.0)}, {}),
        ("closed", "gap-closed", {}, {"treated": "sft", "target": "sft-dpo", "expert": "shuffled"}),
        ("partly", "gap-closed", {}, {"treated": "shuffled", "target": "sft-dpo"}),
        ("not", "gap-closed", {"shuffled": (0.02, 0.02)}, {"treated": "shuffled", "target": "sft-dpo", "margin": 0.05}),
    ],
)
def test_planted(code: str, name: str, rates: Rates, settings: dict[str, Any]) -> None:
    result = result_of(study_with(name, **settings), {**CALLS, **rates})
    verdict = result.verdict
    assert verdict.code == code, (verdict, result.checks)
    assert result.rule is not None
    assert result.rule.name == name
    assert set(result.rule.roles.values()) <= {arm.name for arm in result.arms}
    assert (verdict.tone == "open") == (code == "inconclusive")
    if code == "inconclusive" and "floor" in settings:
        assert "the floor is 20.0 %" in verdict.text
    if code == "inconclusive" and (rates.get("sft") == (1.0, 1.0)):
        assert "nothing could differ" in verdict.text


def test_without_a_shortcut_nothing_speaks_of_one() -> None:
    result = result_of(study_with("effect"))
    assert result.reliance is None
    assert [(check.name, check.ok) for check in result.checks][-1] == ("positive-control", True)
    assert "must be higher with SFT than with base" in result.checks[-1].label
    words = " ".join(
        (result.verdict.text, *result.verdict.reasons, *result.threats, *(c.detail for c in result.checks))
    )
    assert "shortcut" not in words
    assert "reliance" not in words.lower()
    assert {step.reliance for step in result.decomposition} == {None}
    assert all(contrast.metric == "calls.accuracy" for contrast in result.contrasts)


def test_a_study_without_any_control_is_not_failed_for_it_unless_its_rule_wants_one() -> None:
    assert all(check.ok for check in result_of(study_with("effect", ())).checks)
    study = load("function-calling").model_copy(update={"controls": ()})
    failed = [check for check in result_of(study).checks if not check.ok]
    assert [check.name for check in failed] == ["positive-control"]


def test_a_control_has_a_margin_of_its_own() -> None:
    too_much = LIFTED.model_copy(update={"margin": 0.95})
    result = result_of(study_with("effect", (too_much,)))
    assert not result.checks[-1].ok
    assert "not detected, and should be" in result.checks[-1].detail
    assert result.verdict.code == "inconclusive"
    never = ControlSpec(kind="negative", arm="sft", against="base", metric="calls.accuracy")
    checks = result_of(study_with("effect", (LIFTED, never))).checks
    assert [(c.name, c.ok) for c in checks[-2:]] == [("positive-control", True), ("negative-control", False)]


def test_all_that_the_rule_reads_is_in_the_family_or_beside_it() -> None:
    result = result_of(study_with("gap-closed", treated="sft", target="sft-dpo", expert="shuffled"))
    found = {(c.a, c.b): c for c in result.contrasts if c.metric == "calls.accuracy"}
    for pair in (("sft", "base"), ("sft-dpo", "base"), ("sft", "sft-dpo"), ("sft", "shuffled")):
        assert pair in found
    own = {result.study.primary.contrast, *load("function-calling").contrasts}
    assert all((c.p_holm is not None) == (pair in own) for pair, c in found.items())
    share = result.verdict.figures[0]
    assert share.unit == "share"
    assert share.value is not None
    assert share.ci is not None
    gain, gap = found["sft", "base"].difference, found["sft-dpo", "base"].difference
    assert share.value == pytest.approx(gain / gap, rel=0.02)


@pytest.mark.parametrize(
    ("target", "seeds", "said", "unsaid"),
    [((0.02, 0.02), 6, "so small a gap", "uncertain"), ((0.20, 0.20), 2, "too uncertain", "so small a gap")],
)
def test_a_gap_that_cannot_be_divided_by_is_called_small_only_where_it_is(
    target: tuple[float, float], seeds: int, said: str, unsaid: str
) -> None:
    study = study_with("gap-closed", (), treated="sft", target="shuffled", margin=0.05)
    result = result_of(study, {**CALLS, "base": (0.01, 0.01), "shuffled": target}, seeds=seeds)
    words = " ".join((result.verdict.text, *result.verdict.reasons))
    assert result.verdict.code == "inconclusive"
    assert said in words
    assert unsaid not in words
    assert all(figure.value is None for figure in result.verdict.figures)


def test_two_arms_that_no_seed_changes_need_but_one_run() -> None:
    study = study_with("effect", ())
    bare = study.arm("base").model_copy(update={"name": "bare", "label": "bare"})
    settings = {"treated": "bare", "reference": "base", "metric": "calls.accuracy", "margin": 0.03}
    rule = RuleSpec(name="effect", settings=settings)
    study = study.model_copy(update={"arms": (*study.arms, bare), "rule": rule})
    result = result_of(study, CALLS | {"bare": (0.30, 0.30)}, seeds=3)
    assert result.verdict.code == "shown", result.verdict
    contrast = next(c for c in result.contrasts if (c.a, c.b) == ("bare", "base"))
    assert (contrast.n_seeds, contrast.equivalent) == (1, False)
    assert "accuracy is higher with SFT → DPO than with SFT" in result.verdict.text, "the primary contrast is said too"


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("effect", {"metric": "calls.nothing", "margin": 0.1}, "no metric 'nothing'"),
        ("effect", {"metric": "calls.no_tool"}, "has no margin for calls.no_tool"),
        ("effect", {"treated": "sft"}, "compares 'sft' with itself"),
        ("effect", {"treated": "nobody"}, "no arm is named nobody"),
        ("equivalence", {"also": ["sft"]}, "is compared already"),
        ("gap-closed", {"treated": "sft", "target": "sft"}, "must all differ"),
        ("gap-closed", {"treated": "sft"}, "rule.settings.target: Field required"),
        ("shortcut", {"treated": "sft", "floor": 0.2}, "needs a figure of reliance"),
        ("no-such-rule", {}, "no plug-in named 'no-such-rule'"),
    ],
)
def test_a_rule_that_does_not_fit_is_refused_before_anything_runs(name: str, settings: dict, said: str) -> None:
    from engine.spec.errors import LabError

    with pytest.raises(LabError, match=said):
        study_with(name, **settings)


def test_a_placebo_needs_a_figure_by_side() -> None:
    placebo = LIFTED.model_copy(update={"placebo": True, "kind": "negative"})
    with pytest.raises(SpecError, match="does not read them"):
        study_with("effect", (placebo,))
