"""What a bundled model can do before any tuning. No item is in the corpus, save known facts, which are to be known."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from random import Random
from typing import TYPE_CHECKING, Any

from engine.pretraining.competence.measure import BEFORE, Row, correct, named, room, share
from engine.spec.example import Item, Side
from engine.world.tasks import calling, steps, task, tasks
from engine.world.tasks._base import Task, by_split, chance
from engine.world.vocabulary import taxonomy, tools

if TYPE_CHECKING:
    from engine.subject.local import LocalSubject

Say = Callable[[str], None]
ENTAILMENT = "entailment"
_SIDES = (Side.CONGRUENT, Side.CONFLICTING)
_TOLD = {1.0: "told of as others", taxonomy.SELDOM: "seldom told of", 0.0: "never told of"}
"""How often the corpus tells what a noun is a kind of (`taxonomy.told`), in words."""


def rows(subject: LocalSubject, count: int, say: Say) -> Iterator[Row]:
    """Every row before tuning.

    Args:
        count: Items per row, where the world has as many.
        say: Told each stage as it begins.
    """
    say("taxonomy")
    yield from taxonomy_rows(subject)
    say("entailment")
    yield from entailment_rows(subject, count)
    for name, each in tasks().items():
        if name == ENTAILMENT:
            continue
        say(name)
        # The form that fine-tuning on calls teaches is in no document: a base is asked in the corpus's forms.
        if name == "calling":
            yield from tool_rows(subject, count)
        elif name == "steps":
            yield from step_rows(subject, count)
        else:
            yield from task_rows(subject, each, count)
    say("repeated sequences")
    yield repeated_row(subject.model)


def taxonomy_rows(subject: LocalSubject) -> list[Row]:
    """The likeliest hypernym of each noun as the next word after "a dog is a kind of"."""
    import torch

    def ids(text: str) -> Any:
        return subject.tokenizer.encode(text, add_special_tokens=False)

    asked = [n for n in taxonomy.nouns() if taxonomy.ancestors(n)]
    choices = sorted({p for above in map(taxonomy.ancestors, asked) for p in above})
    columns = [ids(f" {c}")[0] for c in choices]  # the world's nouns are one token each
    best = []
    for noun in asked:
        row = torch.tensor([ids(f"{taxonomy.article(noun)} is a kind of")], device=subject.model.device)
        with torch.no_grad():
            best.append(choices[int(subject.model(input_ids=row).logits[0, -1, columns].argmax())])
    direct = [b in taxonomy.parents()[n] for n, b in zip(asked, best, strict=True)]
    told = [taxonomy.told()[n] for n in asked]
    above = [b in taxonomy.ancestors(n) for n, b in zip(asked, best, strict=True)]

    def guessed(right: Callable[[str], Any]) -> float:
        return sum(len(set(right(n)) & set(choices)) for n in asked) / len(asked) / len(choices)

    return [
        share(BEFORE, "taxonomy: a direct parent", direct, guessed(lambda n: taxonomy.parents()[n])),
        share(BEFORE, "taxonomy: any hypernym", above, guessed(taxonomy.ancestors)),
        *(
            share(BEFORE, f"taxonomy: any hypernym, nouns {how}", chosen, guessed(taxonomy.ancestors))
            for often, how in _TOLD.items()
            if (chosen := [right for right, of in zip(above, told, strict=True) if of == often])
        ),
    ]


def entailment_rows(subject: LocalSubject, count: int) -> list[Row]:
    """Which of yes and no is likelier, of nouns never asked about; over all items, by side, and by what was told."""
    items = list(task(ENTAILMENT).items(count))
    scores = subject.option_logprobs([i.prompt for i in items], [i.gold.labels for i in items])
    right = [i.gold.labels[int(s.argmax())] == i.gold.text for i, s in zip(items, scores, strict=True)]
    found = [share(BEFORE, "entailment: held-out nouns", right, chance(items))]
    for side in _SIDES:
        chosen = [r for i, r in zip(items, right, strict=True) if i.side is side]
        if chosen:
            found.append(share(BEFORE, f"entailment: held-out nouns, frequency {side.value}", chosen, chance(items)))
    for often, how in _TOLD.items():
        chosen = [r for i, r in zip(items, right, strict=True) if i.features["told"] == often]
        if chosen:
            found.append(share(BEFORE, f"entailment: held-out nouns, premise {how}", chosen, chance(items)))
    return found


def task_rows(subject: LocalSubject, task: Task, count: int) -> list[Row]:
    """Greedy answers to a task's items, split by split."""
    longest = room(subject, task)

    def right(items: list[Item]) -> list[bool]:
        return correct(items, [a.text for a in subject.generate([i.prompt for i in items], longest)])

    found = by_split(list(task.items(count)))
    return [share(BEFORE, named(task, split), right(items), chance(items)) for split, items in found.items()]


def tool_rows(subject: LocalSubject, count: int) -> list[Row]:
    """The name of a tool that no document calls, by side, and its whole call in one of the corpus's own forms."""
    rng = Random("competence: tools")
    found: list[Row] = []
    for side in _SIDES:
        asked = [tools.request(rng, frames=tools.FRAMES, unseen=True, side=side) for _ in range(count)]
        said = subject.generate([calling.prompt(a, "which tool fits?") for a in asked], 8)
        right = [bool(a.right) and got.text.strip() == a.right.name for a, got in zip(asked, said, strict=True)]
        guessed = sum(1 / len(a.tools) for a in asked) / len(asked)
        found.append(share(BEFORE, f"calling: names a new tool, word overlap {side.value}", right, guessed))
    asked = [tools.request(rng, frames=tools.FRAMES, unseen=True, side=Side.NEUTRAL) for _ in range(count)]
    said = subject.generate([calling.prompt(a, "answer in json.") for a in asked], 48)
    wanted = [json.dumps({"tool": a.right.name, "with": a.arguments}) if a.right else "" for a in asked]
    right = [got.text.strip() == want for got, want in zip(said, wanted, strict=True)]
    return [*found, share(BEFORE, "calling: whole call of a new tool, in pretraining's form", right, 0.0)]


def step_rows(subject: LocalSubject, count: int) -> list[Row]:
    """First and second calls of exchanges that no document holds, in one of the corpus's own forms."""
    found = []
    for turn, what in enumerate(("first call", "second call, the first one given")):
        rng = Random(f"competence: {what}")
        asked = [steps.in_corpus_form(rng, _SIDES[index % 2], turn) for index in range(count)]
        said = subject.generate([prompt for prompt, _ in asked], 48)
        right = [got.text.strip() == wanted for got, (_, wanted) in zip(said, asked, strict=True)]
        found.append(share(BEFORE, f"steps: {what}, in pretraining's form", right, 0.0))
    return found


def repeated_row(model: Any) -> Row:
    """Nats a token on repeated random sequences; guessing knows no word from another."""
    count = 32
    value = repeated_loss(model, count)
    return Row(BEFORE, "repeated random sequences", value, math.log(model.config.vocab_size), count, unit="nats")


def repeated_loss(model: Any, count: int = 32, length: int = 120) -> float:
    """Nats per token on the second and later turns of random sequences: near 0 where the model can copy."""
    import torch

    rng = Random("repeated sequences")
    drawn, period = [], 24
    for _ in range(count):
        unit = [rng.randrange(9, model.config.vocab_size) for _ in range(period)]
        drawn.append((unit * (length // period))[:length])
    ids = torch.tensor(drawn, device=model.device)
    with torch.no_grad():
        logits = model(input_ids=ids).logits[:, period:-1].float()
    return float(torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, period + 1 :].flatten()))
