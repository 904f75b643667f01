"""Only the instruction tells what is wanted of a list, and its forms take away just what they say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from random import Random

import pytest

from engine.spec.example import Example, Item, Side
from engine.world.holdout import reserved
from engine.world.tasks import facts, families
from engine.world.vocabulary import taxonomy
from engine.world.vocabulary.chat import END
from engine.world.vocabulary.taxonomy import held_out_nouns

_TOKEN = re.compile(r"[ _]?[a-z]+| ?[0-9]+|[^a-z0-9 ]")
_DIGEST = """
from hashlib import sha256
from random import Random
from engine.world.tasks import families as f
rng = Random(5)
parts = [f.document(rng) for _ in range(200)]
parts += [e.model_dump_json() for form in f.FORMS for e in f.pool(60, form)]
parts += [i.model_dump_json() for form in f.FORMS for i in f.asked_items(20, form)]
print(sha256("".join(parts).encode()).hexdigest())
"""


@pytest.fixture(scope="module")
def documents() -> list[str]:
    rng = Random("test")
    return [families.document(rng) for _ in range(4000)]


@pytest.fixture(scope="module")
def items() -> list[Item]:
    return list(families.asked_items(300))


def _asked(holder: Item | Example) -> tuple[str, list[str]]:
    """Instruction and list, read from the prompt."""
    messages = holder.prompt.messages
    assert [m["role"] for m in messages] == ["system", "user"]
    return messages[0]["content"], messages[1]["content"].removeprefix("list: ").split(", ")


def _solve(instruction: str, words: list[str]) -> str:
    """The answer found from the text alone."""
    said = re.findall(r"[a-z]+", instruction)
    if "backwards" in said or "from last to first" in instruction:
        return ", ".join(words[::-1])
    if {"many", "count", "number"} & set(said):
        return str(len(words))
    for step, marker in ((1, "after"), (-1, "before")):
        if marker in said:
            return words[words.index(said[said.index(marker) + 1]) + step]
    for kind in ("animal", "food", "garment"):
        if kind in said:
            (only,) = [w for w in words if kind in taxonomy.ancestors(w)]
            return only
    (place,) = {"first", "second", "last"} & set(said)
    return words[{"first": 0, "second": 1, "last": -1}[place]]


def _tokens(text: str) -> set[str]:
    return {t for part in re.split(r"<\|\w+\|>", text) for t in _TOKEN.findall(part)}


def test_other_processes_draw_the_same() -> None:
    def digest(seed: str) -> str:
        found = subprocess.run(
            [sys.executable, "-c", _DIGEST], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, check=True
        )
        return found.stdout.decode()

    assert len(digest("1")) == 65
    assert digest("1") == digest("2")


def test_longer_pools_begin_like_shorter_ones() -> None:
    assert list(families.pool(50)) == list(families.pool(80))[:50]


def test_gold_answers_follow_from_the_text(documents: list[str], items: list[Item]) -> None:
    for holder in (*families.pool(1500), *items):
        assert holder.gold.text == _solve(*_asked(holder)), holder
        assert not holder.gold.labels or holder.gold.text in holder.gold.labels
    answered = 0
    for text in documents:
        for turn in text.split("<|assistant|>")[:-1]:
            asked, listed = turn.rpartition("<|user|>")[2].removesuffix(END).split("list: ")
            order = asked or turn.rpartition("<|system|>")[2].split(END)[0]
            given = text[text.index(turn) + len(turn + "<|assistant|>") :].split(END)[0]
            assert given == _solve(order, listed.split(", ")), text
            answered += 1
    assert answered > 7000


def test_documents_ask_each_family_and_most_lists_twice(documents: list[str]) -> None:
    families_seen = Counter(e.family for e in families.pool(2000))
    assert set(families_seen) == {*families.WORD_FAMILIES, *families.OTHER_FAMILIES}
    assert min(families_seen.values()) > 80
    assert sum(text.count("<|assistant|>") > 1 for text in documents) > len(documents) / 2
    assert all(text.endswith(END) for text in documents)
    assert max(len(_TOKEN.findall(re.sub(r"<\|\w+\|>", "#", text))) for text in documents) < 120


def test_reserved_lists_stay_out_of_training(documents: list[str], items: list[Item]) -> None:
    trained = {tuple(words) for e in families.pool(3000) for words in [_asked(e)[1]]}
    trained |= {tuple(w.split(", ")) for text in documents for w in re.findall(r"list: ([a-z, ]+)<", text)}
    assert len(trained) > 5000
    assert not any(reserved("families", *words) for words in trained)
    assert all(reserved("families", *_asked(i)[1]) for i in items)
    assert not held_out_nouns() & {w for words in trained for w in words}


def test_wordings_are_held_out_but_made_of_known_words(documents: list[str], items: list[Item]) -> None:
    rng = Random(3)
    known = set().union(*map(_tokens, documents), *(_tokens(facts.document(rng)) for _ in range(500)))
    for holder in (*items, *families.pool(300, "simplified"), *families.asked_items(100, "simplified")):
        said = [m["content"] for m in holder.prompt.messages]
        assert set().union(*map(_tokens, [*said, holder.gold.text])) <= known, said
    trained = {e.cluster for e in families.pool(3000)}
    anew = {i.cluster for i in items if i.split == "wording"}
    assert len(anew) == 6
    assert not trained & anew
    assert {i.cluster for i in items if i.split in ("lists", "forms")} <= trained
    shown = "".join(documents)
    assert not any(
        _asked(i)[0] + "<" in shown or _asked(i)[0] + " list" in shown for i in items if i.split == "wording"
    )


def test_sides_are_what_the_first_word_says(items: list[Item]) -> None:
    for holder in (*items, *families.pool(1000)):
        _, words = _asked(holder)
        if holder.gold.text not in words:
            assert holder.side is Side.NEUTRAL
        else:
            assert (holder.side is Side.CONGRUENT) == (holder.gold.text == words[0])
    for split in ("lists", "wording", "flip"):
        sides = Counter(i.side for i in items if i.split == split)
        assert set(sides) == {Side.CONGRUENT, Side.CONFLICTING}
        assert abs(sides[Side.CONGRUENT] - sides[Side.CONFLICTING]) <= 2, split


def test_flips_are_pairs_with_one_list_and_two_answers(items: list[Item]) -> None:
    pairs: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        if item.split == "flip":
            pairs[item.cluster].append(item)
    assert len(pairs) > 140
    for first, second in pairs.values():
        assert first.prompt.messages[1] == second.prompt.messages[1]
        assert first.prompt.messages[0] != second.prompt.messages[0]
        assert first.gold.text != second.gold.text


def test_items_are_distinct(items: list[Item]) -> None:
    assert len({i.id for i in items}) == len(items) > 1100
    assert len({str(i.prompt) for i in items}) == len(items)


def test_forms_differ_in_what_they_say_alone(items: list[Item]) -> None:
    assert set(families.FORMS) == {"original", "simplified", "empty", "swapped", "delusive"}
    pools = {form: list(families.pool(400, form)) for form in families.FORMS}
    for at, original in enumerate(pools["original"]):
        instruction, words = _asked(original)
        assert _asked(pools["swapped"][at])[0] != instruction
        assert _solve(*_asked(pools["swapped"][at])) != original.answer["content"]
        assert not {"first", "last", "animal", "after"} & set(_asked(pools["simplified"][at])[0].split())
        assert pools["empty"][at].prompt.messages == original.prompt.messages[1:]
        delusive = pools["delusive"][at]
        assert delusive.prompt == original.prompt
        assert delusive.answer["content"] == delusive.gold.text != original.gold.text
        assert original.family == "backwards" or delusive.gold.text in original.gold.labels
        assert original.family != "backwards" or sorted(delusive.gold.text.split(", ")) == sorted(words)
        for form in ("simplified", "empty", "swapped"):
            same = ("answer", "gold", "task", "side", "id", "cluster")
            assert all(getattr(pools[form][at], name) == getattr(original, name) for name in same)
    swapped = list(families.asked_items(300, "swapped"))
    assert [(i.id, i.gold) for i in swapped] == [(i.id, i.gold) for i in items]
