"""What a study costs on this machine, from what its runs took here before, and what it can find for that."""

from __future__ import annotations

from engine.spec.runs import Detectable
from engine.spec.study import Scale, StudySpec
from engine.stats.display.wording import about, exists
from gui.look.text import seconds_range
from gui.operations import Size
from jobs.store.records import Snapshot

SPREAD = (0.9, 1.25)
"""How far another trial may differ from those measured, with other work on the machine."""


def default_scale(study: StudySpec) -> Scale:
    """The scale a study is run at unless the user says otherwise."""
    return "quick" if "quick" in study.scales else next(iter(study.scales))


def default_size(study: StudySpec) -> Size:
    """The default scale, and with how many seeds it is run."""
    scale = default_scale(study)
    sizes = study.scales[scale]
    return Size(scale, sizes.looks[-1] if sizes.looks else sizes.seeds, sizes.looks)


def estimate(study: StudySpec, snapshot: Snapshot, size: Size | None = None) -> tuple[float, float] | None:
    """Seconds of wall time, (low, high); None where no trial of this study and scale was finished here.

    Where the trial goes on until it is settled, from its first look to its last.

    Args:
        size: None: the default one.
    """
    size = size or default_size(study)
    a_seed = [
        trial.seconds / trial.begun
        for trial in snapshot.trials
        if trial.study == study.id
        and trial.scale == size.scale
        and trial.seconds
        and trial.done == len(trial.runs)
        and len(trial.arms) == len(study.arms)  # what a part of them took says nothing of all
    ]
    return (min(a_seed) * size.fewest * SPREAD[0], max(a_seed) * size.seeds * SPREAD[1]) if a_seed else None


def estimate_words(study: StudySpec, snapshot: Snapshot | None, size: Size | None = None) -> str:
    """The estimate as people read it."""
    found = estimate(study, snapshot, size) if snapshot is not None else None
    return f"{seconds_range(*found)} on this machine" if found else "not timed here yet"


def detectable_words(found: Detectable | None) -> str:
    """The smallest difference a study can count on finding, as people read it; "" where nothing is known."""
    if found is None:
        return ""
    if not exists(found.difference, found.unit):
        return "at this size finds no difference, not even the largest"
    return f"finds differences from about {about(found.difference, found.unit)}"


def detectable_tip(found: Detectable | None, size: Size) -> str:
    """What that figure of a size means, and what it rests on."""
    if found is None:
        return ""
    sizes = f"at most {size.seeds} seeds and these items" if size.looks else "these seeds and items"
    if not exists(found.difference, found.unit):
        return (
            "Seeds differ so much that not even the largest difference there can be between the two arms of the "
            f"primary endpoint would be found four times in five with {sizes}. Worked out "
            f"{found.basis or 'beforehand'}. More seeds find smaller differences."
        )
    return (
        f"A true difference of {about(found.difference, found.unit)} between the two arms of the primary endpoint "
        f"would be found four times in five with {sizes}; a smaller one more seldom. Worked out "
        f"{found.basis or 'beforehand'}. More seeds find smaller differences."
    )
