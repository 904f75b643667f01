"""The page of error messages holds every message of the source."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_the_page_is_as_the_source_has_it(root: Path) -> None:
    script = root / "packaging" / "errors_page.py"
    done = subprocess.run([sys.executable, script, "--check"], cwd=root, check=False)
    assert done.returncode == 0, "run: python packaging/errors_page.py"


def test_every_message_says_what_to_do(root: Path) -> None:
    text = (root / "docs" / "errors.md").read_text(encoding="utf-8")
    table = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| message")]
    assert len(table) > 100
    assert not [line for line in table if line.endswith("|  |")]
    assert "must be a list of tools" in text
    assert "is not a folder." in text
