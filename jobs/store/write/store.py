"""The database: one writer (the supervisor's thread), any number of readers.

Every write is part of a batch, a batch is one commit, and events go in on (run, seq), repeats ignored: whatever is
killed at whatever moment, what was committed stands and what was not is read again from the run's folder.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from engine.spec.errors import StoreError
from engine.spec.run import RECIPE_VERSION, RunSpec, digest
from engine.spec.runs import Planned
from engine.spec.sequential import Sequential
from engine.spec.trial import TrialSpec
from jobs.store import older
from jobs.store.migrations import OLDER
from jobs.store.write.connection import Row
from jobs.store.write.said import Said

LOOSE = ("paused", "failed", "cancelled", "interrupted")  # states from which a run can be queued again


class Store(Said):
    """The one writing connection. Not to be shared between threads."""

    # Trials and the queue

    def add_trial(self, trial: TrialSpec, runs: Sequence[RunSpec], now: float, planned: Planned | None = None) -> None:
        """Write a trial and queue its runs, save those that are done, queued or running already."""
        self.write_trial(trial, now, planned)
        for n, run in enumerate(runs):
            self.add_run(run, now)
            self.link(trial.id, run.arm, run.seed, run.hash, n)
        self.requeue([run.hash for run in runs])

    def write_trial(self, trial: TrialSpec, now: float, planned: Planned | None = None) -> None:
        """Write a trial alone.

        Args:
            planned: What was written down of it; of a trial that is there already, what was written first stands.
        """
        arms = [(name, trial.study.arm(name).label) for name in trial.arms]
        self.db.execute(
            """INSERT INTO trials
               (id, study, question, scale, seeds, model, arms, spec, created, planned, recipe, looks)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
               ON CONFLICT (id) DO UPDATE SET cancelled = NULL, settled = ''""",
            (trial.id, trial.study.id, trial.study.question, trial.scale, trial.seeds, trial.model.name,
             json.dumps(arms), trial.model_dump_json(), now, planned.model_dump_json() if planned else None,
             trial.recipe, json.dumps(trial.looks) if trial.looks else ""),
        )  # fmt: skip

    def begun(self, trial: str) -> int:
        """How many of a trial's seeds were queued so far."""
        row = next(iter(self.db.query("SELECT max(seed) AS last FROM trial_runs WHERE trial = ?", (trial,))))
        return 0 if row["last"] is None else row["last"] + 1

    def at_a_look(self) -> list[str]:
        """The trials that go on until they are settled, and all of whose queued runs have succeeded, oldest first."""
        rows = self.db.query(
            """SELECT id FROM trials WHERE looks != '' AND settled = '' AND cancelled IS NULL AND recipe = ?
               AND EXISTS (SELECT 1 FROM trial_runs WHERE trial = trials.id)
               AND NOT EXISTS (SELECT 1 FROM trial_runs AS t JOIN runs AS r ON r.hash = t.run
                               WHERE t.trial = trials.id AND r.state != 'succeeded') ORDER BY created, id""",
            (RECIPE_VERSION,),
        )
        return [row["id"] for row in rows]

    def looked(self, trial: str, seen: Sequential | None, why: str) -> None:
        """Note what a look at a trial has shown, and why the trial ends; "" where it goes on."""
        body = seen.model_dump_json() if seen else ""
        self.db.execute("UPDATE trials SET looked = ?, settled = ? WHERE id = ?", (body, why, trial))

    def link(self, trial: str, arm: str, seed: int, run: str, n: int) -> None:
        """Note that a run is a trial's `n`-th, and what the trial calls it: another may call it otherwise."""
        self.db.execute(
            """INSERT INTO trial_runs (trial, arm, seed, run, n) VALUES (?, ?, ?, ?, ?)
               ON CONFLICT (trial, arm, seed) DO UPDATE SET run = excluded.run, n = excluded.n""",
            (trial, arm, seed, run, n),
        )

    def add_run(self, run: RunSpec, now: float) -> None:
        """Queue a run that is not known yet; one that is known is left as it is."""
        needs = sorted({need.weights for need in (*run.tune.needs.values(), *run.needs.values()) if need.weights})
        self.db.execute(
            """INSERT INTO runs (hash, arm, seed, cost, spec, state, created, place, tune, needs, measures)
               VALUES (?, ?, ?, ?, ?, 'queued', ?, (SELECT coalesce(max(place), 0) + 1 FROM runs), ?, ?, ?)
               ON CONFLICT (hash) DO NOTHING""",
            (run.hash, run.arm, run.seed, cost(run), run.model_dump_json(), now, run.tune.hash, json.dumps(needs),
             run.measures),
        )  # fmt: skip

    def add_older_run(self, name: str, run: older.Plain, now: float) -> None:
        """A run of an older recipe, as it was stored: cancelled until its folder tells otherwise."""
        self.db.execute(
            """INSERT INTO runs (hash, arm, seed, cost, spec, state, reason, hint, created, place, measures)
               VALUES (?, ?, ?, ?, ?, 'cancelled', ?, ?, ?, (SELECT coalesce(max(place), 0) + 1 FROM runs), ?)
               ON CONFLICT (hash) DO NOTHING""",
            (name, run["arm"], run["seed"], older.cost_of(run), json.dumps(run), *OLDER, now, older.measures_of(run)),
        )

    def requeue(self, runs: Iterable[str], reason: str = "") -> None:
        """Put stopped or failed runs at the end of the queue, interrupted ones where they were; all others stay.

        A run whose events were damaged begins anew: what it left in the database is dropped here (its folder is the
        caller's to remove beforehand). A run of an older recipe is cancelled.
        """
        for run in runs:
            row = self.run(run)
            if row["state"] not in LOOSE:
                continue
            if json.loads(row["spec"]).get("tune", {}).get("recipe") != RECIPE_VERSION:
                self.set(run, state="cancelled", reason=OLDER[0], hint=OLDER[1])
                continue
            if row["kind"] == "damaged":
                self.forget(run)
            self.db.execute(
                """UPDATE runs SET state = 'queued', kind = '', reason = ?, hint = '', finished = NULL, pid = NULL,
                   place = CASE state WHEN 'interrupted' THEN place ELSE (SELECT max(place) + 1 FROM runs) END
                   WHERE hash = ?""",
                (reason, run),
            )

    def forget(self, run: str) -> None:
        """Drop everything a run has said."""
        for table in ("events", "points", "metrics", "outcomes", "fingerprints", "checks", "notes"):
            self.db.table(table).delete_where("run = ?", [run])
        self.db.execute("UPDATE runs SET step = 0, loss = NULL, events_offset = 0 WHERE hash = ?", (run,))

    def begin_anew(self, run: str) -> None:
        """Queue a run that has ended from its first step; its folder is the caller's to remove beforehand."""
        self.forget(run)
        self.set(run, state="failed", kind="")
        self.requeue([run])

    def queued(self) -> list[Row]:
        """The queued runs in the queue's order: hash, tune, needs and reason."""
        return list(
            self.db.query(
                "SELECT hash, tune, needs, reason FROM runs WHERE state = 'queued' ORDER BY priority DESC, place"
            )
        )

    def spec(self, run: str) -> RunSpec:
        """What a run is. Raises StoreError where there is none."""
        return RunSpec.model_validate_json(self.run(run)["spec"])

    def claim(self, run: str, now: float) -> Row | None:
        """Take a queued run, in one statement: hash, spec, attempt and cost; None where it is not queued.

        The stream is read from its beginning again: repeats are ignored, and a file that a power cut shortened is
        no trouble.
        """
        rows = self.db.query(
            """UPDATE runs SET state = 'running', kind = '', reason = '', hint = '', started = ?, finished = NULL,
               attempt = attempt + 1, pid = NULL, pid_started = NULL, events_offset = 0,
               first_step = NULL, first_elapsed = NULL, last_elapsed = NULL, tail = NULL
               WHERE hash = ? AND state = 'queued' RETURNING hash, spec, attempt, cost""",
            (now, run),
        )
        return next(iter(list(rows)), None)

    def makers(self, tune: str) -> list[Row]:
        """The runs that make these weights or have made them, the latest queued first."""
        rows = self.db.query("SELECT * FROM runs WHERE tune = ? AND tune != '' ORDER BY place DESC", (tune,))
        return list(rows)

    def users(self, tune: str) -> list[str]:
        """The runs that need these weights of another."""
        rows = self.db.query(
            "SELECT hash FROM runs WHERE EXISTS (SELECT 1 FROM json_each(runs.needs) AS need WHERE need.value = ?)",
            (tune,),
        )
        return [row["hash"] for row in rows]

    def title(self, run: str) -> str:
        """What people read for a run: its arm's label in the first trial that it is of, and its seed."""
        rows = self.db.query(
            """SELECT t.arm, t.seed, trials.arms FROM trial_runs AS t JOIN trials ON trials.id = t.trial
               WHERE t.run = ? ORDER BY trials.created LIMIT 1""",
            (run,),
        )
        for row in rows:
            return f"{dict(json.loads(row['arms'])).get(row['arm'], row['arm'])}, seed {row['seed']}"
        row = self.run(run)
        return f"{row['arm']}, seed {row['seed']}"

    def first(self, run: str) -> None:
        """Move a queued run to the front."""
        self.db.execute("UPDATE runs SET priority = (SELECT max(priority) + 1 FROM runs) WHERE hash = ?", (run,))

    def settle(self, run: str, state: str, now: float, seconds: float, **why: str) -> None:
        """Write how an attempt ended. `why`: kind, reason and hint; `seconds` are added to the run's."""
        self.db.execute(
            """UPDATE runs SET state = :state, kind = :kind, reason = :reason, hint = :hint, finished = :now,
               seconds = seconds + :seconds, pid = NULL, pid_started = NULL, priority = 0,
               tail = max(0, :seconds - last_elapsed) WHERE hash = :run""",
            {"kind": "", "reason": "", "hint": "", **why, "state": state, "now": now, "seconds": seconds, "run": run},
        )

    def in_state(self, state: str) -> list[Row]:
        """The rows of all runs in a state, in the queue's order."""
        return list(self.db.query("SELECT * FROM runs WHERE state = ? ORDER BY priority DESC, place", (state,)))

    def cancel_trial(self, trial: str, now: float) -> list[str]:
        """Mark a trial cancelled. Returns its runs that no other trial waits for."""
        if not list(self.db.query("SELECT id FROM trials WHERE id = ?", (trial,))):
            raise StoreError(f"There is no trial {trial!r}.", "The queue lists the trials.")
        self.db.execute("UPDATE trials SET cancelled = ? WHERE id = ?", (now, trial))
        rows = self.db.query(
            """SELECT run FROM trial_runs AS mine WHERE trial = ? AND NOT EXISTS (
               SELECT 1 FROM trial_runs AS other JOIN trials ON trials.id = other.trial
               WHERE other.run = mine.run AND trials.cancelled IS NULL) ORDER BY n""",
            (trial,),
        )
        return [row["run"] for row in rows]


def cost(run: RunSpec) -> str:
    """Runs with the same key take about the same time: all that they are is the same, save the seed."""
    tune = run.tune.model_dump(mode="json", include={"method", "adaptation", "objectives", "size"})
    others = sorted(need.model.digest if need.model else "weights" for need in run.tune.needs.values())
    return digest([tune, run.tune.model.digest, others, run.measures])[:12]
