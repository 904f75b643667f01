"""A trial without the rows that its model's chat template refuses. Plain values: no torch."""

from __future__ import annotations

from engine.spec.errors import DataError
from engine.spec.trial import TrialSpec
from engine.spec.understanding import Inspection


def settled(trial: TrialSpec, inspection: Inspection) -> TrialSpec:
    """The trial without the rows that the model's chat template refuses.

    Raises:
        DataError: Rows are refused that come from no file, so that none can be left out.
    """
    rows = inspection.fit.refused_rows
    if not inspection.fit.refused_count:
        return trial
    if not rows or min(rows) < 1:
        raise DataError(
            f"The model cannot say {inspection.fit.refused_count:,} right answers of data that come from no file: "
            f"{inspection.fit.refused[0].reason}",
            "Nothing was queued. Choose another model: these data are the study's own, and none can be left out.",
        )
    without = tuple(sorted({*trial.data.without, *rows}))
    return trial.model_copy(update={"data": trial.data.model_copy(update={"without": without})})
