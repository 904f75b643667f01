"""A model from the hub into the data folder: whole and verified, or not there at all."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

from engine.models import downloaded
from engine.models.downloaded import Downloaded
from engine.models.hub.client import Hub
from engine.models.hub.details import Details
from engine.models.hub.errors import Cancelled, HubError
from engine.models.hub.file import File
from engine.models.hub.transfer import PART, fetch
from engine.spec.errors import ModelError

SPARE = 200 * 2**20  # bytes that stay free on the disk
PATIENCE = 2.0  # seconds a thread that was given up may take to notice
TICK = 0.1  # seconds between looks at `cancelled`


def download(
    model: Details,
    folder: Path | None = None,
    progress: Callable[[int, int], object] | None = None,
    cancelled: threading.Event | None = None,
) -> Downloaded:
    """Download the files of a model and put them where `engine.models.resolve` finds them.

    Files are collected under `unfinished/`, verified there, looked at as any model folder is, and only then moved. A
    kill at any moment leaves either the whole model or parts that the next try goes on from.

    Args:
        model: From `details`.
        folder: The folder of downloads; None: `downloaded.default_folder()`.
        progress: Called about ten times a second, on this thread, with the bytes that are there and all bytes.
        cancelled: Set it to give up; `Cancelled` follows within about `PATIENCE` seconds.

    Raises:
        Cancelled: It was given up.
        HubError: The hub or the network fails, the disk cannot be written, or the model is being downloaded already.
        ModelError: A finding forbids the model, or it proved unusable once downloaded (it is deleted then).
    """
    from filelock import FileLock, Timeout

    place = folder or downloaded.default_folder()
    if not model.usable or not model.files:
        bad = next(finding for finding in model.findings if finding.level == "bad")
        raise ModelError(f"{model.repository} cannot be used here: {bad.text}", bad.hint)
    final = place / downloaded.folder_name(model.repository, model.revision)
    draft = place / downloaded.UNFINISHED / final.name
    try:
        draft.mkdir(parents=True, exist_ok=True)
        with FileLock(draft.with_name(f"{draft.name}.lock"), timeout=0):
            if (there := downloaded.read(final)) is None or there.revision != model.revision:
                _collect(model, draft, progress or (lambda done, total: None), cancelled or threading.Event())
                _finish(model, draft, final)
            else:
                shutil.rmtree(draft)
    except Timeout as error:
        raise HubError(
            f"{model.repository} is being downloaded already.", "Wait for it, or close the other window.", kind="busy"
        ) from error
    except OSError as error:
        raise HubError(
            f"{place} cannot be written: {error.strerror or error}.",
            "Check its permissions and its room.",
            kind="space",
        ) from error
    found = downloaded.read(final)
    if found is None:
        raise HubError(f"{final} is not what was downloaded.", "Delete it and try again.", kind="damaged")
    return found


def _collect(
    model: Details, draft: Path, progress: Callable[[int, int], object], cancelled: threading.Event
) -> None:  # fmt: skip
    """Fetch every missing file into `draft`."""
    wanted = {file.name for file in model.files}
    for path in draft.iterdir():
        if path.name.removesuffix(PART) not in wanted:
            path.unlink()
    held = {file.name: _held(draft, file) for file in model.files}
    _check_room(draft, model.bytes - sum(held.values()))
    hub, stop = Hub(), threading.Event()
    try:
        for file in model.files:
            if (draft / file.name).is_file() and held[file.name] == file.size:
                continue

            def tell(so_far: int, name: str = file.name) -> None:
                held[name] = so_far

            _interruptible(
                lambda file=file, tell=tell: fetch(hub, model.repository, model.revision, file, draft, tell, stop),
                cancelled,
                stop,
                lambda: progress(sum(held.values()), model.bytes),
            )
    finally:
        stop.set()


def _held(draft: Path, file: File) -> int:
    """The bytes of a file that are there already."""
    for path in (draft / file.name, draft / f"{file.name}{PART}"):
        if path.is_file():
            return min(file.size, path.stat().st_size)
    return 0


def _interruptible(
    call: Callable[[], object], cancelled: threading.Event, stop: threading.Event, tick: Callable[[], object]
) -> None:
    """Run `call`, which may block on the network, in a thread; check `cancelled` and call `tick` every `TICK` seconds.

    An abandoned thread ends by itself: its requests time out, and after `stop` it writes nothing.
    """
    failed: list[BaseException] = []

    def work() -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - raised again on the caller's thread
            failed.append(error)

    thread = threading.Thread(target=work, name="download", daemon=True)
    thread.start()
    while thread.is_alive():
        if cancelled.is_set():
            stop.set()
            thread.join(PATIENCE)
            raise Cancelled
        tick()
        thread.join(TICK)
    if failed:
        raise failed[0]
    tick()


def _check_room(place: Path, needed: int) -> None:
    free = shutil.disk_usage(place).free
    if free < needed + SPARE:
        raise HubError(
            f"{needed / 1e9:.2f} GB are still to be downloaded, and {place} has {free / 1e9:.2f} GB free.",
            "Make room, choose another data folder with --home, or choose a smaller model.",
            kind="space",
        )


def _finish(model: Details, draft: Path, final: Path) -> None:
    """Check the draft like any model folder, write its marker, and rename it to `final`. A bad draft is deleted."""
    from engine.models import folder

    try:
        folder.resolve(draft, model.name)
    except ModelError as error:
        shutil.rmtree(draft)
        raise ModelError(
            f"{model.repository} was downloaded but cannot be used: {error.message}", f"It was deleted. {error.hint}"
        ) from error
    if final.exists():  # without a valid marker: what an interrupted deletion left
        shutil.rmtree(final)
    downloaded.write(draft, Downloaded(model.repository, model.revision, "", model.bytes, model.licence))
    os.rename(draft, final)  # noqa: PTH104 - one step: the model is there or it is not
