"""What every part of the world offers: documents to pretrain on, examples to tune on, items to measure with."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from engine.spec.example import Example, Item


@dataclass(frozen=True)
class Task:
    """One task of the world; each is a module that ends in `TASK = Task(...)`.

    Attributes:
        name: Safe as a file name, e.g. "chains".
        about: A paragraph for people: what is asked, where the shortcut points, what is held out.
        splits: Split -> what it holds out.
        document: One document of the corpus, without the end token of a chat's last turn being required.
        examples: (count) -> training examples, a pure function of the count; longer pools begin like shorter ones.
        items: (count per split) -> evaluation items, none of which any document or example holds, save where the split
            says so (known facts).
    """

    name: str
    about: str
    splits: dict[str, str]
    document: Callable[[Random], str]
    examples: Callable[[int], Iterator[Example]]
    items: Callable[[int], Iterator[Item]]


def chance(items: Sequence[Item]) -> float:
    """Share right by guessing: among an item's labels, or always the commonest gold answer, whichever is more.

    For calls: never to call, which is right where no tool applies.
    """
    if not items:
        return 0.0
    if all(i.gold.kind == "call" for i in items):
        return sum(not i.gold.calls for i in items) / len(items)
    commonest = Counter(i.gold.text for i in items).most_common(1)[0][1]
    return max(commonest, sum(1 / len(i.gold.labels) for i in items if i.gold.labels)) / len(items)


def by_split(items: Sequence[Item]) -> dict[str, list[Item]]:
    """Items by split, in order of first appearance."""
    found: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        found[item.split].append(item)
    return dict(found)
