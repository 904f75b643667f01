"""How long a test waits for what must come: a guard against hangs, never a measure of speed."""

from __future__ import annotations

import os

HANG = float(os.environ.get("TEST_PATIENCE", "600"))
"""Seconds. A machine with other work on it has been seen to need ten times what a quiet one does; who writes tests
sets TEST_PATIENCE lower, so that a wait in vain is soon over."""
