from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.spec.errors import SpecError, StoreError
from engine.spec.example import ItemText, Outcome
from engine.spec.trial import UNNAMED_RECIPE, TrialSpec
from engine.tuning.journal import Journal
from jobs.lab import Lab
from jobs.paths import Home, read_json, write_json
from jobs.store import older
from jobs.store.write import Damaged, Store
from tests.unit.jobs import fakes
from tests.unit.jobs.conftest import done, states, until

OLDER_TRIAL = Path(__file__).with_name("older_trial.json")
OLDER_NAME = "fake-smoke-9c6b0807"


def finish(open_lab: Callable[..., Lab], trouble: str = "diverged") -> tuple[str, str, Path]:
    lab = open_lab()
    trial = lab.enqueue(fakes.trial(fakes.study(trouble=trouble), seeds=2))
    until(lambda: done(lab))
    figures = fakes.figures(lab.run_results(trial))
    lab.close()
    return trial, figures, lab.home.database


@pytest.mark.parametrize("harm", ["gone", "empty", "noise", "page"])
def test_a_lost_database_is_rebuilt_from_the_run_folders(open_lab: Callable[..., Lab], harm: str) -> None:
    trial, figures, database = finish(open_lab)
    whole = database.read_bytes()
    if harm == "gone":
        database.unlink()
    elif harm == "empty":
        database.write_bytes(b"")
    elif harm == "noise":
        database.write_bytes(b"no database" * 5000)
    else:
        database.write_bytes(whole[:8192] + b"\xff" * (len(whole) - 8192))
        database.with_name("lab.db-suspect").touch()  # only then is the whole file looked through
    harmed = database.read_bytes() if database.exists() else None
    lab = open_lab()
    assert fakes.figures(lab.run_results(trial)) == figures
    assert states(lab) == ["succeeded", "failed"] * 2
    assert "rebuilt" in lab.snapshot().reason
    aside = database.parent.glob("lab.db.damaged-*")
    kept = [p.read_bytes() for p in aside if not p.name.endswith(("-wal", "-shm"))]
    assert kept == ([] if harmed is None else [harmed])
    assert lab._supervisor.ask(lab._supervisor._store.check) == "ok"


def test_unfinished_runs_of_a_lost_database_wait_to_be_retried(open_lab: Callable[..., Lab]) -> None:
    lab = open_lab()
    study = fakes.study(steps=60, seconds=0.02)
    trial = lab.enqueue(fakes.trial(study, seeds=2))
    until(lambda: all(r.step >= 5 for r in lab.snapshot().runs[:2]))
    lab.close()
    lab.home.database.unlink()
    lab = open_lab()
    assert states(lab) == ["paused"] * 4
    assert "rebuilt" in lab.snapshot().runs[0].reason
    assert lab.snapshot().runs[0].step >= 5
    lab.enqueue(fakes.trial(study, seeds=2))
    until(lambda: done(lab))
    assert lab.snapshot(trial).trials[0].done == 4


def test_a_newer_database_is_refused_and_left_alone(open_lab: Callable[..., Lab]) -> None:
    _, _, database = finish(open_lab, "")
    store = Store(Home.at(database.parent))
    store.db.execute("PRAGMA user_version = 99")
    store.close()
    before = database.read_bytes()
    with pytest.raises(StoreError, match="newer Tuning Fork"):
        open_lab()
    with pytest.raises(StoreError, match="newer Tuning Fork"):
        Lab.reader(database.parent).snapshot()
    assert database.read_bytes() == before
    assert not list(database.parent.glob("lab.db.damaged-*"))


def test_a_broken_trial_file_is_counted_and_the_rest_rebuilt(open_lab: Callable[..., Lab]) -> None:
    _, figures, database = finish(open_lab)
    (database.parent / "trials" / "broken.json").write_text('{"trial": {"study": 1}}')
    database.unlink()
    lab = open_lab()
    assert "1 files could not be read" in lab.snapshot().reason
    assert fakes.figures(lab.run_results(lab.snapshot().trials[0].id)) == figures


def test_damage_seen_while_working_is_said_and_mended_at_the_next_start(open_lab: Callable[..., Lab]) -> None:
    lab = open_lab()
    trial = lab.enqueue(fakes.trial())
    until(lambda: done(lab))
    figures = fakes.figures(lab.run_results(trial))
    lab._supervisor.ask(lambda: lab._supervisor._surface(Damaged("The database is damaged.", "-")))
    assert lab.home.suspect.exists()
    lab.close()
    whole = lab.home.database.read_bytes()
    lab.home.database.write_bytes(whole[:4096] + bytes(4096) + whole[8192:])
    lab = open_lab()
    assert "rebuilt" in lab.snapshot().reason
    assert fakes.figures(lab.run_results(trial)) == figures
    assert not lab.home.suspect.exists()


def older_trial(home: Home) -> str:
    """A trial of an older recipe in a data folder, as its lab left it: one run succeeded, one had not begun."""
    home.create()
    trial = read_json(OLDER_TRIAL)
    assert trial is not None
    write_json(home.trials / f"{OLDER_NAME}.json", {"created": 5.0, "trial": trial})
    first, _ = older.runs_of(trial, TrialSpec.stored(trial, OLDER_NAME))
    folder = home.run(older.name_of(first))
    folder.mkdir()
    write_json(folder / "run.json", {"created": 6.0, "spec": first})
    with Journal(folder) as log:
        log.emit("started", total_steps=2, threads=1, device="cpu", versions={"fake": "1"})
        log.emit("asked", probe="calls", texts=[ItemText(item="i0", prompt="What?", gold="this")])
        outcome = Outcome(item="i0", correct=True, split="wording", cluster="c", output="this")
        log.emit("probed", step=2, probe="calls", stage="after", metrics={"accuracy": 1.0}, outcomes=[outcome])
        log.emit("finished", seconds=1.0, adapter="a" * 64)
    return OLDER_NAME


def test_what_an_older_recipe_left_keeps_its_names_and_is_not_run_again(
    open_lab: Callable[..., Lab], home: Path
) -> None:
    """Stored before data had options and trials a recipe: the same names now, and no mixture of two recipes."""
    plain = read_json(OLDER_TRIAL)
    assert plain is not None
    trial = TrialSpec.stored(plain, OLDER_NAME)
    assert (trial.old, trial.recipe, trial.id) == (True, UNNAMED_RECIPE, OLDER_NAME)
    assert [older.name_of(run) for run in older.runs_of(plain, trial)] == ["8f5f6f1538aa7a53", "d8c9fe1bf50cd152"]
    name = older_trial(Home.at(home))
    lab = open_lab()
    assert "rebuilt" in lab.snapshot().reason
    board = lab.snapshot(name)
    assert board.trials[0].old
    assert [(run.run, run.arm, run.state) for run in board.runs] == [
        ("8f5f6f1538aa7a53", "plain", "succeeded"), ("d8c9fe1bf50cd152", "odd", "cancelled"),
    ]  # fmt: skip
    assert "older version" in board.runs[1].reason
    done, _ = lab.run_results(name)
    assert done.metrics == {"calls.accuracy": 1.0}
    assert lab.trial(name).study.question == "Does the fake learn?"
    for run in board.runs:
        with pytest.raises(StoreError, match="older version"):
            lab.retry(run.run)
    lab.resume()
    with pytest.raises(SpecError, match="older version"):
        lab.enqueue(trial)
    time.sleep(0.4)
    assert states(lab) == ["succeeded", "cancelled"]
    assert fakes.trial(seeds=1).id != name


def test_what_an_older_recipe_left_unfinished_is_cancelled_and_the_rest_goes_on(
    open_lab: Callable[..., Lab], home: Path
) -> None:
    older_trial(Home.at(home))
    events = next(Home.at(home).runs.glob("*/events.ndjson"))
    events.write_bytes(b"".join(events.read_bytes().splitlines(keepends=True)[:-1]))
    lab = open_lab()
    assert states(lab) == ["cancelled", "cancelled"]
    lab.enqueue(fakes.trial(seeds=1))
    until(lambda: done(lab))
    assert states(lab) == ["cancelled", "cancelled", "succeeded", "succeeded"]


def test_runs_whose_plug_in_is_gone_are_rebuilt_as_far_as_they_ran(
    open_lab: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, figures, database = finish(open_lab, "")
    database.unlink()
    monkeypatch.undo()  # the method is not known any more
    monkeypatch.setenv("TUNING_FORK_HOME", str(database.parent))
    lab = open_lab()
    assert fakes.figures(lab.run_results(lab.snapshot().trials[0].id)) == figures
