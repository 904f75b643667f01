"""What the design promises of the tree as a whole."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOMS = ("main.py", "gui", "jobs", "engine", "packaging", "tests")
MACHINE_PATH = re.compile(rb"(?:^|[^.\w/])/(?:wo" + rb"rk|ro" + rb"ot|t" + rb"mp|ho" + rb"me)/\w")
HEAVY = ("torch", "transformers", "peft", "trl", "datasets")


def tracked(root: Path) -> list[Path]:
    """The files that git knows, or would take; every file where there is no git (an unpacked archive)."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, check=True)
        found = [root / name.decode() for name in done.stdout.split(b"\0") if name]
    except (OSError, subprocess.CalledProcessError):
        found = [p for p in root.rglob("*") if not {".venv", ".git", "__pycache__", "build"} & set(p.parts)]
    return [path for path in found if path.is_file()]


def sources(root: Path) -> list[Path]:
    return [p for p in tracked(root) if p.suffix == ".py" and p.relative_to(root).parts[0] in ROOMS]


def test_no_file_is_past_400_lines(root: Path) -> None:
    lines = {p.relative_to(root).as_posix(): len(p.read_text(encoding="utf-8").splitlines()) for p in sources(root)}
    assert lines
    assert {name: count for name, count in lines.items() if count > 400} == {}


def test_no_machine_paths(root: Path) -> None:
    texts = [p for p in tracked(root) if p.suffix not in (".safetensors", ".png", ".ico", ".gz", ".qm", ".ttf")]
    found = {p.relative_to(root).as_posix(): hit.group() for p in texts if (hit := MACHINE_PATH.search(p.read_bytes()))}
    assert found == {}


def test_every_module_says_what_it_is(root: Path) -> None:
    silent = []
    for path in sources(root):
        text = path.read_text(encoding="utf-8")
        if path.relative_to(root).parts[0] != "tests" and text.strip() and not re.match(r'(#!.*\n)?r?"""', text):
            silent.append(path.relative_to(root).as_posix())
    assert silent == []


@pytest.mark.parametrize(
    "module", ["main", "jobs.console", "gui.app", "jobs.lab", "engine.analysis.analysis", "jobs.report", "jobs.studies"]
)
def test_importing_brings_no_training_library(root: Path, module: str) -> None:
    code = f"import sys, {module}; print(sorted(set({HEAVY!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_the_command_line_brings_no_window(root: Path) -> None:
    code = "import sys, main, jobs.commands.run; print('PySide6' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "False", done.stderr


def test_every_study_loads(root: Path) -> None:
    from jobs.studies import load

    files = sorted((root / "resources" / "studies").glob("*.toml"))
    assert files
    for path in files:
        assert load(path.stem).id == path.stem == tomllib.loads(path.read_text(encoding="utf-8"))["id"]


def test_every_method_and_probe_loads() -> None:
    from engine.methods import found as methods
    from engine.probes import found as probes

    assert [broken.traceback for broken in (*methods().broken, *probes().broken)] == []
    assert methods().classes
    assert probes().classes


def test_every_requirement_is_pinned_with_hashes(root: Path) -> None:
    lock = (root / "constraints.txt").read_text(encoding="utf-8")
    names = {m.group(1).lower() for m in re.finditer(r"^([A-Za-z0-9._-]+)==", lock, re.MULTILINE)}
    wanted = set()
    for line in (root / "requirements.in").read_text(encoding="utf-8").splitlines():
        if match := re.match(r"([A-Za-z0-9._-]+)", line):
            wanted.add(match.group(1).lower())
    assert wanted - names == set()
    entries = re.split(r"\n(?=\w)", lock)[1:]
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "torch" not in names


def test_pyside_is_pinned_by_python_version(root: Path) -> None:
    """PySide6 6.12 aborts on CPython 3.11, and its metadata does not say so."""
    lock = (root / "constraints.txt").read_text(encoding="utf-8")
    assert re.search(r"^pyside6-essentials==6\.11\.3 ; python_full_version < '3\.12'", lock, re.MULTILINE)
