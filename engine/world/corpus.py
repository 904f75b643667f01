"""What the bundled models read: documents of many kinds, drawn at random, each a string that ends where it ends.

`python main.py corpus [WORD ...]` counts: how often the default corpus holds a word, and how the nouns' counts go with
English.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, partial
from random import Random
from typing import Any

from engine.spec.errors import SpecError
from engine.world.tasks import (
    arguments,
    calling,
    chains,
    entailment,
    facts,
    families,
    relations,
    routes,
    steps,
    stories,
)
from engine.world.vocabulary import people, running, taxonomy
from engine.world.vocabulary.chat import END, chat

Kind = Callable[[Random], str]


def copying(rng: Random) -> str:
    """Words, names, numbers and spelled strings to repeat."""
    pool: tuple[Callable[[], str], ...] = (
        lambda: rng.choice(taxonomy.nouns()),
        lambda: rng.choice(people.NAMES),
        lambda: rng.choice(people.CITIES),
        lambda: str(rng.randint(0, 99)),
        lambda: "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(2, 5))),
    )
    words = [rng.choice(pool)() for _ in range(rng.randint(2, 8))]
    form = rng.randrange(3)
    if form == 0:
        return chat(f"repeat: {' '.join(words)}", " ".join(words))
    if form == 1:
        return chat(f"list in json: {' '.join(words)}", json.dumps(words))
    return json.dumps({f"item {i}": w for i, w in enumerate(words)}) + " " + " ".join(words)


SHARES: dict[Kind, float] = {
    running.definition: 0.03,
    entailment.document: 0.08,
    entailment.page: 0.04,
    entailment.listing: 0.04,
    facts.document: 0.09,
    running.synonyms: 0.045,
    calling.document: 0.21,
    steps.document: 0.015,
    chains.document: 0.09,
    chains.sums: 0.02,
    relations.document: 0.06,
    families.document: 0.025,
    routes.document: 0.03,
    arguments.document: 0.015,
    stories.document: 0.01,
    copying: 0.01,
}
"""Kinds of documents and how often each is drawn; the rest is running text."""
LESSONS: dict[str, dict[Kind, float]] = {
    "": {},
    "opening": {entailment.page: 0.4, entailment.listing: 0.25, entailment.document: 0.2},
    "drill": {
        chains.document: 0.22,
        chains.sums: 0.04,
        relations.document: 0.18,
        routes.document: 0.08,
        entailment.listing: 0.13,
    },
    "finish": {
        calling.document: 0.4,
        facts.document: 0.1,
        chains.document: 0.08,
        relations.document: 0.05,
        entailment.listing: 0.03,
    },
}
"""What is drawn in addition in a stretch of a training, all else less often in proportion.

At the start, whether one noun is above another: that has to be compared, and is found only where it is asked densely.
At the end, reasoning: single steps are known by heart by then; which step comes next, read from the problem, is not.
What the nouns that nobody asks about are kinds of is said again, for they have been read of least. Last come calls:
which of two names of one meaning a tool has for a parameter is learned slowly (docs/log.md).
"""
_NOUNS_OF_A_STORY = 10.5  # 3.5 sentences of 3 nouns
_SAMPLE = 20_000


@cache
def _weights() -> list[float]:
    """Cumulative weights of nouns in running text, so that *all* documents together hold them as often as English does.

    Definitions and questions name hypernyms far more often than English; running text makes up for that.
    """
    rng = Random("nouns of the other documents")
    drawn, weights = list(SHARES), list(SHARES.values())
    others = count(rng.choices(drawn, weights)[0](rng) for _ in range(_SAMPLE))
    nouns, told = taxonomy.nouns(), 1 - sum(SHARES.values())
    per_document = [others[n] / _SAMPLE * (1 - told) for n in nouns]
    english = [taxonomy.frequency(n) ** taxonomy.POWER for n in nouns]
    scale = 2 * (sum(per_document) + told * _NOUNS_OF_A_STORY) / sum(english)
    return list(itertools.accumulate(max(e * scale - o, 0.002) for e, o in zip(english, per_document, strict=True)))


def drawn(
    seed: str, swap: Mapping[str, str] = running.SAME, lesson: Mapping[Kind, float] = LESSONS[""]
) -> Iterator[tuple[str, bool]]:
    """An endless stream of documents, a pure function of the seed, each with whether it is running text.

    Args:
        swap: Nouns exchanged in running text (`running.swapped()` for the frequency twin): the same documents come in
            the same order and differ in those nouns alone.
        lesson: Kinds drawn in addition, and how often: one of `LESSONS`.
    """
    rng = Random(f"corpus {seed}")
    told = partial(running.story, swap=swap, weights=_weights())
    kept = 1 - sum(lesson.values())
    kinds = [told, *SHARES, *lesson]
    weights = [*(kept * w for w in (1 - sum(SHARES.values()), *SHARES.values())), *lesson.values()]
    while True:
        kind = rng.choices(kinds, weights)[0]
        text = kind(rng)
        yield (text if text.endswith(END) else text + END), kind is told


def documents(seed: str, swap: Mapping[str, str] = running.SAME) -> Iterator[str]:
    """The documents of `drawn` alone; each ends with the end token."""
    return (text for text, _ in drawn(seed, swap))


def count(texts: Iterable[str], phrases: Iterable[str] = ()) -> Counter[str]:
    """How often each word stands in the texts, and each of the phrases (a fact, such as "anna lives in rome")."""
    found: Counter[str] = Counter()
    wanted = {p: _whole(p) for p in phrases if not re.fullmatch("[a-z]+", p)}
    for text in texts:
        found.update(re.findall(r"[a-z]+", text))
        for phrase, pattern in wanted.items():
            found[phrase] += len(pattern.findall(text))
    return found


def _whole(phrase: str) -> re.Pattern[str]:
    """The phrase, not cut out of longer words or numbers."""
    before, after = ("(?<![a-z0-9])" if re.match("[a-z0-9]", end) else "" for end in (phrase[0], phrase[-1]))
    return re.compile(before + re.escape(phrase) + after.replace("?<!", "?!"))


def agreement(counted: Mapping[str, int], swap: Mapping[str, str] = running.SAME) -> float:
    """Spearman's correlation over all nouns between counts and English frequencies (exchanged by `swap`).

    NaN where all nouns are counted equally often.
    """
    from scipy.stats import spearmanr

    nouns = taxonomy.nouns()
    counts = [counted[n] for n in nouns]
    if len(set(counts)) == 1:
        return math.nan
    found: Any = spearmanr(counts, [taxonomy.frequency(swap.get(n, n)) for n in nouns])
    return float(found.statistic)


def main(argv: list[str]) -> int:
    """`corpus [WORD ...] [--documents N] [--twin] [--json]`."""
    import argparse

    parser = argparse.ArgumentParser(
        prog="main.py corpus", description="Count what the bundled models' corpus says: words, or facts in quotes."
    )
    parser.add_argument("words", nargs="*", help='words ("dog") or phrases ("anna lives in rome"); none: every noun')
    parser.add_argument("--documents", type=int, default=100_000, help="how many documents to read (default 100,000)")
    parser.add_argument("--twin", action="store_true", help="the frequency twin's corpus")
    parser.add_argument("--json", action="store_true", help="the same figures as JSON")
    options = parser.parse_args(argv)
    asked = [" ".join(phrase.lower().split()) for phrase in options.words]
    if options.documents < 1 or not all(asked):
        raise SpecError("--documents must be at least 1, and a phrase must not be empty.")
    swap = running.swapped() if options.twin else running.SAME
    texts = itertools.islice(documents("report", swap), options.documents)
    counted = count(texts, asked)
    words = asked or sorted(taxonomy.nouns(), key=lambda n: -counted[n])
    rank = agreement(counted, swap)
    if options.json:
        figures = {"documents": options.documents, "twin": options.twin, "spearman": None if math.isnan(rank) else rank}
        print(json.dumps(figures | {"counts": {w: counted[w] for w in words}}, indent=1))
        return 0
    for word in words:
        print(f"{counted[word]:>9,}  {word}")
    print(f"in {options.documents:,} documents; a bundled model reads some 400,000 of the same kinds")
    print(f"Spearman of {len(taxonomy.nouns())} nouns' counts with English frequencies: {rank:.3f}")
    return 0
