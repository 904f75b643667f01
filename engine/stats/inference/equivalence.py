"""Equivalence by two one-sided tests (TOST): whether a difference is shown to be too small to matter."""

from __future__ import annotations


def equivalent(ci90: tuple[float, float] | None, margin: float) -> bool:
    """Whether two one-sided tests at 5 % both reject a difference beyond the margin (Schuirmann 1987).

    That is the same as the 90 % interval lying inside +- margin. Without an interval nothing is shown.
    """
    return ci90 is not None and -margin < ci90[0] and ci90[1] < margin
