"""What a 90 % interval shows of a difference: that it is too small to matter, or not as great as was expected."""

from __future__ import annotations


def equivalent(ci90: tuple[float, float] | None, margin: float) -> bool:
    """Whether two one-sided tests at 5 % both reject a difference beyond the margin (Schuirmann 1987).

    That is the same as the 90 % interval lying inside +- margin. Without an interval nothing is shown.
    """
    return ci90 is not None and -margin < ci90[0] and ci90[1] < margin


def short_of(ci90: tuple[float, float] | None, margin: float, expected: str) -> bool:
    """Whether a one-sided test at 5 % rejects a difference beyond the margin in the direction that was expected.

    The other direction is left open: it answers whether the expected one is there (half of Schuirmann's two tests).

    Args:
        expected: "greater" or "less"; "equal" and "" name no direction, and nothing falls short of it.
    """
    if ci90 is None:
        return False
    return {"greater": ci90[1] < margin, "less": ci90[0] > -margin}.get(expected, False)
