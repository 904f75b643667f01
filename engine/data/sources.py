"""Where a study's data come from: the bundled world, or a user's file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine import world
from engine.data.formats import read_source
from engine.data.problems import name_of, printable
from engine.data.split import split
from engine.errors import DataError, SpecError
from engine.example import StudyData
from engine.spec import DataRef, StudySpec, digest

FILE = "file"


def _tools() -> StudyData:
    from engine.world.calling import study_data

    return study_data()


def _entailment() -> StudyData:
    from engine.world.entailment import study_data

    return study_data()


BUNDLED: dict[str, Callable[[], StudyData]] = {"world.tools": _tools, "world.entailment": _entailment}


def resolve(study: StudySpec, path: str | Path | None) -> DataRef:
    """What a study is to be trained and measured on; a user's file is read in full, down to its split.

    Args:
        path: A user's file; None for the study's own data.

    Raises:
        SpecError: The study takes no file, or names data that do not exist.
        DataError: The file cannot be used.
    """
    if path is None:
        if study.data not in BUNDLED:
            raise SpecError(f"Study {study.id!r} names data {study.data!r}.", _there_are())
        return DataRef(source=study.data, digest=_bundled_digest(study.data))
    if not study.accepts_data:
        raise SpecError(
            f"Study {study.id!r} is about its own data and takes no file.",
            "Leave the file out, or choose a study that takes one.",
        )
    file = _absolute(Path(path))
    source = read_source(file)
    split(source.examples, name_of(file), source.digest)
    return DataRef(source=FILE, path=str(file), digest=source.digest)


def load(ref: DataRef) -> StudyData:
    """The data of a reference.

    Raises:
        DataError: The file has changed or gone since the reference was made, or the bundled world has.
    """
    if ref.source in BUNDLED:
        if ref.digest and ref.digest != _bundled_digest(ref.source):
            raise DataError(
                f"The bundled data {ref.source!r} have changed since this run was queued.",
                "Finished runs are kept. Queue the study again to run it on the new data.",
            )
        return BUNDLED[ref.source]()
    if ref.source != FILE:
        raise DataError(f"There are no data named {printable(ref.source)!r}.", _there_are())
    file = Path(ref.path)
    source = read_source(file)
    if source.digest != ref.digest:
        raise DataError(
            f"{name_of(file)} has changed since this run was queued.",
            "Finished runs are kept. Put the old file back and retry, or queue the study again with the new one.",
        )
    return split(source.examples, name_of(file), source.digest)


def _there_are() -> str:
    return f"There are: {', '.join(sorted(BUNDLED))}."


def _bundled_digest(source: str) -> str:
    return digest([source, world.VERSION])


def _absolute(path: Path) -> Path:
    try:
        return path.expanduser().resolve()
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, no home, a NUL in the path
        raise DataError(f"{name_of(path)} is no usable path.", "Nothing was queued. Check the path.") from error
