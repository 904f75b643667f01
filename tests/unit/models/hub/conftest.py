"""Every test here has a hub of its own."""

from tests.support.hubs import hub, large_folder

__all__ = ["hub", "large_folder"]
