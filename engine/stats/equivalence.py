"""What a null means: a difference shown to be too small to matter, or one that could not have been seen."""

from __future__ import annotations

from scipy.special import ndtri, stdtrit


def equivalent(ci90: tuple[float, float] | None, margin: float) -> bool:
    """Whether two one-sided tests at 5 % both reject a difference beyond the margin (Schuirmann 1987).

    That is the same as the 90 % interval lying inside +- margin. Without an interval nothing is shown.
    """
    return ci90 is not None and -margin < ci90[0] and ci90[1] < margin


def detectable(ci: tuple[float, float] | None, seeds: int, power: float = 0.8) -> float | None:
    """The smallest true difference that a design as precise as this one finds with this power.

    Args:
        ci: The 95 % interval that was found.
        seeds: Over how many seeds; with one, items are the unit.
        power: How often the difference would be found.
    """
    if ci is None:
        return None
    half = (ci[1] - ci[0]) / 2
    quantile, more = (
        (stdtrit(seeds - 1, 0.975), stdtrit(seeds - 1, power)) if seeds > 1 else (ndtri(0.975), ndtri(power))
    )
    return float(half * (1 + more / quantile))
