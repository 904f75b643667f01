"""Logs of inspect_ai: a JSON file with `eval` and `samples`, or an .eval file, which is a zip archive of such JSON.

Each sample becomes a row: `id`, `epoch`, `model`, `task`, `target`, `answer`, and a column `scores.NAME` for each
scorer. Nothing is unpacked to disk.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.data.problems import printable, unusable
from engine.data.tables.rows.json_rows import MOST_BYTES
from engine.data.tables.rows.unpacking import EXPECTED, FEWER

SCORES = "scores."
_HEAD = re.compile(r'\s*\{\s*"(version|status|eval|plan|samples)"\s*:')
_MOST_ENTRIES = 200_000
_CONVERT = "Write the log as JSON: inspect log convert FILE --to json --output-dir FOLDER."


@dataclass(frozen=True)
class Log:
    """A log's samples as rows, and what is to be known of it."""

    rows: Iterator[tuple[int, dict[str, Any]]]
    notes: tuple[str, ...]


def of_json(path: Path, text: str) -> Log | None:
    """The log that a text is; None where it is none.

    Raises:
        DataError: It is a log without samples.
    """
    if not _HEAD.match(text[:200]):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        if not _is_log(text):
            return None
        where = (
            f"{error.msg} at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else printable(str(error))
        )
        what = f"is a log of inspect_ai that is cut off or damaged ({where})"
        raise unusable(path, what, "Copy or write it anew.") from error
    if not isinstance(found, dict) or not isinstance(found.get("eval"), dict):
        return None
    samples = found.get("samples")
    if not isinstance(samples, list) or not samples:
        raise unusable(path, "is a log of inspect_ai without samples", "Log the samples too (log_samples=True).")
    return Log(_rows(found["eval"], samples), _notes(path, found))


def _is_log(text: str) -> bool:
    """Whether a text that is no JSON as a whole was to be a log; JSON lines may begin alike."""
    try:
        json.loads(text.lstrip().split("\n", 1)[0])
    except (ValueError, RecursionError):
        return '"eval"' in text or '"samples"' in text
    return False


def of_zip(path: Path, data: bytes) -> Log | None:
    """The log that a zip archive is; None where it is none.

    Raises:
        DataError: It is damaged, too large, or compressed in a way that is not read here.
    """
    if b"header.json" not in data and b"_journal/start.json" not in data:
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            if "header.json" not in names and "_journal/start.json" not in names:
                return None
            wanted = [name for name in names if re.fullmatch(r"samples/[^/\\]+\.json", name)]
            sizes = [archive.getinfo(name).file_size for name in wanted]
            if sum(sizes) > MOST_BYTES or len(wanted) > _MOST_ENTRIES:
                raise unusable(path, f"is too large once unpacked (more than {MOST_BYTES // 2**20} MiB)", FEWER)
            head = _member(archive, "header.json" if "header.json" in names else "_journal/start.json")
            samples = [_member(archive, name) for name in wanted]
    except NotImplementedError as error:
        raise unusable(path, "is a zip archive that is compressed in a way not read here", _CONVERT) from error
    except (zipfile.BadZipFile, ValueError, RecursionError, RuntimeError, OSError, EOFError) as error:
        why = printable(str(error))
        raise unusable(path, f"is a log of inspect_ai that cannot be read ({why})", _CONVERT) from error
    except Exception as error:  # zlib and lzma errors share no base class but Exception
        if type(error).__module__ not in ("zlib", "_lzma", "lzma"):
            raise
        raise unusable(path, f"is a damaged zip archive ({printable(str(error))})", _CONVERT) from error
    if not isinstance(head, dict) or not isinstance(head.get("eval"), dict):
        raise unusable(path, "is a zip archive without what a log of inspect_ai says of itself", EXPECTED)
    if not samples:
        raise unusable(path, "is a log of inspect_ai without samples", "Log the samples too (log_samples=True).")
    return Log(_rows(head["eval"], samples), _notes(path, head))


def _member(archive: zipfile.ZipFile, name: str) -> Any:
    with archive.open(name) as file:  # no more is read than the directory says, whatever is packed
        return json.loads(file.read(archive.getinfo(name).file_size + 1))


def _rows(told: Mapping[str, Any], samples: list[Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    for row, sample in enumerate(samples, 1):
        own: Mapping[str, Any] = sample if isinstance(sample, dict) else {}
        scores = own.get("scores")
        output = own.get("output")
        yield (
            row,
            {
                "id": own.get("id"),
                "epoch": own.get("epoch"),
                "model": told.get("model"),
                "task": told.get("task"),
                "target": own.get("target"),
                "answer": output.get("completion") if isinstance(output, dict) else None,
                **dict(_scores(scores if isinstance(scores, dict) else {})),
            },
        )


def _scores(scores: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, score in scores.items():
        value = score.get("value") if isinstance(score, dict) else score
        if isinstance(value, dict):
            yield from ((f"{SCORES}{name}.{key}", inner) for key, inner in value.items())
        else:
            yield f"{SCORES}{name}", value


def _notes(path: Path, head: Mapping[str, Any]) -> tuple[str, ...]:
    status = head.get("status")
    if status in (None, "success"):
        return ()
    return (f"{printable(path.name)} is a log whose status is {printable(str(status))}: samples may be missing.",)
