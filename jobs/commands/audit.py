"""`audit`: whether a part of a study's input alone tells the answer; nothing is trained and nothing queued."""

from __future__ import annotations

import json
from dataclasses import dataclass

from engine.spec.audit import Audit
from jobs import auditing
from jobs.commands.asked import Asked, as_typed
from jobs.commands.terminal.screen import Screen
from jobs.paths import Home
from jobs.report.content.audit import ALL, HEAD, cells
from jobs.studies import load, prepare


@dataclass(frozen=True)
class Question(Asked):
    """What `audit` is asked."""

    as_json: bool = False


def audit(asked: Question, screen: Screen) -> int:
    """Print every figure of a study's audit.

    Returns:
        0 where it passes, 1 where it fails: then the study gives no verdict.

    Raises:
        LabError: The request, the model or the data cannot be used.
    """
    home = Home.at(asked.home).create()
    study = load(asked.study, home.study_folders)
    with as_typed():
        trial = prepare(study, **asked.choice(home)).trial
    found = auditing.audit(home, trial)
    if asked.as_json:
        plain = {"ok": found.ok, "sentence": found.sentence, **found.model_dump(mode="json")}
        screen.out.file.write(json.dumps(plain, indent=2, ensure_ascii=True) + "\n")
    else:
        _show(found, screen)
    return 0 if found.ok else 1


def _show(found: Audit, screen: Screen) -> None:
    if found.alone:
        screen.say("What a simple model gets right that is shown one part of the input alone", "bold")
        screen.table(HEAD, [cells(one) for one in found.alone], right=(4, 5))
        screen.say()
    if found.balance:
        screen.say("How even the counts are: does a value of the part go with one answer?", "bold")
        head = ("part", "chosen", "in", "values", "most uneven", "p, if drawn by lot", "")
        rows = [
            (b.part, b.of, _where(b.arms), b.values, b.most, f"{b.p:.3g}", b.exempt or ("" if b.ok else "fails"))
            for b in found.balance
        ]
        screen.table(head, rows, right=(3, 5))
        screen.say()
    if found.seen:
        screen.say("Which measured values are trained on", "bold")
        rows = [
            (s.part, s.of, _where(s.arms), f"{s.trained} of {s.measured}", s.exempt or ("" if s.ok else "fails"))
            for s in found.seen
        ]
        screen.table(("part", "chosen", "in", "trained on", ""), rows)
        screen.say()
    if found.words:
        said = ", ".join(f"{mean:.1f} where {side}" for side, mean in found.words.items())
        screen.say(f"Words of a prompt: {said}. Every run compares tokens.")
    for note in found.notes:
        screen.say(note)
    screen.say(found.sentence, "bold" if found.ok else "bold red")


def _where(arms: tuple[str, ...]) -> str:
    return ", ".join(arms) if arms else f"{ALL} measured items"
