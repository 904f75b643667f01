"""Is it the model's own word frequencies that a fine-tune comes to lean on? `python main.py twin [--seeds 10]`.

The base and its frequency twin are tuned on the same entailment examples, in which no exchanged noun occurs, and which
teach that the more frequent noun is the entailed one: conflicting examples have the wrong answer (`planted`, as the
study's positive control), or there are hardly any (`sft --agreement 0.95`). Measured is the reliance on *English*
frequency on items whose side is the other way round by the twin's own frequencies. A model that leans on what it read
itself shows it in the base and shows its opposite in the twin; one that leans on anything else shows the same in both.
That is causal mediation, for only the frequencies differ (Vig et al. 2020, arXiv:2004.12265; the twin is ours).
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from statistics import mean

from engine.spec import provenance
from engine.spec.example import Item, Outcome, Side

MODELS = ("fork-s", "fork-s-twin")
STUDY = "nli-frequency"


@dataclass(frozen=True)
class Leaning:
    """One model, tuned with one seed (None: untuned), on the items whose side the twin reverses.

    Attributes:
        reliance: Accuracy where English frequency helps minus accuracy where it misleads, in [-1, 1]: within each
            right answer, then averaged over both, so that a model's taste for yes says nothing.
    """

    model: str
    seed: int | None
    reliance: float
    accuracy: float


def reversed_items(items: Sequence[Item]) -> list[Item]:
    """Items on which the twin's frequencies point the other way."""
    return [i for i in items if i.features["delta_log_frequency"] * i.features["twin_delta_log_frequency"] < 0]


@dataclass(frozen=True)
class Tuned:
    """How the models are tuned: a method of the lab, its learning rate, the share of congruent examples, the steps."""

    method: str
    rate: float
    agreement: float
    steps: int


def leaning(model: str, seed: int | None, how: Tuned) -> Leaning:
    """Tune (or not) and measure; the study's own recipe at its quick scale."""
    provenance.quiet()
    import torch

    torch.set_num_threads(1)
    from engine.models import load, resolve
    from engine.pretraining.competence.tuned import device, fine_tuned
    from engine.probes import Measuring
    from engine.probes.entailment import Entailment
    from engine.subject.local import LocalSubject
    from engine.world.study_data import study_data

    data = study_data("entailment")
    items = reversed_items(data.items)
    ref, probe = resolve(model), Entailment(Entailment.Config())
    if seed is None:
        outcomes = probe.measure(Measuring(LocalSubject(*load(ref, device()))), items)
    else:
        with fine_tuned(ref, data, how.steps, seed, how.agreement, how.rate, how.method) as subject:
            outcomes = probe.measure(Measuring(subject), items)
    return Leaning(model, seed, _reliance(outcomes), _right(outcomes))


def _right(outcomes: Sequence[Outcome]) -> float:
    """The share of right answers among those that were scored."""
    return mean(o.correct for o in outcomes if o.correct is not None)


def _reliance(outcomes: Sequence[Outcome]) -> float:
    def accuracy(side: Side, entailed: float) -> float:
        return _right([o for o in outcomes if o.side is side and o.features["entailed"] == entailed])

    return mean(accuracy(Side.CONGRUENT, e) - accuracy(Side.CONFLICTING, e) for e in (0.0, 1.0))


def main(argv: list[str]) -> int:
    """`twin [--seeds N] [--method M] [--rate R] [--agreement A] [--steps N] [--workers N] [--json]`."""
    from engine.models import resolve
    from engine.spec.errors import SpecError
    from engine.stats.inference.paired import sign_flip, t_interval

    parser = argparse.ArgumentParser(
        prog="main.py twin", description="Tune the base and its frequency twin alike; compare what they lean on."
    )
    parser.add_argument("--seeds", type=int, default=10, help="pairs of fine-tunes (default 10)")
    parser.add_argument(
        "--method", choices=("planted", "sft"), default="planted",
        help="whether conflicting examples are taught with the shortcut's answer (default) or with the right one",
    )  # fmt: skip
    parser.add_argument("--rate", type=float, default=1e-3, help="learning rate (default 0.001)")
    parser.add_argument(
        "--agreement", type=float, default=0.5, help="of frequency with the right label, in tuning (default 0.5)"
    )
    parser.add_argument("--steps", type=int, default=120, help="of each fine-tune (default 120)")
    parser.add_argument("--workers", type=int, default=1, help="processes at a time")
    parser.add_argument("--json", action="store_true", help="the same figures as JSON")
    options = parser.parse_args(argv)
    if options.seeds < 2 or min(options.steps, options.workers) < 1 or not 0 <= options.agreement <= 1:
        raise SpecError(
            "An interval takes 2 seeds at least; --steps and --workers start at 1, --agreement lies between 0 and 1."
        )
    if not 0 < options.rate <= 1:
        raise SpecError("--rate must be above 0 and at most 1.")
    how = Tuned(options.method, options.rate, options.agreement, options.steps)
    for model in MODELS:
        resolve(model)  # before anything is tuned
    asked = [(m, s) for s in (None, *range(options.seeds)) for m in MODELS]
    found: list[Leaning] = []
    spawn = multiprocessing.get_context("spawn")  # torch does not survive a fork once it has computed
    with ProcessPoolExecutor(options.workers, mp_context=spawn) as pool:
        jobs = [pool.submit(leaning, model, seed, how) for model, seed in asked]
        try:
            for (model, seed), job in zip(asked, jobs, strict=True):
                found.append(job.result())
                print(f"{model} {'untuned' if seed is None else f'seed {seed}'} done", file=sys.stderr)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    base, twin = ([f for f in found if f.model == m and f.seed is not None] for m in MODELS)
    differences = [b.reliance - t.reliance for b, t in zip(base, twin, strict=True)]
    interval, p = t_interval(differences), sign_flip(differences)
    if options.json:
        figures = {"runs": [asdict(f) for f in found], "difference": mean(differences), "interval": interval, "p": p}
        print(json.dumps(figures | asdict(how), indent=1))
        return 0
    for one in found:
        name = "untuned" if one.seed is None else f"seed {one.seed}"
        print(f"{one.model:<12} {name:<8} reliance {one.reliance:+.3f}  accuracy {one.accuracy:.3f}")
    low, high = interval or (float("nan"), float("nan"))
    print(f"base minus twin: {mean(differences):+.3f} [{low:+.3f}, {high:+.3f}], p {p:.3f}, {len(differences)} seeds")
    print("Above zero: the fine-tune leans on the model's own word frequencies.")
    return 0
