"""A stranger drops one file of each kind into an empty data folder and asks a question; nothing else is touched."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.spec.events import decode
from engine.spec.plugins import trial
from jobs.lab import Lab
from tests.support import examples
from tests.support.commands import command
from tests.support.consoles import main

STEPS = 10  # of a run at smoke scale


def streams(home: Path) -> dict[str, list[Any]]:
    """What each run of the home wrote, by the run's hash."""
    found = home.glob("runs/*/events.ndjson")
    return {path.parent.name: [decode(line) for line in path.read_bytes().splitlines()] for path in found}


def trained(events: list[Any]) -> int:
    return sum(event.kind == "stepped" for event in events)


@pytest.mark.slow
def test_a_study_of_own_plug_ins_runs_to_its_verdict_and_again_only_where_something_changed(
    root: Path, home: Path, tmp_path: Path
) -> None:
    plugins, target = examples.drop(home), tmp_path / "result.json"

    said = command(root, "run", "focal", "--scale", "smoke", "--json", str(target))
    result = json.loads(target.read_text(encoding="utf-8"))
    assert result["verdict"]["code"] == "inconclusive", "smoke scale gives no verdict"
    assert result["rule"]["name"] == "larger"
    assert {run["status"] for arm in result["arms"] for run in arm["runs"]} == {"succeeded"}
    assert {m["unit"] for m in result["metrics"] if m["metric"].startswith("brevity.")} == {"words", "share"}
    assert "brevity.words" in said
    adapter = [check for check in result["checks"] if check["name"].startswith("adapter-")]
    assert adapter
    assert all(check["ok"] for check in adapter), adapter
    first = streams(home)
    assert sorted(map(trained, first.values())) == [0] + 6 * [STEPS]
    focal = [events for events in first.values() if any(e.kind == "stepped" and e.phase == "focal" for e in events)]
    assert len(focal) == 4
    for events in focal:
        confidence = [event.scalars["confidence"] for event in events if event.kind == "stepped"]
        assert len(confidence) == STEPS
        assert all(0 < value < 1 for value in confidence)

    again = ("run", "focal", "--scale", "smoke", "--seeds", "1", "--arms", "focal")
    command(root, *again)
    assert streams(home).keys() == first.keys(), "the same run is not computed again"

    study = plugins / "studies" / "focal.toml"
    study.write_text(study.read_text(encoding="utf-8") + '\n[[probes]]\nprobe = "forgetting"\n', encoding="utf-8")
    command(root, *again)
    (measured,) = [events for run, events in streams(home).items() if run not in first]
    assert trained(measured) == 0, "one more probe measures, and trains nothing"
    assert {e.probe for e in measured if e.kind == "probed" and e.stage == "after"} == {"brevity", "forgetting"}
    assert any(e.kind == "noted" and e.name == "weights" for e in measured)

    second = streams(home)
    objective = plugins / "objectives" / "focal.py"
    objective.write_text(objective.read_text(encoding="utf-8") + "\n# edited\n", encoding="utf-8")
    command(root, *again)
    (fresh,) = [events for run, events in streams(home).items() if run not in second]
    assert trained(fresh) == STEPS, "an edited objective trains anew"


RAISES = "from engine.methods import Method\n\nraise RuntimeError('no luck')\n"
HANGS = "import time\n\n\nwhile True:\n    time.sleep(0.1)\n"
BAD_CONFIG = """\
from engine.methods import Method


class Odd(Method):
    name = "odd"
    label = "Odd"
    Config = dict
"""


@pytest.mark.slow
def test_broken_files_are_listed_with_their_line_and_the_rest_goes_on(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(trial, "SECONDS", 2.0)
    plugins = examples.drop(home)
    (plugins / "methods" / "raises.py").write_text(RAISES, encoding="utf-8")
    (plugins / "probes" / "hangs.py").write_text(HANGS, encoding="utf-8")
    (plugins / "methods" / "odd.py").write_text(BAD_CONFIG, encoding="utf-8")
    shutil.copy(plugins / "rules" / "larger.py", plugins / "rules" / "effect.py")
    text = (plugins / "studies" / "focal.toml").read_text(encoding="utf-8")
    wrong = text.replace('id = "focal"', 'id = "wrong"').replace("gamma = 0.0", "gamma = -1.0")
    (plugins / "studies" / "wrong.toml").write_text(wrong, encoding="utf-8")
    lost = text.replace('id = "focal"', 'id = "lost"').replace('method = "focal-sft"', 'method = "raises"', 1)
    (plugins / "studies" / "lost.toml").write_text(lost, encoding="utf-8")

    assert main("studies") == 1
    out, err = capsys.readouterr()
    assert "\nfocal\n" in out
    lines = {Path(line.split(" does not load: ")[0]).name: line for line in err.splitlines() if "does not load" in line}
    assert set(lines) == {"raises.py", "hangs.py", "odd.py", "effect.py", "wrong.toml", "lost.toml"}
    assert "no luck" in lines["raises.py"]
    assert "did not load within 2 seconds" in lines["hangs.py"]
    assert "another plug-in named 'effect'" in lines["effect.py"]
    assert "arms.1.settings" in lines["wrong.toml"]
    assert "gamma" in lines["wrong.toml"]
    assert "arms.1.method" in lines["lost.toml"]

    assert main("studies", "--json") == 1
    listed = json.loads(capsys.readouterr().out)
    broken = {Path(each["path"]).name: each["traceback"] for each in listed["broken"]}
    at = {"raises.py": 3, "hangs.py": 5, "odd.py": 4, "effect.py": 1}
    for name, line in at.items():
        path = next(plugins.rglob(name))
        assert f'"{path}", line {line}' in broken[name], broken[name]
    named = {(each["kind"], each["name"]) for each in listed["plugins"]}
    assert {("methods", "focal-sft"), ("objectives", "focal"), ("rules", "larger"), ("tasks", "backwards")} <= named
    assert not named & {("methods", "raises"), ("probes", "hangs"), ("methods", "odd"), ("rules", "effect")}

    lab = Lab.reader(home)
    assert "focal" in {study.id for study in lab.studies()}
    assert {Path(each.path).name for each in lab.broken()} == set(broken)
    lab.close()
