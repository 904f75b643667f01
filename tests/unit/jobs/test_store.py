from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import methods
from engine.run.planned import runs_of
from engine.spec.errors import StoreError
from engine.spec.events import Probed, Stepped, encode
from engine.spec.example import Outcome
from jobs.paths import Home
from jobs.store.read import Board, ordinal
from jobs.store.write import Damaged, DiskFull, Store, open_reader
from tests.unit.jobs import fakes

TRIAL = fakes.trial()
with pytest.MonkeyPatch.context() as _patch:
    _patch.setattr(methods, "found", fakes.known)
    RUNS = runs_of(TRIAL)


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    store = Store(Home.at(home).create())
    yield store
    store.close()


def add(store: Store) -> None:
    with store.batch():
        store.add_trial(TRIAL, RUNS, 1.0)


def test_claims_come_in_order_and_never_twice(store: Store) -> None:
    add(store)
    with store.batch():
        store.first(RUNS[2].hash)
        order = [row["hash"] for row in store.queued()]
        claimed = [store.claim(run, 2.0) for run in (*order, order[0])]
    assert [c and c["hash"] for c in claimed] == [RUNS[2].hash, RUNS[0].hash, RUNS[1].hash, RUNS[3].hash, None]
    assert store.queued() == []
    assert all(c["attempt"] == 1 for c in claimed if c)


def test_a_batch_is_all_or_nothing(store: Store) -> None:
    def half() -> None:
        with store.batch():
            store.add_trial(TRIAL, RUNS, 1.0)
            store.run("there is none")

    with pytest.raises(StoreError, match="no run"):
        half()
    assert store.in_state("queued") == []


def test_adding_a_trial_again_changes_nothing_that_is_done(store: Store) -> None:
    add(store)
    with store.batch():
        store.claim(RUNS[0].hash, 2.0)
        store.settle(RUNS[0].hash, "succeeded", 3.0, 1.0)
        store.settle(RUNS[1].hash, "failed", 3.0, 0.0, reason="it failed")
    add(store)
    assert [store.run(r.hash)["state"] for r in RUNS] == ["succeeded", "queued", "queued", "queued"]
    assert [r["hash"] for r in store.in_state("queued")] == [RUNS[2].hash, RUNS[3].hash, RUNS[1].hash]
    assert store.run(RUNS[0].hash)["seconds"] == 1.0


def test_numbers_that_are_none_become_notes(store: Store) -> None:
    add(store)
    run = RUNS[0].hash
    step = encode(Stepped(seq=0, step=1, loss=1.0, learning_rate=1.0, phase="sft", elapsed=1.0))
    probe = encode(Probed(seq=1, step=1, probe="p", stage="after", metrics={"a": 1.0, "b": 2.0}))
    lines = [step.replace('"loss":1.0', '"loss":NaN').encode(), probe.replace('"a":1.0', '"a":-Infinity').encode()]
    with store.batch():
        assert store.ingest(run, lines, 0) == []
    assert [(m["name"], m["value"]) for m in store.db.query("SELECT * FROM metrics")] == [("p.b", 2.0)]
    assert [p["name"] for p in store.db.query("SELECT name FROM points")] == ["p.b"]
    notes = [n["detail"] for n in store.db.query("SELECT detail FROM notes ORDER BY seq")]
    assert notes == ["loss is nan at step 1; it is left out.", "p.a is -inf at step 1; it is left out."]
    assert store.run(run)["loss"] is None


def test_items_that_were_not_scored_are_neither_right_nor_wrong(store: Store) -> None:
    add(store)
    made = tuple(
        Outcome(item=f"i{n}", correct=correct, split="s", cluster="c") for n, correct in enumerate((True, None, False))
    )
    probed = Probed(seq=1, step=1, probe="p", stage="after", metrics={}, outcomes=made)
    with store.batch():
        assert store.ingest(RUNS[0].hash, [encode(probed).encode()], 0) == []
    assert [row["correct"] for row in store.db.query("SELECT correct FROM outcomes ORDER BY n")] == [1, None, 0]
    bodies = [row["body"] for row in store.db.query("SELECT body FROM outcomes ORDER BY n")]
    assert tuple(map(Outcome.model_validate_json, bodies)) == made


def test_a_full_disk_has_its_own_error_and_loses_nothing(store: Store) -> None:
    add(store)
    pages = store.db.execute("PRAGMA page_count").fetchone()[0]
    store.db.execute(f"PRAGMA max_page_count = {pages}")
    big = fakes.trial(seeds=500)
    with pytest.raises(DiskFull, match="disk is full"), store.batch():
        store.add_trial(big, runs_of(big), 2.0)
    assert len(store.in_state("queued")) == 4
    assert store.check() == "ok"


def test_a_file_that_is_no_database_is_damaged(home: Path) -> None:
    place = Home.at(home).create()
    place.database.write_bytes(b"nothing of the kind" * 1000)
    with pytest.raises(Damaged, match="damaged"):
        Store(place)
    with pytest.raises(StoreError, match="damaged"):
        open_reader(place)
    assert place.database.read_bytes() == b"nothing of the kind" * 1000


def test_a_reader_cannot_write(store: Store) -> None:
    add(store)
    db = open_reader(Home.at(store.path.parent))
    with pytest.raises(Exception, match="readonly"):
        db.execute("DELETE FROM runs")
    db.close()


def test_a_snapshot_of_a_thousand_runs_takes_a_fraction_of_a_tick(store: Store) -> None:
    big = fakes.trial(seeds=500)
    with store.batch():
        store.add_trial(big, runs_of(big), 1.0)
    board = Board(store.db, slots=2, paused=False)
    runs = board.runs()
    assert len(runs) == 1000
    assert runs[999].reason == "queued, 1000th"
    assert board.trials()[0].arms == (("plain", "Plain"), ("odd", "Odd"))


@pytest.mark.parametrize(
    ("n", "words"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (22, "22nd"), (113, "113th")],
)
def test_places_are_said_as_people_say_them(n: int, words: str) -> None:
    assert ordinal(n) == words


def test_a_run_of_an_older_recipe_is_not_queued_again(store: Store) -> None:
    add(store)
    run = RUNS[0].hash
    with store.batch():
        store.db.execute("UPDATE runs SET spec = json_set(spec, '$.tune.recipe', 5) WHERE hash = ?", (run,))
        store.settle(run, "paused", 2.0, 1.0)
        store.requeue([run, RUNS[1].hash])
    assert store.run(run)["state"] == "cancelled"
    assert "older version of the lab" in store.run(run)["reason"]
    assert store.run(RUNS[1].hash)["state"] == "queued"
