"""Every code block of docs/extending.md is a file that tests run, and no such file is left out."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from engine.adaptations import Adaptation
from engine.spec.example import Outcome
from engine.spec.plugins.discovery import BASES, folder_name
from engine.stats.estimate import Estimate
from tests.support import examples


def test_the_blocks_are_the_files(root: Path) -> None:
    script = root / "packaging" / "extending_page.py"
    done = subprocess.run([sys.executable, script, "--check"], cwd=root, check=False)
    assert done.returncode == 0, "run: python packaging/extending_page.py"


def test_every_block_of_code_is_a_file(root: Path) -> None:
    text = (root / "docs" / "extending.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```(\w+)$", text, re.MULTILINE)
    named = re.findall(r"^<!-- (\S+) -->\n```\w+$", text, re.MULTILINE)
    assert blocks.count("python") + blocks.count("toml") == len(named) == len(set(named))


def test_every_kind_has_an_example_and_is_explained(root: Path) -> None:
    text = (root / "docs" / "extending.md").read_text(encoding="utf-8")
    kinds = {folder_name(kind) for kind in BASES} | {"studies"}
    assert {path.name for path in examples.FOLDER.iterdir() if path.is_dir()} == kinds
    assert all(f"| `{kind}` |" in text for kind in kinds)
    assert all(list((examples.FOLDER / kind).iterdir()) for kind in kinds)


def test_what_an_outcome_an_estimate_and_an_adaptation_have_is_listed(root: Path) -> None:
    text = (root / "docs" / "extending.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`(\w+)", row)}
    methods = {name for name in vars(Adaptation) if callable(getattr(Adaptation, name)) and name[0] != "_"}
    shown = {name for name, value in vars(Estimate).items() if isinstance(value, property)}
    assert methods - {"Config"} <= named
    assert shown | set(Estimate.__dataclass_fields__) <= named
    assert set(Outcome.model_fields) <= named
