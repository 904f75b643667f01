"""`models`: which base models are here, which the hub has, and how one comes here or goes."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from engine.spec.errors import ModelError, SpecError
from jobs.commands.terminal.screen import Screen, visible
from jobs.paths import Home

STYLES = {"good": "green", "warn": "yellow", "bad": "bold red"}
MARKS = {"good": "+", "warn": "!", "bad": "x"}
EVERY = 5.0  # seconds between lines of progress where none can be drawn in place


def models(home: Path | None, screen: Screen, search: str | None, as_json: bool) -> int:
    """List the bundled and the downloaded models; with words to search for, the hub's too.

    Raises:
        HubError: The hub cannot be asked.
    """
    from engine.models import bundled, downloaded

    here = downloaded.every(Home.at(home).models)
    found = _search(search) if search is not None else []
    if as_json:
        plain: dict[str, Any] = {
            "bundled": bundled.names(),
            "downloaded": [{"name": model.name, **asdict(model)} for model in here],
        }
        if search is not None:
            plain["hub"] = [asdict(model) for model in found]
        screen.out.file.write(json.dumps(plain, indent=2, ensure_ascii=True) + "\n")
        return 0
    rows = [[name, "bundled", "", ""] for name in bundled.names()]
    rows += [[model.name, "downloaded", size(model.bytes), model.licence] for model in here]
    screen.table(["model", "where", "size", "licence"], rows, right=[2])
    if search is not None:
        screen.say()
        if not found:
            screen.say(f"The hub has no text-generating model of that name: {visible(search[:100])}")
            return 0
        known = {model.repository for model in here}
        screen.table(
            ["on the hub", "parameters", "size", "licence", "downloads", "tool calls", "note"],
            [
                [
                    model.repository, count(model.parameters), size(model.bytes), model.licence or "not named",
                    f"{model.downloads:,}", {True: "yes", False: "no", None: "?"}[model.tools],
                    ", ".join(["gated"] * model.gated + ["downloaded"] * (model.repository in known)),
                ]
                for model in found
            ],
            right=[1, 2, 4],
        )  # fmt: skip
        screen.say(f"Download one: python main.py models get {found[0].repository}")
        return 0
    screen.say("Use one: python main.py run STUDY --model NAME. Look on the hub: python main.py models --search WORDS")
    return 0


def _search(words: str) -> list[Any]:
    from engine.models import hub

    return hub.search(words)


def get(name: str, revision: str | None, sure: bool, home: Path | None, screen: Screen) -> int:
    """Say what there is to know about a model of the hub, and download it.

    Args:
        sure: Do not ask before the download.

    Raises:
        SpecError: Nobody can be asked, and nobody said yes beforehand.
        ModelError: It cannot be had, or cannot be used here.
    """
    from engine.models import downloaded, hub

    name, _, pinned = name.partition("@")
    model = hub.details(name, revision or pinned or None)
    place = Home.at(home).models
    screen.say(f"{model.repository} at {model.revision}", "bold")
    parts = [f"{count(model.parameters)} parameters"] if model.parameters is not None else []
    if model.files:
        parts.append(f"{size(model.bytes)} to download in {len(model.files)} files")
    screen.say(f"  {', '.join([*parts, f'{model.downloads:,} downloads'])}")
    for finding in model.findings:
        screen.say(f"  {MARKS[finding.level]} {finding.text} {finding.hint}".rstrip(), STYLES[finding.level])
    if not model.usable:
        raise ModelError(f"{model.repository} cannot be used here, so nothing was downloaded.", model.findings[0].text)
    there = next((m for m in downloaded.every(place) if (m.repository, m.revision) == (name, model.revision)), None)
    if there is None:
        if not sure and not _agreed(screen):
            screen.note("Nothing was downloaded.")
            return 1
        with _progress(screen, model.bytes) as tell:
            there = hub.download(model, place, tell)
        screen.say(f"Downloaded and verified: {there.path}")
    else:
        screen.say(f"It is there already: {there.path}")
    screen.say(f"Use it: python main.py run STUDY --model {there.name}")
    return 0


def _agreed(screen: Screen) -> bool:
    if not (screen.live and sys.stdin is not None and sys.stdin.isatty()):
        raise SpecError("Nothing was downloaded: there is nobody to ask.", "Add --yes to download it.")
    screen.out.print("Download it? [y/N] ", end="")
    try:
        return input().strip().lower() in ("y", "yes")
    except EOFError:
        return False


@contextmanager
def _progress(screen: Screen, total: int) -> Iterator[Callable[[int, int], object]]:
    """What shows how far a download is: a bar on a terminal, a line now and then elsewhere."""
    if screen.live:
        columns = (TextColumn("downloading"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        with Progress(*columns, console=screen.out) as bar:
            task = bar.add_task("downloading", total=total)
            yield lambda done, _: bar.update(task, completed=done)
        return
    last = [time.monotonic()]

    def line(done: int, total: int) -> None:
        if time.monotonic() - last[0] >= EVERY:
            last[0] = time.monotonic()
            screen.note(f"{size(done)} of {size(total)}")

    yield line


def remove(name: str, home: Path | None, screen: Screen) -> int:
    """Delete a downloaded model.

    Raises:
        ModelError: There is no such one, or it cannot be deleted.
    """
    from engine.models import downloaded

    place = Home.at(home).models
    model = downloaded.find(name, place)
    if model is None:
        there = ", ".join(m.name for m in downloaded.every(place)) or "none"
        raise ModelError(f"{visible(name[:100])} is not downloaded.", f"Downloaded models: {there}.")
    downloaded.remove(model)
    screen.say(f"Deleted {model.name} ({size(model.bytes)}). Results that were made with it stay.")
    return 0


def size(number: int | None) -> str:
    """Bytes for people: "12 MB", "1.4 GB"; "?" where they are not known."""
    if number is None:
        return "?"
    for unit, word in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if number >= unit:
            return f"{number / unit:.1f} {word}" if number < 10 * unit else f"{number / unit:,.0f} {word}"
    return f"{number} B"


def count(number: int | None) -> str:
    """Parameters for people: "135 M", "1.5 B"; "?" where they are not known."""
    if number is None:
        return "?"
    for unit, word in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if number >= unit:
            return f"{number / unit:.1f} {word}" if number < 10 * unit else f"{number / unit:,.0f} {word}"
    return str(number)
