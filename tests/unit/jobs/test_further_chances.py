"""Further chances at one question: arms trained anew after a look, and trials that were queued together."""

from __future__ import annotations

from engine.spec.trial import TrialSpec
from tests.unit.jobs import fakes
from tests.unit.jobs.conftest import done, until
from tests.unit.jobs.test_looks import Open, run, seen


def trained_otherwise(**changes: object) -> TrialSpec:
    """The same study, a number among the settings of one arm changed, and so all of that arm's runs."""
    arms = [
        arm.model_copy(update={"settings": arm.settings | changes}) if arm.name == "odd" else arm
        for arm in fakes.study().arms
    ]
    return fakes.trial(fakes.study().model_copy(update={"arms": tuple(arms)}))


def test_an_arm_trained_anew_with_another_number_is_another_chance(open_lab: Open) -> None:
    """Otherwise a rate could be changed a little after each look, until p pleases."""
    lab = open_lab()
    first = run(lab, fakes.trial())
    lab.result(first)
    second = run(lab, trained_otherwise(n=2))
    assert {r.run for r in lab.snapshot(first).runs if r.arm == "odd"}.isdisjoint(
        r.run for r in lab.snapshot(second).runs
    )
    (look,) = lab.registration(second).looks
    assert (look.trial, look.shown, look.anew) == (first, "result", False), "the other arm's runs are shared"
    alone = fakes.study().model_copy(
        update={
            "arms": tuple(
                arm.model_copy(update={"settings": arm.settings | {"seconds": 0.011}}) for arm in fakes.study().arms
            )
        }
    )
    third = run(lab, fakes.trial(alone))
    looks_ = lab.registration(third).looks
    assert {look.trial for look in looks_} == {first}, "the second was not opened"
    assert all(look.anew for look in looks_)
    result = lab.result(third)
    assert not result.study.primary.registered
    assert any("whose arms are these with other settings" in threat for threat in result.threats)


def test_another_scale_is_a_pilot_and_another_word_among_the_settings_another_arm(open_lab: Open) -> None:
    lab = open_lab()
    lab.result(run(lab, fakes.trial()))
    pilot = trained_otherwise(n=2).model_copy(update={"scale": "quick", "model": fakes.trial().model})
    changed = fakes.study().model_copy(
        update={
            "arms": tuple(
                arm.model_copy(update={"settings": arm.settings | {"trouble": "none", "n": 3}})
                for arm in fakes.study().arms
            )
        }
    )
    assert seen(lab, run(lab, fakes.trial(changed))) == []
    arms = tuple(a.model_copy(update={"settings": a.settings | {"seconds": 0.012}}) for a in pilot.study.arms)
    pilot = pilot.model_copy(update={"study": pilot.study.model_copy(update={"arms": arms})})
    assert seen(lab, run(lab, pilot)) == []


def test_of_trials_that_were_queued_together_the_later_one_says_which_was_opened_before(open_lab: Open) -> None:
    lab = open_lab()
    lab.pause()
    small, large = lab.enqueue(fakes.trial(seeds=1)), lab.enqueue(fakes.trial(seeds=2))
    lab.resume()
    until(lambda: done(lab))
    first, second = lab.result(small), lab.result(large)
    assert first.study.primary.registered
    assert second.study.primary.registered
    said = f"The same arms were compared before by {small}"
    assert any(said in threat for threat in second.threats)
    assert not any("compared before" in threat for threat in first.threats)
    assert any(said in threat for threat in lab.result(large).threats), "it stays so when it is opened again"
