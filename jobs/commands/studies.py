"""`studies`: what can be asked, and how large."""

from __future__ import annotations

import json
from pathlib import Path

from engine.spec.study import ScaleSpec, StudySpec
from engine.stats.display.wording import counted
from jobs import plugins
from jobs.commands.terminal.screen import Screen
from jobs.paths import Home
from jobs.studies import all_studies


def studies(home: Path | None, screen: Screen, as_json: bool) -> int:
    """Print every study and the user's plug-ins; a file that does not load is listed with its reason.

    Returns:
        1 where a file is broken, else 0.
    """
    known = all_studies(Home.at(home).tell().study_folders)
    good, broken = known.found, (*plugins.broken(), *known.broken)
    own = plugins.own()
    if as_json:
        plain = {
            "studies": [_plain(study) for study in good],
            "plugins": [each._asdict() for each in own],
            "broken": [{"name": b.name, "path": b.path, "traceback": b.traceback} for b in broken],
        }
        screen.out.file.write(json.dumps(plain, indent=2, ensure_ascii=True) + "\n")
        return 1 if broken else 0
    for study in good:
        screen.say(study.id, "bold")
        screen.say(f"  {study.question}")
        screen.say(f"  {study.summary}")
        screen.say(f"  arms: {', '.join(arm.name for arm in study.arms)}")
        sizes = ", ".join(f"{name} ({_seeds(size)} x {size.steps} steps)" for name, size in study.scales.items())
        screen.say(f"  scales: {sizes}")
        if study.models:
            roles = ", ".join(f"{role} ({name})" for role, name in study.models.items())
            screen.say(f"  further models, each chosen by --with ROLE=MODEL: {roles}")
        screen.say("  takes your own data: " + ("yes" if study.accepts_data else "no"))
        screen.say()
    if own:
        screen.say("Your plug-ins")
        for each in own:
            screen.say(f"  {each.kind}: {each.name} (version {each.version}, {each.path})")
        screen.say()
    for b in broken:
        screen.note(f"{b.path} does not load: {b.reason}", "bold red")
    if good:
        screen.say(f"Run one: python main.py run {good[0].id}")
    return 1 if broken else 0


def _seeds(size: ScaleSpec) -> str:
    return f"{size.looks[0]} to {size.looks[-1]} seeds" if size.looks else counted(size.seeds, "seed")


def _plain(study: StudySpec) -> dict[str, object]:
    plain = study.model_dump(mode="json")
    return {key: plain[key] for key in ("id", "question", "summary", "claim", "source", "data", "accepts_data")} | {
        "arms": [{"name": arm.name, "label": arm.label, "method": arm.method, "role": arm.role} for arm in study.arms],
        "probes": [probe.probe for probe in study.probes],
        "primary": plain["primary"],
        "models": plain["models"],
        "scales": plain["scales"],
    }
