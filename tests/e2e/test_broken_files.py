"""`run --data` with every kind of broken file: a clear reason, exit code 1, and nothing queued."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from main import main
from tests.support.userfiles import BROKEN, Broken, config_only_model

KINDS = {name: kind for name, kind in BROKEN.items() if name != "missing file"}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
def test_nothing_is_queued(kind: Broken, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "data").mkdir()
    path = kind.make(tmp_path / "data")
    home, model = tmp_path / "home", config_only_model(tmp_path / "model")
    arguments = ["run", "function-calling", "--scale", "smoke", "--data", str(path), "--model", str(model)]
    before = {p: p.read_bytes() for p in (tmp_path / "data").rglob("*") if p.is_file()}
    code = main([*arguments, "--home", str(home)])
    said = " ".join("".join(capsys.readouterr()).split())
    assert code == 1
    assert "mine.json" in said
    assert not kind.row or re.search(rf"\b(row|line) {kind.row}\b", said)
    assert kind.field in said.replace(" ", "") or kind.field in said
    assert "Traceback" not in said
    assert not list(home.rglob("events.ndjson"))
    assert not home.exists() or not list(home.rglob("runs/*"))
    assert before == {p: p.read_bytes() for p in (tmp_path / "data").rglob("*") if p.is_file()}


def test_a_missing_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["run", "function-calling", "--data", str(tmp_path / "mine.jsonl"), "--home", str(tmp_path / "home")])
    assert code == 2
    assert "mine.jsonl" in "".join("".join(capsys.readouterr()).split())
