"""The user's own files: a good one is found, a bad one is listed with its line, and nothing else is harmed."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.methods import method_class
from engine.probes import found as probes_found
from engine.run.planned import runs_of, with_uses
from engine.run.unchanged import require
from engine.spec.errors import PluginError, SpecError
from engine.spec.plugins import discovery, trial
from engine.spec.study import ArmSpec
from engine.spec.trial import TrialSpec
from jobs import console, plugins, studies
from jobs.lab import Lab
from jobs.paths import Home
from tests.unit.jobs import fakes
from tests.unit.jobs.conftest import done, states, until

GOOD = '''
"""A method of the user's own."""
from __future__ import annotations
from typing import ClassVar
from engine.methods import LoraConfig, Method, MethodConfig


class MineConfig(LoraConfig):
    steps: int = 12
    seconds: float = 0.0
    trouble: str = ""


class Mine(Method[MineConfig]):
    name: ClassVar[str] = "mine"
    label: ClassVar[str] = "Mine"
    Config: ClassVar[type[MethodConfig]] = MineConfig
'''
BAD = {
    "raises": ("\n\nraise RuntimeError('<b>no</b>')\n", "line 3"),
    "syntax": ("x = 1\ndef :\n", "line 2"),
    "hangs": ("import time\n\ntime.sleep(600)\n", "line 3"),
    "spins": ("x = 0\nwhile True:\n    x += 1\n", "line "),
    "exits": ("import sys\nsys.exit(0)\n", "line 2"),
    "vanishes": ("import os\nos._exit(3)\n", "code 3"),
    "crashes": ("import ctypes\nctypes.string_at(0)\n", "line 2"),
    "imports": ("import no_such_library\n", "line 1"),
    "empty": ("", "it defines 0"),
    "twice": (f"{GOOD}\n\nclass Other(Mine):\n    pass\n", "it defines 2"),
    "unnamed": (GOOD, "must be 'unnamed'"),
    "settings": (GOOD.replace("= MineConfig", "= 3").replace('"mine"', '"settings"'), "`Config` must be a class"),
    "schema": (
        GOOD.replace("    steps: int = 12", "    steps: object = object()\n    f: type(print) = print").replace(
            '"mine"', '"schema"'
        ),
        "line ",
    ),
}


def put(home: Path, kind: str, name: str, text: str) -> Path:
    path = Home.at(home).create().plugins / kind / f"{name}.py"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "SECONDS", 1.5)


@pytest.fixture
def tries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were tried in a process of their own."""
    seen: list[str] = []
    before = trial._try
    monkeypatch.setattr(trial, "_try", lambda kind, file: seen.append(file.name) or before(kind, file))
    return seen


def own_trial(home: Path, method: str = "mine", n: int = 0) -> TrialSpec:
    """The fake study with an arm of the user's method."""
    study = fakes.study()
    arm = ArmSpec(name="odd", label="Odd", method=method, settings={"rank": 4 + n})
    return fakes.trial(study.model_copy(update={"arms": (study.arm("plain"), arm)}), seeds=1)


def test_each_kind_of_bad_file_is_listed_and_the_good_one_works(home: Path, tries: list[str]) -> None:
    put(home, "methods", "mine", GOOD)
    put(home, "methods", "_helper", "raise RuntimeError('not a plug-in')")
    for name, (text, _) in BAD.items():
        put(home, "methods", name, text)
    put(home, "methods", "sft", GOOD.replace('"mine"', '"sft"'))
    os.mkfifo(Home.at(home).plugins / "methods" / "pipe.py")
    (Home.at(home).plugins / "methods" / "folder.py").mkdir()
    broken = {each.name: each for each in plugins.broken()}
    assert broken.keys() == {*BAD, "sft", "pipe", "folder"}
    for name, (_, words) in BAD.items():
        assert words in broken[name].traceback, broken[name].traceback
        assert broken[name].path in broken[name].traceback
    assert "did not load within 1.5 seconds" in broken["hangs"].traceback
    assert "another plug-in named 'sft'" in broken["sft"].traceback
    assert "no ordinary file" in broken["pipe"].traceback
    assert [(each.kind, each.name) for each in plugins.own()] == [("methods", "mine")]
    assert method_class("mine").label == "Mine"
    assert method_class("sft").__module__ == "engine.methods.sft"
    with pytest.raises(PluginError, match="does not load"):
        method_class("hangs")
    assert sorted(tries) == sorted([*BAD, "mine"])
    plugins.broken()
    assert len(tries) == len(BAD) + 1, "each file is tried once"


def test_the_reason_of_each_is_its_line_and_what_does_not_fit(home: Path) -> None:
    bad_column = PROBE.replace("from typing", "from engine.stats.statistics.mean import Mean\nfrom typing")
    put(home, "probes", "counting", bad_column.replace("metrics = ()", 'metrics = (Mean(column="words"),)'))
    put(home, "probes", "hangs", BAD["hangs"][0])
    put(home, "probes", "raises", "def no():\n    raise ValueError('two\\nlines')\n\n\nno()\n")
    put(home, "probes", "syntax", BAD["syntax"][0])
    put(home, "probes", "empty", "")
    found = {each.name: each.reason for each in plugins.broken()}
    allowed = "String should match pattern '^(correct|value|feature:.+|output:.*)$'"
    assert found["counting"] == f"line 10: Mean: column: {allowed} (it is 'words')"
    assert found["hangs"] == "line 3: it did not load within 1.5 seconds."
    assert found["raises"] == "line 2: ValueError: two lines"
    assert found["syntax"] == "line 2: SyntaxError: invalid syntax"
    assert found["empty"] == "line 1: it must define one Probe; it defines 0."
    with pytest.raises(PluginError, match="does not load") as caught:
        probes_found().get("counting")
    assert caught.value.hint.startswith("Line 10: Mean: column: ")


def test_what_came_out_is_kept_for_other_processes_and_forgotten_when_the_file_changes(
    home: Path, tries: list[str]
) -> None:
    path = put(home, "methods", "mine", "raise RuntimeError\n")
    assert len(plugins.broken()) == 1
    kept = list((path.parent / trial.KEPT).glob("*.json"))
    assert len(kept) == 1
    path.write_text(GOOD)
    assert plugins.broken() == []
    assert tries == ["mine", "mine"]
    path.write_text("raise RuntimeError\n")
    assert len(plugins.broken()) == 1
    assert tries == ["mine", "mine"]


def test_what_a_busy_machine_could_not_try_is_tried_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(home, "methods", "mine", GOOD)
    with monkeypatch.context() as busy:
        busy.setattr(trial, "_try", lambda kind, file: trial.Tried("too busy", certain=False))
        with pytest.raises(PluginError, match="does not load"):
            method_class("mine")
    assert not list((path.parent / trial.KEPT).glob("*.json"))
    assert method_class("mine").label == "Mine"


def test_a_folder_that_cannot_be_written_to_is_no_trouble(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(home, "methods", "mine", GOOD)
    (path.parent / trial.KEPT).write_text("a file in the way")
    assert plugins.broken() == []


def test_every_kind_can_be_added_to(home: Path) -> None:
    assert {"methods", "objectives", "adaptations", "probes", "rules", "studies"} <= {
        each.name for each in Home.at(home).create().plugins.iterdir()
    }
    put(home, "probes", "counting", PROBE)
    put(home, "objectives", "bad", "raise RuntimeError\n")
    put(home, "adaptations", "bad", "raise RuntimeError\n")
    put(home, "rules", "bad", "raise RuntimeError\n")
    assert probes_found().get("counting").label == "Counting"
    assert len(plugins.broken()) == 3


PROBE = """
from typing import ClassVar
from engine.probes import Probe


class Counting(Probe):
    name: ClassVar[str] = "counting"
    label: ClassVar[str] = "Counting"
    metrics = ()
"""


def test_dashes_and_underscores_in_a_files_name_are_the_same(home: Path) -> None:
    put(home, "methods", "my-own", GOOD.replace('"mine"', '"my-own"'))
    put(home, "methods", "my_own", GOOD.replace('"mine"', '"my-own"'))
    assert [each.name for each in plugins.own()] == ["my-own"]
    assert "another plug-in named 'my-own'" in plugins.broken()[0].traceback
    assert method_class("my-own").label == "Mine"
    assert len(discovery.code_of("methods", "my-own")) == 64
    assert discovery.code_of("methods", "sft") == discovery.code_of("methods", "none") == ""


def test_an_edited_file_is_another_run_and_another_trial(home: Path) -> None:
    path = put(home, "methods", "mine", GOOD)
    first = own_trial(home)
    before = {run.arm: run for run in runs_of(first)}
    assert before["odd"].tune.method.code == discovery.code_of("methods", "mine")
    path.write_text(GOOD.replace("Mine", "Nine"))  # at once, and of the same length
    after = {run.arm: run for run in runs_of(first)}
    assert before["plain"].hash == after["plain"].hash
    assert before["odd"].tune.hash != after["odd"].tune.hash
    names = [with_uses(first, list(runs.values())) for runs in (before, after)]
    assert names[0].id != names[1].id
    assert names[0].uses == {"methods/mine": before["odd"].tune.method.code}
    with pytest.raises(PluginError, match="has changed since this run was queued"):
        require(before["odd"])
    require(after["odd"])
    assert method_class("mine").label == "Nine"
    path.write_text(GOOD)
    require(before["odd"])


def test_an_edited_file_trains_anew_in_the_lab(home: Path, open_lab: Callable[..., Lab]) -> None:
    path = put(home, "methods", "mine", GOOD)
    lab = open_lab()
    first = lab.enqueue(own_trial(home))
    until(lambda: done(lab))
    assert lab.enqueue(own_trial(home)) == first
    assert set(states(lab)) == {"succeeded"}
    path.write_text(GOOD + "# edited\n")
    second = lab.enqueue(own_trial(home))
    assert second != first
    until(lambda: done(lab))
    old, new = ({run.arm: run for run in lab.snapshot(name).runs} for name in (first, second))
    assert old["plain"].run == new["plain"].run
    assert old["odd"].run != new["odd"].run
    assert (new["odd"].state, new["odd"].total_steps) == ("succeeded", 12)


def test_without_a_file_that_figures_need_it_is_said_what_is_safe(home: Path, open_lab: Callable[..., Lab]) -> None:
    path = put(home, "methods", "mine", GOOD)
    lab = open_lab()
    trial = lab.enqueue(own_trial(home))
    until(lambda: done(lab))
    before = lab.result(trial)
    source = path.read_text(encoding="utf-8")
    path.unlink()
    with pytest.raises(PluginError) as lost:
        lab.result(trial)
    assert lost.value.message == f"The figures of {trial} cannot be drawn up without mine.py in {path.parent}."
    assert "Runs and outcomes are kept" in lost.value.hint
    assert "written earlier" not in lost.value.hint
    report = lab.home.reports / f"{trial}.html"
    report.write_text("kept", encoding="utf-8")
    with pytest.raises(PluginError, match=f"The report that was written earlier is {report}"):
        lab.result(trial)
    assert lab.export_items(trial, home / "items.csv") > 0
    path.write_text(source, encoding="utf-8")
    assert lab.result(trial) == before


def test_a_study_that_names_a_bad_plug_in_is_listed_with_the_reason(home: Path) -> None:
    put(home, "methods", "hangs", BAD["hangs"][0])
    text = (studies.BUNDLED / "nli-frequency.toml").read_text(encoding="utf-8")
    text = text.replace('id = "nli-frequency"', 'id = "own"', 1).replace('method = "sft"', 'method = "hangs"', 1)
    folder = Home.at(home).plugins / "studies"
    (folder / "own.toml").write_text(text, encoding="utf-8")
    reader = Lab.reader(home)
    assert {each.name for each in reader.broken()} == {"hangs", "own"}
    assert "nli-frequency" in {study.id for study in reader.studies()}
    (own,) = (each for each in reader.broken() if each.name == "own")
    assert "arms.1.method: The plug-in" in own.traceback
    assert "did not load within" in own.traceback
    with pytest.raises(SpecError, match="cannot be used"):
        reader.study("own")


def test_a_study_in_the_plug_in_folder_is_found(home: Path) -> None:
    text = (studies.BUNDLED / "nli-frequency.toml").read_text(encoding="utf-8")
    folder = Home.at(home).create().plugins / "studies"
    (folder / "own.toml").write_text(text.replace('id = "nli-frequency"', 'id = "own"', 1), encoding="utf-8")
    assert "own" in {study.id for study in Lab.reader(home).studies()}


def test_the_command_lists_them_calmly(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = put(home, "methods", "mine", GOOD)
    put(home, "probes", "raises", "\n\nraise RuntimeError('no <b>')\n")
    assert console.main(["studies", "--home", str(home)], lambda _: 1) == 1
    said = capsys.readouterr()
    assert f"methods: mine (version {discovery.code_of('methods', 'mine')[:8]}" in said.out
    assert "raises.py does not load: line 3: RuntimeError: no <b>" in " ".join(said.err.split())
    assert "Traceback" not in said.err
    assert console.main(["studies", "--json", "--home", str(home)], lambda _: 1) == 1
    plain = json.loads(capsys.readouterr().out)
    assert plain["plugins"] == [
        {"kind": "methods", "name": "mine", "path": str(path), "version": discovery.code_of("methods", "mine")[:8]}
    ]
    assert [each["name"] for each in plain["broken"]] == ["raises"]
    assert "line 3" in plain["broken"][0]["traceback"]


def test_a_hanging_file_costs_its_time_once(home: Path) -> None:
    put(home, "methods", "hangs", BAD["hangs"][0])
    plugins.broken()
    began = time.monotonic()
    plugins.broken()
    with pytest.raises(PluginError):
        method_class("hangs")
    assert time.monotonic() - began < 1.0
