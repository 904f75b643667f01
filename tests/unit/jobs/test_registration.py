"""What is fixed when a trial is queued stays known, with what it was expected to find."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.analysis import detectable
from engine.spec.reference import DataRef
from engine.spec.result import Registration
from engine.spec.runs import Pairs
from engine.spec.study import Primary
from engine.spec.trial import TrialSpec
from engine.stats.display.wording import exists
from jobs.commands.terminal.announce import announce
from jobs.commands.terminal.screen import Screen
from jobs.lab import Lab
from jobs.studies import load
from tests.unit.jobs import fakes
from tests.unit.jobs.conftest import done, until


def changed(trial: TrialSpec, **primary: object) -> TrialSpec:
    study = trial.study
    return trial.model_copy(
        update={"study": study.model_copy(update={"primary": study.primary.model_copy(update=primary)})}
    )


def test_the_registration_is_of_what_decides_and_of_nothing_else() -> None:
    trial = fakes.trial()
    moved = trial.model_copy(update={"model": trial.model.model_copy(update={"path": "elsewhere", "name": "other"})})
    assert moved.registration == trial.registration
    assert changed(trial, seed_sd=0.3).registration == trial.registration
    for other in (
        changed(trial, margin=0.01),
        changed(trial, expected="less"),
        changed(trial, contrast=("plain", "odd")),
        fakes.trial(seeds=3),
        fakes.trial(arms=("plain",)),
    ):
        assert other.registration != trial.registration
    assert fakes.trial(seeds=3).design == trial.design
    assert changed(trial, margin=0.01).design != trial.design


def test_the_registration_that_was_printed_stands_whatever_the_lab_becomes(
    open_lab: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = open_lab()
    trial = lab.enqueue(fakes.trial(seeds=1))
    printed = lab.registration(trial).digest
    until(lambda: done(lab))
    monkeypatch.setattr("engine.spec.trial.RECIPE_VERSION", 99)
    assert fakes.trial(seeds=1).registration != printed
    registered = lab.result(trial).study.registration
    assert registered is not None
    assert registered.digest == printed


def test_words_curves_and_hardware_come_with_the_result(open_lab: Callable[..., Lab]) -> None:
    lab = open_lab()
    trial = lab.enqueue(fakes.trial(seeds=2))
    until(lambda: done(lab))
    result = lab.result(trial)
    assert result.flips
    assert {flip.prompt for flip in result.flips} <= {f"What is {n}?" for n in range(20)}
    assert {(curve.metric, curve.arm, curve.seeds) for curve in result.curves} == {
        (metric, arm, 2) for metric in ("loss", "calls.accuracy") for arm in ("plain", "odd")
    }
    loss = next(curve for curve in result.curves if curve.metric == "loss")
    assert loss.steps == tuple(range(1, 13))
    assert all(low <= mean <= high for low, mean, high in zip(loss.low, loss.mean, loss.high, strict=True))
    assert result.provenance["hardware.cores"] == "1"


def test_a_curve_of_very_many_steps_is_averaged(open_lab: Callable[..., Lab]) -> None:
    lab = open_lab()
    trial = lab.enqueue(fakes.trial(fakes.study(steps=400, seconds=0.0), seeds=1))
    until(lambda: done(lab))
    loss = next(curve for curve in lab.result(trial).curves if curve.metric == "loss")
    assert 60 <= len(loss.steps) <= 70
    points = [p.value for p in lab.curves(trial).points if p.name == "loss" and p.run == lab.snapshot().runs[0].run]
    assert 66 in range(len(points))
    width = int(loss.steps[1] - loss.steps[0])
    assert loss.mean[1] == pytest.approx(sum(points[width - 1 : 2 * width - 1]) / width)


def test_what_a_study_can_find_is_said_before_it_runs_and_kept(open_lab: Callable[..., Lab]) -> None:
    lab = open_lab()
    study = fakes.study()
    assert lab.detectable(study, "quick", 5) is None  # nothing is known of its spread
    told = study.model_copy(update={"primary": Primary(**{**study.primary.model_dump(), "seed_sd": 0.05})})
    expected = lab.detectable(told, "quick", 5)
    assert expected is not None
    assert "own expectation" in expected.basis
    trial = lab.enqueue(fakes.trial(told, seeds=3))
    until(lambda: done(lab))
    registered = lab.result(trial).study.registration
    assert registered is not None
    three = lab.detectable(told, "smoke", 3)
    assert three is not None
    assert registered.basis == "from the study’s own expectation; the luck of items, which is not known, comes on top"
    assert registered.detectable == pytest.approx(detectable.detectable(told, "smoke", 3).difference)  # type: ignore[union-attr]
    lab.close()
    lab.home.database.unlink()
    again = open_lab().result(trial).study.registration
    assert again == registered


def test_trials_on_other_data_say_nothing_of_what_would_be_found(open_lab: Callable[..., Lab]) -> None:
    lab = open_lab()
    study = fakes.study()
    trial = fakes.trial(study, seeds=5).model_copy(update={"scale": "quick"})
    lab.enqueue(trial)
    until(lambda: done(lab))
    assert lab.detectable(study, "quick", 5) is not None
    assert lab.detectable(study, "quick", 5, data=trial.data) is not None
    mine = DataRef(source="file", path="mine.jsonl", digest="another")
    assert lab.detectable(study, "quick", 5, data=mine) is None
    lab.enqueue(trial.model_copy(update={"data": mine}))
    until(lambda: done(lab))
    assert lab.detectable(study, "quick", 5, data=mine) is not None
    assert lab.detectable(study.model_copy(update={"data": "world.other"}), "quick", 5) is None


def test_what_was_measured_on_the_bundled_data_is_not_expected_of_others() -> None:
    study = load("function-calling")
    assert detectable.detectable(study, "quick", 5) is not None
    own = study.on_own_data()
    assert (own.primary.seed_sd, own.primary.item_sd) == (None, None)
    assert detectable.detectable(own, "quick", 5) is None
    kept = own.model_copy(update={"primary": study.primary})  # as it was stored before
    old, new = (fakes.trial(fakes.study()).model_copy(update={"study": each, "arms": ()}) for each in (kept, own))
    assert old.design == new.design
    assert old.registration == new.registration


def test_looks_cost_a_little_of_what_is_found() -> None:
    study = load("function-calling")
    fixed, looked = (detectable.detectable(study, "quick", 12, looks=looks) for looks in ((), tuple(range(4, 13))))
    assert fixed is not None
    assert looked is not None
    assert fixed.difference < looked.difference < 1.15 * fixed.difference


def test_no_study_finds_more_than_there_can_be(capsys: pytest.CaptureFixture[str]) -> None:
    study = load("function-calling")
    study = study.model_copy(update={"primary": study.primary.model_copy(update={"seed_sd": 0.14})})
    found = detectable.detectable(study, "quick", 2)
    assert found is not None
    assert found.difference > 1
    trial = fakes.trial(fakes.study()).model_copy(update={"study": study, "seeds": 2})
    for size, says in ((found.difference, "It can find no difference"), (0.9, "It finds differences from about 90")):
        fixed = Registration(digest="0" * 64, queued="", detectable=size, basis="from seeds")
        announce(trial, fixed, Screen())
        assert says in " ".join(capsys.readouterr().out.split())
    assert exists(1.5, "difference")  # of two arms' reliance: each is a difference of two shares
    assert not exists(2.1, "difference")
    assert exists(99.0, "nats")


@pytest.mark.parametrize(
    ("expected", "says"),
    [
        ("greater", "right call, new wording is expected to be higher with SFT → DPO than with SFT; a difference"),
        ("equal", "right call, new wording is expected to be equal with SFT → DPO and with SFT; a difference"),
        ("", "right call, new wording is compared between SFT → DPO and SFT; a difference"),
    ],
)
def test_what_is_expected_is_announced(expected: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    study = load("function-calling")
    study = study.model_copy(update={"primary": study.primary.model_copy(update={"expected": expected})})
    trial = fakes.trial(fakes.study()).model_copy(update={"study": study, "seeds": 2})
    announce(trial, Registration(digest="0" * 64, queued=""), Screen())
    assert says in " ".join(capsys.readouterr().out.split())


def test_an_earlier_trial_knows_better_than_the_file() -> None:
    study = fakes.study()
    told = study.model_copy(update={"primary": Primary(**{**study.primary.model_dump(), "seed_sd": 0.05})})
    pairs = Pairs(trial="earlier", differences=(0.1, 0.3, 0.2, 0.4, 0.25))
    found, planned = (detectable.detectable(told, "quick", 5, known) for known in (pairs, None))
    assert found is not None
    assert planned is not None
    assert found.basis == "from 5 seeds of earlier; the luck of items, which is not known, comes on top"
    assert found.difference == pytest.approx(planned.difference * 0.1118034 / 0.05, rel=1e-4)
    assert detectable.detectable(told, "quick", 1, pairs) is None
    few = detectable.detectable(told, "quick", 5, Pairs(trial="earlier", differences=(0.1, 0.3, 0.2, 0.4)))
    assert few == planned


def test_more_items_find_less_only_as_far_as_items_vary() -> None:
    study = fakes.study()
    primary = Primary(**{**study.primary.model_dump(), "seed_sd": 0.0, "item_sd": 1.0})
    sizes = zip(study.scales.items(), (100, 200), strict=True)
    scales = {name: size.model_copy(update={"items": items}) for (name, size), items in sizes}
    told = study.model_copy(update={"primary": primary, "scales": scales})
    one, two = (detectable.detectable(told, name, 5) for name in ("smoke", "quick"))
    assert one is not None
    assert two is not None
    assert one.difference == pytest.approx(0.28016, abs=1e-4)
    assert two.difference == pytest.approx(one.difference / 2**0.5)


def test_the_one_run_of_an_arm_that_trains_nothing_is_paired_with_every_seed() -> None:
    assert detectable.paired({0: 0.5, 1: 0.7}, {0: 0.2}, (True, False)) == pytest.approx((0.3, 0.5))
    assert detectable.paired({0: 0.5}, {0: 0.2, 3: 0.1}, (False, True)) == pytest.approx((0.3, 0.4))
    assert detectable.paired({0: 0.5, 2: 0.6}, {1: 0.2, 2: 0.1}) == pytest.approx((0.5,))
    assert detectable.paired({0: 0.5, 1: 0.7}, {0: 0.2}) == pytest.approx((0.3,)), "an arm of which one run has ended"
    assert detectable.paired({}, {0: 0.2}, (False, True)) == ()
