"""The design audit finds what a part tells alone, passes what is balanced, and exempts the shortcut under study."""

from __future__ import annotations

import json
import lzma
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random

import numpy as np
import pytest

from engine.run.audit.audit import WITHIN, _alone, _balance, _constant, _judged, audit
from engine.run.audit.mixes import Mix
from engine.run.audit.part_model import PartModel
from engine.spec.audit import Audit, PartAlone
from engine.spec.choice import Choice, of_calls
from engine.spec.example import Example, Gold, Item, Prompt, Side, StudyData
from engine.spec.reference import DataRef
from engine.spec.trial import TrialSpec
from engine.world.study_data import study_data
from jobs.studies import load, prepare

WORLD_4 = Path(__file__).parents[2] / "data" / "audit" / "entailment-world-4.json.xz"
LABELS = ("yes", "no")


def trial(study: str, seeds: int = 1) -> TrialSpec:
    return prepare(load(study), "quick", seeds=seeds).trial


@cache
def audited(study: str) -> Audit:
    return audit(trial(study))


def of_world_4() -> StudyData:
    plain = json.loads(lzma.decompress(WORLD_4.read_bytes()))

    def row(kind: str, at: int, side: str, label: str, premise: str, hypothesis: str, said: str) -> dict[str, object]:
        return {
            "id": f"{kind}-{at}", "side": next(s for s in Side if s.value.startswith(side)), "cluster": premise,
            "prompt": Prompt(messages=({"role": "user", "content": f"premise: {said}. does it follow?"},)),
            "gold": Gold(text=label, labels=LABELS), "task": "entailment",
            "payload": {"premise": premise, "hypothesis": hypothesis},
        }  # fmt: skip

    train = tuple(
        Example.model_validate(row("e", at, *r) | {"family": "entailment", "answer": {"content": r[1]}})
        for at, r in enumerate(plain["train"])
    )  # fmt: skip
    items = tuple(Item.model_validate(row("i", at, *r) | {"split": "nouns"}) for at, r in enumerate(plain["items"]))
    return StudyData(train=train, items=items, name="world 4", digest="4")


def figures(found: Audit, part: str, arm: str) -> dict[str, PartAlone]:
    return {one.side: one for one in found.alone if one.part == part and arm in one.arms}


def test_the_data_of_world_4_fail_for_the_hypothesis_tells_the_label() -> None:
    data = of_world_4()
    assert len(data.items) == 800
    found = audit(trial("nli-frequency"), lambda _: data)
    assert not found.ok
    alone = figures(found, "the hypothesis' noun", "95 % agreement")
    assert alone["congruent"].accuracy > 0.7 > 0.4 > alone["conflicting"].accuracy
    assert not alone["congruent"].ok
    assert not alone["conflicting"].ok
    assert "alone a simple model gets the label right in" in found.sentence
    taught = {one.arms: one for one in found.balance if one.part == "the hypothesis' noun"}
    assert taught["95 % agreement", "95 % → DPO"].p < 1e-6
    assert "hypothesis only (95 %)" not in {arm for one in found.alone if "premise" in one.part for arm in one.arms}


@pytest.mark.parametrize("study", ["nli-frequency", "function-calling", "prompting-ceiling", "proxy-tuning"])
def test_every_bundled_study_passes(study: str) -> None:
    found = audited(study)
    assert found.done
    assert found.ok, found.faults
    assert found.notes == ()
    assert found.sentence.startswith("No part of the input alone was shown to tell the answer: of ")


def test_the_shortcut_is_exempt_only_where_examples_lean_on_it() -> None:
    found, part = audited("nli-frequency"), "which noun is more frequent"
    leaning, even = figures(found, part, "95 % agreement"), figures(found, part, "balanced")
    assert leaning["congruent"].accuracy == 1.0
    assert leaning["conflicting"].accuracy == 0.0
    assert all(one.exempt and one.ok for one in leaning.values())
    assert [(side, one.exempt) for side, one in even.items()] == [("", "")]
    assert found.even == ("balanced",)
    assert all(not one.exempt for one in found.alone if "frequent" not in one.part)


def test_who_is_taught_and_measured_is_found_save_in_the_positive_control() -> None:
    found = audited("prompting-ceiling")
    by_arm = {one.arms[0]: one for one in found.seen if one.part == "the person"}
    taught = by_arm.pop("LoRA taught the absent facts")
    assert taught.trained > 100
    assert taught.exempt
    assert taught.ok
    assert all(one.trained == 0 for one in by_arm.values())
    lora = trial("prompting-ceiling").model_copy(update={"arms": ("base", "lora-taught", "lora")})
    free = lora.model_copy(update={"study": lora.study.model_copy(update={"controls": ()})})
    assert not audit(free).ok


def _marked(data: StudyData, agreement: float, seed: int) -> StudyData:
    """The same with a place in both sentences that goes with the label in this share of pairs."""
    rng = Random(seed)

    def marked(one):
        telling = (one.gold.text == "yes") == (rng.random() < agreement)
        text = one.prompt.messages[0]["content"].replace(
            ". hypothesis", f" {'here' if telling else 'there'}. hypothesis"
        )
        return one.model_copy(update={"prompt": Prompt(messages=({"role": "user", "content": text},))})

    return data.model_copy(update={"train": tuple(map(marked, data.train)), "items": tuple(map(marked, data.items))})


def test_a_planted_cue_of_known_size_is_found_and_measured() -> None:
    found = audit(trial("nli-frequency"), lambda _: _marked(study_data("entailment"), 0.7, 1))
    blind = {
        "hypothesis only (95 %)",  # the place is said with the premise, which this arm does not see
        "planted shortcut",  # what it is taught goes against the label as often as with it, and so does the place
    }
    asked = [one for one in found.alone if one.part == "the rest of the sentences" and blind.isdisjoint(one.arms)]
    assert len(asked) == 4
    assert not found.ok
    assert not any(one.ok for one in asked)
    assert np.mean([one.accuracy for one in asked]) == pytest.approx(0.7, abs=0.05)
    assert {one.part for one in found.alone if not one.ok} == {"the rest of the sentences"}


def _drawn(rng: np.random.Generator, tells: float) -> Mix:
    """A mix of choices whose label a value of the part tells in this share of examples and items; 0.5: not at all."""

    def choice() -> Choice:
        right = int(rng.integers(2))
        value = int(rng.integers(20)) * 2 + (right if rng.random() < tells else 1 - right)
        words = frozenset(f"w{n}" for n in rng.integers(40, size=4))
        return Choice("the label", LABELS, right, {"the value": (frozenset({f"v{value}"}),), "the words": (words,)})

    def choices(count: int):
        return {"the label": [(choice(), (Side.CONGRUENT, Side.CONFLICTING)[at % 2]) for at in range(count)]}

    return Mix(["a"], planted=False, leans=False, seeds=[choices(600)], items=(), measured=choices(400))


def _passes(mix: Mix) -> bool:
    return all(one.ok for one in (*_judged(list(_alone(mix))), *_balance([mix])))


def test_balanced_data_pass_in_nearly_every_draw_and_a_telling_part_in_hardly_any() -> None:
    rng = np.random.default_rng(7)
    assert sum(_passes(_drawn(rng, 0.5)) for _ in range(40)) >= 38
    assert sum(_passes(_drawn(rng, 0.75)) for _ in range(10)) == 0


def test_ties_count_as_a_guess_and_unknown_words_tell_nothing() -> None:
    def one(right: int, word: str) -> Choice:
        return Choice("x", ("a", "b", "c", "d"), right, {"p": (frozenset({word}),)})

    model = PartModel([one(at % 4, f"w{at % 4}") for at in range(80)], "p")
    assert model.credit([one(2, "w2"), one(1, "w2"), one(3, "never seen")]).tolist() == [1.0, 0.0, 0.25]


def _tool(name: str) -> dict[str, object]:
    return {"type": "function", "function": {"name": name, "parameters": {"properties": {"city": {}}}}}


def test_calls_are_a_choice_of_a_tool_and_of_whether_to_call() -> None:
    prompt = Prompt(
        messages=({"role": "user", "content": "Book a table"},), tools=(_tool("book_table"), _tool("sell_car"))
    )
    which, whether = of_calls(prompt, "sell_car")
    assert (which.of, which.answers, which.right) == ("the tool", ("book_table", "sell_car"), 1)
    assert which.cue == {"words shared with the request"}
    assert [sorted(words) for words in which.parts["the tools on offer"]] == [
        ["book", "table", "takes 1", "takes city"], ["car", "sell", "takes 1", "takes city"]
    ]  # fmt: skip
    assert (whether.answers[whether.right], whether.evenly) == ("a call", True)
    (declined,) = of_calls(prompt, "")
    assert declined.answers[declined.right] == "no call"
    assert of_calls(prompt, "unknown") == ()


def test_data_that_name_no_parts_are_not_audited_and_that_is_said() -> None:
    data = of_world_4()
    nameless = data.model_copy(
        update={
            "train": tuple(e.model_copy(update={"task": ""}) for e in data.train),
            "items": tuple(i.model_copy(update={"task": ""}) for i in data.items),
        }
    )
    found = audit(trial("nli-frequency"), lambda _: nameless)
    assert (found.done, found.ok) == (False, True)
    assert found.sentence.startswith("Nothing was audited.")


def _of_own_calls(tools: Callable[[], list[str]], right: str = "") -> Audit:
    """The audit of 300 requests of words drawn by lot that are served by `right`, "" for the first tool on offer."""
    rng, measured = np.random.default_rng(3), dict[str, list[tuple[Choice, Side]]]()
    for _ in range(300):
        said = " ".join(f"word{n}" for n in rng.integers(60, size=6))
        offered = tools()
        prompt = Prompt(messages=({"role": "user", "content": said},), tools=tuple(map(_tool, offered)))
        for choice in of_calls(prompt, right or offered[0]):
            measured.setdefault(choice.of, []).append((choice, Side.NEUTRAL))
    mix = Mix(["a"], planted=False, leans=True, seeds=[measured], items=(), measured=measured)
    return Audit(within=WITHIN, alone=_judged(list(_alone(mix))), notes=tuple(_constant([mix])))


def test_where_all_answers_are_one_nothing_was_audited() -> None:
    """One tool, always called: no part can be tried, and an audit of nothing is no pass."""
    found = _of_own_calls(lambda: ["book_table"])
    assert (found.done, found.alone) == (False, ())
    assert found.sentence == (
        "Nothing was audited. Every measured item has the same answer to whether to call (a call), so what a part "
        "tells of it was not asked."
    )


def test_a_right_tool_that_always_comes_first_or_is_always_the_same_is_found() -> None:
    rng, names = np.random.default_rng(4), [f"tool_{letter}" for letter in "abcdefgh"]
    first = _of_own_calls(lambda: [str(name) for name in rng.permutation(names)[:3]])
    assert [one.part for one in first.faults] == ["the place in the list"]
    always = _of_own_calls(lambda: [str(n) for n in rng.permutation(["book", *rng.permutation(names)[:2]])], "book")
    assert [one.part for one in always.faults] == ["the tools on offer"]


def test_figures_that_may_all_tell_the_answer_are_no_audit() -> None:
    found = audited("nli-frequency")
    exempt = tuple(one for one in found.alone if one.exempt)
    assert exempt
    assert not found.model_copy(update={"alone": exempt}).done
    one = found.model_copy(update={"alone": found.asked[:1]})
    assert "of 1 figure none is surely" in one.sentence


def test_an_arm_whose_examples_cannot_be_made_is_named() -> None:
    def only_congruent(_: DataRef) -> StudyData:
        data = study_data("calling", train=400, per_split=40)
        kept: Callable[[Example], bool] = lambda e: e.side is Side.CONGRUENT  # noqa: E731
        return data.model_copy(update={"train": tuple(filter(kept, data.train))})

    found = audit(trial("function-calling"), only_congruent)
    assert any(note.startswith("planted overlap was not audited: ") for note in found.notes)


def test_the_margin_is_three_points() -> None:
    assert WITHIN == 0.03
    assert {one.within for one in (audited("nli-frequency"), audited("function-calling"))} == {WITHIN}
