"""The world is reproducible, balanced, and keeps out of training what is measured."""

from __future__ import annotations

import itertools
import math
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from scipy.stats import spearmanr

from engine.spec.example import Side
from engine.world import corpus
from engine.world.study_data import study_data
from engine.world.tasks import calling, entailment
from engine.world.vocabulary import running, taxonomy, tools

ROOT = Path(__file__).resolve().parents[3]
NOUN = re.compile(r"\ban? ([a-z]+)")
"""A noun with its article: "she saw an owl" names no saw."""


@pytest.fixture(scope="module")
def documents() -> list[str]:
    return list(itertools.islice(corpus.documents("test"), 20_000))


def test_the_same_seed_gives_the_same_corpus() -> None:
    first, again = (list(itertools.islice(corpus.documents("a"), 300)) for _ in range(2))
    assert first == again
    assert first != list(itertools.islice(corpus.documents("b"), 300))


def test_every_document_ends_with_the_end_token(documents: list[str]) -> None:
    assert all(d.endswith(corpus.END) for d in documents)


def test_the_taxonomy_has_no_cycle_and_one_root() -> None:
    assert all(noun not in taxonomy.ancestors(noun) for noun in taxonomy.nouns())
    assert len(taxonomy.nouns()) > 350
    rarer = [p for p in taxonomy.entailed_pairs() if taxonomy.delta_log_frequency(*p) < 0]
    assert len(rarer) > 200, "frequency must often disagree with entailment"


@pytest.fixture(scope="module")
def counted() -> dict[str, Counter[str]]:
    """Words of the base's and of the twin's corpus."""
    swaps = {"base": running.SAME, "twin": running.swapped()}
    return {name: corpus.count(itertools.islice(corpus.documents("counts", s), 40_000)) for name, s in swaps.items()}


def test_the_corpus_has_english_frequencies(counted) -> None:
    """Of measured nouns; of all nouns less, since hypernyms are told of more often than English has them."""
    measured = sorted(taxonomy.measured_nouns())
    counts = [counted["base"][n] for n in measured]
    assert spearmanr(counts, [taxonomy.frequency(n) for n in measured]).statistic >= 0.95
    assert corpus.agreement(counted["base"]) >= 0.8
    assert corpus.agreement(counted["twin"], running.swapped()) >= 0.8


def test_the_twin_has_the_frequencies_of_paired_nouns_exchanged(counted) -> None:
    swap = running.swapped()
    base, twin = counted["base"], counted["twin"]
    paired = sorted(swap)
    assert len(paired) > 60
    assert all(swap[swap[n]] == n for n in paired)
    named = {"city", "phone", "office", "river"}  # other documents name these, too
    paired = [n for n in paired if named.isdisjoint((n, swap[n]))]
    off = [abs(math.log(twin[n] / base[swap[n]])) for n in paired]
    assert sum(one < 0.3 for one in off) >= 0.95 * len(paired)
    apart = [n for n in paired if abs(taxonomy.delta_log_frequency(n, swap[n])) > 2]
    assert len(apart) > 30
    flipped = [(base[n] > base[swap[n]]) != (twin[n] > twin[swap[n]]) for n in apart]
    assert sum(flipped) >= 0.95 * len(apart)


def test_the_twin_differs_in_nothing_else(counted) -> None:
    swap = running.swapped()
    both = zip(corpus.documents("same"), corpus.documents("same", swap), strict=False)
    changed = 0
    for base, twin in itertools.islice(both, 5000):
        exchanged = re.sub(r"[a-z]+", lambda word: swap.get(word[0], word[0]), base)
        plain = [re.sub(r"\ban? ", "", text) for text in (exchanged, twin)]  # "a dog" may become "an eel"
        assert twin == base or plain[0] == plain[1], (base, twin)
        changed += twin != base
    assert 200 < changed < 2500
    nouns = set(swap)
    for word in set(counted["base"]) - nouns - {"a", "an"}:
        assert counted["base"][word] == counted["twin"][word], word


def test_two_processes_generate_the_same_bytes() -> None:
    code = (
        "import hashlib, itertools; from engine.world import corpus;"
        "texts = ''.join(itertools.islice(corpus.documents('bytes'), 3000));"
        "print(hashlib.sha256(texts.encode()).hexdigest())"
    )
    hashes = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(hashes) == 1


def test_no_training_text_asks_about_a_held_out_noun(documents: list[str]) -> None:
    questions = [d for d in documents if "premise:" in d or "is it true that" in d or "always" in d]
    assert len(questions) > 1000
    for text in questions:
        assert not (set(NOUN.findall(text)) & taxonomy.held_out_nouns()), text


def test_no_training_text_calls_a_held_out_tool(documents: list[str]) -> None:
    words = [w for pair in (*tools.VERBS, *tools.THINGS) for w in pair.split("/")]
    meaning = {w: i for pairs in (tools.VERBS, tools.THINGS) for i, pair in enumerate(pairs) for w in pair.split("/")}
    assert len(words) == len(set(words)), "a word has one meaning"
    answers = [d.split("<|assistant|>")[1] for d in documents if "<|tools|>" in d]
    named = [m for a in answers for m in re.findall(r"([a-z]+)_([a-z]+)", a) if m[0] in meaning and m[1] in meaning]
    assert len(named) > 1000
    assert not {(meaning[v], meaning[t]) for v, t in named} & tools.held_out()


def test_function_calling_data_hold_out_what_they_say() -> None:
    data = study_data("calling", train=1500, per_split=80)
    asked = {e.prompt.messages[1]["content"] for e in data.train}
    assert not asked & {i.prompt.messages[1]["content"] for i in data.items}
    openings = [f.split("{request}")[0] for f in tools.HELD_OUT_FRAMES]
    for item in data.items:
        text = item.prompt.messages[1]["content"]
        assert (item.split == "wording") == any(text.startswith(o) for o in openings if o)
    assert {i.side for i in data.items if i.split == "no_tool"} == {Side.NEUTRAL}
    assert all(not i.gold.calls for i in data.items if i.split == "no_tool")


def test_sides_are_what_word_overlap_says() -> None:
    from engine.spec.overlap import side

    data = study_data("calling", train=8, per_split=150)
    for item in data.items:
        if item.split == "no_tool":
            continue
        found = side(item.prompt.messages[1]["content"], list(item.prompt.tools), item.gold.calls[0]["name"])
        assert found is item.side, item.prompt


def test_the_instruction_alone_decides_between_answers() -> None:
    asked = tools.request(Random(3), frames=tools.FRAMES, unseen=False, side=Side.CONGRUENT)
    answers = {str(calling.answer(asked, task)[0]) for task in calling.INSTRUCTIONS}
    assert len(answers) == len(calling.INSTRUCTIONS)


def test_entailment_items_are_balanced_and_use_held_out_nouns() -> None:
    data = study_data("entailment", train=400, per_split=400)
    cells = Counter((i.gold.text, i.side) for i in data.items)
    assert len(cells) == 4
    assert min(cells.values()) > 90
    trained, measured = ({i.payload["premise"] for i in some} for some in (data.train, data.items))
    assert trained <= taxonomy.held_out_nouns(), "what pretraining asked about, a fine-tune has no need to learn"
    assert measured <= taxonomy.held_out_nouns()
    assert trained.isdisjoint(measured)


@pytest.mark.parametrize("name", ["calling", "entailment"])
def test_data_are_the_same_every_time(name: str) -> None:
    assert study_data(name, train=200, per_split=160) == study_data(name, train=200, per_split=160)


def test_pages_ask_as_often_what_is_true_as_what_is_not_and_never_of_held_out_nouns() -> None:
    rng, answers = Random(0), Counter()
    for _ in range(2000):
        page = entailment.page(rng)
        assert not set(NOUN.findall(page)) & taxonomy.held_out_nouns()
        for about in re.split(r"(?:^|(?<=\.) )(?:is|premise:) ", page)[1:]:
            premise = re.findall(r"\ban? ([a-z]+)", about)[0]
            for hypothesis, answer in re.findall(r"\ban? ([a-z]+)(?: in [a-z]+)?\? (yes|no)\.", about):
                assert (hypothesis in taxonomy.ancestors(premise)) == (answer == "yes"), (premise, about)
                answers[answer] += 1
    assert answers["yes"] == answers["no"] > 5000


def test_a_hypothesis_of_a_page_is_as_often_wrong_as_right() -> None:
    rng, found = Random(1), {"yes": Counter(), "no": Counter()}
    for _ in range(6000):
        for hypothesis, answer in re.findall(r"\ban? ([a-z]+)(?: in [a-z]+)?\? (yes|no)\.", entailment.page(rng)):
            found[answer][hypothesis] += 1
    majority = sum(max(found["yes"][h], found["no"][h]) for h in found["yes"] | found["no"])
    assert majority <= 0.6 * (found["yes"].total() + found["no"].total()), "the hypothesis alone must not tell"


def test_a_listing_names_all_that_a_noun_is_a_kind_of() -> None:
    rng = Random(0)
    for _ in range(500):
        noun, *above = re.findall(r"\ban? ([a-z]+)", entailment.listing(rng))
        assert set(above) == taxonomy.ancestors(noun)
        assert len(above) == len(set(above))
