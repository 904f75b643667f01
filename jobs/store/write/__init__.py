"""Writing to the database."""

from __future__ import annotations

from sqlite_utils import Database

from jobs.store.write.connection import Damaged, DiskFull, Outdated, Row, errors, open_reader
from jobs.store.write.store import OLDER, Store, cost

__all__ = ["OLDER", "Damaged", "Database", "DiskFull", "Outdated", "Row", "Store", "cost", "errors", "open_reader"]
