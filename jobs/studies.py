"""Studies: one TOML file each, bundled or the user's own; and a study's plan as a trial."""

from __future__ import annotations

import tomllib
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ValidationError

from engine import models as base_models
from engine.analysis.figures import check_figures
from engine.methods import method_class
from engine.models import bundled
from engine.probes import probe_class
from engine.run import sources
from engine.run.planned import needed_arms, runs_of, with_uses
from engine.spec.errors import LabError, SpecError
from engine.spec.plugins.discovery import Broken
from engine.spec.plugins.misfits import fields_for, misfit
from engine.spec.reference import ModelRef
from engine.spec.run import RunSpec
from engine.spec.study import MOST_SEEDS, ScaleSpec, StudySpec
from engine.spec.trial import TrialSpec
from engine.spec.understanding import Understanding

BUNDLED = Path(__file__).resolve().parent.parent / "resources" / "studies"
MOST_BATCH = 4096


@dataclass(frozen=True)
class Options:
    """How a user's file is read, and how large a training step is.

    Attributes:
        grader: How calls are compared: "strict" or "bfcl"; "": as the form of the data has it.
        skip_bad_rows: Leave out rows that cannot be used, rather than refuse the file.
        batch_size: Examples of a training step; None: the study's own.
    """

    grader: Literal["", "strict", "bfcl"] = ""
    skip_bad_rows: bool = False
    batch_size: int | None = None


class Until(NamedTuple):
    """Go on until neither verdict nor answer is open.

    Attributes:
        most: After so many seeds it ends in any case; None: after the scale's last look.
    """

    most: int | None = None


class Prepared(NamedTuple):
    """A trial that is planned.

    Attributes:
        understanding: What was understood of a user's file; None for the study's own data.
        own: Whether a model or the data are the user's own.
        added: Arms that were not chosen, and are run because a chosen one needs their weights.
    """

    trial: TrialSpec
    understanding: Understanding | None
    own: bool
    added: tuple[str, ...] = ()


@dataclass(frozen=True)
class Studies:
    """What the folders hold, in the order in which people see it."""

    found: tuple[StudySpec, ...]
    broken: tuple[Broken, ...]

    def get(self, name: str) -> StudySpec:
        """The study of that id. Raises SpecError where there is none or its file is broken."""
        for study in self.found:
            if study.id == name:
                return study
        for broken in self.broken:
            if broken.name == name:
                raise SpecError(f"The study file {broken.path} cannot be used.", broken.reason)
        raise SpecError(f"There is no study named {name!r}.", f"There are: {', '.join(s.id for s in self.found)}.")


def all_studies(folders: Sequence[Path] = ()) -> Studies:
    """The bundled studies and those of the user's folders. A broken file is listed with what is wrong."""
    found: dict[str, StudySpec] = {}
    broken: list[Broken] = []
    for folder in (BUNDLED, *folders):
        for path in sorted(folder.glob("*.toml")):
            try:
                if not path.is_file():
                    raise SpecError(f"{path}: it is no ordinary file.", "A study is a TOML file in UTF-8.")
                study = read(path)
                if study.id in found:
                    raise SpecError(f"{path}: id: another study is named {study.id!r} already.", "Choose another name.")
                found[study.id] = study
            except LabError as error:
                broken.append(Broken(path.stem, str(path), str(error)))
            except Exception:  # noqa: BLE001 - whatever a user's file brings about is shown to the user
                broken.append(Broken(path.stem, str(path), traceback.format_exc()))
    return Studies(tuple(sorted(found.values(), key=lambda s: (s.order, s.id))), tuple(broken))


def load(name: str, folders: Sequence[Path] = ()) -> StudySpec:
    """One study by its id. Raises SpecError where there is none or its file is broken."""
    return all_studies(folders).get(name)


def read(path: Path) -> StudySpec:
    """The study of one file. Raises SpecError naming file and field."""
    try:
        plain = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SpecError(f"{path}: {error}.", "A study is a TOML file in UTF-8.") from error
    try:
        study = StudySpec.model_validate(plain)
    except ValidationError as error:
        raise SpecError(f"{path}: {misfit(error)}.", "docs/architecture.md says what a study holds.") from error
    if study.id != path.stem:
        raise SpecError(f"{path}: id: it is {study.id!r}, and the file is named {path.stem!r}.", "Make them the same.")
    _check_plugins(path, study)
    return study


def likely(studies: Sequence[StudySpec], last: RunSpec) -> list[RunSpec]:
    """Runs that may come after `last`: one of each study that can be run on its model with the study's own data."""
    found = []
    for study in studies:
        try:
            trial = plan(study, seeds=1)
            runs = runs_of(trial.model_copy(update={"model": last.model}))
            found += [run for run in runs if run.model.digest == last.model.digest][:1]
        except LabError:  # whoever asks for this study is told why it cannot be run
            continue
    return found


def plan(
    study: StudySpec,
    scale: str = "quick",
    seeds: int | None = None,
    arms: Sequence[str] | None = None,
    model: str | None = None,
    data: Path | str | None = None,
    options: Options | None = None,
    models: Mapping[str, str] | None = None,
    until: Until | None = None,
) -> TrialSpec:
    """A study as it is to be run (`prepare`, without what was understood of the data)."""
    return prepare(study, scale, seeds, arms, model, data, options, models, until).trial


def prepare(
    study: StudySpec,
    scale: str = "quick",
    seeds: int | None = None,
    arms: Sequence[str] | None = None,
    model: str | None = None,
    data: Path | str | None = None,
    options: Options | None = None,
    models: Mapping[str, str] | None = None,
    until: Until | None = None,
) -> Prepared:
    """A study as it is to be run. Model and data are resolved and checked here, before anything is queued.

    Args:
        scale: One of the study's scales.
        seeds: Runs per arm, all of which are run; None: the scale's, or as many as `until` comes to need.
        arms: Names of arms, in any order; None: all. They are run in the study's order, with those they need.
        model: A bundled model's name or a folder; None: the study's own, else the first bundled one.
        data: A user's file instead of the study's data.
        options: How the file is read and the runs are sized; None: the defaults.
        models: What plays the study's further models, by role, over the study's own: names or folders.
        until: Go on until neither verdict nor answer is open; None: where the scale has looks and no seeds are given.

    Raises:
        SpecError: An unknown scale, arm or role, a number of seeds or a batch size out of range, seeds both fixed and
            until it is settled, data the study cannot take, or arms that need each other's weights in a circle.
        ModelError, DataError, PluginError: A model, the data or a plug-in cannot be used.
    """
    if scale not in study.scales:
        raise SpecError(f"Study {study.id!r} has no scale {scale!r}.", f"Its scales: {', '.join(study.scales)}.")
    looks = _looks(study.scales[scale], scale, seeds, until)
    count = looks[-1] if looks else study.scales[scale].seeds if seeds is None else seeds
    if isinstance(count, bool) or not 1 <= count <= MOST_SEEDS:
        raise SpecError(f"{count} is no number of seeds.", f"Choose from 1 to {MOST_SEEDS}.")
    options = options or Options()
    if data is not None:
        if not study.accepts_data:
            raise SpecError(f"Study {study.id!r} takes no data of yours.", "`python main.py studies` says which do.")
        study = study.on_own_data()
    elif options.grader or options.skip_bad_rows:
        raise SpecError("How a file is read was chosen, and no file.", "Name a data file, or leave these options out.")
    study = _resized(study, scale, options.batch_size)
    wanted = {study.arm(name).name for name in arms} if arms is not None else {arm.name for arm in study.arms}
    if not wanted:
        raise SpecError("No arm is chosen.", f"The arms of {study.id!r}: {', '.join(a.name for a in study.arms)}.")

    reference = base_models.resolve(model or study.model or None)
    further = _further(study, models or {})
    path = Path(data) if data is not None else None
    found = sources.prepare(study, path, grader=options.grader, skip_bad_rows=options.skip_bad_rows)
    chosen = needed_arms(study, tuple(arm.name for arm in study.arms if arm.name in wanted))
    trial = TrialSpec(
        study=study, scale=scale, seeds=count, arms=chosen, model=reference, models=further, data=found.ref,
        looks=looks,
    )  # fmt: skip
    own = path is not None or any(each.name not in bundled.names() for each in (reference, *further.values()))
    return Prepared(with_uses(trial, runs_of(trial)), found.understanding, own, tuple(sorted(set(chosen) - wanted)))


def _looks(sizes: ScaleSpec, scale: str, seeds: int | None, until: Until | None) -> tuple[int, ...]:
    """The looks of a trial that goes on until it is settled; empty where its seeds are fixed."""
    if until is None:
        return sizes.looks if seeds is None else ()
    if seeds is not None:
        raise SpecError(
            "A number of seeds was fixed, and to go on until it is settled was asked for as well.",
            "Leave out --seeds, or --until-settled and --max-seeds.",
        )
    if scale == "smoke":
        raise SpecError("Smoke scale is never settled.", "Choose quick or full, or a number of seeds.")
    if until.most is not None and (isinstance(until.most, bool) or not 2 <= until.most <= MOST_SEEDS):
        raise SpecError(f"{until.most} is no number of seeds to end with.", f"Choose from 2 to {MOST_SEEDS}.")
    return sizes.looks_until(until.most)


def _further(study: StudySpec, chosen: Mapping[str, str]) -> dict[str, ModelRef]:
    """The study's further models by role, resolved and checked as the base model is.

    Raises:
        SpecError: The study has no such role.
        ModelError: A model cannot be used.
    """
    if unknown := sorted(set(chosen) - set(study.models)):
        there = ", ".join(study.models) or "none"
        raise SpecError(f"Study {study.id!r} has no further model {unknown[0]!r}.", f"Its further models: {there}.")
    found: dict[str, ModelRef] = {}
    for role, usual in study.models.items():
        try:
            found[role] = base_models.resolve(chosen.get(role, usual))
        except LabError as error:
            raise type(error)(f"The model for {role!r}: {error.message}", error.hint) from error
    return found


def _resized(study: StudySpec, scale: str, batch_size: int | None) -> StudySpec:
    """The study with another batch size at this scale; None: as it is."""
    if batch_size is None:
        return study
    if isinstance(batch_size, bool) or not 1 <= batch_size <= MOST_BATCH:
        raise SpecError(f"{batch_size} is no batch size.", f"Choose from 1 to {MOST_BATCH} examples a step.")
    scales = {
        name: sizes.model_copy(update={"batch_size": batch_size}) if name == scale else sizes
        for name, sizes in study.scales.items()
    }
    return study.model_copy(update={"scales": scales})


def _check_plugins(path: Path, study: StudySpec) -> None:
    """Everything that the study names is there, and its settings fit. Raises SpecError naming file and field."""
    for n, arm in enumerate(study.arms):
        where = f"{path}: arms.{n}"
        cls = _plugin(f"{where}.method", method_class, arm.method)
        _check_settings(f"{where}.settings of the arm {arm.name!r}", cls.Config, arm.settings)
    for n, probe in enumerate(study.probes):
        where = f"{path}: probes.{n}"
        cls = _plugin(f"{where}.probe", probe_class, probe.probe)
        _check_settings(f"{where}.settings of the probe {probe.probe!r}", cls.Config, probe.settings)
    data = _plugin(f"{path}: data", lambda options: sources.own(study.data, options, "It"), study.data_options)
    for n, arm in enumerate(study.arms):
        _plugin(f"{path}: arms.{n}.data", lambda options: sources.with_options(data, options), arm.data)
    _plugin(str(path), check_figures, study)
    _plugin(f"{path}: arms", lambda names: needed_arms(study, names), tuple(arm.name for arm in study.arms))


def _plugin(where: str, find: Callable[[Any], Any], name: Any) -> Any:
    try:
        return find(name)
    except LabError as error:
        raise SpecError(f"{where}: {error.message}", error.hint) from error


def _check_settings(where: str, config: type[BaseModel], settings: dict[str, Any]) -> None:
    try:
        config.model_validate(settings)
    except ValidationError as error:
        raise SpecError(f"{where}: {misfit(error)}.", f"There are: {fields_for(error, config)}.") from error
