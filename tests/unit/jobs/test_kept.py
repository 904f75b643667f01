"""Judged tables come back as they were; what is damaged is left out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.spec.errors import ReportError
from engine.spec.result import Result
from jobs.elsewhere.judge import describe_file, judge_table
from jobs.elsewhere.kept import keep, kept, path_of
from jobs.paths import Home


def judged(folder: Path, chance: float = 0.8) -> Result:
    rows = [
        f"{arm},{seed},{n},{int((n * 7 + seed) % 100 < 100 * right)}"
        for arm, right in (("base", 0.3), ("sft", 0.5), ("dpo", chance)) for seed in range(3) for n in range(40)
    ]  # fmt: skip
    path = folder / "t.csv"
    path.write_text("arm,seed,item,correct\n" + "\n".join(rows), encoding="utf-8")
    contents = describe_file(path)
    return judge_table(contents.table, contents.guess)


def test_it_comes_back_as_it_was(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    one, two = judged(tmp_path), judged(tmp_path, 0.9)
    for at, result in enumerate((one, two, one)):
        keep(home, result)
        os.utime(path_of(home, result.study.trial), (at, at))
    found = kept(home)
    assert list(found) == [two.study.trial, one.study.trial]
    assert found[one.study.trial].result == one
    assert found[one.study.trial].moment == 2


def test_what_is_damaged_or_misnamed_is_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    home = Home(tmp_path / "home")
    assert kept(home) == {}
    result = judged(tmp_path)
    keep(home, result)
    text = path_of(home, result.study.trial).read_text(encoding="utf-8")
    (home.reports / "table-00000000.json").write_text(text[:200], encoding="utf-8")
    (home.reports / "table-00000001.json").write_text(text, encoding="utf-8")
    (home.reports / "table-of-mine.json").write_text(text, encoding="utf-8")
    (home.reports / "table-00000002.json").mkdir()
    assert list(kept(home)) == [result.study.trial]
    assert "table-00000000.json holds no result" in caplog.text
    assert "table-00000001.json holds another result" in caplog.text


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.folder.write_text("a file", encoding="utf-8")
    with pytest.raises(ReportError):
        keep(home, judged(tmp_path))
