"""What docs/architecture.md and docs/extending.md name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

NAMED = re.compile(r"`((?:engine|jobs|gui|resources|docs)/[\w/.-]*)`|((?:engine|jobs)/[\w/]+\.py)\b")
DOTTED = re.compile(r"`((?:engine|jobs|gui)(?:\.\w+)+)")


@pytest.mark.parametrize("page", ["architecture.md", "extending.md"])
def test_files_and_modules_that_it_names_are_there(root: Path, page: str) -> None:
    text = (root / "docs" / page).read_text(encoding="utf-8")
    paths = {one or other for one, other in NAMED.findall(text)}
    assert paths
    assert sorted(path for path in paths if not (root / path).exists()) == []
    missing = []
    for dotted in set(DOTTED.findall(text)):
        parts = dotted.split(".")
        found = [root.joinpath(*parts[:n]) for n in range(len(parts), len(parts) - 3, -1) if n > 0]
        if not any(path.is_dir() or path.with_suffix(".py").is_file() for path in found):
            missing.append(dotted)
    assert missing == []


def test_the_layers_are_those_of_the_contract(root: Path) -> None:
    contract = (root / "pyproject.toml").read_text(encoding="utf-8")
    layers = re.findall(r'"([a-z |]+)",', contract.split('containers = ["engine"]')[1].split("]")[0])
    table = re.findall(r"^\| (`[a-z`, ]+`) \|", (root / "docs" / "architecture.md").read_text("utf-8"), re.MULTILINE)
    assert [set(re.findall(r"[a-z]+", row)) for row in table] == [set(re.findall(r"[a-z]+", row)) for row in layers]
