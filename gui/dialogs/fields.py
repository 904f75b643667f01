"""Fields and words of the options: a chooser of models, and what is said of a study's models, arms and data."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from PySide6.QtWidgets import QComboBox

from engine.spec.study import ArmSpec, StudySpec
from gui.look.text import clean, count
from gui.operations import Size
from jobs.report.content.sequential import after


def model_field(models: Sequence[str], usual: str = "") -> QComboBox:
    """Bundled models to choose from, or a folder to type; `usual` is chosen at first, "": the first one."""
    field = QComboBox()
    field.setEditable(True)
    field.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
    field.addItems(list(dict.fromkeys([*([usual] if usual else []), *models])))
    line = field.lineEdit()
    if line is not None:
        line.setPlaceholderText(usual or "the default bundled model")
    field.setToolTip("One of the lab's own models, one you downloaded, or the folder of any causal language model.")
    return field


def role_words(role: str) -> str:
    """A further model's role as people read it: "small_expert" is "small expert model"."""
    words = clean(role, 40).replace("_", " ").replace("-", " ").replace("&", "&&")
    return words if words.endswith("model") else f"{words} model"


def needed_arms(study: StudySpec, roles: Mapping[str, str]) -> dict[str, str]:
    """Arm -> what there is none of where it is not run."""
    found = dict.fromkeys(roles.values(), "verdict")
    found |= dict.fromkeys((arm for control in study.controls for arm in control.arms), "verdict")
    return found | dict.fromkeys(study.primary.contrast, "primary result")


def sources_words(study: StudySpec) -> str:
    """Where the study's data come from, with the options of each arm that has others."""
    found: dict[str, list[str]] = {}
    for arm in study.arms:
        options = {**study.data_options, **arm.data}
        words = ", ".join(f"{name} {value}" for name, value in options.items())
        found.setdefault(f"{study.data} ({words})" if words else study.data, []).append(arm.label)
    if len(found) == 1:
        return next(iter(found))
    return "; ".join(f"{source}: {', '.join(arms)}" for source, arms in found.items())


def runs_words(arms: Sequence[ArmSpec], once: Collection[str], size: Size) -> str:
    """How many runs a study is, and where it goes on until it is settled, what they are and when it is looked at.

    "5 arms, 17 runs"; "at most 37 runs: base once + 3 arms × 4 to 12 seeds; looks after 4, 5, … 12 seeds".

    Args:
        once: Arms that another seed does not change.
    """
    most = {arm.name: 1 if arm.name in once else min(size.seeds, arm.seeds or size.seeds) for arm in arms}
    runs = count(sum(most.values()), "run")
    if size.fewest == size.seeds:
        return f"{count(len(arms), 'arm')}, {runs}"
    groups: dict[tuple[int, int], list[str]] = {}
    parts = [f"{clean(arm.label, 40)} once" for arm in arms if most[arm.name] == 1]
    for arm in arms:
        if (last := most[arm.name]) > 1:
            groups.setdefault((min(size.fewest, last), last), []).append(clean(arm.label, 40))
    for (first, last), names in groups.items():
        seeds = count(last, "seed") if first == last else f"{first} to {count(last, 'seed')}"
        parts.append(f"{names[0] if len(names) == 1 else count(len(names), 'arm')} × {seeds}")
    return f"at most {runs}: {' + '.join(parts)}; looks {after(size.looks)}"
