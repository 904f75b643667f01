"""A trial that goes on until it is settled, in words: on the terminal, in the window and in reports."""

from __future__ import annotations

import pytest

from engine.spec.sequential import Ends, LookResult
from jobs.report.content import sequential
from jobs.report.content.sections import report_of
from jobs.report.content.sequential import ended, last_look, standing
from jobs.store.records import TrialRecord
from tests.support import results
from tests.support.consoles import snapshot
from tests.support.looks import PLAN, seen


def trial(**more: object) -> TrialRecord:
    return (
        snapshot("succeeded", "running").trials[0].model_copy(update={"seeds": 12, "looks": PLAN, "begun": 6, **more})
    )


@pytest.mark.parametrize(
    ("looks", "words"),
    [
        ((3,), "after 3 seeds"),
        ((4, 6, 8), "after 4, 6 and 8 seeds"),
        (PLAN, "after 4, 5, … 12 seeds"),
        ((4, 5, 6, 7, 8, 12), "after 4, 5, 6, 7, 8 and 12 seeds"),
    ],
)
def test_when_it_is_looked_at(looks: tuple[int, ...], words: str) -> None:
    assert sequential.after(looks) == words


@pytest.mark.parametrize(
    ("decision", "words", "line"),
    [
        ("settled", "Settled after 5 seeds.", "settled"),
        ("most-seeds", "This difference is still open after 5 seeds, the most that were planned.", "no more seeds are"),
        ("stopped", "Stopped after 5 seeds: a check failed that no further seed can mend.", "a check failed"),
        ("go-on", "Not ended: 5 seeds were begun, of at most 12.", "goes on, probably 1 to 3 more seeds"),
    ],
)
def test_what_it_ended_by(decision: Ends, words: str, line: str) -> None:
    assert ended(seen(5, decision)) == words
    assert line in last_look(seen(5, decision))


def test_what_is_foreseen() -> None:
    assert last_look(seen(further=(2, 2))).endswith("goes on, probably 2 more seeds")
    assert last_look(seen(further=(1, 1)), (40.0, 90.0)).endswith("probably 1 more seed (about 40 to 90 seconds)")
    assert last_look(seen(further=None)).endswith("; goes on")
    for share, words in (
        (0.79, "goes on, probably 2 to 7 more seeds"),
        (0.8, "goes on, up to 7 more seeds, but will ha"),
    ):
        assert words in last_look(seen(further=(2, 7)).model_copy(update={"stays_open": share}))
    assert last_look(seen(6)).endswith("goes on, since the verdict rests on more than this difference")


def test_every_figure_has_its_unit_or_is_said_to_be_none() -> None:
    assert "+9.8 points [\N{MINUS SIGN}1.2, +20.8]" in last_look(seen())
    nats = seen().model_copy(update={"unit": "nats", "looks": (LookResult(seeds=4, difference=-0.02),)})
    assert "4 of at most 12 seeds: \N{MINUS SIGN}0.020 nats; goes on" in last_look(nats)
    none = seen().model_copy(update={"looks": (LookResult(seeds=4),)})
    assert "4 of at most 12 seeds: no figure; goes on" in last_look(none)


def test_what_is_shown_by_the_narrower_interval_has_it_beside_the_look() -> None:
    one = LookResult(seeds=4, difference=-0.016, ci=(-0.036, 0.031), ci90=(-0.031, 0.026), decision="not-greater")
    looked = seen().model_copy(update={"looks": (one,)})
    minus = "\N{MINUS SIGN}"
    interval = f"[{minus}3.6, +3.1], 90 % [{minus}3.1, +2.6]"
    assert sequential.look_answer(one, looked).endswith(f"{interval}; answer: not higher by 3.0 points or more")
    within = one.model_copy(update={"ci": (-0.02, 0.01), "ci90": (-0.019, 0.009), "decision": "no-effect"})
    assert "90 %" not in sequential.look_answer(within, looked)
    less = one.model_copy(update={"decision": "not-less"})
    assert sequential.look_answer(less, looked).endswith("not lower by 3.0 points or more")


def test_how_it_stands() -> None:
    assert standing(trial(looks=())) == ""
    assert standing(trial()) == "First look after 4 of at most 12 seeds"
    assert standing(trial(at_a_look=True)).endswith("6 of at most 12 seeds: judging whether more seeds are needed")
    assert standing(trial(looked=seen())).endswith("goes on, probably 1 to 3 more seeds")
    gone = standing(trial(settled="stopped: The rule is gone."))
    assert gone == "Stopped after 6 of at most 12 seeds: The rule is gone"


def test_what_does_not_go_on_is_not_said_to() -> None:
    stopped, failed = (standing(trial(looked=seen(), finished=1.0, cancelled=cancelled)) for cancelled in (True, False))
    assert stopped.endswith("; the trial was stopped before the next one")
    assert failed.endswith("; runs are missing for the next one")
    assert "goes on" not in stopped + failed


def test_a_report_has_a_row_for_each_look_and_says_what_looking_costs() -> None:
    result = results.until_settled()
    assert result.sequential is not None
    section = next(one for one in report_of(result).sections if one.name == "looks")
    assert "looks were planned after 4, 6 and 8 seeds" in section.caption
    rows = sequential.rows(result)
    assert [row[0] for row in rows] == ["4 seeds", "6 seeds"]
    assert [row[-1] for row in rows] == ["went on", {"settled": "settled"}[result.sequential.decision]]
    assert all("points" in row[1] for row in rows)
    assert sequential.section(results.small()) is None
    assert sequential.rows(results.small()) == ()


def test_a_look_whose_runs_are_missing_was_not_taken() -> None:
    plain = results.until_settled()
    assert plain.sequential is not None
    runs = (plain.arms[-1].runs[0].model_copy(update={"status": "failed"}), *plain.arms[-1].runs[1:])
    arms = (*plain.arms[:-1], plain.arms[-1].model_copy(update={"runs": runs}))
    looks = plain.sequential.model_copy(update={"decision": "go-on"})
    early = plain.model_copy(update={"arms": arms, "sequential": looks})
    assert sequential.rows(early)[-1][-1] == "not taken yet: runs are missing"
    assert sequential.rows(plain.model_copy(update={"sequential": looks}))[-1][-1] == "goes on"
