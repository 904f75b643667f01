"""A run's seconds and memory from its work and from what a unit of it was measured to take."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.run.costs.estimate import Making, Run, Seconds, Speeds, Stretch, memory, seconds, smaller
from engine.run.costs.rehearsal import Rehearsal
from engine.run.costs.shape import shape_of
from engine.run.costs.speed import Answered, Batch, Line, Read, Trained, line
from engine.run.costs.work import Asked, AskedScores, Measured

SHAPE = shape_of(
    {"hidden_size": 64, "num_hidden_layers": 2, "intermediate_size": 128, "vocab_size": 500, "num_attention_heads": 4}
)
STEP = Line(0.0, 0.5 / SHAPE.products(1000, 100, 100))  # half a second for a batch of 1000 tokens
SFT = Stretch("sft", 40, (Batch(1000, 100, 100),), Batch(1000, 100, 100))
DPO = Stretch("dpo", 20, (Batch(2000, 200, 200),), Batch(2000, 200, 200))
NOTHING = Measured()


def speeds(**changes: object) -> Speeds:
    trained = Trained(STEP, Line(0.0, 2.0), 0.0, 0.0, True, True)
    answers = Answered(Line(), Line(0.01, 0.001), Line(0.0, 1.0))
    both = {"sft": trained, "dpo": trained}
    made = Speeds(SHAPE, both, answers, answers, Read(Line(), Line(0.0, 1.0)), 10**8, np.array([10]))
    return replace(made, **changes)


def run(**changes: object) -> Run:
    made = Run((SFT,), NOTHING, (), NOTHING, 40, (), 0, ())
    return replace(made, **changes)


def test_steps_take_what_a_step_takes() -> None:
    assert seconds(run(), speeds()) == pytest.approx(Seconds(20.0, 20.0, 20.0))


def test_answers_take_from_their_right_length_to_their_limit() -> None:
    took = seconds(run(phases=(), steps=0, full=Measured((Asked((5,) * 20, 100),))), speeds())
    assert took.low == pytest.approx(10 * 0.03, rel=0.25)  # 20 rows: .01 + 20 x .001 a token
    assert took.high == pytest.approx(99 * 0.03, rel=0.1)
    assert took.low < took.expected <= took.high


def test_a_base_whose_answers_end_is_expected_to_be_quick() -> None:
    asked = run(phases=(), steps=0, full=Measured((Asked((5,) * 20, 100),)))
    assert seconds(asked, speeds(ended=1.0)).expected == pytest.approx(seconds(asked, speeds()).low)


def test_a_teacher_may_have_to_be_asked_for_more() -> None:
    few, many = (Asked((5,) * 10, 40, 3),), (Asked((5,) * 10, 40, 3),) * 9

    def asking(least: tuple[Asked, ...], most: tuple[Asked, ...]) -> Seconds:
        making = (Making(Rehearsal(least, most, (), ()), 40),)
        return seconds(run(phases=(SFT, DPO), steps=60, making=making), speeds())

    took, alone = asking(few, many), seconds(run(phases=(SFT, DPO), steps=60), speeds())
    assert took.low < took.expected < took.high
    assert took.expected - alone.expected == pytest.approx(3 * (asking(few, few).expected - alone.expected))


def test_rows_that_are_made_twice_take_twice_as_long() -> None:
    asks = Rehearsal((Asked((5,) * 10, 40, 3),), (Asked((5,) * 10, 40, 3),), (AskedScores(((5, (10, 10)),)),), ())
    reads = speeds(scored=Read(Line(0.2, 0.0), Line(0.0, 1.0)))
    once, twice = (seconds(run(making=(Making(asks, 0),) * times), reads).high for times in (1, 2))
    alone = seconds(run(), reads).high
    assert twice - alone == pytest.approx(2 * (once - alone))


def test_memory_follows_the_largest_batch_and_shrinks_with_it() -> None:
    most = memory(run(), speeds())
    assert most > 10**8
    assert memory(run(phases=(SFT, DPO)), speeds()) > most
    found = smaller(run(), speeds(), 8)
    assert list(found) == [4, 2, 1]
    assert most > found[4] > found[2] > found[1] > 10**8
    assert smaller(run(phases=()), speeds(), 8) == {}


def test_float32_is_reckoned_with_where_precision_is_tried() -> None:
    tried = memory(run(), speeds())
    plain = Trained(STEP, Line(0.0, 2.0), 0.0, 0.0, False, True)
    whole = memory(run(), speeds(trained={"sft": plain}))
    assert tried == whole, "the trial of half precision needs what training in float32 would"


def test_a_line_goes_through_its_points_and_never_below_zero() -> None:
    assert line([(1.0, 3.0), (3.0, 5.0)]) == pytest.approx(Line(2.0, 1.0))
    assert line([(2.0, 5.0)]) == pytest.approx(Line(0.0, 2.5))
    assert line([(1.0, 5.0), (3.0, 4.0)]) == pytest.approx(Line(4.5, 0.0)), "noise: no growth is seen"
    assert line([(1.0, 1.0), (2.0, 3.0)]).fixed == 0.0, "nothing takes less than no time"
