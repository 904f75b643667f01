"""Where the lab keeps what it makes: one data folder, and what lies in it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from engine.spec.errors import StoreError

HOME_VARIABLE = "TUNING_FORK_HOME"


@dataclass(frozen=True)
class Home:
    """A data folder. Nothing is created before `create()`.

    Attributes:
        folder: Absolute path of the data folder.
    """

    folder: Path

    @classmethod
    def at(cls, folder: Home | Path | str | None = None) -> Home:
        """The given folder, else `$TUNING_FORK_HOME`, else the user's data folder of this system."""
        if isinstance(folder, Home):
            return folder
        chosen = folder or os.environ.get(HOME_VARIABLE) or platformdirs.user_data_path("tuning-fork", appauthor=False)
        return cls(Path(chosen).expanduser().absolute())

    @property
    def database(self) -> Path:
        """The SQLite database: queue, events, outcomes."""
        return self.folder / "lab.db"

    @property
    def suspect(self) -> Path:
        """There once the database was seen to be damaged: the next owner looks through all of it."""
        return self.folder / "lab.db-suspect"

    @property
    def runs(self) -> Path:
        """One folder a run, named by the run's hash."""
        return self.folder / "runs"

    @property
    def trials(self) -> Path:
        """One JSON file a trial: with the run folders, all that a lost database is rebuilt from."""
        return self.folder / "trials"

    @property
    def looks(self) -> Path:
        """Which figures were shown, when and by which trial: one line for each look, never rewritten."""
        return self.folder / "looks.ndjson"

    @property
    def studies(self) -> Path:
        """The user's own studies (*.toml)."""
        return self.folder / "studies"

    @property
    def reports(self) -> Path:
        """Where reports go unless the user says otherwise."""
        return self.folder / "reports"

    @property
    def inspections(self) -> Path:
        """What was found out about models and data, one file each; all of it can be found out again."""
        return self.folder / "inspections"

    @property
    def audits(self) -> Path:
        """What the design audit found, one file each; all of it can be found out again."""
        return self.folder / "audits"

    @property
    def models(self) -> Path:
        """Models downloaded from the hub, one folder each."""
        return self.folder / "models"

    @property
    def recipes(self) -> Path:
        """Runs on development seeds (`tune-recipe`), one folder each: no study's, and no part of the database."""
        return self.folder / "recipes"

    @property
    def weights(self) -> Path:
        """What runs have trained, one folder for each `TuneSpec`, named by its hash."""
        return self.folder / "weights"

    @property
    def plugins(self) -> Path:
        """The user's own plug-ins, one folder a kind; their studies lie in `studies` of it."""
        return self.folder / "plugins"

    @property
    def study_folders(self) -> tuple[Path, ...]:
        """Where the user's own studies lie."""
        return self.studies, self.plugins / "studies"

    @property
    def lock(self) -> Path:
        """Held open by the one process that owns this folder."""
        return self.folder / "owner.lock"

    @property
    def owner(self) -> Path:
        """Who holds the lock, as JSON (a locked file cannot be read on Windows)."""
        return self.folder / "owner.json"

    @property
    def log(self) -> Path:
        """What went wrong in the background, with tracebacks."""
        return self.folder / "lab.log"

    def run(self, run: str) -> Path:
        """The folder of a run. Raises StoreError where the name is no run's hash."""
        if not run or not all(c in "0123456789abcdef" for c in run):
            raise StoreError(f"{run!r} does not name a run.", "A run is named by 16 hexadecimal digits.")
        return self.runs / run

    def tell(self) -> Home:
        """Let this process and its children know where downloaded models and the user's plug-ins lie.

        To be called before anything is looked for there.
        """
        from engine.models import downloaded
        from engine.spec.plugins import discovery

        os.environ[downloaded.VARIABLE] = str(self.models)
        os.environ[discovery.FOLDER] = str(self.plugins)
        return self

    def create(self) -> Home:
        """Make the folders. Raises StoreError where that is not possible."""
        from engine.spec.plugins.discovery import BASES, folder_name

        kinds = [self.plugins / folder_name(kind) for kind in (*BASES, "studies")]
        try:
            for folder in (self.folder, self.runs, self.trials, self.studies, self.reports, self.weights, *kinds):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"The data folder {self.folder} cannot be made: {error.strerror or error}.",
                f"Choose another with --home or the variable {HOME_VARIABLE}.",
            ) from error
        return self


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON file so that a reader, or a kill at any moment, sees the old file or the new one, never a part."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with draft.open("w", encoding="utf-8") as file:
            json.dump(value, file, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a JSON file; None where there is no such file or it holds no object."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None
