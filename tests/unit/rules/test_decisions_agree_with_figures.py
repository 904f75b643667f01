"""No verdict contradicts its figures: each is derived anew from the estimates, by conditions that are written here."""

from __future__ import annotations

import re
from typing import Any

import pytest

from engine.analysis.figures import metrics_of
from engine.rules import Case, Decision, decide, rule_of
from engine.spec.study import RuleSpec, StudySpec
from engine.stats.display.wording import difference_of
from engine.stats.evidence import Estimate
from jobs.studies import load
from tests.support.invented import Invented

CASES = range(1500)
METRIC, MARGIN = "calls.accuracy", 0.03


def study_with(name: str, expected: str = "greater", **settings: Any) -> StudySpec:
    study = load("function-calling")
    primary = study.primary.model_copy(update={"expected": expected})
    return study.model_copy(update={"rule": RuleSpec(name=name, settings=settings), "primary": primary})


def decided(study: StudySpec, seed: int) -> tuple[Decision, Invented]:
    evidence = Invented(metrics_of(study), seed, missing=0.0)
    return decide(rule_of(study), Case(study, evidence, (12, 12), False, ())), evidence  # type: ignore[arg-type]


def figure(found: Estimate | None) -> Estimate:
    assert found is not None
    return found


@pytest.mark.parametrize("expected", ["greater", "less"])
def test_effect(expected: str) -> None:
    study, seen = study_with("effect", expected), set()
    for seed in CASES:
        decision, evidence = decided(study, seed)
        found = figure(evidence.difference("sft-dpo", "sft", METRIC))
        seen.add(decision.code)
        better = found.value > 0 if expected == "greater" else found.value < 0
        if decision.code in ("shown", "opposite"):
            assert found.ci is not None
            assert found.ci[0] > 0 or found.ci[1] < 0
            assert abs(found.value) > MARGIN
            assert better == (decision.code == "shown")
            way = "higher" if found.value > 0 else "lower"
            assert f"is {way} with SFT → DPO than with SFT: {difference_of(found, 'share')}" in decision.text
            assert decision.text.startswith("As expected, " if better else "Against what was expected, ")
        elif decision.code == "absent":
            assert found.ci90 is not None
            assert max(abs(bound) for bound in found.ci90) < MARGIN
            assert f"too little to matter: {difference_of(found, 'share')}" in decision.text
        else:
            gated = decision.text.startswith("No verdict")
            settled = found.ci is not None and (found.ci[0] > 0 or found.ci[1] < 0) and abs(found.value) > MARGIN
            small = found.ci90 is not None and found.ci90[0] > -MARGIN and found.ci90[1] < MARGIN
            assert gated or not (settled or small)
            assert gated or " is open: " in decision.text
    assert seen == {"shown", "opposite", "absent", "inconclusive"}


def test_an_effect_of_the_contrast_turned_round_is_expected_the_other_way() -> None:
    turned, seen = study_with("effect", treated="sft", reference="sft-dpo"), set()
    for seed in CASES:
        decision, evidence = decided(turned, seed)
        seen.add(decision.code)
        if decision.code in ("shown", "opposite"):
            less = figure(evidence.difference("sft", "sft-dpo", METRIC)).value < 0
            assert less == (decision.code == "shown"), "higher was expected of the other of the two"
            assert decision.text.startswith("As expected, " if less else "Against what was expected, ")
    assert seen == {"shown", "opposite", "absent", "inconclusive"}


def test_equivalence() -> None:
    study, seen = study_with("equivalence"), set()
    for seed in CASES:
        decision, evidence = decided(study, seed)
        found = figure(evidence.difference("sft-dpo", "sft", METRIC))
        seen.add(decision.code)
        if decision.code == "equivalent":
            assert found.ci90 is not None
            assert max(abs(bound) for bound in found.ci90) < MARGIN
            assert "too little to matter" in decision.text
        elif decision.code == "different":
            assert found.ci is not None
            assert found.ci[0] > 0 or found.ci[1] < 0
            assert abs(found.value) > MARGIN
            assert ("higher" if found.value > 0 else "lower") in decision.text
        levels = [figure(evidence.level(arm, METRIC)).value for arm in ("sft-dpo", "sft")]
        if min(levels) > 0.98:
            assert decision.code == "inconclusive", "two arms at the ceiling are alike whatever they learned"
    assert seen == {"equivalent", "different", "inconclusive"}


def test_equivalence_of_several_arms_at_chance_needs_every_test_to_succeed() -> None:
    study = study_with("equivalence", also=["shuffled"], chance=0.5, margin=0.15)
    codes = []
    for seed in range(6000):
        decision, evidence = decided(study, seed)
        codes.append(decision.code)
        first = figure(evidence.difference("sft-dpo", "sft", METRIC))
        other = figure(evidence.difference("shuffled", "sft", METRIC))
        levels = [figure(evidence.level(arm, METRIC)) for arm in ("sft-dpo", "shuffled")]
        if decision.code == "equivalent":
            for one, centre in ((first, 0.0), (other, 0.0), (levels[0], 0.5), (levels[1], 0.5)):
                assert one.ci90 is not None
                assert max(abs(bound - centre) for bound in one.ci90) < 0.15
            assert "the same holds for shuffled control" in decision.text
            named = "SFT → DPO and shuffled control are each within 15.0 points of what guessing gives"
            assert named in decision.text, "the reference's own level was not tested"
        elif decision.code == "different":
            assert abs(first.value) > 0.15, "only the first arm can show a difference"
    assert set(codes) == {"equivalent", "different", "inconclusive"}


@pytest.mark.parametrize("metric", [METRIC, "calls.cut"])
def test_gap_closed(metric: str) -> None:
    """`calls.cut` is better the lower it is."""
    way = -1 if metric == "calls.cut" else 1
    study = study_with("gap-closed", treated="sft", base="base", target="sft-dpo", metric=metric, margin=MARGIN)
    seen = set()
    for seed in CASES:
        decision, evidence = decided(study, seed)
        seen.add(decision.code)
        gain = figure(evidence.difference("sft", "base", metric))
        gap = figure(evidence.difference("sft-dpo", "base", metric))
        share = figure(evidence.closed("sft", "base", "sft-dpo", metric))
        apart = gap.ci is not None and (gap.ci[0] > 0 if way > 0 else gap.ci[1] < 0) and way * gap.value >= 0.03
        if not apart:
            assert decision.code == "inconclusive"
            assert decision.figures == ()
            assert not re.search(r"gap closed: [−\d]", " ".join((decision.text, *decision.reasons)).lower())
        gained = gain.ci is not None and (gain.ci[0] > 0 if way > 0 else gain.ci[1] < 0)
        if decision.code in ("closed", "partly"):
            assert share.ci is not None
            assert gained, "a share is never said to be closed by an arm that was not shown to gain"
            assert (share.ci[0] >= 0.8) == (decision.code == "closed")
            assert share.ci[0] > 0
            assert (decision.figures[0].value, decision.figures[0].ci) == (share.value, share.ci)
            if "less than 80.0 %" in decision.text:
                assert share.ci[1] < 0.8
        elif decision.code == "not":
            assert gain.ci90 is not None
            assert (gain.ci90[1] if way > 0 else -gain.ci90[0]) < MARGIN
            assert share.ci is not None
            assert share.ci[1] < 0.8, "nothing that may be most of the gap is said not to close it"
            if "worse than" in decision.text:
                assert gain.ci is not None
                assert gain.ci[1] < 0 if way > 0 else gain.ci[0] > 0
    assert seen == {"closed", "partly", "not", "inconclusive"}
