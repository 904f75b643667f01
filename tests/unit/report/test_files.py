"""JSON and tables: as documented, whole or not at all, and harmless."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import re
import sys
from pathlib import Path

import jsonschema
import pytest

from engine.spec.errors import ReportError
from engine.spec.result import Result
from jobs.report import SUFFIXES, write
from jobs.report.formats import files
from tests.support.rights import closed

SCHEMA = "docs/result.schema.json"


def test_the_schema_is_the_models_own(root: Path) -> None:
    again = 'python -c "from jobs.report.formats.files import schema_text; print(schema_text(), end=str())"'
    assert (root / SCHEMA).read_text(encoding="utf-8") == files.schema_text(), f"write it anew: {again} > {SCHEMA}"


@pytest.mark.parametrize("name", ["calls", "smoke", "partial", "hostile"])
def test_json_fits_the_schema_and_holds_what_was_promised(
    name: str, request: pytest.FixtureRequest, root: Path, tmp_path: Path
) -> None:
    result: Result = request.getfixturevalue(name)
    path = tmp_path / "deep" / "er" / "result.JSON"
    write(result, path)
    plain = json.loads(path.read_text(encoding="utf-8"), parse_constant=lambda word: pytest.fail(f"{word} in JSON"))
    jsonschema.Draft202012Validator(json.loads((root / SCHEMA).read_text(encoding="utf-8"))).validate(plain)
    assert set(plain) >= {"study", "model", "arms", "contrasts", "checks", "verdict", "provenance"}
    assert set(plain["study"]) >= {"id", "question", "scale", "primary"}
    assert set(plain["study"]["primary"]) >= {"probe", "metric", "contrast"}
    assert name == "hostile" or plain["verdict"]["code"] in {"learned", "format", "shortcut", "mixed", "inconclusive"}
    assert plain["verdict"]["tone"] in {"good", "bad", "mixed", "form", "open"}
    assert set(plain["rule"]) == {"name", "label", "roles", "reads", "thresholds"}
    for arm in plain["arms"]:
        assert set(arm) >= {"name", "method", "runs"}
        for run in arm["runs"]:
            assert set(run) >= {"seed", "status", "seconds", "metrics"}
            assert name == "hostile" or all(re.fullmatch(r"[a-z-]+\.[a-z_]+", key) for key in run["metrics"])
    for contrast in plain["contrasts"]:
        assert set(contrast) >= {"a", "b", "metric", "difference", "ci", "p", "n_seeds"}
    assert all(set(check) >= {"name", "ok", "detail"} for check in plain["checks"])
    assert Result.model_validate_json(path.read_text(encoding="utf-8")) == result


def test_what_is_no_number_is_never_written(calls: Result, tmp_path: Path) -> None:
    broken = calls.model_copy(update={"contrasts": (calls.contrasts[0].model_copy(update={"difference": math.nan}),)})
    with pytest.raises(ReportError):
        write(broken, tmp_path / "r.json")
    assert list(tmp_path.iterdir()) == []


def test_csv_has_a_row_for_every_figure(calls: Result, tmp_path: Path) -> None:
    write(calls, tmp_path / "r.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "r.csv").read_text(encoding="utf-8"))))
    found = {(r["arm"], int(r["seed"]), r["metric"]): float(r["value"]) for r in rows}
    assert found == {
        (arm.name, run.seed, metric): value
        for arm in calls.arms
        for run in arm.runs
        for metric, value in run.metrics.items()
    }
    assert {r["status"] for r in rows} == {"succeeded"}


def test_csv_shows_failed_runs_and_the_scales_warning(partial: Result, smoke: Result) -> None:
    rows = list(csv.DictReader(io.StringIO(files.as_csv(partial))))
    failed = [r for r in rows if r["status"] == "failed"]
    assert [(r["metric"], r["value"], r["note"]) for r in failed] == [("", "", "It ran out of memory.")]
    assert all("mean nothing" in r["note"] for r in csv.DictReader(io.StringIO(files.as_csv(smoke))))


@pytest.mark.parametrize("name", ["r.docx", "r", "r.html.gz", "json"])
def test_unknown_formats(calls: Result, tmp_path: Path, name: str) -> None:
    with pytest.raises(ReportError, match=r"html.*json.*csv"):
        write(calls, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_places_that_cannot_be_written(calls: Result, tmp_path: Path, suffix: str) -> None:
    (tmp_path / "file").write_text("here")
    (tmp_path / f"folder{suffix}").mkdir()
    for path in (tmp_path / "file" / f"r{suffix}", tmp_path / f"folder{suffix}", tmp_path / f"{'x' * 300}{suffix}"):
        with pytest.raises(ReportError, match="cannot be written"):
            write(calls, path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", f"folder{suffix}"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights")
def test_a_folder_without_permission(calls: Result, tmp_path: Path) -> None:
    write(calls, tmp_path / "before.json")
    with closed(tmp_path), pytest.raises(ReportError):
        write(calls, tmp_path / "r.json")
    assert [p.name for p in tmp_path.iterdir()] == ["before.json"]


def test_a_failed_write_leaves_the_old_file(calls: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "r.json"
    path.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ReportError, match="No space left"):
        write(calls, path)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["r.json"]
