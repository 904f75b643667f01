"""Where a study's data come from: the bundled world, or a user's file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from engine import world
from engine.data.conversation import Grader
from engine.data.formats import read_source
from engine.data.problems import name_of, printable
from engine.data.split import split
from engine.data.summary import understood
from engine.spec.errors import DataError, SpecError
from engine.spec.example import Example, StudyData
from engine.spec.reference import DataRef
from engine.spec.run import digest
from engine.spec.study import StudySpec
from engine.spec.understanding import Understanding

FILE = "file"


def _tools() -> StudyData:
    from engine.world.tasks.calling import study_data

    return study_data()


def _entailment() -> StudyData:
    from engine.world.tasks.entailment import study_data

    return study_data()


BUNDLED: dict[str, Callable[[], StudyData]] = {"world.tools": _tools, "world.entailment": _entailment}


@dataclass(frozen=True)
class Prepared:
    """A study's data, read once.

    Attributes:
        examples: All examples of a user's file before its split; none for a study's own data.
        understanding: What was understood of a user's file; None for a study's own data.
    """

    ref: DataRef
    data: StudyData
    examples: tuple[Example, ...] = ()
    understanding: Understanding | None = None


def resolve(
    study: StudySpec, path: str | Path | None, grader: Grader | Literal[""] = "", skip_bad_rows: bool = False
) -> DataRef:
    """What a study is to be trained and measured on; a user's file is read in full, down to its split.

    Args:
        path: A user's file; None for the study's own data.
        grader: How calls are compared; "": as the form of the file has it.
        skip_bad_rows: Whether rows that cannot be used are left out; otherwise they refuse the file.

    Raises:
        SpecError: The study takes no file, or names data that do not exist.
        DataError: The file cannot be used.
    """
    if path is None:
        return _bundled(study)
    return prepare(study, path, grader, skip_bad_rows).ref


def prepare(
    study: StudySpec,
    path: str | Path | None,
    grader: Grader | Literal[""] = "",
    skip_bad_rows: bool = False,
    without: Collection[int] = (),
) -> Prepared:
    """The same with the data themselves and what was understood of them, so that a file is read once.

    Args:
        without: Rows of the file that are left out, since the model's chat template refuses them.
    """
    if path is None:
        ref = _bundled(study)
        return Prepared(ref, BUNDLED[ref.source]())
    if not study.accepts_data:
        raise SpecError(
            f"Study {study.id!r} is about its own data and takes no file.",
            "Leave the file out, or choose a study that takes one.",
        )
    file = _absolute(Path(path))
    gone = tuple(sorted(set(without)))
    source = read_source(file, grader, skip_bad_rows, gone)
    ref = DataRef(
        source=FILE, path=str(file), digest=source.digest, grader=grader, skip_bad_rows=skip_bad_rows, without=gone
    )
    data = split(source.examples, name_of(file), source.digest)
    return Prepared(ref, data, source.examples, understood(source, data))


def leave_out(prepared: Prepared, rows: Collection[int]) -> Prepared:
    """The data of a user's file without some of its rows, which the model's chat template refuses.

    Raises:
        DataError: Too few examples are left, or the file has changed.
    """
    ref = prepared.ref
    gone = tuple(sorted({*ref.without, *rows}))
    file = Path(ref.path)
    source = read_source(file, ref.grader, ref.skip_bad_rows, gone)
    _check_same(source.digest, ref)
    data = split(source.examples, name_of(file), source.digest)
    return Prepared(ref.model_copy(update={"without": gone}), data, source.examples, understood(source, data))


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
    source = read_source(file, ref.grader, ref.skip_bad_rows, ref.without)
    _check_same(source.digest, ref)
    return split(source.examples, name_of(file), source.digest)


def _check_same(digest: str, ref: DataRef) -> None:
    if digest != ref.digest:
        raise DataError(
            f"{name_of(Path(ref.path))} has changed since this run was queued.",
            "Finished runs are kept. Put the old file back and retry, or queue the study again with the new one.",
        )


def _bundled(study: StudySpec) -> DataRef:
    if study.data not in BUNDLED:
        raise SpecError(f"Study {study.id!r} names data {study.data!r}.", _there_are())
    return DataRef(source=study.data, digest=_bundled_digest(study.data))


def _there_are() -> str:
    return f"There are: {', '.join(sorted(BUNDLED))}."


def _bundled_digest(source: str) -> str:
    return digest([source, world.VERSION])


def _absolute(path: Path) -> Path:
    try:
        return path.expanduser().resolve()
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, no home, a NUL in the path
        raise DataError(f"{name_of(path)} is no usable path.", "Nothing was queued. Check the path.") from error


def task(name: str) -> Any:
    """The task of the world of that name. Raises DataError where there is none."""
    from engine.world.tasks._found import TASKS

    if name not in TASKS:
        raise DataError(f"There is no task named {printable(name)!r}.", f"There are: {', '.join(sorted(TASKS))}.")
    return TASKS[name]


def with_options(ref: DataRef, options: Mapping[str, Any]) -> DataRef:
    """The same source asked for something else, over what it was asked for."""
    return ref if not options else ref.model_copy(update={"options": {**ref.options, **options}})
