"""Looks at a trial in a process of its own: kept, given up, killed, and known errors as they were raised."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from engine import models
from engine.models import downloaded
from engine.spec.errors import DataError, LabError, ModelError, RunError, WorkerLost
from engine.spec.reference import DataRef
from engine.spec.trial import TrialSpec
from engine.spec.understanding import Cost, Fit, Inspection, Refused, Understanding
from jobs.inspecting import kept
from jobs.paths import Home
from jobs.queue import budget
from tests.unit.jobs import fakes

FIT = Fit(context=100, prompt_tokens=10, answer_tokens=5, limit=48, prompt="p", answer="a")
GB = 10**9
LOOKS = "looks.txt"


def looks(trial: TrialSpec, understanding: Understanding | None, **more: Any) -> Inspection:
    """What stands for the engine's look: does what the trial's model is named for, and counts."""
    if "tell" in more:
        more["tell"]("Looking.")
    name = trial.model.name
    with (Path(trial.model.path) / LOOKS).open("a") as file:
        file.write("x")
    if name == "teacher":
        more["tell"](str(downloaded.default_folder()))
    if name == "waits":
        time.sleep(60)
    if name == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if name == "model-error":
        raise ModelError("No such weights.", "Download it again.")
    if name == "bad-rows":
        from engine.data.problems import BadRows, Problem

        raise BadRows(Path("f.jsonl"), [Problem(3, "x", "must be a list")])
    if name == "bug":
        raise ValueError("unforeseen")
    if name == "memory":
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
    if name == "refuses":
        refused = tuple(Refused(row=row, example=f"e{row}", reason="bad \x1b words") for row in range(1, 51))
        return Inspection(
            fit=FIT.model_copy(update={"refused": refused, "refused_count": 60, "refused_rows": tuple(range(1, 61))})
        )
    if name == "unknown":
        return Inspection(fit=FIT, warnings=("What the arm 'x' takes is not known beforehand: no reason.",))
    arms = trial.arms
    needs = 20 * GB if name == "large" and more["free"] < 20 * GB else 0
    cost = Cost(
        method="sft", arms=arms, seconds=10, low=8, high=20, memory=21 * GB, own=15 * GB,
        batches={8: 11 * GB, 4: 6 * GB},
    )  # fmt: skip
    return Inspection(understanding=understanding, fit=FIT, costs=(cost,), once=5, memory=cost.memory, needs=needs)


TARGET = "tests.unit.jobs.test_inspections:looks"


def trial(tmp_path: Path, name: str = "fine", data: DataRef | None = None) -> TrialSpec:
    made = fakes.trial(seeds=2)
    model = made.model.model_copy(update={"name": name, "digest": name, "path": str(tmp_path)})
    return made.model_copy(update={"model": model, "data": data or made.data})


def look(home: Path, asked: TrialSpec, **more: Any) -> Inspection:
    return kept.inspect(Home(home).create(), asked, target=TARGET, slots=2, **more)


def count(tmp_path: Path) -> int:
    file = tmp_path / LOOKS
    return len(file.read_text()) if file.exists() else 0


def test_a_look_is_kept_and_answered_at_once_the_next_time(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "machine", lambda: (32 * GB, 30 * GB))
    told: list[str] = []
    first = look(home, trial(tmp_path), tell=told.append)
    assert told == ["Looking."]
    assert first.warnings == ()
    began = time.monotonic()
    again = look(home, trial(tmp_path))
    assert time.monotonic() - began < 1.0
    assert again == first
    assert count(tmp_path) == 1
    assert first.seconds is not None
    assert 0 < first.seconds[0] < first.seconds[1]
    other = trial(tmp_path).model_copy(update={"seeds": 4})
    more = look(home, other)
    assert count(tmp_path) == 1, "seeds change no figure of a run"
    assert more.seconds is not None
    assert more.seconds[0] > first.seconds[0]
    assert not list((home / "inspections").glob("scratch-*"))


def test_what_a_look_depends_on_is_looked_at_anew(tmp_path: Path) -> None:
    plain = trial(tmp_path)
    scale = plain.study.scales[plain.scale].model_copy(update={"batch_size": 99})
    larger = plain.model_copy(
        update={"study": plain.study.model_copy(update={"scales": {**plain.study.scales, plain.scale: scale}})}
    )
    skipping = plain.model_copy(update={"data": plain.data.model_copy(update={"skip_bad_rows": True})})
    moved = plain.model_copy(update={"data": plain.data.model_copy(update={"path": "elsewhere"})})
    other = plain.model_copy(update={"model": plain.model.model_copy(update={"digest": "other"})})
    keys = [kept.key(one) for one in (plain, larger, skipping, other)]
    assert len(set(keys)) == len(keys)
    assert kept.key(moved) == keys[0]


def test_the_teacher_and_the_accelerator_belong_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def taught_by(name: str) -> str:
        made = trial(tmp_path)
        taught = {"method": "sft-dpo", "settings": {"teacher": name}}
        arms = tuple(arm.model_copy(update=taught) for arm in made.study.arms)
        return kept.key(made.model_copy(update={"study": made.study.model_copy(update={"arms": arms})}))

    teacher = shutil.copytree(models.resolve("fork-s").path, tmp_path / "teacher")
    before = taught_by(str(teacher))
    assert before == taught_by(str(teacher))
    card = teacher / "generation_config.json"
    card.write_text(card.read_text() + " ")
    assert taught_by(str(teacher)) != before, "other files under the same name are another teacher"
    with pytest.raises(ModelError, match="no model named"):
        taught_by(str(tmp_path / "nothing"))
    plain = kept.key(trial(tmp_path))
    monkeypatch.setattr(kept, "accelerators", lambda: "GPU 0: some accelerator")
    assert kept.key(trial(tmp_path)) != plain


def test_a_teachers_name_leads_where_the_labs_downloads_are(home: Path, tmp_path: Path) -> None:
    told: list[str] = []
    look(home, trial(tmp_path, "teacher"), tell=told.append)
    assert told[-1] == str(Home(home).models)


def test_costs_that_were_worked_out_for_want_of_memory_are_measured_once_there_is_enough(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = trial(tmp_path, "large")
    for free, needs, looked in ((5, 20, 1), (6, 20, 1), (25, 0, 2), (5, 0, 2)):
        monkeypatch.setattr(budget, "machine", lambda free=free: (32 * GB, free * GB))
        assert look(home, large).needs == needs * GB
        assert count(tmp_path) == looked, f"with {free} GB free"


def test_a_damaged_record_is_looked_at_anew(home: Path, tmp_path: Path) -> None:
    look(home, trial(tmp_path))
    (record,) = (home / "inspections").glob("*.json")
    record.write_text('{"fit": {}}')
    look(home, trial(tmp_path))
    assert count(tmp_path) == 2


def test_the_files_name_is_that_of_today(home: Path, tmp_path: Path) -> None:
    read = Understanding(file="a.jsonl", form="chat", rows=1, examples=1, calls=1)
    assert look(home, trial(tmp_path), understanding=read).understanding == read
    renamed = read.model_copy(update={"file": "b.jsonl"})
    assert look(home, trial(tmp_path), understanding=renamed).understanding == renamed


def test_a_look_can_be_given_up(home: Path, tmp_path: Path) -> None:
    cancel = threading.Event()
    threading.Timer(0.5, cancel.set).start()
    began = time.monotonic()
    with pytest.raises(RunError, match="given up"):
        look(home, trial(tmp_path, "waits"), cancel=cancel)
    assert time.monotonic() - began < 30
    assert not list((home / "inspections").glob("*.json"))


def test_a_process_that_is_killed_is_named(home: Path, tmp_path: Path) -> None:
    with pytest.raises(WorkerLost, match="signal 9") as caught:
        look(home, trial(tmp_path, "killed"))
    assert "--batch" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [
        ("model-error", ModelError, "No such weights."),
        ("bad-rows", DataError, "row 3, field x: must be a list"),
        ("bug", RunError, "A bug stopped the look at model and data: ValueError: unforeseen"),
        ("memory", LabError, "do not fit into memory"),
    ],
)
def test_errors_cross_as_they_are(home: Path, tmp_path: Path, name: str, kind: type[LabError], said: str) -> None:
    with pytest.raises(kind) as caught:
        look(home, trial(tmp_path, name))
    assert said in caught.value.message
    assert caught.value.hint
    assert not list((home / "inspections").glob("scratch-*"))


def test_refused_rows_are_an_error_that_lists_them(home: Path, tmp_path: Path) -> None:
    ref = DataRef(source="file", path="/somewhere/calls.jsonl", digest="d")
    for _ in range(2):  # found out, then kept
        with pytest.raises(DataError) as caught:
            look(home, trial(tmp_path, "refuses", ref))
    head, *rows = caught.value.message.splitlines()
    assert "60 of the right answers in calls.jsonl" in head
    assert rows[0] == "- row 1: bad \\x1b words"
    assert len(rows) == 51
    assert rows[-1] == "- and 10 more"
    assert "Nothing was queued" in caught.value.hint
    assert "--skip-bad-rows" in caught.value.hint
    assert count(tmp_path) == 1


def test_refused_rows_are_left_out_where_that_was_asked_for(home: Path, tmp_path: Path) -> None:
    ref = DataRef(source="file", path="/somewhere/calls.jsonl", digest="d", skip_bad_rows=True, without=(70,))
    asked = trial(tmp_path, "refuses", ref)
    found = look(home, asked)
    assert kept.settled(asked, found).data.without == (*range(1, 61), 70)
    assert "60 rows are left out" in found.warnings[0]
    assert "\x1b" not in found.warnings[0]


def test_what_cannot_be_told_is_said_now_and_the_next_time(home: Path, tmp_path: Path) -> None:
    """The window and `check` show it beside the warnings about memory."""
    for _ in range(2):
        found = look(home, trial(tmp_path, "unknown"))
        assert found.warnings == ("What the arm 'x' takes is not known beforehand: no reason.",)
        assert found.seconds is None


def test_a_smaller_batch_is_offered_where_memory_is_short(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "machine", lambda: (16 * GB, 13 * GB))
    (said,) = look(home, trial(tmp_path)).warnings
    size = trial(tmp_path).settings.batch_size
    assert said == (
        f"A run with batch size {size} needs about 21.0 GB of memory, and 12.2 GB is free; batch size 8 would need "
        "11.0 GB (--batch 8)."
    )
    monkeypatch.setattr(budget, "machine", lambda: (16 * GB, 2 * GB))
    (said,) = look(home, trial(tmp_path)).warnings
    assert "even batch size 4 would need 6.0 GB" in said
    assert "smaller model" in said
