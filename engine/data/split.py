"""What is held out of a user's file, decided by the lab and the same every time.

Rows that belong together (turns of one conversation, the same request) always stay on one side. First whole tools
are held out, where the file has enough of them and no training example need offer them; then wordings, by preference
of tools that stay in training; then requests that no tool serves.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from engine.spec.errors import DataError
from engine.spec.example import Example, Item, StudyData

SHARE = 0.2  # of the examples of a kind that are held out for it
MOST_ITEMS = 400  # of one split
FEWEST_TOOLS = 6  # distinct right tools below which none is held out whole
FEWEST_TRAIN = 5
MOST_LOST = 0.3  # share of all examples that holding out tools may take from training


def split(examples: Sequence[Example], name: str, digest: str) -> StudyData:
    """Training examples and held-out items of a user's file.

    Items are of split "tools" (the right tool is neither called nor offered in training), "wording" (the request is
    new; its tool is in training wherever the file has another example of it) and "no_tool" (no call is right, though
    tools are on offer). No prompt, request or conversation is on both sides.

    Args:
        examples: As `engine.data.formats.read` gives them.
        name: Where they come from, for people.
        digest: What identifies them.

    Raises:
        DataError: Too few examples to hold anything out and train on the rest.
    """
    groups = kept_together(examples)
    unseen = _hold_out_tools(groups)
    gone = [g for g in groups if _touches(g, unseen)]
    items = [(e, "tools") for g in gone for e in g if e.gold.calls and set(_called(e)) <= unseen]
    spare = [e for g in gone for e in g if not e.gold.calls and e.prompt.tools]
    rest = [g for g in groups if not _touches(g, unseen)]
    said = _hold_out_wordings(rest)
    rest = [g for g in rest if g[0].id not in said]
    items += [(e, "wording") for g in groups if g[0].id in said for e in g if e.gold.calls]
    spare += [e for g in groups if g[0].id in said for e in g if not e.gold.calls and e.prompt.tools]
    declined = _hold_out_declined(rest, sum(not e.gold.calls for e in examples), len(spare))
    items += [(e, "no_tool") for e in spare]
    items += [(e, "no_tool") for g in rest if g[0].id in declined for e in g if not e.gold.calls and e.prompt.tools]
    train = [e for g in rest if g[0].id not in declined for e in g]
    if len(train) < FEWEST_TRAIN or not items:
        raise DataError(
            f"{name} is too small: {len(train)} of its {len(examples)} examples would be left to train on.",
            "Nothing was queued. Add rows with other requests: equal ones cannot be on both sides.",
        )
    at = {e.id: index for index, e in enumerate(examples)}
    train.sort(key=lambda e: at[e.id])
    return StudyData(train=tuple(train), items=_items(items, at), name=name, digest=digest)


def _items(found: Sequence[tuple[Example, str]], at: dict[str, int]) -> tuple[Item, ...]:
    """Items in the file's order, at most MOST_ITEMS a split, the same prompt once."""
    kept: list[tuple[Example, str]] = []
    counts: Counter[str] = Counter()
    prompts: set[str] = set()
    for example, split_name in sorted(found, key=lambda pair: _rank(pair[0].id)):
        text = repr(example.prompt)
        if counts[split_name] < MOST_ITEMS and text not in prompts:
            counts[split_name] += 1
            prompts.add(text)
            kept.append((example, split_name))
    kept.sort(key=lambda pair: at[pair[0].id])
    return tuple(
        Item(id=e.id, prompt=e.prompt, gold=e.gold, split=split_name, cluster=e.cluster, side=e.side)
        for e, split_name in kept
    )


def kept_together(examples: Sequence[Example], clusters: bool = False) -> list[list[Example]]:
    """Examples that must stay on one side: turns of one conversation (ids "<conversation>#<turn>"), equal requests.

    Args:
        clusters: Whether whole clusters must, too.
    """
    parent = list(range(len(examples)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    first: dict[tuple[str, str], int] = {}
    for index, example in enumerate(examples):
        conversation = example.id.rpartition("#")[0] or example.id
        keys = [("conversation", conversation), ("request", _request(example))]
        for key in keys + [("cluster", example.cluster)] * clusters:
            parent[root(index)] = root(first.setdefault(key, index))
    found: dict[int, list[Example]] = defaultdict(list)
    for index, example in enumerate(examples):
        found[root(index)].append(example)
    groups = [sorted(group, key=lambda e: _rank(e.id)) for group in found.values()]  # whatever the rows' order
    return sorted(groups, key=lambda group: _rank(group[0].id))


def _request(example: Example) -> str:
    """What the user asked, as far as it tells requests apart: an early "yes" is no request without what led to it."""
    said = [str(m.get("content") or "") for m in example.prompt.messages if m.get("role") == "user"]
    long = next((text for text in reversed(said) if len(text.split()) >= 4), None)
    return " ".join((long or " / ".join(said)).casefold().split())


def _hold_out_tools(groups: Sequence[Sequence[Example]]) -> frozenset[str]:
    """Tools that leave training altogether, with every example that so much as offers them."""
    calls = Counter(tool for group in groups for example in group for tool in _called(example))
    if len(calls) < FEWEST_TOOLS:
        return frozenset()
    touched: dict[str, set[int]] = defaultdict(set)
    for index, group in enumerate(groups):
        for tool in {t for example in group for t in (*_called(example), *_offered(example))}:
            touched[tool].add(index)
    alone = Counter(called[0] for group in groups for e in group if len(called := _called(e)) == 1)
    room = MOST_LOST * sum(len(group) for group in groups)
    wanted = _target(sum(1 for group in groups for example in group if example.gold.calls))
    held: set[str] = set()
    gone: set[int] = set()
    lost = gained = 0
    for tool in sorted(alone, key=_rank):
        if gained >= wanted or len(held) >= len(calls) - FEWEST_TOOLS // 2:
            break
        cost = sum(len(groups[index]) for index in touched[tool] - gone)
        if lost + cost <= room:
            held.add(tool)
            gone |= touched[tool]
            lost += cost
            gained += alone[tool]
    return frozenset(held)


def _hold_out_wordings(groups: Sequence[Sequence[Example]]) -> set[str]:
    """First ids of groups held out for their wording; their tools stay in training where the file allows it."""
    left = Counter(tool for group in groups for example in group for tool in _called(example))
    asked = [group for group in groups if any(example.gold.calls for example in group)]
    wanted = _target(sum(1 for group in asked for example in group if example.gold.calls))
    held: set[str] = set()
    count = 0
    for only_known in (True, False):
        for group in asked:
            mine = Counter(tool for example in group for tool in _called(example))
            if count >= wanted or len(held) + 1 >= len(asked):
                break
            if group[0].id in held or (only_known and any(left[tool] <= mine[tool] for tool in mine)):
                continue
            held.add(group[0].id)
            left.subtract(mine)
            count += sum(1 for example in group if example.gold.calls)
    return held


def _hold_out_declined(groups: Sequence[Sequence[Example]], total: int, spare: int) -> set[str]:
    """First ids of groups without calls that are held out, so that with `spare` ones there are enough."""
    declined = [g for g in groups if not any(e.gold.calls for e in g) and any(e.prompt.tools for e in g)]
    held: set[str] = set()
    count = spare
    for group in declined:
        if count >= _target(total) or len(held) + 1 >= len(declined):
            break
        held.add(group[0].id)
        count += len(group)
    return held


def _target(count: int) -> int:
    """How many of `count` examples are held out: a fifth, at least 2, at most MOST_ITEMS."""
    return min(MOST_ITEMS, max(2, round(SHARE * count))) if count >= 2 else 0


def _touches(group: Iterable[Example], tools: frozenset[str]) -> bool:
    return bool(tools) and any(t in tools for example in group for t in (*_called(example), *_offered(example)))


def _called(example: Example) -> list[str]:
    return list(dict.fromkeys(str(call["name"]) for call in example.gold.calls))


def _offered(example: Example) -> list[str]:
    return [str(tool["function"]["name"]) for tool in example.prompt.tools]


def _rank(text: str) -> str:
    """A shuffled order that depends on nothing but the text."""
    return hashlib.sha256(f"held out {text}".encode("utf-8", "surrogatepass")).hexdigest()
