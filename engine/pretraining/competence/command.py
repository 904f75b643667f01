"""What a model of the world can do: `python main.py competence fork-s [--json] [--card] [--quick]`.

Before tuning and after a short fine-tune; every share beside what guessing gives, with an interval.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from engine.pretraining.competence.measure import Row, table
from engine.spec import provenance
from engine.spec.errors import ModelError, SpecError
from engine.spec.reference import ModelRef

QUICK_ITEMS = 100


def main(argv: list[str]) -> int:
    """`competence NAME [--json] [--items N] [--seeds N] [--steps N] [--quick] [--card]`."""
    provenance.quiet()
    from engine.models import resolve
    from engine.pretraining import model_card

    options = _parser().parse_args(argv)
    items = (QUICK_ITEMS if options.quick else 300) if options.items is None else options.items
    if min(items, options.seeds, options.steps) < 1:
        raise SpecError("--items, --seeds and --steps must be at least 1.")
    ref = resolve(options.name)
    folder = Path(ref.path)
    if options.card and not (folder / "training.json").exists():
        raise ModelError(f"{folder} has no training.json.", "A card is written for models that `pretrain` made.")
    rows = measured(ref, items, options.seeds, 0 if options.quick else options.steps)
    if options.json:
        facts = {"model": options.name, "digest": ref.digest, "items": items, "quick": options.quick}
        if not options.quick:
            facts |= {"sft_steps": options.steps, "seeds": options.seeds}
        print(json.dumps({**facts, "rows": [row.plain() for row in rows]}, indent=1))
    else:
        print(table(rows))
    if options.card:
        model_card.write(folder, table(rows), _typed(options))
    return 0


def _typed(options: argparse.Namespace) -> str:
    """The options that change figures, as far as they are not the defaults."""
    given = [
        f"--{name} {value}" for name in ("items", "seeds", "steps") if (value := getattr(options, name)) is not None
    ]
    return " ".join(
        [*(["--quick"] if options.quick else []), *(g for g in given if g not in ("--seeds 1", "--steps 120"))]
    )


def measured(ref: ModelRef, items: int, seeds: int, steps: int) -> list[Row]:
    """Every row of a model; without fine-tunes where `steps` is 0."""
    import torch

    from engine.models import load
    from engine.pretraining.competence import tuned, untuned
    from engine.subject.local import LocalSubject

    torch.set_num_threads(1)  # more threads are slower on a model of this size
    found = list(untuned.rows(LocalSubject(*load(ref, tuned.device())), items, _say))
    if steps:
        found += tuned.rows(ref, tuned.Tuning(steps, seeds, items), _say)
    return found


def _say(stage: str) -> None:
    sys.stderr.write(f"{stage}\n")
    sys.stderr.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="main.py competence",
        description="Measure what a model of the world can do, before tuning and after a short fine-tune.",
    )
    parser.add_argument("name", help="a bundled model's name, or a folder")
    parser.add_argument("--json", action="store_true", help="the same figures as JSON")
    parser.add_argument("--items", type=int, metavar="N", help=f"items per row (default 300; {QUICK_ITEMS} if --quick)")
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="fine-tunes per task (default 1)")
    parser.add_argument("--steps", type=int, default=120, metavar="N", help="steps of each fine-tune (default 120)")
    parser.add_argument("--quick", action="store_true", help="fewer items and no fine-tune")
    parser.add_argument("--card", action="store_true", help="also write the model's card (README.md) with the table")
    return parser
