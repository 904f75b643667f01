"""Where a study's data come from: the bundled world, or a user's file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

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
from engine.world import tasks as of_world
from engine.world.study_data import identity, source_of, study_data, task_of
from engine.world.tasks._base import Task

FILE = "file"


@dataclass(frozen=True)
class SourceInfo:
    """A source of the lab's own, as people choose it.

    Attributes:
        name: As a study's file names it, e.g. "world.routes".
        splits: Split -> what it holds out, with the default options.
        options: JSON schema of its options, each with a default and a description.
    """

    name: str
    title: str
    about: str
    splits: dict[str, str]
    options: dict[str, Any]


def sources() -> list[SourceInfo]:
    """Every source of the lab's own, and of the user's tasks."""
    return [
        SourceInfo(source_of(name), each.title, each.about, dict(each.splits), each.Options.model_json_schema())
        for name, each in of_world.tasks().items()
    ]


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
        SpecError: The study takes no file, names data that do not exist, or options that they do not have.
        DataError: The file cannot be used.
    """
    if path is None:
        return _own(study)
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
        ref = _own(study)
        return Prepared(ref, load(ref))
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
        SpecError: The source has no such options.
    """
    name = task_of(ref.source)
    if name is not None:
        if ref.digest and ref.digest != own(ref.source, ref.options).digest:
            raise DataError(
                f"The bundled data {printable(ref.source)!r} have changed since this run was queued.",
                "Finished runs are kept. Queue the study again to run it on the new data.",
            )
        return study_data(name, ref.options)
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


def _own(study: StudySpec) -> DataRef:
    return own(study.data, study.data_options, f"Study {study.id!r}")


def own(source: str, options: Mapping[str, Any], who: str = "This") -> DataRef:
    """A reference to a source of the lab's own.

    Args:
        options: Over the source's defaults; all are written into the reference.
        who: Who names it, for errors.

    Raises:
        SpecError: There is no such source, or it has no such options.
    """
    name = task_of(source)
    if name is None:
        raise SpecError(f"{who} names data {printable(source)!r}.", _there_are())
    written = of_world.task(name).options(options).model_dump(mode="json")
    return DataRef(source=source_of(name), digest=digest(identity(name, written)), options=written)


def with_options(ref: DataRef, options: Mapping[str, Any]) -> DataRef:
    """The same source asked for something else, over what it was asked for.

    Raises:
        SpecError: It has no such options; a user's file has none.
    """
    if not options:
        return ref
    if ref.source == FILE:
        raise SpecError(
            f"A file has no options, but an arm names {printable(', '.join(options))}.", "Leave that arm out."
        )
    return own(ref.source, {**ref.options, **options}, "An arm")


def _there_are() -> str:
    return f"There are: {', '.join(sorted(source.name for source in sources()))}."


def _absolute(path: Path) -> Path:
    try:
        return path.expanduser().resolve()
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, no home, a NUL in the path
        raise DataError(f"{name_of(path)} is no usable path.", "Nothing was queued. Check the path.") from error


def task(name: str) -> Task[Any, Any]:
    """The task of the world of that name: how probes and methods reach solvers, grading and corruptions.

    Raises:
        DataError: There is none.
    """
    known = of_world.found().classes
    if name not in known:
        raise DataError(f"There is no task named {printable(name)!r}.", f"There are: {', '.join(sorted(known))}.")
    return of_world.task(name)
