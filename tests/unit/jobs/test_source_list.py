"""The list of sources, as people read it and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.run.sources import sources
from jobs import console
from jobs.commands.sources import option_lines
from tests.support.consoles import main


def test_every_source_is_listed_with_splits_and_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert main("studies", "--sources") == console.OK
    said = " ".join(capsys.readouterr().out.split())
    for source in sources():
        assert source.name in said
        for name, field in source.options.get("properties", {}).items():
            assert f"option {name} = {json.dumps(field['default'])}" in said
        for held_out in source.splits.values():
            assert held_out in said


def test_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main("studies", "--sources", "--json") == console.OK
    plain = json.loads(capsys.readouterr().out)
    assert plain["broken"] == []
    assert [one["name"] for one in plain["sources"]] == [source.name for source in sources()]


def test_a_broken_task_is_listed_not_gone(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = home / "plugins" / "tasks"
    folder.mkdir(parents=True)
    (folder / "mine.py").write_text("import no_such_module", encoding="utf-8")
    assert main("studies", "--sources") == console.FAILED
    said = capsys.readouterr()
    assert "mine.py" in said.err
    assert "no_such_module" in said.err
    assert "world.routes" in said.out


def test_options_say_what_they_may_be() -> None:
    schema = {
        "properties": {
            "form": {"enum": ["a", "b"], "default": "a", "description": "How."},
            "length": {"type": "integer", "minimum": 0, "maximum": 6, "default": 0, "description": "How\n long."},
        }
    }
    assert list(option_lines(schema)) == ['form = "a" (a | b): How.', "length = 0 (integer 0 to 6): How long."]
    assert list(option_lines({"type": "object"})) == []
