"""The page of the twelve systems is as the studies themselves have it."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

from jobs.studies import BUNDLED


def test_the_page_is_as_the_studies_have_it(root: Path) -> None:
    script = root / "packaging" / "systems_page.py"
    done = subprocess.run([sys.executable, script, "--check"], cwd=root, check=False)
    assert done.returncode == 0, "run: python packaging/systems_page.py"


def test_every_system_is_there_once_and_every_study_is_of_one(root: Path) -> None:
    systems = tomllib.loads((root / "docs" / "systems.toml").read_text(encoding="utf-8"))["systems"]
    assert [system["number"] for system in systems] == list(range(1, 13))
    named = [system["study"] for system in systems if "study" in system]
    assert sorted(named) == sorted(path.stem for path in BUNDLED.glob("*.toml")), "a new study belongs to a system"
    for system in systems:
        assert system.keys() >= ({"study"} if "study" in system else {"claim", "source"})
