"""Stopping a run at a place where nothing is lost."""

from __future__ import annotations

import threading


class Stopped(Exception):
    """The run was asked to stop. Not a failure: the newest checkpoint stands, and the run can go on from it."""


def check(stop: threading.Event | None) -> None:
    """Raises Stopped where a stop has been asked for."""
    if stop is not None and stop.is_set():
        raise Stopped("the run was asked to stop")
