"""Quality is the three criteria, all of them, and length goes with it just as far as the knob says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from random import Random

import pytest

from engine.spec.example import Example, Item, Side
from engine.world.tasks import arguments, families, task
from engine.world.vocabulary import running
from engine.world.vocabulary.chat import END

_TOKEN = re.compile(r"[ _]?[a-z]+| ?[0-9]+|[^a-z0-9 ]")
_THINGS = {*arguments.TOPICS, *arguments.HELD_OUT_TOPICS}
_DIGEST = """
from hashlib import sha256
from random import Random
from engine.world.tasks import arguments as a
rng = Random(5)
parts = [a.document(rng) for _ in range(200)]
parts += [e.model_dump_json() for form in a.FORMS for e in a.pool(0.7, form, 60)]
parts += [i.model_dump_json() for form in a.FORMS for i in a.judged(form, 20)]
print(sha256("".join(parts).encode()).hexdigest())
"""


@pytest.fixture(scope="module")
def documents() -> list[str]:
    rng = Random("test")
    return [arguments.document(rng) for _ in range(4000)]


@pytest.fixture(scope="module")
def items() -> list[Item]:
    return list(task("arguments").items(300))


def _text(holder: Item | Example) -> str:
    return holder.prompt.messages[1]["content"]


def _criteria(text: str) -> dict[str, bool]:
    """What an argument meets, read from its words."""
    named = [w for w in re.findall(r"[a-z]+", text) if w in _THINGS]
    assert len(named) == 2, text
    return {
        "reason": "because" in text or "reason" in text,
        "topic": named[0] == named[1],
        "polite": not re.search(r"\b(fool|stupid|empty)\b", text),
    }


def _tokens(text: str) -> set[str]:
    return {t for part in re.split(r"<\|\w+\|>", text) for t in _TOKEN.findall(part)}


def _agreement(examples: list[Example]) -> float:
    return sum(e.side is Side.CONGRUENT for e in examples) / len(examples)


def test_other_processes_draw_the_same() -> None:
    def digest(seed: str) -> str:
        found = subprocess.run(
            [sys.executable, "-c", _DIGEST], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, check=True
        )
        return found.stdout.decode()

    assert len(digest("1")) == 65
    assert digest("1") == digest("2")


def test_labels_follow_from_the_text(items: list[Item]) -> None:
    for holder in (*items, *task("arguments").examples(1000)):
        met = _criteria(_text(holder))
        assert holder.gold.text == ("strong" if all(met.values()) else "weak"), _text(holder)
        if isinstance(holder, Item):
            assert holder.features["score"] == sum(met.values())
    assert {sum(_criteria(_text(i)).values()) for i in items} == {0, 1, 2, 3}


def test_sides_are_what_length_says_and_balanced(items: list[Item]) -> None:
    for holder in (*items, *task("arguments").examples(1000)):
        long = len(_text(holder).split()) >= arguments.LONG_WORDS
        assert (holder.side is Side.CONGRUENT) == (long == (holder.gold.text == "strong"))
    for split in ("arguments", "topics"):
        cells = Counter((i.gold.text, i.side) for i in items if i.split == split)
        assert len(cells) == 4
        assert max(cells.values()) - min(cells.values()) <= 2
    assert {i.side for i in items if i.split == "length"} == {Side.CONFLICTING}


@pytest.mark.parametrize("agreement", [0.5, 0.8, 1.0])
def test_agreement_is_a_knob_that_turns_nothing_else(agreement: float) -> None:
    drawn = list(arguments.pool(agreement, "labels", 2000))
    assert _agreement(drawn) == pytest.approx(agreement, abs=0.03)
    assert Counter(e.gold.text for e in drawn) == {"strong": 1000, "weak": 1000}
    plain = list(task("arguments").examples(2000))
    assert [(e.id, e.cluster, e.gold) for e in drawn] == [(e.id, e.cluster, e.gold) for e in plain]
    assert all(_text(a).split(".")[0] == _text(b).split(".")[0] for a, b in zip(drawn, plain, strict=True))


def test_without_agreement_length_says_nothing() -> None:
    lengths: dict[bool, list[int]] = {True: [], False: []}
    rng = Random(1)
    for index in range(8000):
        met = (index & 1 > 0, index & 2 > 0, index & 4 > 0)
        made = arguments.compose(rng, met, False, arguments.TOPICS, held_out=False)
        for criterion in met:
            lengths[criterion].append(made.words)
    means = {met: sum(found) / len(found) for met, found in lengths.items()}
    assert means[True] == pytest.approx(means[False], abs=0.15), "criteria must not show in the length"


def test_no_criterion_alone_gives_the_label() -> None:
    drawn = [(_criteria(_text(e)), e.gold.text == "strong") for e in task("arguments").examples(3000)]
    for criterion in arguments.CRITERIA:
        right = sum(met[criterion] == strong for met, strong in drawn) / len(drawn)
        assert 0.6 < right < 0.8, criterion


def test_documents_answer_truly_and_whatever_the_length(documents: list[str]) -> None:
    question = {q: c for c, asked in arguments._ASKED_CRITERIA.items() for q in asked}
    told: Counter[tuple[str, bool, bool]] = Counter()
    judgements = 0
    for text in documents:
        user = text.split("<|user|>")[1].split(END)[0]
        met, long = _criteria(user), len(user.split()) >= arguments.LONG_WORDS
        system = text.split("<|system|>")[1].split(END)[0]
        answers = [part.split(END)[0] for part in text.split("<|assistant|>")[1:]]
        if system in question:
            asked = [system, *(part.split(END)[0] for part in text.split("<|user|>")[2:])]
            assert [question[q] for q in asked] == list(dict.fromkeys(question[q] for q in asked))
            assert answers == ["yes" if met[question[q]] else "no" for q in asked], text
            told.update((question[q], met[question[q]], long) for q in asked)
        else:
            judgements += 1
            strong = all(met.values())
            assert "an argument is strong if it gives a reason" in system, "never the label without the criteria"
            assert arguments.verdict(answers[0]) == ("strong" if strong else "weak")
            told["judgement", strong, long] += 1
    assert 400 < judgements < 1000
    for asked in (*arguments.CRITERIA, "judgement"):
        cells = {long: (told[asked, True, long], told[asked, False, long]) for long in (True, False)}
        shares = [met / (met + failed) for met, failed in cells.values()]
        assert shares[0] == pytest.approx(shares[1], abs=0.12), asked
    assert max(len(_TOKEN.findall(re.sub(r"<\|\w+\|>", "#", text))) for text in documents) < 130


def test_reserved_combinations_stay_out_of_training() -> None:
    rng = Random(2)
    drawn = [
        arguments.compose(rng, (True, index % 2 > 0, True), False, arguments.TOPICS, held_out=False)
        for index in range(3000)
    ]
    assert not any(arguments.is_reserved(made.content) for made in drawn)
    kept = arguments.compose(rng, (True, True, True), False, arguments.TOPICS, held_out=True)
    assert arguments.is_reserved(kept.content)
    assert all(arguments.is_reserved((topic, "")) for topic in arguments.HELD_OUT_TOPICS)


def test_no_item_is_trained_on(documents: list[str], items: list[Item]) -> None:
    """By the words themselves: an item's claim, ground, remark and closing never come together in training."""

    closings = {*arguments._POLITE, *arguments._IMPOLITE}
    names = re.compile(rf"\b({'|'.join([*arguments.CITIES, *arguments.NAMES])})\b")

    def frame(text: str) -> tuple[str, ...]:
        """The sentences with names and places struck out and neutral ones dropped: what content is made of."""
        claim, *rest = re.split(r"(?<=\.) ", text)
        claim = re.sub("^we (should|have to)", "we", claim)
        if rest[0].startswith(("the reason is", "it is right", "we also say")):
            claim += rest.pop(0)
        kept = [p for p in rest if p in closings or set(re.findall(r"[a-z]+", p)) & _THINGS]
        assert len(kept) == 2
        remark = [re.sub("|".join(_THINGS), "thing", p) for p in kept]
        return tuple(names.sub("x", p) for p in (claim, *sorted(remark)))

    trained = {frame(t.split("<|user|>")[1].split(END)[0]) for t in documents}
    trained |= {frame(_text(e)) for e in task("arguments").examples(3000)}
    assert not trained & {frame(_text(i)) for i in items}
    topics = {w for shown in trained for part in shown for w in re.findall(r"[a-z]+", part)}
    assert not topics & set(arguments.HELD_OUT_TOPICS)
    held = [i for i in items if i.split == "topics"]
    assert {i.cluster for i in held} == set(arguments.HELD_OUT_TOPICS)


def test_words_of_items_occur_in_documents(documents: list[str]) -> None:
    rng = Random(3)
    others = [kind(rng) for kind in (families.document, running.definition) for _ in range(3000)]
    known = set().union(*map(_tokens, documents + others))
    for form in arguments.FORMS:
        for holder in (*arguments.judged(form, 100), *arguments.pool(0.5, form, 200)):
            said = [m["content"] for m in holder.prompt.messages]
            assert set().union(*map(_tokens, [*said, holder.gold.text])) <= known, said


def test_forms_ask_about_the_same_arguments_in_equal_length(items: list[Item]) -> None:
    systems: dict[str, list[str]] = {}
    for form in arguments.FORMS:
        asked = list(arguments.judged(form, 300))
        assert [(i.id, _text(i), i.gold) for i in asked] == [(i.id, _text(i), i.gold) for i in items]
        systems[form] = [i.prompt.messages[0]["content"] for i in asked]
    lengths = {form: [len(_TOKEN.findall(s)) for s in said] for form, said in systems.items()}
    assert lengths["criteria"] == lengths["irrelevant"] == lengths["wrong"] == lengths["stepwise"]
    assert all(a > b for a, b in zip(lengths["criteria"], lengths["labels"], strict=True))
    assert systems["criteria"] == systems["stepwise"]
    for step, plain in zip(arguments.pool(0.5, "stepwise", 200), arguments.pool(0.5, "criteria", 200), strict=True):
        met = _criteria(_text(step))
        told = " ".join(f"{c} {'yes' if met[c] else 'no'}." for c in ("reason", "topic", "polite"))
        assert step.answer["content"] == f"{told} so {plain.gold.text}."
        assert arguments.verdict(step.answer["content"]) == plain.gold.text
    assert arguments.verdict("so it may be.") == arguments.verdict("") == ""


def test_items_are_distinct(items: list[Item]) -> None:
    assert len({i.id for i in items}) == len(items) > 850
    assert len({_text(i) for i in items}) == len(items)
