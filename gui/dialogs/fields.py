"""Fields and words of the options: a chooser of models, and what is said of a study's models, arms and data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtWidgets import QComboBox

from engine.spec.study import StudySpec
from gui.look.text import clean


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
    found |= dict.fromkeys((arm for control in study.controls for arm in (control.arm, control.against)), "verdict")
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
