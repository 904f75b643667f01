"""Which figures were shown, and to which trials that matters: whatever a copy changes, its runs are known again."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.spec.reference import DataRef
from engine.spec.study import ArmSpec, ProbeSpec, StudySpec
from engine.spec.trial import TrialSpec
from jobs.lab import Lab
from jobs.paths import Home
from jobs.store import looks
from jobs.store.write import Store
from tests.unit.jobs import fakes
from tests.unit.jobs.conftest import done, until

PROBE = """
from engine.probes import Probe, ProbeConfig
from engine.stats.metric import share_metric


class Mine(Probe[ProbeConfig]):
    name = "mine"
    label = "Mine"
    metrics = (share_metric("right", "Right"),)

    def items(self, data, per_split):
        return []

    def measure(self, kit, items):
        return []
"""
ELSEWHERE = """
import os, signal, sys
from tests.unit.jobs import fakes

fakes.install()
"""
Open = Callable[..., Lab]


def run(lab: Lab, trial: TrialSpec) -> str:
    """Run a trial to its end; nobody looks at it."""
    name = lab.enqueue(trial)
    until(lambda: done(lab))
    return name


def seen(lab: Lab, trial: str) -> list[tuple[str, int, str]]:
    """What a trial says was shown before it was queued; to ask it shows nothing."""
    return [(look.trial, look.seeds, look.shown) for look in lab.registration(trial).looks]


def of(study: StudySpec, seeds: int = 2, **primary: object) -> TrialSpec:
    return fakes.trial(study.model_copy(update={"primary": study.primary.model_copy(update=primary)}), seeds)


def arms(**labels: str) -> tuple[ArmSpec, ...]:
    return tuple(arm.model_copy(update={"label": labels.get(arm.name, arm.label)}) for arm in fakes.study().arms)


def renamed() -> TrialSpec:
    """The same study, its arms called otherwise."""
    study = fakes.study()
    names = {"plain": "first", "odd": "second"}
    plain = study.model_dump()
    for arm in plain["arms"]:
        arm["name"] = names[arm["name"]]
    plain["primary"]["contrast"] = ("second", "first")
    plain["contrasts"] = (("second", "first"),)
    plain["rule"]["settings"] |= {"treated": "second", "base": "first"}
    return fakes.trial(StudySpec.model_validate(plain), arms=("first", "second"))


COPIES = {
    "id": fakes.trial(fakes.study(name="renamed")),
    "margin": of(fakes.study(), margin=0.01),
    "metric": of(fakes.study(), metric="reliance"),
    "direction": of(fakes.study(), expected="less"),
    "turned": of(fakes.study(), contrast=("plain", "odd")),
    "label": fakes.trial(fakes.study().model_copy(update={"arms": arms(odd="Another name")})),
    "arms": renamed(),
    "question": fakes.trial(fakes.study().model_copy(update={"question": "Does it really?"})),
    "id-and-margin": of(fakes.study(name="renamed"), margin=0.01),
    "one-more-probe": fakes.trial(
        fakes.study().model_copy(update={"probes": (ProbeSpec(probe="calls"), ProbeSpec(probe="facts"))})
    ),
    "more-items": fakes.trial(
        fakes.study().model_copy(
            update={"scales": {"quick": fakes.study().scales["quick"].model_copy(update={"items": 300})}}
        )
    ),
    "more-seeds": fakes.trial(seeds=3),
    "more-seeds-and-margin": of(fakes.study(), 3, margin=0.01),
}


@pytest.mark.parametrize("copy", COPIES.values(), ids=COPIES.keys())
def test_whatever_a_copy_changes_after_a_look_it_is_exploratory(open_lab: Open, copy: TrialSpec) -> None:
    lab = open_lab()
    quick = {"scale": "quick"}  # smoke scale gives no verdict, exploratory or not
    first = run(lab, fakes.trial(seeds=2).model_copy(update=quick))
    lab.result(first)
    second = run(lab, copy.model_copy(update=quick))
    assert second != first
    result = lab.result(second)
    assert not result.study.primary.registered
    assert result.study.registration is not None
    (look,) = result.study.registration.looks
    assert (look.trial, look.seeds, look.shown) == (first, 2, "result")
    assert abs((datetime.now(UTC) - datetime.fromisoformat(look.at)).total_seconds()) < 600
    said = f"figures of {first} (2 seeds) were shown on {datetime.fromisoformat(look.at):%Y-%m-%d %H:%M} UTC"
    assert any(said in threat and "exploratory" in threat for threat in result.threats)
    assert any("spent the whole 5 %" in reason for reason in result.verdict.reasons)
    assert lab.result(first).study.primary.registered, "it was fixed before anyone looked"


def test_what_nobody_opened_spends_nothing(open_lab: Open) -> None:
    lab = open_lab()
    run(lab, fakes.trial(seeds=2))
    copy = run(lab, of(fakes.study(name="renamed"), 3, margin=0.01))
    assert seen(lab, copy) == []
    assert lab.result(copy).study.primary.registered


def test_opened_again_it_stays_as_it_was_and_nothing_is_noted_twice(open_lab: Open) -> None:
    lab = open_lab()
    trial = run(lab, fakes.trial(seeds=2))
    first = lab.result(trial)
    noted = lab.home.looks.read_bytes()
    assert lab.enqueue(fakes.trial(seeds=2)) == trial
    until(lambda: done(lab))
    assert lab.result(trial).study == first.study
    assert first.study.primary.registered
    assert lab.home.looks.read_bytes() == noted
    (look,) = looks.read(lab.home).looks
    assert (look.trial, look.metric, look.contrast) == (trial, "calls.accuracy", ("odd", "plain"))
    assert {(run.arm, run.seed) for run in look.runs} == {(arm, seed) for arm in ("odd", "plain") for seed in (0, 1)}


def test_in_which_order_trials_end_does_not_matter(open_lab: Open) -> None:
    """Three trials of the same runs, queued before anything was shown; one is opened before the others have ended."""
    lab = open_lab()
    lab.pause()
    small = lab.enqueue(fakes.trial(seeds=1))
    large = lab.enqueue(fakes.trial(fakes.study(), seeds=4))
    other = lab.enqueue(of(fakes.study(name="renamed"), 2, margin=0.01))
    lab.resume()
    until(lambda: lab.snapshot(small).trials[0].done == 2)
    lab.result(small)
    assert lab.snapshot(large).trials[0].done < 8, "it has not ended when the small one is looked at"
    until(lambda: done(lab))
    for trial in (large, other, small):
        assert lab.result(trial).study.primary.registered
    late = run(lab, fakes.trial(seeds=5))
    assert seen(lab, late) == [(small, 1, "result"), (large, 4, "result"), (other, 2, "result")]


def test_a_peek_through_a_small_twin_is_told_with_its_seeds(open_lab: Open) -> None:
    lab = open_lab()
    twin = run(lab, of(fakes.study(name="twin"), 2))
    lab.result(twin)
    trial = run(lab, fakes.trial(seeds=3))
    assert seen(lab, trial) == [(twin, 2, "result")]
    lab.close()
    lab.home.database.unlink()  # rebuilt from run folders and trial files; the log of looks is a file of its own
    again = open_lab()
    assert seen(again, trial) == [(twin, 2, "result")]
    assert not again.result(trial).study.primary.registered
    assert again.result(twin).study.primary.registered


def test_arms_that_were_shown_one_by_one_can_be_compared(open_lab: Open) -> None:
    lab = open_lab()
    alone = [run(lab, fakes.trial(seeds=1, arms=(arm,))) for arm in ("plain", "odd")]
    lab.result(alone[0])
    early = run(lab, of(fakes.study(), 1, margin=0.01))
    assert seen(lab, early) == [], "one arm alone says nothing of a difference"
    lab.result(alone[1])
    assert seen(lab, early) == [], "that look came later"
    late = run(lab, fakes.trial(seeds=1))
    assert seen(lab, late) == [(alone[0], 1, "result"), (alone[1], 1, "result")]


def test_other_data_are_other_runs(open_lab: Open) -> None:
    lab = open_lab()
    lab.result(run(lab, fakes.trial(seeds=1)))
    other = fakes.trial(seeds=1).model_copy(update={"data": DataRef(source="world.tools", digest="1")})
    assert lab.result(run(lab, other)).study.primary.registered


def test_a_changed_comment_in_a_probe_or_a_method_hides_nothing(open_lab: Open, home: Path) -> None:
    lab = open_lab()
    file = home / "plugins" / "probes" / "mine.py"
    file.write_text(PROBE, "utf-8")
    study = fakes.study().model_copy(update={"probes": (ProbeSpec(probe="calls"), ProbeSpec(probe="mine"))})
    first = run(lab, fakes.trial(study, seeds=1))
    lab.result(first)
    file.write_text(f"# another comment\n{PROBE}", "utf-8")
    second = run(lab, fakes.trial(study, seeds=1))
    assert second != first
    assert {run.run for run in lab.snapshot(second).runs}.isdisjoint(run.run for run in lab.snapshot(first).runs)
    assert seen(lab, second) == [(first, 1, "result")]


def alike(trouble: str) -> TrialSpec:
    """A trial of weights of its own, for each kind of trouble, that answer what those of any other do."""
    study = fakes.study()
    same = tuple(
        arm.model_copy(update={"settings": arm.settings | {"like": arm.name, "trouble": trouble}}) for arm in study.arms
    )
    return fakes.trial(study.model_copy(update={"arms": same}), seeds=1)


def test_equal_answers_are_known_again_whatever_made_them(open_lab: Open) -> None:
    lab = open_lab()
    first = run(lab, alike(""))
    lab.result(first)
    second = lab.enqueue(alike("none"))
    assert seen(lab, second) == [], "until they are there, nothing says that they are equal"
    until(lambda: done(lab))
    assert seen(lab, second) == [(first, 1, "result")]


def test_runs_of_a_trial_are_known_again_by_the_answers_that_its_verdict_reads(open_lab: Open, home: Path) -> None:
    lab = open_lab()
    name = run(lab, alike(""))
    lab.close()
    store = Store(Home.at(home))
    every, none = (looks._identities(store.db, name, probes) for probes in (None, {"facts"}))
    store.close()
    assert all(one.outcomes for one in every)
    assert not any(one.outcomes for one in none)


def test_live_curves_of_what_is_measured_are_a_look_and_losses_are_none(open_lab: Open) -> None:
    lab = open_lab()
    trial = run(lab, fakes.trial(seeds=1))
    assert {point.name for point in lab.curves(trial, measured=False).points} == {"loss"}
    assert looks.read(lab.home).looks == ()
    lab.curves(trial)
    noted = lab.home.looks.read_bytes()
    lab.curves(trial)
    assert lab.home.looks.read_bytes() == noted
    late = run(lab, of(fakes.study(), 1, margin=0.01))
    assert seen(lab, late) == [(trial, 1, "live")]
    assert "live curves of" in " ".join(lab.result(late).threats)
    assert lab.result(trial).study.primary.registered


def test_a_table_of_items_is_a_look(open_lab: Open, tmp_path: Path) -> None:
    lab = open_lab()
    trial = run(lab, fakes.trial(seeds=1))
    lab.export_items(trial, tmp_path / "items.csv")
    assert seen(lab, run(lab, of(fakes.study(), 1, margin=0.01))) == [(trial, 1, "items")]


def elsewhere(root: Path, code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", ELSEWHERE + code], cwd=root, text=True, capture_output=True, timeout=120, check=False
    )


def test_a_report_of_another_process_counts_while_this_one_owns_the_folder(
    open_lab: Open, root: Path, tmp_path: Path
) -> None:
    lab = open_lab()
    trial, target = run(lab, fakes.trial(seeds=1)), tmp_path / "report.md"
    code = f"""
from jobs import console
sys.exit(console.main(["report", {trial!r}, "--to", {str(target)!r}, "--home", {str(lab.home.folder)!r}], None))
"""
    made = elsewhere(root, code)
    assert made.returncode == 0, made.stderr
    assert "before any comparison that the verdict rests on was shown" in target.read_text("utf-8")
    copy = run(lab, of(fakes.study(), 1, margin=0.01))
    assert seen(lab, copy) == [(trial, 1, "result")]
    assert lab.result(trial).study.primary.registered


def test_a_process_that_is_killed_has_noted_what_it_showed(open_lab: Open, root: Path) -> None:
    lab = open_lab()
    trial = run(lab, fakes.trial(seeds=1))
    code = f"""
from jobs.lab import Lab
Lab.reader({str(lab.home.folder)!r}).result({trial!r})
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert elsewhere(root, code).returncode == -signal.SIGKILL
    assert [look.trial for look in looks.read(lab.home).looks] == [trial]


def test_half_a_line_is_no_look_and_spoils_none(open_lab: Open) -> None:
    lab = open_lab()
    trial = run(lab, fakes.trial(seeds=1))
    with lab.home.looks.open("a") as file:
        file.write('{"at": 1.0, "trial": "half')
    assert looks.read(lab.home).looks == ()
    lab.result(trial)
    assert [look.trial for look in looks.read(lab.home).looks] == [trial]


@pytest.mark.parametrize("way", ["closed", "full"])
def test_where_it_cannot_be_noted_the_result_says_so(open_lab: Open, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    lab = open_lab()
    trial = run(lab, fakes.trial(seeds=1))
    write = os.write

    def refuse(*_: object) -> int:
        raise OSError(errno.EROFS, "Read-only file system")

    with monkeypatch.context() as patch:
        if way == "closed":
            patch.setattr(looks.os, "open", refuse)
        else:
            patch.setattr(looks.os, "write", lambda file, line: write(file, line[:20]))
        result = lab.result(trial)
    assert any("could not be noted that figures of" in note for note in result.notes)
    assert looks.read(lab.home).looks == ()
    assert not any("could not be noted" in note for note in lab.result(trial).notes)


def older(home: Home) -> None:
    """Make a folder what the lab left before it noted looks."""
    store = Store(home)
    store.db.execute("DROP TABLE fingerprints")
    store.db.execute("DELETE FROM _sqlite_migrations WHERE name = 'm005_looks_are_noted'")
    store.db.execute("PRAGMA user_version = 4")
    store.db.conn.commit()
    store.close()
    home.looks.unlink()


@pytest.mark.parametrize("lost", [False, True], ids=["migrated", "rebuilt"])
def test_a_folder_from_before_looks_were_noted(open_lab: Open, lost: bool) -> None:
    """Its trials say what they said; what was there by then counts as seen by whatever is queued now."""
    lab = open_lab()
    first = run(lab, alike(""))
    copy = run(lab, of(alike("").study, 1, margin=0.01))
    assert seen(lab, copy) == []
    lab.close()
    older(lab.home)
    if lost:
        lab.home.database.unlink()
    lab = open_lab()
    assert seen(lab, first) == []
    assert seen(lab, copy) == [(first, 1, "")], "that figures were there was a look then"
    assert f"figures of {first} (1 seed) were there when it was queued" in " ".join(lab.result(copy).threats)
    late = lab.enqueue(of(alike("").study, 1, margin=0.02))
    assert seen(lab, late) == [(first, 1, "assumed"), (copy, 1, "assumed")]
    alikes = run(lab, alike("none"))
    assert first in [trial for trial, _, _ in seen(lab, alikes)], "what was answered then is known as well"


def test_a_log_that_is_lost_makes_everything_count_as_seen(open_lab: Open) -> None:
    lab = open_lab()
    first = run(lab, fakes.trial(seeds=1))
    lab.close()
    lab.home.looks.unlink()
    again = open_lab()
    late = run(again, of(fakes.study(), 1, margin=0.01))
    assert seen(again, late) == [(first, 1, "assumed")]
