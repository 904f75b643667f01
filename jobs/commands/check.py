"""`check`: what the lab understands of a model and data, and what a study on them takes; nothing is queued."""

from __future__ import annotations

import json
from dataclasses import dataclass

from jobs.commands.asked import Asked, as_typed
from jobs.commands.terminal.described import describe
from jobs.commands.terminal.screen import Screen
from jobs.launch import added, inspected, settled
from jobs.paths import Home
from jobs.studies import load, prepare


@dataclass(frozen=True)
class Question(Asked):
    """What `check` is asked."""

    as_json: bool = False


def check(asked: Question, screen: Screen) -> int:
    """Print what was understood, the first example as the model sees it, and what the study takes.

    Raises:
        LabError: The request, the model or the data cannot be used, or not with each other.
    """
    home = Home.at(asked.home).create()
    study = load(asked.study, home.study_folders)
    with as_typed():
        planned = prepare(study, **asked.choice(home))
    if (said := added(planned)) and not asked.as_json:
        screen.say(said)
    found = inspected(home, planned, tell=screen.note)
    trial = settled(planned, found)
    if asked.as_json:
        plain = {"trial": trial.id, "inspection": found.model_dump(mode="json")}
        screen.out.file.write(json.dumps(plain, indent=2, ensure_ascii=True) + "\n")
        return 0
    screen.say(f"{trial.id}: {trial.study.question}", "bold")
    for line in describe(found):
        screen.say(line, "bold yellow" if line.startswith("Mind: ") else "")
    screen.say("Nothing was queued. The same options after `run` start it.")
    return 0
