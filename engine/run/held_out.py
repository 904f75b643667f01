"""Examples of a run's own kind that it does not train on, and the loss of their right answers.

They come from what the run leaves of the training pool, never from the study's items: whether training went well can be
asked without looking at what the study measures.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from random import Random
from typing import Any

from engine.methods import Method
from engine.spec.errors import DataError
from engine.spec.example import Example, StudyData
from engine.spec.run import TuneSpec
from engine.subject import scoring
from engine.subject.rendering import Encoded, Renderer
from engine.tuning import draw

MOST, FEWEST = 128, 16
"""So many are scored, and with fewer than so many none is."""


def left(data: StudyData, drawn: Sequence[Example], tune: TuneSpec, method: Method[Any]) -> list[Example]:
    """Examples that the run leaves, at its agreement and as its method shows them; no prompt is one it trains on.

    Args:
        data: What it is trained on: from what its data set aside, or else from the rest of the pool.
        drawn: The examples that the run trains on, before its method treats them.

    Returns:
        At most `MOST`; none where the pool does not leave `FEWEST` at that agreement.
    """
    trained, names = {repr(example.prompt) for example in drawn}, {example.id for example in drawn}
    rest = data.aside or [example for example in data.train if example.id not in names]
    try:
        found = draw.choose(rest, MOST, tune.agreement, tune.seed)
        fresh = [example for example in found if repr(example.prompt) not in trained]
        shown = method.treat(fresh, Random(f"{tune.seed}:held out"))
    except DataError:  # a side is used up, or the method finds nothing in so few that it could change
        return []
    return shown if len(shown) >= FEWEST else []


def losses(model: Any, rows: Sequence[Encoded], renderer: Renderer, stop: threading.Event) -> tuple[float, ...]:
    """Mean negative log-likelihood of each row's right answer, nats a token, by the model as it stands."""
    pairs = [(row.prompt, row.completion) for row in rows if row.completion]
    scored = scoring.token_scores(model, pairs, renderer.pad_id, stop)
    return tuple(-float(scores.logprobs.mean()) for scores in scored)
