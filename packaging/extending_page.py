"""Write the code blocks of docs/extending.md: each is a file of docs/extending/plugins, which tests run.

A block follows a line `<!-- FILE -->`, FILE within that folder. `python packaging/extending_page.py` sets every block
to its file; with `--check` it only says whether they are the same.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from made_page import set_page

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "extending.md"
FILES = ROOT / "docs" / "extending" / "plugins"
BLOCK = re.compile(r"^<!-- (\S+) -->\n```\w*\n.*?^```$", re.MULTILINE | re.DOTALL)
LANGUAGES = {".py": "python", ".toml": "toml"}


def main() -> int:
    """Write the page, or with --check compare it; it must show every file. Gives the exit code."""
    old = PAGE.read_text(encoding="utf-8")
    code = set_page(PAGE, page(old))
    for name in left_out(old):
        print(f"No block shows {name}.")
    return 1 if left_out(old) else code


def page(text: str) -> str:
    """The page with every block as its file has it."""
    return BLOCK.sub(lambda found: _block(found[1]), text)


def left_out(text: str) -> list[str]:
    """Files that no block shows."""
    shown = {found[1] for found in BLOCK.finditer(text)}
    there = {path.relative_to(FILES).as_posix() for path in FILES.rglob("*") if path.suffix in LANGUAGES}
    return sorted(there - shown)


def _block(name: str) -> str:
    path = FILES / name
    return f"<!-- {name} -->\n```{LANGUAGES[path.suffix]}\n{path.read_text(encoding='utf-8').rstrip()}\n```"


if __name__ == "__main__":
    sys.exit(main())
