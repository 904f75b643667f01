"""What a user can do, one small function each. They run off the window's thread and raise LabErrors.

Imports of `jobs` stand inside the functions, so that the window is drawn before the database library is loaded.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from engine.spec.errors import StoreError
from engine.spec.plugins.discovery import Broken
from engine.spec.result import Result
from engine.spec.runs import Detectable
from engine.spec.study import Scale, StudySpec
from engine.spec.trial import TrialSpec
from engine.spec.understanding import Inspection
from engine.stats.metric import Metric
from gui.look import theme
from jobs.store.records import Curves, Snapshot

if TYPE_CHECKING:
    from engine.data.tables.choices import Choices, Source
    from engine.data.tables.table import Table
    from engine.models.hub import Details, Found
    from jobs.elsewhere.judge import Contents, Thresholds
    from jobs.elsewhere.kept import Kept
    from jobs.elsewhere.roles import Roles
    from jobs.paths import Home

log = logging.getLogger("tuning_fork.window")
LOG_TAIL = 200_000
"""The last bytes of a run's log that the window shows; the file holds everything."""


class LabLike(Protocol):  # each member is described where it is implemented
    """What the window needs of `jobs.lab.Lab`."""

    @property
    def home(self) -> Home: ...  # noqa: D102

    def studies(self) -> list[StudySpec]: ...  # noqa: D102

    def broken(self) -> list[Broken]: ...  # noqa: D102

    def enqueue(self, trial: TrialSpec) -> str: ...  # noqa: D102

    def trial(self, trial: str) -> TrialSpec: ...  # noqa: D102

    def cancel(self, run: str) -> None: ...  # noqa: D102

    def cancel_trial(self, trial: str) -> None: ...  # noqa: D102

    def retry(self, run: str) -> None: ...  # noqa: D102

    def first(self, run: str) -> None: ...  # noqa: D102

    def warm(self) -> None: ...  # noqa: D102

    def pause(self) -> None: ...  # noqa: D102

    def resume(self) -> None: ...  # noqa: D102

    def snapshot(self, trial: str | None = None) -> Snapshot: ...  # noqa: D102

    def curves(self, trial: str, since: int = 0) -> Curves: ...  # noqa: D102

    def result(self, trial: str) -> Result: ...  # noqa: D102

    def detectable(  # noqa: D102
        self, study: StudySpec, scale: Scale, seeds: int, *, looks: tuple[int, ...] = ()
    ) -> Detectable | None: ...

    def export_items(self, trial: str, path: Path) -> object: ...  # noqa: D102

    def close(self, timeout: float = ...) -> object: ...  # noqa: D102


@dataclass(frozen=True)
class Outline:
    """What only a study's plug-ins know of it.

    Attributes:
        roles: Role -> the arm that plays it in the rule; the first is the arm that the question is about.
        untrained: Arms that train nothing.
        once: Arms that another seed does not change, so that they are run once.
        needs: Arm -> the other arms whose weights it needs.
    """

    roles: Mapping[str, str] = field(default_factory=dict)
    untrained: frozenset[str] = frozenset()
    once: frozenset[str] = frozenset()
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class Size(NamedTuple):
    """How many seeds a study is run with, at which scale.

    Attributes:
        seeds: How many; where it goes on until it is settled, the most.
        looks: After how many seeds it is looked at, where it goes on until it is settled; empty: seeds are fixed.
    """

    scale: Scale
    seeds: int
    looks: tuple[int, ...] = ()

    @property
    def fewest(self) -> int:
        """How many seeds are run in any case."""
        return self.looks[0] if self.looks else self.seeds


@dataclass(frozen=True)
class Launch:
    """What a user chose on a study's card; None stands for the study's own.

    Attributes:
        seeds: All of which are run.
        most_seeds: Go on until it is settled, and end after so many seeds in any case; not together with `seeds`.
            With neither, the scale says what is usual.
        arms: Names of the arms that are run, in the study's order; None: all.
        models: Further models of the study: (role, a bundled model's name or a folder), where another than the
            study's own is chosen.
    """

    scale: str
    seeds: int | None = None
    most_seeds: int | None = None
    model: str | None = None
    data: Path | None = None
    grader: Literal["", "strict", "bfcl"] = ""
    skip_bad_rows: bool = False
    batch_size: int | None = None
    arms: tuple[str, ...] | None = None
    models: tuple[tuple[str, str], ...] = ()


def open_lab(home: Path | None) -> LabLike:
    """Open the data folder. Raises StoreError where another process has it or it cannot be used."""
    from jobs.lab import Lab
    from jobs.paths import Home

    return Lab(Home.at(home))


def close_lab(lab: LabLike, timeout: float) -> None:
    """Stop runs at a checkpoint and let the data folder go."""
    lab.close(timeout)


def metrics() -> dict[str, Metric]:
    """Every probe's figures, by "probe.metric"."""
    from engine.probes import found

    return {f"{name}.{m.name}": m for name, probe in found().classes.items() for m in probe.metrics}


def outline(study: StudySpec) -> Outline:
    """What only its plug-ins know of a study; nothing where one of them fails, which its trials then say."""
    from engine.rules import rule_of
    from engine.run.planned import method_of, needed_arms

    try:
        needs = {arm.name: tuple(n for n in needed_arms(study, (arm.name,)) if n != arm.name) for arm in study.arms}
        methods = {arm.name: method_of(arm) for arm in study.arms}
        untrained = frozenset(name for name, method in methods.items() if not method.trains)
        once = frozenset(name for name, method in methods.items() if not method.seeded)
        return Outline(rule_of(study).roles(), untrained, once, needs)
    except Exception:  # whatever a user's file raises: the window opens all the same
        log.exception("the study %s cannot be outlined", study.id)
        return Outline()


def models() -> tuple[str, ...]:
    """Names of the bundled models, the default first."""
    from engine.models import bundled

    return tuple(bundled.names())


def downloaded_models(lab: LabLike) -> tuple[str, ...]:
    """Names of the models that were downloaded from the hub."""
    from engine.models import downloaded

    return tuple(model.name for model in downloaded.every(lab.home.models))


def search_hub(_lab: LabLike, words: str) -> list[Found]:
    """Text-generating models of the hub. Raises HubError where it cannot be asked."""
    from engine.models import hub

    return hub.search(words)


def hub_details(_lab: LabLike, repository: str) -> Details:
    """What a model of the hub is, before it is downloaded. Raises HubError."""
    from engine.models import hub

    return hub.details(repository)


def download_model(
    lab: LabLike, model: Details, progress: Callable[[int, int], object], cancelled: threading.Event
) -> str:
    """Download a model into the data folder. Gives the name by which it is chosen.

    Raises:
        ModelError: It was given up, it cannot be had, or it cannot be used.
    """
    from engine.models import hub

    return hub.download(model, lab.home.models, progress, cancelled).name


def launch(lab: LabLike, study: StudySpec, choice: Launch) -> str:
    """Plan a trial and queue what of it is not finished yet. Gives the trial's id.

    Raises:
        LabError: Model or data cannot be used; nothing was queued then.
    """
    lab.warm()  # the training libraries load while the model and the data are checked
    return lab.enqueue(plan(lab, study, choice))


def audit_warning(lab: LabLike, trial: str) -> str:
    """One line where the design audit of a trial fails, so that it gives no verdict; "" where it passes."""
    from jobs import auditing

    return " ".join(auditing.warnings(lab.trial(trial).audit))


def plan(lab: LabLike, study: StudySpec, choice: Launch) -> TrialSpec:
    """The trial this choice stands for. Raises LabError where model or data cannot be used."""
    from jobs.launch import ready

    return ready(lab.home, study, **_arguments(lab, choice))


def inspect(lab: LabLike, study: StudySpec, choice: Launch, cancel: threading.Event) -> Inspection | None:
    """What the lab understands of a choice's model and data; None where both are the lab's own.

    Raises:
        LabError: They cannot be used, or not with each other; or it was cancelled.
    """
    from jobs import launch
    from jobs.studies import prepare

    planned = prepare(study, **_arguments(lab, choice))
    return launch.inspected(lab.home, planned, cancel) if planned.own else None


def _arguments(lab: LabLike, choice: Launch) -> dict[str, Any]:
    from engine.models.downloaded import located
    from jobs.studies import Options, Until

    options = Options(choice.grader, choice.skip_bad_rows, choice.batch_size)
    model = located(choice.model, lab.home.models)
    others = {role: located(name, lab.home.models) for role, name in choice.models}
    return {
        "scale": choice.scale, "seeds": choice.seeds, "until": Until(choice.most_seeds) if choice.most_seeds else None,
        "arms": choice.arms, "model": model, "models": others,
        "data": choice.data, "options": options,
    }  # fmt: skip


def resume_trial(lab: LabLike, trial: str) -> str:
    """Queue again what of a trial was stopped or failed; finished runs are kept. Gives the trial's id."""
    lab.warm()
    return lab.enqueue(lab.trial(trial))


def cancel_run(lab: LabLike, run: str) -> None:
    """Stop a run, or take it out of the queue."""
    lab.cancel(run)


def cancel_trial(lab: LabLike, trial: str) -> None:
    """Stop every run of a trial that has not ended."""
    lab.cancel_trial(trial)


def retry_run(lab: LabLike, run: str) -> None:
    """Queue a run again, from its newest checkpoint."""
    lab.retry(run)


def first_run(lab: LabLike, run: str) -> None:
    """Move a queued run to the front of the queue."""
    lab.first(run)


def pause_queue(lab: LabLike) -> None:
    """Start no further run until `resume_queue`."""
    lab.pause()


def resume_queue(lab: LabLike) -> None:
    """Go on with the queue."""
    lab.resume()


def load_result(lab: LabLike, trial: str) -> Result:
    """Analyse a trial."""
    return lab.result(trial)


def export_report(_lab: LabLike, result: Result, path: Path) -> Path:
    """Write the report of a result as it is shown, in the format of the path's suffix.

    Raises:
        ReportError: It cannot be written.
    """
    from jobs import report

    report.write(result, path)
    return path


def export_items(lab: LabLike, trial: str, path: Path) -> Path:
    """Write every item's outcome as a table. Raises LabError where it cannot be written."""
    lab.export_items(trial, path)
    return path


def detectable(lab: LabLike, study: StudySpec, size: Size) -> Detectable | None:
    """The smallest difference that a study would find; None where nothing is known to expect it from."""
    return lab.detectable(study, size.scale, size.seeds, looks=size.looks)


def read_table(_lab: LabLike, sources: Sequence[Source], choices: Choices | None = None) -> Contents:
    """Read results from elsewhere.

    Raises:
        Unclear: Something has to be said first.
        DataError: A file cannot be used; names file, row and field.
    """
    from jobs.elsewhere.judge import describe_file

    return describe_file(sources, choices)


def judge_table(_lab: LabLike, table: Table, parts: Roles, limits: Thresholds) -> Kept:
    """Judge results from elsewhere, with their arms in these parts."""
    from jobs.elsewhere import judge
    from jobs.elsewhere.kept import Kept

    return Kept(judge.judge_table(table, parts, limits), time.time())


def keep_table(lab: LabLike, result: Result) -> None:
    """Keep a judged table for the next start. Raises ReportError where that is not possible."""
    from jobs.elsewhere.kept import keep

    keep(lab.home, result)


def kept_tables(lab: LabLike) -> dict[str, Kept]:
    """The judged tables that were kept, by name, the newest last."""
    from jobs.elsewhere.kept import kept

    return kept(lab.home)


def read_log(lab: LabLike, run: str) -> str:
    """The end of a run's log, whatever bytes it holds. Raises StoreError where there is none."""
    path = lab.home.run(run) / "run.log"
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - LOG_TAIL))
            tail = file.read(LOG_TAIL).decode("utf-8", "replace")
    except FileNotFoundError:
        raise StoreError("This run has written no log yet.", "A log appears when the run starts.") from None
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror or error}.") from error
    return tail if size <= LOG_TAIL else f"(the last {LOG_TAIL:,} of {size:,} bytes)\n{tail}"


def keep_appearance(lab: LabLike, mode: theme.Mode) -> None:
    """Remember light, dark or system for the next start. Raises StoreError where that is not possible."""
    path = lab.home.folder / theme.APPEARANCE_FILE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        theme.write_mode(path, mode)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written: {error.strerror or error}.", "The appearance is not kept."
        ) from error
