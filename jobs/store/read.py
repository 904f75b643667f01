"""Queries of the database for readers: snapshots, curves, results. Each sees the database at one moment."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from engine.analysis.detectable import paired
from engine.spec.errors import StoreError
from engine.spec.events import Finished, Started, decode
from engine.spec.example import ItemText, Outcome
from engine.spec.reference import DataRef
from engine.spec.run import RECIPE_VERSION
from engine.spec.runs import Context, Pairs, Planned, Point, RunRecord, RunResult
from engine.spec.sequential import Sequential
from engine.spec.study import Scale, StudySpec
from engine.spec.training import Training, training_of
from engine.spec.trial import TrialSpec
from engine.stats.estimate import ENOUGH_SEEDS
from jobs.paths import Home
from jobs.queue import eta
from jobs.store import looks
from jobs.store.records import Curves, TrialRecord
from jobs.store.write import Database, Row

RUNS = """SELECT hash, arm, seed, cost, state, reason, hint, step, total_steps, loss, created, started, finished,
seconds, attempt, first_step, first_elapsed, last_elapsed, priority, place FROM runs ORDER BY place"""
TRIALS = """SELECT id, study, question, scale, seeds, model, arms, created, cancelled, recipe, looks, looked, settled
FROM trials ORDER BY created, id"""
CURVE_POINTS = 60  # about how many points of a curve a report keeps
OTHER_TRIAL = "another trial has computed this run"


class Board:
    """All trials and runs at one moment."""

    def __init__(self, db: Database, slots: int, paused: bool) -> None:
        self._now = time.time()
        with db.atomic():
            self._rows = {row["hash"]: row for row in db.query(RUNS)}
            self._trials = list(db.query(TRIALS))
            links = list(db.query("SELECT trial, arm, seed, run FROM trial_runs ORDER BY trial, n"))
            self._history = eta.history(db)
        self._slots = slots
        self._paused = paused
        created = {trial["id"]: trial["created"] for trial in self._trials}
        self._links_of: dict[str, list[Row]] = defaultdict(list)
        self._names: dict[str, Row] = {}  # run -> its row (arm, seed) in the first trial that queued it
        self._trials_of: dict[str, list[str]] = defaultdict(list)
        for link in sorted(links, key=lambda link: created[link["trial"]]):
            self._links_of[link["trial"]].append(link)
            self._names.setdefault(link["run"], link)
            if link["trial"] not in self._trials_of[link["run"]]:
                self._trials_of[link["run"]].append(link["trial"])
        queued = [r for r in self._rows.values() if r["state"] == "queued"]
        queued.sort(key=lambda r: (-r["priority"], r["place"]))
        self._position = {row["hash"]: n for n, row in enumerate(queued, 1)}
        self._eta = {h: eta.of_run(row, self._history, self._now) for h, row in self._rows.items()}

    def trials(self, only: str | None = None) -> tuple[TrialRecord, ...]:
        """Every trial, the oldest first, or the one named. Raises StoreError where there is none of that name."""
        found = [t for t in self._trials if only is None or t["id"] == only]
        if only is not None and not found:
            raise StoreError(f"There is no trial {only!r} in this lab.", "The queue lists the trials.")
        return tuple(self._trial(row) for row in found)

    def runs(self, only: str | None = None) -> tuple[RunRecord, ...]:
        """All runs in the order in which they were queued, or one trial's in the trial's order.

        Arm and seed are those of the trial asked for; without one, those of the first trial that queued the run.
        """
        if only is None:
            return tuple(self._run(self._names.get(name, row), name) for name, row in self._rows.items())
        created = next((t["created"] for t in self._trials if t["id"] == only), 0.0)
        return tuple(self._run(link, link["run"], created) for link in self._links_of[only])

    def _run(self, named: Row, run: str, since: float = 0.0) -> RunRecord:
        row = self._rows[run]
        return RunRecord(
            run=run, arm=named["arm"], seed=named["seed"], state=row["state"], reason=self._reason(row, since),
            hint=row["hint"], step=row["step"], total_steps=row["total_steps"], loss=row["loss"],
            created=row["created"], started=row["started"], finished=row["finished"], seconds=self._seconds(row),
            attempt=row["attempt"], position=self._position.get(run), eta_seconds=self._eta[run],
            trials=tuple(self._trials_of[run]),
        )  # fmt: skip

    def _reason(self, row: Row, since: float) -> str:
        if row["state"] == "queued":
            place = f"queued, {ordinal(self._position[row['hash']])}"
            place += "; the queue is paused" if self._paused else ""
            return f"{place}; {row['reason']}" if row["reason"] else place
        if row["state"] == "running" and not row["reason"]:
            if row["total_steps"] and row["step"] < row["total_steps"]:
                return f"training, step {row['step']} of {row['total_steps']}" if row["step"] else "starting"
            return "measuring" if row["total_steps"] and row["step"] else "starting"
        if row["state"] == "succeeded" and row["finished"] < since:
            return OTHER_TRIAL
        return row["reason"]

    def _seconds(self, row: Row) -> float | None:
        if row["state"] == "running":
            return row["seconds"] + max(0.0, self._now - row["started"])
        return row["seconds"] if row["started"] or row["seconds"] else None

    def _trial(self, trial: Row) -> TrialRecord:
        links = self._links_of[trial["id"]]
        rows = [self._rows[link["run"]] for link in links]
        old = trial["recipe"] != RECIPE_VERSION
        looking = bool(trial["looks"]) and not trial["settled"] and trial["cancelled"] is None and not old
        looked = Sequential.model_validate_json(trial["looked"]) if trial["looked"] else None
        at_a_look = looking and bool(rows) and all(r["state"] == "succeeded" for r in rows)
        over = not at_a_look and all(r["state"] in ("succeeded", "failed", "cancelled") for r in rows)
        each = {r["hash"]: r for r in rows}  # two arms may share a run
        ahead = {r["hash"]: self._eta[r["hash"]] for r in rows if r["state"] in ("queued", "running")}
        return TrialRecord(
            id=trial["id"], study=trial["study"], question=trial["question"], scale=trial["scale"],
            seeds=trial["seeds"], begun=max((link["seed"] + 1 for link in links), default=0), model=trial["model"],
            created=trial["created"],
            arms=tuple((name, label) for name, label in json.loads(trial["arms"])), runs=tuple(r["hash"] for r in rows),
            old=old,
            done=sum(r["state"] == "succeeded" for r in rows), failed=sum(r["state"] == "failed" for r in rows),
            finished=max((r["finished"] for r in rows if r["finished"]), default=None) if over else None,
            seconds=self._wall(each.values()), eta_seconds=eta.of_trial(list(ahead.values()), self._slots),
            cancelled=trial["cancelled"] is not None, looks=tuple(json.loads(trial["looks"] or "[]")),
            looked=looked, further_seconds=self._further(links, looked), settled=trial["settled"], at_a_look=at_a_look,
        )  # fmt: skip

    def _further(self, links: Sequence[Row], looked: Sequential | None) -> eta.Range | None:
        """Seconds that the seeds take which a trial's last look foresaw."""
        if looked is None or looked.further is None:
            return None
        took: dict[str, list[float]] = defaultdict(list)
        for link in {link["run"]: link for link in links}.values():  # two arms may share a run
            row = self._rows[link["run"]]
            if link["seed"] < looked.looks[-1].seeds and row["state"] == "succeeded":
                took[link["arm"]].append(row["seconds"])
        # An arm that stopped at fewer seeds, such as a control, or that no seed changes, is not run again.
        again = [seconds for seconds in took.values() if len(seconds) == looked.looks[-1].seeds]
        return eta.of_seeds(looked.further, again, self._slots)

    def _wall(self, rows: Iterable[Row]) -> float | None:
        """Seconds in which one or more of the runs were at work in their last attempts; overlaps count once."""
        spans = [(r["started"], self._now if r["state"] == "running" else r["finished"]) for r in rows if r["started"]]
        total, until = 0.0, 0.0
        for start, end in sorted((s, e) for s, e in spans if e is not None):
            total += max(0.0, end - max(start, until))
            until = max(until, end)
        return total or None


def curves(db: Database, trial: str, since: int, measured: bool = True) -> Curves:
    """The points of a trial's runs after the cursor `since` (0: all), in the order in which they came.

    Args:
        measured: Whether what probes measure is among them ("probe.metric"), or training's own scalars alone.
    """
    rows = db.query(
        """SELECT p.id, p.run, p.name, p.step, p.value FROM points AS p
           WHERE p.run IN (SELECT run FROM trial_runs WHERE trial = ?) AND p.id > ?
           AND (? OR instr(p.name, '.') = 0) ORDER BY p.id""",
        (trial, since, measured),
    )
    points: list[Point] = []
    for row in rows:
        since = row.pop("id")
        points.append(Point.model_construct(**row))  # the columns' types are the database's own
    return Curves(points=tuple(points), cursor=since)


def trial_spec(db: Database, trial: str) -> TrialSpec:
    """A trial as it was launched. Raises StoreError where there is none of that name."""
    for row in db.query("SELECT spec FROM trials WHERE id = ?", (trial,)):
        return TrialSpec.stored(json.loads(row["spec"]), trial)
    known = [row["id"] for row in db.query("SELECT id FROM trials ORDER BY created DESC LIMIT 5")]
    hint = f"The newest trials: {', '.join(known)}." if known else "No study has been run in this folder."
    raise StoreError(f"There is no trial {trial!r} in this lab.", hint)


def earlier_pairs(
    db: Database, study: StudySpec, scale: Scale, model: str | None = None, data: DataRef | None = None
) -> Pairs | None:
    """The paired differences of the primary contrast in one earlier trial of the study; None where there is no trial.

    Smoke trials do not count. Preferred: at least `ENOUGH_SEEDS` pairs, then this scale, most pairs, newest.

    Args:
        model: Only trials on this base model count; None: on any.
        data: Only trials on data with this digest count; None: those on the study's own source.
    """
    found: list[tuple[bool, bool, int, float, Pairs]] = []
    metric = study.primary.figure
    part, wanted = ("source", study.data) if data is None else ("digest", data.digest)
    sql = """SELECT id, scale, seeds, model, created FROM trials
             WHERE study = ? AND scale != 'smoke' AND json_extract(spec, '$.data.' || ?) = ?"""
    with db.atomic():
        for trial in [row for row in db.query(sql, (study.id, part, wanted)) if model in (None, row["model"])]:
            differences = _differences(db, study, trial, metric)
            pairs = Pairs(trial=trial["id"], differences=differences)
            enough = len(differences) >= ENOUGH_SEEDS
            found.append((enough, trial["scale"] == scale, len(differences), trial["created"], pairs))
    return max(found, key=lambda entry: entry[:4])[4] if found else None


def _differences(db: Database, study: StudySpec, trial: Row, metric: str) -> tuple[float, ...]:
    """The primary contrast in one trial, by seed, from the runs that succeeded."""
    rows = db.query(
        """SELECT t.arm, t.seed, m.value FROM trial_runs AS t LEFT JOIN runs AS r ON r.hash = t.run
           AND r.state = 'succeeded' LEFT JOIN metrics AS m ON m.run = r.hash AND m.name = ? WHERE t.trial = ?""",
        (metric, trial["id"]),
    )
    queued: dict[str, int] = defaultdict(int)
    values: dict[str, dict[int, float]] = defaultdict(dict)
    for row in rows:
        queued[row["arm"]] += 1
        if row["value"] is not None:
            values[row["arm"]][row["seed"]] = row["value"]
    a, b = study.primary.contrast
    # One run where the trial has several seeds, and the study asked for no fewer: no seed changes that arm.
    once = [queued[arm] == 1 < trial["seeds"] and study.arm(arm).seeds is None for arm in (a, b)]
    return paired(values[a], values[b], (not once[0], not once[1]))


def context(db: Database, home: Home, name: str, trial: TrialSpec) -> Context:
    """What is known of a trial beside its runs.

    Args:
        name: The name under which it is stored.

    Raises:
        StoreError: The log of looks cannot be read.
        PluginError: The trial's rule, from which it is known what is compared, cannot be had.
    """
    with db.atomic():
        row = next(iter(db.query("SELECT created, planned FROM trials WHERE id = ?", (name,))))
        others = looks.of_others(home, db, name, trial, row["created"])
        return Context(
            queued=row["created"], begun=_begun(db, name) if trial.looks else None,
            planned=Planned.model_validate_json(row["planned"]) if row["planned"] else None,
            looks=others.before, beside=others.beside,
            texts=texts(db, name), learning=_learning(db, name),
        )  # fmt: skip


def _begun(db: Database, trial: str) -> int | None:
    """How many of a trial's seeds were queued so far; None where none was."""
    row = next(iter(db.query("SELECT max(seed) AS last FROM trial_runs WHERE trial = ?", (trial,))))
    return None if row["last"] is None else row["last"] + 1


def texts(db: Database, trial: str) -> dict[str, ItemText]:
    """What the items of a trial ask, by the item's name; nothing where no run has said it yet."""
    rows = db.query(
        """SELECT DISTINCT item, prompt, gold FROM items WHERE plan IN
           (SELECT r.measures FROM runs AS r JOIN trial_runs AS t ON t.run = r.hash WHERE t.trial = ?)""",
        (trial,),
    )
    return {row["item"]: ItemText.model_construct(**row) for row in rows}


def _learning(db: Database, trial: str) -> tuple[Point, ...]:
    """The points of a trial's curves, averaged over windows of steps so that a curve has about `CURVE_POINTS`.

    A run that reused stored weights did not train: it is given the training curves of the run that made them.
    """
    rows = db.query(
        """WITH mine AS (SELECT DISTINCT run FROM trial_runs WHERE trial = ?),
           made AS (SELECT mine.run, (SELECT m.hash FROM runs AS m WHERE m.tune = r.tune AND m.tune != ''
                    AND EXISTS (SELECT 1 FROM points WHERE run = m.hash AND name = 'loss')
                    ORDER BY m.place LIMIT 1) AS by
                    FROM mine JOIN runs AS r ON r.hash = mine.run
                    WHERE NOT EXISTS (SELECT 1 FROM points WHERE run = mine.run AND name = 'loss')),
           own AS (SELECT p.run, p.name, p.step, p.value FROM points AS p JOIN mine ON mine.run = p.run
                   UNION ALL
                   SELECT made.run, p.name, p.step, p.value FROM points AS p JOIN made ON made.by = p.run
                   WHERE instr(p.name, '.') = 0),
           width AS (SELECT max(1, max(step) / ?) AS steps FROM own)
           SELECT run, name, (step / width.steps) * width.steps AS step, avg(value) AS value FROM own, width
           GROUP BY run, name, step / width.steps ORDER BY name, run, step""",
        (trial, CURVE_POINTS),
    )
    return tuple(Point.model_construct(**row) for row in rows)


def run_results(db: Database, trial: str, slots: int) -> tuple[RunResult, ...]:
    """What each run of a trial left, in the trial's order, whether finished or not."""
    with db.atomic():
        board = Board(db, slots, paused=False)
        return tuple(_result(db, record) for record in board.runs(trial))


def _result(db: Database, record: RunRecord) -> RunResult:
    run: tuple[Any] = (record.run,)
    outcomes: dict[str, list[Outcome]] = defaultdict(list)
    for row in db.query("SELECT probe, body FROM outcomes WHERE run = ? ORDER BY probe, n", run):
        outcomes[row["probe"]].append(Outcome.model_validate_json(row["body"]))
    versions: dict[str, str] = {}
    hardware: dict[str, str] = {}
    adapter = ""
    for row in db.query("SELECT body FROM events WHERE run = ? AND kind IN ('started', 'finished') ORDER BY seq", run):
        event = decode(row["body"])
        if isinstance(event, Started):
            versions, hardware = dict(event.versions), dict(event.hardware)
        elif isinstance(event, Finished):
            adapter = event.adapter
    checks = db.query("SELECT name, ok, detail FROM checks WHERE run = ? ORDER BY seq", run)
    notes = db.query("SELECT name, detail FROM notes WHERE run = ? ORDER BY seq", run)
    metrics = db.query("SELECT name, value FROM metrics WHERE run = ? ORDER BY name", run)
    return RunResult(
        record=record, metrics={row["name"]: row["value"] for row in metrics},
        outcomes={probe: tuple(found) for probe, found in outcomes.items()},
        checks=tuple((row["name"], bool(row["ok"]), row["detail"]) for row in checks),
        notes=tuple((row["name"], row["detail"]) for row in notes), versions=versions,
        hardware=hardware, adapter=adapter, training=_training(db, record.run),
    )  # fmt: skip


def _training(db: Database, run: str) -> Training | None:
    """How a run's weights were trained: where it found them made already, by the run that made them."""
    rows = db.query(
        """SELECT body FROM events WHERE kind IN ('entered', 'stepped', 'scored') AND run = (
             SELECT m.hash FROM runs AS r JOIN runs AS m ON m.hash = r.hash OR (m.tune = r.tune AND m.tune != '')
             WHERE r.hash = ? AND EXISTS (SELECT 1 FROM events WHERE run = m.hash AND kind = 'stepped')
             ORDER BY m.hash != r.hash, m.place LIMIT 1) ORDER BY seq""",
        (run,),
    )
    return training_of(decode(row["body"]) for row in rows)


def ordinal(n: int) -> str:
    """1st, 2nd, 3rd, 4th, ..."""
    ending = "th" if 10 <= n % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"
