"""`tune-recipe`: at which learning rate each method of a study trains best, never by what the study measures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.analysis.recipes import Row, Search, best, row_of
from engine.run import development
from engine.spec.errors import DataError, SpecError
from engine.spec.study import ArmSpec
from engine.spec.trial import TrialSpec
from engine.stats.display.wording import counted
from jobs.commands.asked import Asked, as_typed
from jobs.commands.terminal.screen import Screen
from jobs.executors.batch import run_all
from jobs.executors.local import Launcher
from jobs.lab import default_slots
from jobs.launch import ready
from jobs.paths import Home, write_json
from jobs.studies import load

TARGET = "engine.run.development:execute"
SEEDS = 3
AROUND = (1 / 10, 1 / 3, 1.0, 10 / 3)
"""The rates that are tried unless others are named, as multiples of the arm's own: too high is the fault to expect."""
HEADINGS = ("setting", "value", "held-out loss before", "after", "SD over seeds", "diverged", "")


@dataclass(frozen=True)
class Request(Asked):
    """What `tune-recipe` is asked: besides, which rates and shares of warm-up are tried."""

    rates: tuple[float, ...] = ()
    warmups: tuple[float, ...] = ()


def tune_recipe(request: Request, screen: Screen) -> int:
    """Search the learning rates of each method, one after the other, print what came out, and write it.

    The same command goes on where an earlier one stopped: a run that has ended is not run again.

    Raises:
        LabError: The request, the model or the data cannot be used, or a run failed.
    """
    if request.scale == "smoke":
        raise SpecError("Smoke scale trains too briefly to choose a rate by.", "Leave --scale out, or name another.")
    home = Home.at(request.home).create()
    study = load(request.study, home.study_folders)
    with as_typed():
        trial = ready(home, study, **{**request.choice(home), "seeds": request.seeds or SEEDS}, tell=screen.note)
    arms = development.tuned_arms(trial)
    if not arms:
        raise SpecError(f"No arm of {study.id!r} is trained but controls.", "There is no rate to choose.")
    searches: list[Search] = []
    for arm in arms:
        searches += _searches(home, trial, arm, request, screen, searches)
    for search in searches:
        _show(trial, search, screen)
    name = f"recipe-{study.id}-{request.scale}-{trial.model.name.replace('/', '-')}"
    plain = {
        "study": study.id, "scale": request.scale, "model": trial.model.model_dump(include={"name", "digest"}),
        "data": trial.data.digest, "first_seed": development.FIRST_SEED, "seeds": trial.seeds,
        "searches": [search.model_dump(mode="json") for search in searches],
    }  # fmt: skip
    write_json(home.reports / f"{name}.json", plain)
    rows = [_markdown(trial, search) for search in searches]
    (home.reports / f"{name}.md").write_text("\n".join(rows) + "\n", encoding="utf-8")
    screen.say(f"Written: {home.reports / name}.json and .md (rows for docs/recipes.md)")
    return 0


def _searches(
    home: Home, trial: TrialSpec, arm: ArmSpec, request: Request, screen: Screen, before: Sequence[Search]
) -> Iterator[Search]:
    """The searches for an arm's method: each rate with those before it as they were chosen, then the warm-up."""
    model = (trial.models[arm.model] if arm.model else trial.model).name
    own, rates = development.own_rates(trial.study, arm), development.rates_of(arm)
    fixed = {name: value for name, value in rates.items() if name not in own}
    fixed |= {s.setting: s.chosen for s in before if s.model == model and s.setting in fixed and s.chosen is not None}
    grids: dict[str, Sequence[float]] = {
        name: request.rates or [float(f"{value * factor:.1g}") for factor in AROUND] for name, value in own.items()
    }
    if request.warmups:
        grids["warmup"] = request.warmups
    for setting, values in grids.items():
        rows = _rows(home, trial, arm, fixed, setting, sorted(set(values)), screen)
        chosen = best(rows, most=setting in own and len(own) < len(rates))
        yield Search(
            method=arm.method, arm=arm.name, model=model, setting=setting, fixed=dict(fixed), rows=tuple(rows),
            chosen=chosen.value if chosen else None,
        )  # fmt: skip
        if chosen is not None:
            fixed[setting] = chosen.value


def _rows(
    home: Home, trial: TrialSpec, arm: ArmSpec, fixed: Mapping[str, Any], setting: str, values: Sequence[float],
    screen: Screen,
) -> list[Row]:  # fmt: skip
    """Run every value on every seed."""
    specs = {value: development.runs(trial, arm, {**fixed, setting: value}, trial.seeds) for value in values}
    names = {spec.hash: f"{arm.label}, {setting} {value:g}, development seed {n}" for value, of in specs.items()
             for n, spec in enumerate(of)}  # fmt: skip
    every = [spec for of in specs.values() for spec in of]
    launcher = Launcher(target=TARGET, prepare="")
    launcher.home = home
    ended: list[str] = []

    def done(spec: Any) -> None:
        ended.append(spec.hash)
        screen.note(f"{len(ended)} of {len(names)}: {names[spec.hash]}")

    diverged = run_all(every, home.recipes, launcher, default_slots(), done)
    rows = []
    for value, of in specs.items():
        told = [development.training(home.recipes / spec.hash) for spec in of if spec.hash not in diverged]
        if any(training is None or not training.before for training in told):
            raise DataError(
                f"The data leave too few examples like those of {arm.label} to choose a rate by.",
                "Add training examples, or take the rate of a study on similar data.",
            )
        rows.append(row_of(value, [training for training in told if training], len(of) - len(told)))
    return rows


def _show(trial: TrialSpec, search: Search, screen: Screen) -> None:
    """A search as a table, and where its choice is to be put."""
    arm = trial.study.arm(search.arm)
    screen.say(f"{search.method} ({search.model}), by the arm {arm.label}, {counted(trial.seeds, 'seed')}", "bold")
    screen.table(HEADINGS, [_cells(search, row) for row in search.rows], right=(1, 2, 3, 4, 5))
    if search.chosen is None:
        screen.say(f"With none of these values does training lower the held-out loss of {arm.label}. Try lower ones.")
        return
    others = [a.name for a in trial.study.arms if a.method == arm.method and a.model == arm.model and a is not arm]
    also = f", and of the arms of the same method ({', '.join(others)})" if others else ""
    screen.say(f"Set {search.setting} = {search.chosen:g} in the settings of the arm {arm.name!r}{also}.")
    if search.at_the_edge:
        screen.say("It is the first or the last of the values tried: a better one may lie beyond.")


def _cells(search: Search, row: Row) -> tuple[str, ...]:
    mark = "chosen" if row.value == search.chosen else "" if row.falls else "does not fall"
    return (search.setting, f"{row.value:g}", *_figures(row), str(row.diverged or ""), mark)


def _figures(row: Row) -> tuple[str, str, str]:
    """Held-out loss before and after (nats a token), and its spread."""
    before = f"{sum(row.before) / len(row.before):.4f}" if row.before else ""
    after = f"{sum(row.after) / len(row.after):.4f}" if row.after else ""
    return before, after, "" if row.spread is None else f"{row.spread:.4f}"


def _markdown(trial: TrialSpec, search: Search) -> str:
    """The search as a row of the table in docs/recipes.md."""
    tried = "; ".join(
        f"{row.value:g}: {_figures(row)[1] or 'diverged'}" + (f" ± {s}" if (s := _figures(row)[2]) else "")
        for row in search.rows
    )
    chosen = "none" if search.chosen is None else f"{search.chosen:g}"
    before = next((_figures(row)[0] for row in search.rows if row.before), "")
    given = ", ".join(f"{name} {value:g}" for name, value in search.fixed.items())
    model = next(ref for ref in (trial.model, *trial.models.values()) if ref.name == search.model)
    cells = (
        trial.study.id, f"{model.name} ({model.digest[:8]})", f"{trial.scale}, {counted(trial.settings.steps, 'step')}",
        f"`{search.method}` ({search.arm}{'; ' + given if given else ''})", search.setting, str(trial.seeds), before,
        tried, chosen,
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"
