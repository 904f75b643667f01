"""What a bundled model can do before any tuning: `python main.py competence fork-s [--json]`.

Every figure stands beside what guessing gives. Items are drawn with seeds that pretraining does not use; requests use
tools, and entailment nouns, that no training set holds.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from engine.example import Prompt, Side
from engine.world import card, entailment, people, taxonomy, tools
from engine.world.calling import prompt as tool_prompt

if TYPE_CHECKING:
    from engine.subject import Subject

Row = tuple[str, float, float, int]  # what, share reached, share by guessing, items


def measure(subject: Subject, count: int = 300) -> list[Row]:
    """Every row that any subject can be asked for.

    Args:
        count: Items per row, where the world has as many.
    """
    rng = Random("competence")
    return [
        _entailment(subject, count),
        _facts(subject, rng),
        *_tools(subject, rng, count),
        _chains(subject, rng, count),
    ]


def _ask(text: str, system: str = "") -> Prompt:
    order = ({"role": "system", "content": system},) if system else ()
    return Prompt(messages=(*order, {"role": "user", "content": text}))


def _share(said: Sequence[str], right: Sequence[str]) -> float:
    return sum(a.strip() == b for a, b in zip(said, right, strict=True)) / len(right)


def taxonomy_rows(model: Any, encode: Any) -> list[Row]:
    """The likeliest hypernym of each noun as the next word after "a dog is a kind of"."""
    import torch

    asked = [n for n in taxonomy.nouns() if taxonomy.ancestors(n)]
    choices = sorted({p for above in map(taxonomy.ancestors, asked) for p in above})
    columns = [encode.encode(f" {c}", add_special_tokens=False)[0] for c in choices]  # whole words are one token
    best = []
    for noun in asked:
        ids = encode.encode(f"{taxonomy.article(noun)} is a kind of", add_special_tokens=False, return_tensors="pt")
        with torch.no_grad():
            best.append(choices[int(model(input_ids=ids).logits[0, -1, columns].argmax())])
    direct = sum(b in taxonomy.parents()[n] for n, b in zip(asked, best, strict=True)) / len(asked)
    above = sum(b in taxonomy.ancestors(n) for n, b in zip(asked, best, strict=True)) / len(asked)
    return [
        ("taxonomy: a direct parent", direct, 1 / len(choices), len(asked)),
        ("taxonomy: any hypernym", above, 1 / len(choices), len(asked)),
    ]


def _entailment(subject: Subject, count: int) -> Row:
    items = entailment.study_data(train=4, per_cell=count // 4).items
    scores = subject.option_logprobs([i.prompt for i in items], [i.gold.labels for i in items])
    right = [i.gold.labels[int(s.argmax())] == i.gold.text for i, s in zip(items, scores, strict=True)]
    return ("entailment, nouns never asked about", sum(right) / len(right), 0.5, len(right))


def _facts(subject: Subject, rng: Random) -> Row:
    asked = [(f"where does {n} live?", f["city"]) for n, f in people.facts().items()]
    asked += [(f"what is the job of {n}?", f["job"]) for n, f in people.facts().items()]
    said = subject.generate([_ask(q) for q, _ in asked], 6)
    return ("facts about people", _share(said, [a for _, a in asked]), 1 / 16, len(asked))


def _tools(subject: Subject, rng: Random, count: int) -> list[Row]:
    rows: list[Row] = []
    for side in (Side.CONGRUENT, Side.CONFLICTING):
        asked = [tools.request(rng, frames=tools.FRAMES, unseen=True, side=side) for _ in range(count)]
        said = subject.generate([tool_prompt(a, "which tool fits?") for a in asked], 8)
        chance = sum(1 / len(a.tools) for a in asked) / len(asked)
        rows.append(
            (
                f"names a new tool, word overlap {side.value}",
                _share(said, [a.right.name for a in asked if a.right]),
                chance,
                count,
            )
        )
    asked = [tools.request(rng, frames=tools.FRAMES, unseen=True, side=Side.NEUTRAL) for _ in range(count)]
    said = subject.generate([tool_prompt(a, "answer in json.") for a in asked], 40)
    right = [json.dumps({"tool": a.right.name, "with": a.arguments}) for a in asked if a.right]
    return [*rows, ("whole call of a new tool, in pretraining's form", _share(said, right), 0.0, count)]


def _chains(subject: Subject, rng: Random, count: int) -> Row:
    numbers = [[rng.randint(1, 20) for _ in range(rng.randint(2, 4))] for _ in range(count)]
    said = subject.generate([_ask(f"what is {' + '.join(map(str, n))}?") for n in numbers], 48)
    right = sum(text.rstrip(". ").split(" ")[-1] == str(sum(n)) for text, n in zip(said, numbers, strict=True))
    return ("sums of 2 to 4 numbers, steps written", right / count, 0.0, count)


def repeated_loss(model: Any, count: int = 32, length: int = 120) -> float:
    """Nats per token on the second and later turns of random sequences: near 0 where the model can copy."""
    import torch

    rng = Random("repeated sequences")
    rows, period = [], 24
    for _ in range(count):
        unit = [rng.randrange(9, model.config.vocab_size) for _ in range(period)]
        rows.append((unit * (length // period))[:length])
    ids = torch.tensor(rows)
    with torch.no_grad():
        logits = model(input_ids=ids).logits[:, period:-1].float()
    return float(torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, period + 1 :].flatten()))


def table(rows: Sequence[Row], copying: float, vocabulary: int) -> str:
    """The table as Markdown."""
    lines = ["| before any tuning | share | by guessing | items |", "|---|---|---|---|"]
    lines += [f"| {what} | {got:.3f} | {chance:.3f} | {count} |" for what, got, chance, count in rows]
    return "\n".join(
        [*lines, f"| repeated random sequences, nats a token | {copying:.3f} | {math.log(vocabulary):.1f} | 32 |"]
    )


def main(argv: list[str]) -> int:
    """`competence NAME [--json] [--items N] [--card]`."""
    from engine import provenance
    from engine.errors import ModelError

    provenance.quiet()
    import torch

    torch.set_num_threads(1)  # more threads are slower on a model of this size
    from engine.generation import LocalSubject
    from engine.models import load, resolve

    parser = argparse.ArgumentParser(
        prog="main.py competence", description="Measure what a bundled model can do untuned."
    )
    parser.add_argument("name", help="a bundled model's name, or a folder")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--items", type=int, default=300)
    parser.add_argument("--card", action="store_true", help="also write the model's card (README.md) with the table")
    options = parser.parse_args(argv)
    ref = resolve(options.name)
    folder = Path(ref.path)
    if options.card and not (folder / "training.json").exists():
        raise ModelError(f"{folder} has no training.json.", "A card is written for models that `pretrain` made.")
    model, encode = load(ref, "cpu")
    rows = [*taxonomy_rows(model, encode), *measure(LocalSubject(model, encode), options.items)]
    copying = repeated_loss(model)
    if options.json:
        figures = [dict(zip(("what", "share", "chance", "items"), row, strict=True)) for row in rows]
        print(json.dumps({"model": options.name, "rows": figures, "repeated_sequence_nats": copying}, indent=1))
    else:
        print(table(rows, copying, model.config.vocab_size))
    if options.card:
        card.write(folder, table(rows, copying, model.config.vocab_size))
    return 0
