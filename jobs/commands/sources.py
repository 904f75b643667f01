"""`studies --sources`: which data a study can name, and what each can be asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from jobs.commands.terminal.screen import Screen, visible


def sources(screen: Screen, as_json: bool) -> int:
    """Print every source: the world's tasks and the user's. One that does not load is listed, and gives 1."""
    from engine.run.sources import sources as every
    from engine.world.tasks import found

    known, broken = every(), found().broken
    if as_json:
        plain = {"sources": [asdict(source) for source in known], "broken": [asdict(one) for one in broken]}
        screen.out.file.write(json.dumps(plain, indent=2, ensure_ascii=True) + "\n")
        return 1 if broken else 0
    for source in known:
        screen.say(visible(source.name), "bold")
        screen.say(f"  {visible(source.title)}. {visible(source.about)}")
        for split, held_out in source.splits.items():
            screen.say(f"  holds out, in {visible(split)}: {visible(held_out)}")
        for line in option_lines(source.options):
            screen.say(f"  option {visible(line)}")
        screen.say()
    for one in broken:
        screen.note(f"{one.path} does not load: {one.reason}", "bold red")
    screen.say('A study\'s file names one as data = "world.chains", and its options under [data_options].')
    return 1 if broken else 0


def option_lines(schema: Mapping[str, Any]) -> Iterator[str]:
    """Each option of a JSON schema in a line: name, what it may be, the default, and what it means."""
    for name, field in schema.get("properties", {}).items():
        choices = " | ".join(map(str, field["enum"])) if "enum" in field else field.get("type", "any")
        low, high = field.get("minimum"), field.get("maximum")
        bounds = f" {low} to {high}" if low is not None and high is not None else ""
        said = " ".join(str(field.get("description", "")).split())
        yield f"{name} = {json.dumps(field.get('default'))} ({choices}{bounds}): {said}"
