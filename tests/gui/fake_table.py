"""A table of results from elsewhere whose figures are INVENTED, to draw and test the window."""

from __future__ import annotations

import csv
import random
from collections.abc import Mapping
from pathlib import Path

ARMS: dict[str, tuple[float, float]] = {
    "base": (0.12, 0.1), "shuffled": (0.42, 0.36), "sft": (0.78, 0.55), "sft-dpo": (0.86, 0.74), "planted": (0.95, 0.2),
}  # fmt: skip
"""Arm to its chance of being right where the shortcut helps, and where it misleads."""


def invented_table(
    path: Path, arms: Mapping[str, tuple[float, float]] = ARMS, seeds: int = 5, items: int = 300, sides: bool = True
) -> Path:
    """Write a CSV with a row for each arm, seed and item; the first arm has one seed."""
    rng = random.Random(7)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["arm", "seed", "item_id", "correct", "prediction", *(["side"] if sides else []), "cluster"])
        for at, (arm, chances) in enumerate(arms.items()):
            for seed in range(seeds if at else 1):
                luck = rng.gauss(0, 0.02)
                for n in range(items):
                    right = rng.random() < chances[n % 2] + luck
                    side = [("congruent", "conflicting")[n % 2]] if sides else []
                    answer = "get_weather(city='Turin')" if right else "get_time(city='Turin')"
                    writer.writerow([arm, seed, f"tools.{n:04d}", int(right), answer, *side, f"template {n // 6}"])
    return path
