"""A page of docs/ that is made from other files: written, or only compared."""

from __future__ import annotations

import sys
from pathlib import Path


def set_page(path: Path, text: str) -> int:
    """Write the page, or with --check compare it. Gives the exit code."""
    if "--check" in sys.argv[1:]:
        return 0 if path.read_text(encoding="utf-8") == text else 1
    path.write_text(text, encoding="utf-8")
    print(f"Written: {path.parent.name}/{path.name}")
    return 0
