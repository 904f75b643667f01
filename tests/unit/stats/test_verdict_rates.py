"""How often whole studies get the verdict that their planted truth deserves, gates and controls included.

Stated rates (docs/results.md): of 20 repetitions at least 17 get the right verdict, and at most one a wrong one;
"inconclusive" is no wrong verdict where there is something to find, only a missed one.
"""

from __future__ import annotations

from collections import Counter

import pytest

from jobs.analysis import analyse
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
TRUTHS: dict[str, tuple[str, Rates, float]] = {
    # name: the study, what is planted, and by how much seeds differ (standard deviation of all of a run's rates)
    "learned": ("function-calling", CALLS, 0.03),
    "format": ("function-calling", CALLS | AS_FORMAT, 0.02),
    "shortcut": ("function-calling", CALLS | {"sft-dpo": (0.97, 0.58)}, 0.03),
    "shortcut-nli": ("nli-frequency", NLI, 0.03),
    "inconclusive-noisy": ("function-calling", WEAK, 0.15),
    "inconclusive-nothing": ("function-calling", dict.fromkeys(CALLS, (0.5, 0.45)) | {"planted": (0.95, 0.1)}, 0.03),
}


@pytest.mark.parametrize("seeds", [5, 10])
@pytest.mark.parametrize("name", TRUTHS)
def test_the_verdict_is_right(name: str, seeds: int) -> None:
    study, rates, luck = TRUTHS[name]
    trial = make_trial(study, seeds)
    codes = Counter(
        analyse(trial, make_runs(trial, rates, items=200, clusters=30, luck=luck, seed=100 + at)).verdict.code
        for at in range(REPETITIONS)
    )
    truth = name.split("-", maxsplit=1)[0]
    wrong = sum(count for code, count in codes.items() if code not in (truth, "inconclusive"))
    assert codes[truth] >= 17, codes
    assert wrong <= 1, codes
