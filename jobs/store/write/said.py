"""What runs say, taken into the database: events, curves, figures, outcomes, checks and notes."""

from __future__ import annotations

import math
from collections.abc import Iterable

from pydantic import ValidationError

from engine.analysis.copies import fingerprint
from engine.spec.errors import StoreError
from engine.spec.events import Asked, Checked, Event, Finished, Noted, Probed, Started, Stepped, decode
from jobs.store.write.connection import Connection, Row


class Said(Connection):
    """The writing connection, as far as runs' streams go."""

    def set(self, run: str, **columns: str | float | int | None) -> None:
        """Write single columns of a run."""
        names = ", ".join(f"{name} = ?" for name in columns)
        sql = f"UPDATE runs SET {names} WHERE hash = ?"  # noqa: S608 - names are keywords of our own calls
        self.db.execute(sql, (*columns.values(), run))

    def run(self, run: str) -> Row:
        """A run's row. Raises StoreError where there is none."""
        for row in self.db.query("SELECT * FROM runs WHERE hash = ?", (run,)):
            return row
        raise StoreError(f"There is no run {run!r}.", "The queue lists the runs.")

    def ingest(self, run: str, lines: Iterable[bytes], offset: int) -> list[str]:
        """Insert whole lines of a run's stream, repeats ignored, and the offset that follows them.

        Returns:
            What is wrong with each line that is no event (they are skipped; a gap shows at the end, see `complete`).
        """
        wrong: list[str] = []
        for line in lines:
            try:
                event = decode(line)
            except ValidationError as error:
                wrong.append(str(error.errors()[0]["msg"]))
                continue
            self._insert(run, event)
        self.set(run, events_offset=offset)
        return wrong

    def _insert(self, run: str, event: Event) -> None:
        body = event.model_dump_json(exclude={"outcomes", "texts"})
        put = self.db.execute("INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?)", (run, event.seq, event.kind, body))
        if put.rowcount != 1:  # a resumed run repeats what it said; the first saying stands
            return
        if isinstance(event, Started):
            untrained = {} if event.total_steps else {"reason": "measuring"}  # no step will say how far it is
            self.set(run, total_steps=event.total_steps, **untrained)
        elif isinstance(event, Stepped):
            self._step(run, event)
        elif isinstance(event, Asked):
            self._ask(run, event)
        elif isinstance(event, Probed):
            self._probe(run, event)
        elif isinstance(event, Checked):
            row = (run, event.seq, event.name, event.ok, event.detail)
            self.db.execute("INSERT INTO checks VALUES (?, ?, ?, ?, ?)", row)
        elif isinstance(event, Noted):
            self.db.execute("INSERT INTO notes VALUES (?, ?, ?, ?)", (run, event.seq, event.name, event.detail))

    def _step(self, run: str, event: Stepped) -> None:
        for name, value in {**event.scalars, "loss": event.loss}.items():
            if self._number(run, event.seq, name, event.step, value):
                self._point(run, name, event.step, value)
        if not math.isfinite(event.loss):
            return
        self.db.execute(
            """UPDATE runs SET step = max(step, :step), loss = :loss, last_elapsed = :elapsed,
               first_step = coalesce(first_step, :step), first_elapsed = coalesce(first_elapsed, :elapsed)
               WHERE hash = :run""",
            {"step": event.step, "loss": event.loss, "elapsed": event.elapsed, "run": run},
        )

    def _ask(self, run: str, event: Asked) -> None:
        plan = self.run(run)["measures"]
        rows = [(plan, text.item, text.prompt, text.gold) for text in event.texts]
        self.db.conn.executemany("INSERT OR IGNORE INTO items VALUES (?, ?, ?, ?)", rows)

    def _probe(self, run: str, event: Probed) -> None:
        for metric, value in event.metrics.items():
            name = f"{event.probe}.{metric}"
            if not self._number(run, event.seq, name, event.step, value):
                continue
            if event.stage == "live" or not self._drawn(run, name):  # the full set's figure, where no curve was drawn
                self._point(run, name, event.step, value)
            if event.stage == "after":
                self.db.execute("INSERT OR REPLACE INTO metrics VALUES (?, ?, ?)", (run, name, value))
        rows = [
            (run, event.probe, n, o.item, o.correct, o.failure, o.model_dump_json())
            for n, o in enumerate(event.outcomes)
        ]
        self.db.conn.executemany("INSERT OR REPLACE INTO outcomes VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        if found := fingerprint(event.outcomes):
            self.db.execute("INSERT OR REPLACE INTO fingerprints VALUES (?, ?, ?)", (run, event.probe, found))

    def _number(self, run: str, seq: int, name: str, step: int, value: float) -> bool:
        if math.isfinite(value):
            return True
        detail = f"{name} is {value} at step {step}; it is left out."
        self.db.execute(
            """INSERT INTO notes VALUES (?, ?, 'not a number', ?)
               ON CONFLICT DO UPDATE SET detail = detail || ' ' || excluded.detail""",
            (run, seq, detail),
        )
        return False

    def _point(self, run: str, name: str, step: int, value: float) -> None:
        sql = "INSERT OR IGNORE INTO points (run, name, step, value) VALUES (?, ?, ?, ?)"
        self.db.execute(sql, (run, name, step, value))

    def _drawn(self, run: str, name: str) -> bool:
        return bool(list(self.db.query("SELECT 1 FROM points WHERE run = ? AND name = ? LIMIT 1", (run, name))))

    def complete(self, run: str) -> bool | None:
        """Whether the run's last event stands and none before it is missing; None where the last is not there."""
        sql = "SELECT count(*) AS n, max(CASE WHEN kind = 'finished' THEN seq END) AS last FROM events WHERE run = ?"
        row = next(iter(self.db.query(sql, (run,))))
        return None if row["last"] is None else row["n"] == row["last"] + 1

    def finished(self, run: str) -> Finished | None:
        """The run's last event, if it stands."""
        for row in self.db.query("SELECT body FROM events WHERE run = ? AND kind = 'finished'", (run,)):
            event = decode(row["body"])
            return event if isinstance(event, Finished) else None
        return None
