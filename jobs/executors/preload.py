"""Imported once, by the process that all runs fork from: what takes seconds to import is then there at once.

Never imported by the window. A library that is missing or broken is no failure here: the run that needs it says so.
"""

from __future__ import annotations

import gc
import importlib
import sys
import threading

MODULES = (
    "engine.run.execute",
    "engine.run.shared",
    "engine.subject.local",
    "engine.subject.scoring",
    "transformers",
    "peft",
    "trl",
)

for _name in MODULES:
    try:
        importlib.import_module(_name)
    except Exception as error:  # noqa: BLE001 - a library may raise anything while it loads
        sys.stderr.write(f"tuning-fork: {_name} is not preloaded: {error}\n")

if "tqdm" in sys.modules:
    # Its own lock is a named semaphore, and a run's process, which ends at once, would leave one behind and a warning.
    sys.modules["tqdm"].tqdm.set_lock(threading.RLock())

gc.collect()
gc.freeze()  # what is here stays here: children share its memory until they write to it
