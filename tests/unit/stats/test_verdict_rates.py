"""How often whole studies get the verdict that their planted truth deserves, gates and controls included.

Stated rates (docs/results.md): of 20 repetitions with ten seeds at least 17 get the right verdict. With ten seeds and
with five at most one gets a wrong one; two where all arms are alike, since a difference may then err to either side.
"Inconclusive" is no wrong verdict where there is something to find, only a missed one.
"""

from __future__ import annotations

from collections import Counter

import pytest

from engine.analysis.analysis import analyse
from tests.support.planted import CALLS, NLI, Rates, make_runs, make_trial

pytestmark = pytest.mark.slow
REPETITIONS = 20
WEAK: Rates = {
    "base": (0.30, 0.20),
    "shuffled": (0.32, 0.22),
    "sft": (0.36, 0.26),
    "sft-dpo": (0.38, 0.27),
    "planted": (0.95, 0.10),
}
AS_FORMAT = {"shuffled": (0.81, 0.77), "sft": (0.82, 0.77), "sft-dpo": (0.82, 0.77)}
BY_OVERLAP = {"shuffled": (0.30, 0.02), "sft": (0.91, 0.12), "sft-dpo": (0.91, 0.12), "planted": (0.99, 0.0)}
LUCK, LEAN = 0.03, 0.015
"""By how much seeds differ in all of a run's rates, and in how far they lean (each way); standard deviations."""
TRUTHS: dict[str, tuple[str, Rates, float]] = {
    "learned": ("function-calling", CALLS, LUCK),
    "format": ("function-calling", CALLS | AS_FORMAT, LUCK),
    "shortcut": ("function-calling", CALLS | {"sft-dpo": (0.97, 0.58)}, LUCK),
    "shortcut-nli": ("nli-frequency", NLI, LUCK),
    "mixed-over-a-base-that-does-nothing": ("function-calling", CALLS | BY_OVERLAP, LUCK),
    "inconclusive-noisy": ("function-calling", WEAK, 0.15),
    "inconclusive-nothing": ("function-calling", dict.fromkeys(CALLS, (0.5, 0.45)) | {"planted": (0.95, 0.1)}, LUCK),
}


@pytest.mark.parametrize("seeds", [5, 10])
@pytest.mark.parametrize("name", TRUTHS)
def test_the_verdict_is_right(name: str, seeds: int) -> None:
    study, rates, luck = TRUTHS[name]
    trial = make_trial(study, seeds)
    items = 1600 if study == "nli-frequency" else 200  # its negative control compares with one run of the base
    drawn = (
        make_runs(trial, rates, items=items, clusters=30, luck=luck, lean=LEAN, seed=100 + at)
        for at in range(REPETITIONS)
    )
    codes = Counter(analyse(trial, runs).verdict.code for runs in drawn)
    truth = name.split("-", maxsplit=1)[0]
    wrong = sum(count for code, count in codes.items() if code not in (truth, "inconclusive"))
    assert wrong <= (2 if name == "inconclusive-nothing" else 1), codes
    assert seeds < 10 or codes[truth] >= 17, codes
