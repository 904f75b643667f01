"""The science: specs, data, models, methods, probes, statistics."""

import os

ASKED_OFFLINE = os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")
"""Whether the user wants no network: read before the lab sets the same variable for the libraries it loads."""
