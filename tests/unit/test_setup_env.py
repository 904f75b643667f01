"""Set-up: silent when current, resumed when interrupted, plain about what it cannot do."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

PACKAGE = "example==1.0 \\\n    --hash=sha256:00\n"


@pytest.fixture
def setup(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("setup_env", root / "packaging" / "setup_env.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def constraints(tmp_path: Path) -> Path:
    path = tmp_path / "constraints.txt"
    path.write_text("# a comment\n" + PACKAGE, encoding="utf-8")
    return path


def fake_venv(folder: Path, version: str = "3.12.4", script: str = "exit 0") -> Path:
    """A folder that looks like an environment; its python is a shell script."""
    (folder / "bin").mkdir(parents=True)
    (folder / "pyvenv.cfg").write_text(f"home = somewhere\nversion = {version}\n", encoding="utf-8")
    python = folder / "bin" / "python"
    python.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    python.chmod(0o755)
    return folder


def run(setup: ModuleType, venv: Path, constraints: Path) -> int:
    return setup.main(["--venv", str(venv), "--constraints", str(constraints)])


@pytest.mark.parametrize(
    ("version", "good"), [("3.10.9", False), ("3.11.0", True), ("3.13.2", True), ("3.14.0", False), ("", False)]
)
def test_which_pythons_fit(setup: ModuleType, version: str, good: bool) -> None:
    assert setup.fits(version) is good


def test_a_current_setup_is_silent_and_quick(setup: ModuleType, root: Path, tmp_path: Path, constraints: Path) -> None:
    venv = fake_venv(tmp_path / "venv", script="echo called >&2; exit 1")
    setup.write_stamp(venv, {"packages": setup.fingerprint(constraints, "3.12.4"), "libraries": True})
    command = [sys.executable, str(root / "packaging" / "setup_env.py"), "--venv", str(venv), "--constraints"]
    began = time.monotonic()
    done = subprocess.run([*command, str(constraints)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert time.monotonic() - began < 5  # really some 0.1 s; machines that test are busy


@pytest.mark.parametrize("change", ["constraints", "python", "damage", "none"])
def test_a_stamp_is_for_one_lock_and_one_python(
    setup: ModuleType, tmp_path: Path, constraints: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    venv = fake_venv(tmp_path / "venv")
    setup.write_stamp(venv, {"packages": setup.fingerprint(constraints, "3.12.4"), "libraries": True})
    if change == "constraints":
        constraints.write_text(PACKAGE.replace("1.0", "1.1"), encoding="utf-8")
    elif change == "python":
        (venv / "pyvenv.cfg").write_text("version = 3.12.5\n", encoding="utf-8")
    elif change == "damage":
        (venv / "setup-stamp.json").write_text("[1,", encoding="utf-8")
    installed: list[Path] = []
    monkeypatch.setattr(setup, "install_packages", lambda venv, constraints: installed.append(venv))
    monkeypatch.setattr(setup, "qt_trouble", lambda venv: "")
    assert run(setup, venv, constraints) == 0
    assert installed == ([] if change == "none" else [venv])


def test_an_interrupted_setup_leaves_no_stamp_and_goes_on(
    setup: ModuleType, tmp_path: Path, constraints: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venv = fake_venv(tmp_path / "venv")
    calls: list[str] = []

    def install(venv: Path, constraints: Path) -> None:
        calls.append("install")
        if len(calls) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(setup, "install_packages", install)
    monkeypatch.setattr(setup, "qt_trouble", lambda venv: "")
    assert run(setup, venv, constraints) == 130
    assert setup.read_stamp(venv) == {}
    assert run(setup, venv, constraints) == 0
    assert run(setup, venv, constraints) == 0
    assert calls == ["install", "install"]


def test_half_installed_packages_are_forgotten(setup: ModuleType, tmp_path: Path) -> None:
    packages = tmp_path / "lib" / "python3.12" / "site-packages"
    for name in ("whole-1.0.dist-info", "half-1.0.dist-info", "~ther-2.0.dist-info", "~ther"):
        (packages / name).mkdir(parents=True)
    (packages / "whole-1.0.dist-info" / "RECORD").write_text("", encoding="utf-8")
    setup.mend_interrupted(tmp_path)
    assert [p.name for p in packages.iterdir()] == ["whole-1.0.dist-info"]


@pytest.mark.parametrize("build", ["2.13.0+cpu", "2.13.0+cu130", "2.13.0"])
def test_a_torch_that_is_there_stays(
    setup: ModuleType, tmp_path: Path, constraints: Path, build: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[str, ...]] = []
    monkeypatch.setattr(setup, "torch_version", lambda venv: build)
    monkeypatch.setattr(setup, "pip", lambda venv, *arguments: calls.append(arguments))
    setup.install_packages(tmp_path, constraints)
    assert calls == [("--require-hashes", "--no-deps", "--requirement", str(constraints))]


@pytest.mark.parametrize("build", ["", "2.12.1+cpu"])
def test_torch_is_installed_first_with_pinned_company(
    setup: ModuleType, tmp_path: Path, constraints: Path, build: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[str, str]] = []

    def pip(venv: Path, *arguments: str) -> None:
        calls.append((arguments[0], Path(arguments[-1]).read_text(encoding="utf-8")))

    monkeypatch.setattr(setup, "torch_version", lambda venv: build)
    monkeypatch.setattr(setup, "pip", pip)
    setup.install_packages(tmp_path, constraints)
    assert [first for first, _ in calls] == ["torch==2.13.0", "--require-hashes"]
    assert calls[0][1] == "example==1.0\n"


def test_what_pip_said_is_shown(
    setup: ModuleType, tmp_path: Path, constraints: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = '[ "$*" = "-m pip --version" ] || { echo no such host; exit 3; }'
    venv = fake_venv(tmp_path / "venv", script=script)
    assert run(setup, venv, constraints) == 1
    said = capsys.readouterr().err
    assert "no such host" in said
    assert "run the same command again" in said
    assert setup.read_stamp(venv) == {}


def test_an_environment_of_an_old_python_is_not_touched(
    setup: ModuleType, tmp_path: Path, constraints: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    venv = fake_venv(tmp_path / "venv", version="3.9.2")
    assert run(setup, venv, constraints) == 1
    assert "Python 3.9.2" in capsys.readouterr().err
    assert (venv / "bin" / "python").exists()


def test_a_python_must_really_answer(setup: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def program(name: str, script: str) -> None:
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)

    program("python3", "echo 3.9.1")
    program("python3.13", "echo not installed here >&2; exit 127")  # a version manager's shim
    program("python3.12", "echo 3.12.3; exit 1")  # no ensurepip
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(setup.sys, "executable", str(tmp_path / "python3"))
    with pytest.raises(setup.SetupError, match=r"python3 is 3\.9\.1; python3\.12 is 3\.12\.3 without the venv module"):
        setup.find_python()
    program("python3.11", "echo 3.11.9")
    assert setup.find_python() == str(tmp_path / "python3.11")
    program("mine", "echo 3.13.1")
    monkeypatch.setenv("TUNING_FORK_PYTHON", str(tmp_path / "mine"))
    assert setup.find_python() == str(tmp_path / "mine")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="apt-get is Debian's")
def test_without_rights_the_one_command_is_printed(
    setup: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, code in (("apt-get", 100), ("sudo", 1)):
        (tmp_path / name).write_text(f"#!/bin/sh\nexit {code}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(setup, "qt_trouble", lambda venv: "libEGL.so.1: cannot open shared object file")
    assert setup.install_libraries(tmp_path) is False
    said = capsys.readouterr().out
    assert "libEGL.so.1" in said
    assert [line.strip() for line in said.splitlines() if "apt-get" in line] == [
        "sudo apt-get install -y " + " ".join(setup.OFFSCREEN_PACKAGES + setup.SCREEN_PACKAGES)
    ]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="apt-get is Debian's")
def test_apt_is_used_where_it_needs_no_password(
    setup: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"
    (tmp_path / "apt-get").write_text(f'#!/bin/sh\necho "$@" >> {log}\n', encoding="utf-8")
    (tmp_path / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    answers = iter(["libxcb-cursor.so.0: missing", ""])
    monkeypatch.setattr(setup, "qt_trouble", lambda venv: next(answers))
    assert setup.install_libraries(tmp_path) is True
    update, install = log.read_text(encoding="utf-8").splitlines()
    assert update.endswith("update")
    assert "libxcb-cursor0" in install.split()


def test_the_folder_does_not_hide_the_packaging_library(root: Path) -> None:
    """A regular package of that name wins over our folder only while ours has no __init__.py."""
    assert not (root / "packaging" / "__init__.py").exists()
    import packaging.version

    assert packaging.version.Version("2") > packaging.version.Version("1")
