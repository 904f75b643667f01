"""What a null may mean: a difference shown to be too small to matter (`power` says what could not have been seen)."""

from __future__ import annotations


def equivalent(ci90: tuple[float, float] | None, margin: float) -> bool:
    """Whether two one-sided tests at 5 % both reject a difference beyond the margin (Schuirmann 1987).

    That is the same as the 90 % interval lying inside +- margin. Without an interval nothing is shown.
    """
    return ci90 is not None and -margin < ci90[0] and ci90[1] < margin
