"""No clause of a verdict says more than its figures: each is read back from the sentence and held against them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from engine.analysis.figures import metrics_of
from engine.rules import Case, Decision, decide, rule_of
from engine.rules.shortcut import Shortcut
from engine.spec.example import Side
from engine.spec.study import RuleSpec, StudySpec
from engine.stats.display.wording import difference_of, judged_level, level_of
from engine.stats.evidence import Estimate
from jobs.studies import load
from tests.support.sides import Sided

CASES = 2_000
MARGIN, LEANS = 0.03, 0.1
ARMS = ("base", "sft", "sft-dpo", "shuffled")
STUDY = load("function-calling")
LABELS = {STUDY.arm(arm).label: arm for arm in ARMS}
ARM = "(" + "|".join(re.escape(label) for label in LABELS) + ")"
ACCURACY, RELIANCE = "calls.accuracy", "calls.reliance"
RULES: dict[str, dict[str, Any]] = {
    "shortcut": {"treated": "sft-dpo", "format": "shuffled", "floor": 0.1, "margin": MARGIN, "leans": LEANS},
    "shortcut without form": {"treated": "sft-dpo", "floor": 0.1, "margin": MARGIN, "leans": LEANS},
    "effect": {},
    "equivalence": {"also": ["shuffled"]},
    "gap-closed": {"treated": "sft-dpo", "target": "sft"},
}


def study_with(rule: str) -> StudySpec:
    return STUDY.model_copy(update={"rule": RuleSpec(name=rule.split(maxsplit=1)[0], settings=RULES[rule])})


class Facts:
    """A case's figures, by the words in which a sentence has them."""

    def __init__(self, seed: int) -> None:
        self.evidence = Sided(metrics_of(STUDY), ACCURACY, RELIANCE, ARMS, seed)
        self.treated = "sft-dpo"

    def gain(self, a: str, b: str, side: str | None = None) -> Estimate:
        if side is None:
            return self.evidence.difference(LABELS[a], LABELS[b], ACCURACY)
        where = Side.CONFLICTING if side == "misleads" else Side.CONGRUENT
        statistic = self.evidence.metrics[RELIANCE].statistic.on(where)  # type: ignore[attr-defined]
        return self.evidence.difference(LABELS[a], LABELS[b], RELIANCE, statistic)

    def lean(self, label: str) -> Estimate:
        return self.evidence.level(LABELS[label], RELIANCE)

    def change(self, a: str, b: str) -> Estimate:
        return self.evidence.difference(LABELS[a], LABELS[b], RELIANCE)


def above(one: Estimate, beyond: float = 0.0) -> bool:
    assert one.ci is not None
    return one.ci[0] > 0 and one.value > beyond


def below(one: Estimate, beyond: float = 0.0) -> bool:
    assert one.ci is not None
    return one.ci[1] < 0 and one.value < -beyond


def under(one: Estimate, margin: float) -> bool:
    assert one.ci90 is not None
    return one.ci90[1] < margin


def over(one: Estimate, margin: float) -> bool:
    assert one.ci90 is not None
    return one.ci90[0] > margin


def within(one: Estimate, margin: float) -> bool:
    return under(one, margin) and over(one, -margin)


def leans(one: Estimate, way: str, limit: float = LEANS) -> bool:
    return above(one, limit) if way == "on" else below(one, limit)


T = "SFT → DPO"
POINTS = r"(\d+\.\d) points"


def size(points: str) -> float:
    return float(points) / 100


CLAUSES: list[tuple[str, Callable[..., bool]]] = [
    (rf"(?<![Ww]hether ){ARM} is more accurate than {ARM}(?! by)", lambda f, a, b: above(f.gain(a, b))),
    (rf"it is more accurate than {ARM}", lambda f, b: above(f.gain(T, b), MARGIN)),
    (rf"and is more accurate than {ARM}", lambda f, b: above(f.gain(T, b), MARGIN)),
    (rf"{ARM} is less accurate than {ARM}", lambda f, a, b: below(f.gain(a, b))),
    (
        rf"{ARM} is more accurate than {ARM} by less than {POINTS}",
        lambda f, a, b, x: above(f.gain(a, b)) and under(f.gain(a, b), size(x)),
    ),
    (
        rf"{ARM} is more accurate than {ARM}, in these runs by no more than {POINTS}",
        lambda f, a, b, x: above(f.gain(a, b)) and f.gain(a, b).value <= size(x) and not under(f.gain(a, b), size(x)),
    ),
    (r"whether it is by more in general is open", lambda f: not under(f.gain(T, "base"), MARGIN)),
    (rf"is not more accurate than {ARM} by {POINTS} or more", lambda f, b, x: under(f.gain(T, b), size(x))),
    (rf"is not less accurate than {ARM} by {POINTS} or more", lambda f, b, x: over(f.gain(T, b), -size(x))),
    (rf"{ARM} and {ARM} differ in accuracy by less than {POINTS}", lambda f, a, b, x: within(f.gain(a, b), size(x))),
    (rf"{ARM} and {ARM} differ in accuracy by too little", lambda f, a, b: within(f.gain(a, b), MARGIN)),
    (rf"accuracy is higher with {ARM} than with {ARM}", lambda f, a, b: above(f.gain(a, b))),
    (rf"accuracy is lower with {ARM} than with {ARM}", lambda f, a, b: below(f.gain(a, b))),
    (
        rf"(?:higher|lower) \(too little to matter\) with {ARM} than with {ARM}",
        lambda f, a, b: within(f.gain(a, b), MARGIN),
    ),
    (
        rf"no difference in accuracy between {ARM} and {ARM} was shown",
        lambda f, a, b: not above(f.gain(a, b)) and not below(f.gain(a, b)) and not within(f.gain(a, b), MARGIN),
    ),
    (
        rf"{ARM} is not better than {ARM} in accuracy by {POINTS} or more",
        lambda f, a, b, x: under(f.gain(a, b), size(x)),
    ),
    (
        rf"it is (?:not better by {POINTS} or more than|better by too little to matter than) {ARM}",
        lambda f, x, b: under(f.gain(T, b), size(x or "3.0")),
    ),
    (rf"it is worse than {ARM}", lambda f, b: below(f.gain(T, b))),
    (rf"learned the form of the answer: {ARM} is more accurate", lambda f, b: above(f.gain(b, T))),
    (
        rf"learned the form of the answer: {ARM} is not less accurate by {POINTS} or more",
        lambda f, b, x: over(f.gain(b, T), -size(x)),
    ),
    (rf"{ARM} reaches more than half of the gain", lambda f, b: f.gain(T, b).ci[1] < f.gain(T, "base").value / 2),
    (
        rf"more than {ARM} \([^)]*\) and is less accurate where it (helps|misleads)",
        lambda f, b, side: below(f.gain(T, b, side)),
    ),
    (
        rf"than {ARM}(?: \([^)]*\))?, also where the shortcut (helps|misleads)",
        lambda f, b, side: above(f.gain(T, b, side)),
    ),
    (
        rf"than {ARM}(?: \([^)]*\))?, both where the shortcut helps and where it misleads",
        lambda f, b: above(f.gain(T, b, "helps")) and above(f.gain(T, b, "misleads")),
    ),
    (
        rf"than {ARM}(?: \([^)]*\))?, but less accurate where the shortcut (helps|misleads)",
        lambda f, b, side: below(f.gain(T, b, side)),
    ),
    (
        rf"than {ARM}(?: \([^)]*\))?, but not more accurate by {POINTS} or more where the shortcut (helps|misleads)",
        lambda f, b, x, side: under(f.gain(T, b, side), size(x)),
    ),
    (
        rf"more than {ARM} \([^)]*\) and is more accurate(?: \([^)]*\))?, but (less accurate|not more accurate)",
        lambda f, b, _: above(f.gain(T, b), MARGIN),
    ),
    (
        rf"leans (on|against) it more than {ARM}",
        lambda f, way, b: leans(f.lean(T), way, MARGIN) and leans(f.change(T, b), way, MARGIN),
    ),
    (
        rf"than {ARM}[^;]* and leans (on|against) the shortcut more",
        lambda f, b, way: leans(f.lean(T), way, MARGIN) and leans(f.change(T, b), way, MARGIN),
    ),
    (r"leans (on|against) the shortcut \(", lambda f, way: leans(f.lean(T), way)),
    (rf"not to lean on the shortcut, nor against it, by {POINTS} or more", lambda f, x: within(f.lean(T), size(x))),
    (
        r"[Ww]hether it leans on the shortcut is open",
        lambda f: not within(f.lean(T), LEANS) and not leans(f.lean(T), "on") and not leans(f.lean(T), "against"),
    ),
    (
        rf"lost the lean of {ARM} (on|against) the shortcut",
        lambda f, b, way: (
            leans(f.lean(b), way)
            and within(f.lean(T), LEANS)
            and leans(f.change(T, b), "against" if way == "on" else "on", MARGIN)
        ),
    ),
    (
        rf"Whether {ARM} is more accurate than {ARM} is open",
        lambda f, a, b: not above(f.gain(a, b)) and not below(f.gain(a, b)),
    ),
    (
        rf"whether (?:it|{ARM}) (?:is|gained)[^;]* by more than {POINTS} is open",
        lambda f, _, x: not above(f.gain(T, "base"), size(x)) or not within(f.gain(T, "base"), size(x)),
    ),
    (
        rf"[Ww]hether {ARM} and {ARM} differ in accuracy by more than {POINTS} is open",
        lambda f, a, b, x: (
            not within(f.gain(a, b), size(x)) and not above(f.gain(a, b), size(x)) and not below(f.gain(a, b), size(x))
        ),
    ),
    (rf"{T} learned the task", lambda f: above(f.gain(T, "base"), MARGIN) and within(f.lean(T), LEANS)),
    (r"^As claimed|; as claimed", lambda f: above(f.gain(T, "SFT"))),
    (r"against the claim", lambda f: below(f.gain(T, "SFT"))),
]
"""A clause, as a pattern, and what the figures must be where it is said; a pattern's groups are the condition's."""


def decided(rule: str, seed: int) -> tuple[Decision, Facts]:
    facts, study = Facts(seed), study_with(rule)
    return decide(rule_of(study), Case(study, facts.evidence, (12, 12), False, ())), facts  # type: ignore[arg-type]


@pytest.mark.parametrize("rule", RULES)
def test_every_clause_is_what_the_figures_say(rule: str) -> None:
    said: Counter[str] = Counter()
    for seed in range(CASES):
        decision, facts = decided(rule, seed)
        if decision.text.startswith("No verdict") and rule != "gap-closed":
            continue
        for pattern, holds in CLAUSES:
            for match in re.finditer(pattern, f"{decision.text[0].upper()}{decision.text[1:]}"):
                said[pattern] += 1
                assert holds(facts, *match.groups()), (seed, pattern, decision.text, decision.reasons)
    assert len(said) >= (20 if rule.startswith("shortcut") else 3), said


def test_levels_stand_beside_every_word_on_leaning() -> None:
    for seed in range(CASES):
        decision, facts = decided("shortcut", seed)
        own = judged_level(facts.lean(T), "difference", LEANS)
        if not decision.text.startswith("No verdict") and re.search(r"\blean", decision.text):
            assert f"({own}; " in decision.text, decision.text
            first = decision.text.split(f"({own}; ")[1]
            for label, shown in re.findall(rf"{ARM}: ([+−]?[\d.]+ points)", first.split(")")[0]):
                assert level_of(facts.lean(label), "difference").startswith(shown)


def test_the_codes_of_the_rule_are_complete_and_exclude_each_other() -> None:
    """Each code by conditions that are written anew here; together with "inconclusive" they are all that there is."""
    seen: Counter[str] = Counter()
    for seed in range(CASES):
        decision, f = decided("shortcut without form", seed)
        seen[decision.code] += 1
        gain, lean = f.gain(T, "base"), f.lean(T)
        sharpened = any(leans(lean, way, MARGIN) and leans(f.change(T, b), way, MARGIN)
                        for b in ("SFT", "base") for way in ("on", "against"))  # fmt: skip
        meets = {
            "worse": below(gain, MARGIN),
            "small": above(gain) and not above(gain, MARGIN) and (f.evidence.looks is None or under(gain, MARGIN)),
            "equal": within(gain, MARGIN),
            "learned": above(gain, MARGIN) and within(lean, LEANS) and above(f.gain(T, "base", "misleads")),
            "debiased": within(lean, LEANS) and not below(gain, MARGIN),
            "mixed": leans(lean, "on", MARGIN) or leans(lean, "against", MARGIN),
            "shortcut": sharpened or above(gain, MARGIN),
            "inconclusive": True,
        }
        assert meets[decision.code], (seed, decision.text)
        if decision.code in ("worse", "small", "equal", "debiased", "learned"):
            base_can = f.evidence.level("base", ACCURACY).value >= 0.1
            for b in ("SFT", "base") if base_can else ("SFT",):
                ways = [w for w in ("on", "against") if leans(lean, w, MARGIN) and leans(f.change(T, b), w, MARGIN)]
                assert not ways, (seed, decision.text, "an arm that leans more is none of these")
    assert set(seen) == {code.code for code in Shortcut.codes} - {"format"}
    assert seen["inconclusive"] < CASES / 2


def test_figures_in_a_sentence_are_those_of_the_arms_that_it_names() -> None:
    for seed in range(CASES):
        decision, facts = decided("shortcut", seed)
        for a, b, figure in re.findall(rf"{ARM} is (?:more|less) accurate than {ARM} \(([^)]*)\)", decision.text):
            assert figure == difference_of(facts.gain(a, b), "share")
