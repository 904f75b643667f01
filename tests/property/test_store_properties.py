"""However a stream is cut, torn, repeated and read, the database holds each event once, as it was first said."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import methods
from engine.run.planned import runs_of
from engine.spec.events import Checked, Event, Finished, Noted, Probed, Started, Stepped, encode
from engine.spec.example import Outcome
from jobs.paths import Home
from jobs.store.stream import whole_lines
from jobs.store.write import Store
from tests.unit.jobs import fakes

with pytest.MonkeyPatch.context() as _patch:
    _patch.setattr(methods, "found", fakes.known)
    RUN = runs_of(fakes.trial())[0]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBER = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def streams(draw: st.DrawFn) -> list[Event]:
    """A run's events, as a recipe says them."""
    events: list[Event] = [Started(seq=0, total_steps=9, threads=1, device="cpu", versions={"v": draw(TEXT)})]
    for step in range(1, draw(st.integers(1, 8)) + 1):
        loss = draw(NUMBER)
        seq = len(events)
        events.append(Stepped(seq=seq, step=step, loss=loss, learning_rate=0.1, phase="sft", elapsed=float(step)))
        if draw(st.booleans()):
            metrics = draw(st.dictionaries(st.sampled_from(["a", "b"]), NUMBER))
            events.append(Probed(seq=seq + 1, step=step, probe="p", stage="live", metrics=metrics))
    texts = draw(st.lists(TEXT, max_size=3))
    outcomes = tuple(Outcome(item=f"{n}", correct=True, split="s", cluster="c", output=t) for n, t in enumerate(texts))
    seq, metrics = len(events), {"a": draw(NUMBER)}
    events.append(Probed(seq=seq, step=9, probe="p", stage="after", metrics=metrics, outcomes=outcomes))
    events.append(Checked(seq=seq + 1, name=draw(TEXT), ok=draw(st.booleans()), detail=draw(TEXT)))
    events.append(Noted(seq=seq + 2, name="n", detail=draw(TEXT)))
    events.append(Finished(seq=seq + 3, seconds=1.0))
    return events


def content(store: Store) -> dict[str, list[dict[str, object]]]:
    """All that is read of a run, save numbers that count how often it was said."""
    tables = {
        name: list(store.db.query(f"SELECT * FROM {name} ORDER BY 1, 2, 3"))
        for name in ("events", "metrics", "outcomes", "checks", "notes")
    }
    tables["points"] = list(store.db.query("SELECT run, name, step, value FROM points ORDER BY run, name, step"))
    tables["runs"] = list(store.db.query("SELECT step, total_steps, loss FROM runs"))
    return tables


def fresh(folder: str, name: str) -> Store:
    store = Store(Home.at(folder), Path(folder) / name)
    with store.batch():
        store.add_run(RUN, 0.0)
    return store


ATTEMPT = st.tuples(
    st.floats(0, 1),  # how far back the checkpoint lies from which the attempt goes on
    st.floats(0, 1),  # how much of the rest it writes before it is killed, to the byte
    st.sampled_from([1, 7, 1 << 20]),  # bytes the lab reads at once
    st.booleans(),  # whether the lab is killed too
    st.booleans(),  # whether it then reads from the beginning
)


@settings(max_examples=60, deadline=None)
@given(events=streams(), attempts=st.lists(ATTEMPT, max_size=4))
def test_torn_and_repeated_lines_give_the_same_database(
    events: list[Event], attempts: list[tuple[float, float, int, bool, bool]]
) -> None:
    lines = [encode(event).encode() + b"\n" for event in events]
    with tempfile.TemporaryDirectory() as folder:
        plain = fresh(folder, "plain.db")
        with plain.batch():
            plain.ingest(RUN.hash, [line.rstrip() for line in lines], 0)
        file, store, offset, written = Path(folder) / "events.ndjson", fresh(folder, "torn.db"), 0, 0
        for back, share, chunk, killed, anew in [*attempts, (0.0, 1.0, 1 << 20, False, False)]:
            start = int(written * (1 - back))
            rest = b"".join(lines[start:])
            put = rest[: int(len(rest) * share)]
            kept = file.read_bytes() if file.exists() else b""
            file.write_bytes(kept[: kept.rfind(b"\n") + 1] + put)  # a torn line is cut off before anything follows
            written = max(written, start + put.count(b"\n"))
            found, offset = whole_lines(file, offset, chunk)
            with store.batch():
                store.ingest(RUN.hash, found, offset)
            if killed:
                store.close()
                store = Store(Home.at(folder), Path(folder) / "torn.db")
                offset = 0 if anew else offset
        while found:
            found, offset = whole_lines(file, offset)
            with store.batch():
                store.ingest(RUN.hash, found, offset)
        assert store.complete(RUN.hash) is True
        assert content(store) == content(plain)
        assert store.check() == "ok"
        store.close()
        plain.close()


@settings(max_examples=60, deadline=None)
@given(events=streams(), lost=st.integers(0, 100))
def test_a_lost_line_is_noticed(events: list[Event], lost: int) -> None:
    kept = [encode(e).encode() for n, e in enumerate(events) if n != lost % (len(events) - 1)]
    with tempfile.TemporaryDirectory() as folder:
        store = fresh(folder, "lab.db")
        with store.batch():
            store.ingest(RUN.hash, kept, 0)
        assert store.complete(RUN.hash) is False
        store.close()


@settings(max_examples=60, deadline=None)
@given(noise=st.lists(st.binary(max_size=40), max_size=6))
def test_noise_is_never_an_event_and_never_an_error(noise: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = fresh(folder, "lab.db")
        with store.batch():
            wrong = store.ingest(RUN.hash, noise, 3)
        assert len(wrong) == len(noise)
        assert store.complete(RUN.hash) is None
        store.close()
