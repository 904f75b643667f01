"""Values of options as people type them; what does not fit raises argparse's error, which names the option."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from engine.spec.errors import SpecError


def positive(text: str) -> int:
    """A whole number from 1 to 1000."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if not 1 <= number <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to 1000")
    return number


def points(text: str) -> float:
    """A number of points, 0 to 100, as a share."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to 100")
    return number / 100


def numbers(text: str) -> tuple[float, ...]:
    """Numbers, separated by commas."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of numbers, such as 3e-4,1e-3") from error


def names(text: str) -> tuple[str, ...]:
    """Names, separated by commas, each once."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise argparse.ArgumentTypeError("no arm is named")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise argparse.ArgumentTypeError(f"{twice[0]!r} is named twice")
    return names


def role(text: str) -> tuple[str, str]:
    """A role and the model that plays it."""
    role, sign, model = text.partition("=")
    if not (sign and role.strip() and model.strip()):
        raise argparse.ArgumentTypeError(f"{text!r} is no ROLE=MODEL")
    return role.strip(), model.strip()


def roles(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Models by role. Raises SpecError where a role is named twice."""
    twice = {role for n, (role, _) in enumerate(pairs) if role in {name for name, _ in pairs[:n]}}
    if twice:
        raise SpecError(f"--with names {sorted(twice)[0]!r} twice.", "Name one model for each role.")
    return dict(pairs)
