"""A table from elsewhere as a study: its arms in their parts, what is compared, and the command that repeats it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.data.tables.table import Table
from engine.spec.study import ArmSpec, ControlSpec, DecompositionSpec, Primary, ProbeSpec, RuleSpec, StudySpec
from jobs.elsewhere.roles import CONTROLS, NONE, PARTS, Roles, suggest
from jobs.elsewhere.words import options

PROBE = "table"
MARGIN, FLOOR, CEILING = 0.03, 0.2, 0.98


@dataclass(frozen=True)
class Thresholds:
    """What is too small a difference to matter, and the accuracy below which nothing is judged; shares."""

    margin: float = MARGIN
    floor: float = FLOOR


def slugs(arms: Iterable[str]) -> dict[str, str]:
    """A short name for each arm, unique, as the lab's own arms have."""
    found: dict[str, str] = {}
    for arm in arms:
        short = re.sub(r"[^a-z0-9]+", "-", arm.lower()).strip("-")[:32] or "arm"
        again = sum(name == short or name.startswith(f"{short}--") for name in found.values())
        found[arm] = f"{short}--{again + 1}" if again else short
    return found


def label_of(arm: str) -> str:
    """What an arm is called, on one line."""
    return " ".join(arm.split())


def table_study(table: Table, parts: Roles, limits: Thresholds, names: Mapping[str, str]) -> StudySpec:
    """The study that a table stands for; `names` are its arms' short names."""
    shown = [arm for arm in (parts.base, parts.format, parts.reference, parts.treated) if arm is not None]
    chain = [names[arm] for arm in dict.fromkeys(shown)]
    primary = (names[parts.treated], names[parts.reference])
    pairs = [primary, *zip(reversed(chain), list(reversed(chain))[1:], strict=False), (names[parts.treated], chain[0])]
    controls: tuple[ControlSpec, ...] = ()
    if parts.planted is not None:
        arm, against = names[parts.planted], names[parts.reference]
        controls = (
            ControlSpec(kind="positive", arm=arm, against=against),
            ControlSpec(kind="negative", arm=arm, against=against, placebo=True),
        )
    treated, reference = label_of(parts.treated), label_of(parts.reference)
    return StudySpec(
        id="table",
        question=f"Did {treated} learn the task, or sharpen a shortcut, against {reference}?",
        summary="Results from elsewhere, judged by the lab's rules.",
        claim="",
        source="",
        published="",
        model="",
        data="table",
        accepts_data=False,
        arms=tuple(
            ArmSpec(
                name=names[arm],
                label=label_of(arm),
                method="elsewhere",
                agreement=None,
                seeds=None,
                role="control" if arm == parts.planted else "arm",
            )
            for arm in table.arms
        ),
        probes=(ProbeSpec(probe=PROBE),),
        primary=Primary(
            probe=PROBE,
            metric="accuracy",
            contrast=primary,
            expected="",
            margin=limits.margin,
            seed_sd=None,
            item_sd=None,
        ),
        contrasts=tuple(dict.fromkeys(pairs)),
        accuracy=f"{PROBE}.accuracy",
        reliance=f"{PROBE}.reliance",
        rule=RuleSpec(
            name="shortcut",
            settings={
                "treated": primary[0],
                "base": names[parts.base],
                "format": names[parts.format] if parts.format else None,
                "floor": limits.floor,
                "ceiling": CEILING,
                "margin": limits.margin,
            },
        ),
        decomposition=DecompositionSpec(chain=tuple(chain), labels=()),
        controls=controls,
        scales={},
    )


def command(table: Table, told: Mapping[str, str], limits: Thresholds) -> str:
    """What to type to judge a table again in the same way, with these parts told; quoted for a POSIX shell."""
    words = ["python", "main.py", "analyze", *options(table.sources, table.choices)]
    guess = suggest(table.arms, **told)
    for part in PARTS:
        if part in told:
            words += [f"--{part}", told[part]]
        elif part in CONTROLS and getattr(guess, part) is not None:  # else it would be guessed the next time
            words += [f"--{part}", NONE]
    if limits.margin != MARGIN:
        words += ["--margin", f"{100 * limits.margin:g}"]
    if limits.floor != FLOOR:
        words += ["--floor", f"{100 * limits.floor:g}"]
    return " ".join(shlex.quote(word) for word in words)
