"""Set-up on a fresh machine: a `.venv`, pinned packages, Qt's system libraries. Says nothing where all is current.

Run by `make setup` with whatever Python the machine has, so it uses the standard library only, and no syntax newer
than 3.8. Interrupted at any moment, the next call goes on: the stamp is written last.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TORCH = "2.13.0"
PYTHONS = ("python3", "python3.13", "python3.12", "python3.11")
OLDEST, NEWEST = (3, 11), (3, 13)
OFFSCREEN_PACKAGES = (
    "libgl1",
    "libegl1",
    "libxkbcommon0",
    "libglib2.0-0",
    "libfontconfig1",
    "libdbus-1-3",
    "libbrotli1",
)
SCREEN_PACKAGES = ("libxcb-cursor0", "libxcb-icccm4", "libxcb-keysyms1", "libxkbcommon-x11-0", "libxcb-shape0")
QT_PROBE = """
import ctypes, os, pathlib, sys
os.environ["QT_QPA_PLATFORM"] = "offscreen"
import PySide6
try:
    from PySide6 import QtCore, QtGui, QtNetwork, QtSvg, QtWidgets
    QtWidgets.QApplication([])
    ctypes.CDLL(str(pathlib.Path(PySide6.__file__).parent / "Qt/plugins/platforms/libqxcb.so"), mode=os.RTLD_NOW)
except (ImportError, OSError) as error:
    sys.exit(str(error))
"""


class SetupError(Exception):
    """Set-up cannot go on; the text says why and what to do."""


def say(text: str) -> None:
    """Print a line at once, so that the order stays right beside the output of pip and apt."""
    print("setup: " + text, flush=True)


def venv_python(venv: Path) -> Path:
    """The interpreter inside a virtual environment."""
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def venv_version(venv: Path) -> str:
    """The Python version a virtual environment was made with, "" where it is none."""
    try:
        text = (venv / "pyvenv.cfg").read_text(encoding="utf-8")
    except OSError:
        return ""
    found = re.search(r"^version(?:_info)?\s*=\s*(\d+\.\d+\.\d+)", text, re.MULTILINE)
    return found.group(1) if found else ""


def fits(version: str) -> bool:
    """Whether a version such as "3.12.1" is one the pinned packages support."""
    parts = version.split(".")
    return len(parts) >= 2 and OLDEST <= (int(parts[0]), int(parts[1])) <= NEWEST


def fingerprint(constraints: Path, version: str) -> str:
    """What a finished set-up is recognised by."""
    return hashlib.sha256(b"|".join([constraints.read_bytes(), TORCH.encode(), version.encode()])).hexdigest()


def read_stamp(venv: Path) -> dict:
    """The stamp of the last finished set-up, empty where there is none or it is damaged."""
    try:
        stamp = json.loads((venv / "setup-stamp.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def write_stamp(venv: Path, stamp: dict) -> None:
    """Write the stamp whole or not at all."""
    part = venv / "setup-stamp.json.part"
    part.write_text(json.dumps(stamp), encoding="utf-8")
    os.replace(part, venv / "setup-stamp.json")


def find_python() -> str:
    """A Python 3.11 to 3.13 that can make a virtual environment. Raises SetupError where there is none."""
    asked = os.environ.get("TUNING_FORK_PYTHON")
    seen = []
    for name in (asked,) if asked else (*PYTHONS, sys.executable):
        exe = shutil.which(name)
        if exe is None:
            continue
        # A shim may stand on the path without an interpreter behind it, and Debian ships python3 without ensurepip.
        probe = "import platform; print(platform.python_version()); import ensurepip, venv"
        done = subprocess.run([exe, "-c", probe], capture_output=True, text=True, check=False)
        version = done.stdout.strip()
        if done.returncode == 0 and fits(version):
            return exe
        if version:
            lacks = "" if done.returncode == 0 else " without the venv module (Debian, Ubuntu: python3-venv)"
            seen.append(f"{name} is {version}{lacks}")
    raise SetupError(
        f"Python 3.11, 3.12 or 3.13 is needed and was not found ({'; '.join(seen) or 'no Python on the path'}).\n"
        "Install one (Debian, Ubuntu: apt-get install python3 python3-venv), or name it: "
        "TUNING_FORK_PYTHON=/path/to/python3.12 make setup"
    )


def make_venv(venv: Path) -> None:
    """Make the environment, or keep the one that is there. Raises SetupError where it has another Python."""
    version = venv_version(venv)
    if version and not fits(version):
        raise SetupError(f"{venv} has Python {version}; 3.11 to 3.13 is needed. Remove that folder and run this again.")
    python = venv_python(venv)
    if version and python.exists():
        if subprocess.run([str(python), "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0:
            return
        if subprocess.run([str(python), "-m", "ensurepip"], capture_output=True, check=False).returncode == 0:
            return
    base = find_python()
    say(f"making {venv.name} with {base}")
    if subprocess.run([base, "-m", "venv", "--clear", str(venv)], check=False).returncode != 0:
        raise SetupError(f"{base} -m venv failed; see the lines above.")


def mend_interrupted(venv: Path) -> None:
    """Forget packages whose installation was cut short, so that pip installs them whole.

    pip writes RECORD last and renames what it is replacing to "~name".
    """
    for packages in [*venv.glob("lib/python3*/site-packages"), *venv.glob("Lib/site-packages")]:
        halves = [p for p in packages.glob("*.dist-info") if not (p / "RECORD").exists()]
        for folder in halves + list(packages.glob("~*")):
            shutil.rmtree(folder, ignore_errors=True)


def pip(venv: Path, *arguments: str) -> None:
    """Run pip in the environment. Raises SetupError with the end of what it said."""
    command = [str(venv_python(venv)), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", *arguments]
    log = venv / "setup.log"
    with log.open("w", encoding="utf-8") as out:
        code = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, check=False
        ).returncode
    if code != 0:
        tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-25:])
        raise SetupError(f"{tail}\npip failed (all it said: {log}). Nothing is lost: run the same command again.")


def torch_version(venv: Path) -> str:
    """The version of the torch in the environment, with its build ("2.13.0+cpu"), "" where there is none."""
    code = "import importlib.metadata as m; print(m.version('torch'))"
    return subprocess.run(
        [str(venv_python(venv)), "-c", code], capture_output=True, text=True, check=False
    ).stdout.strip()


def install_packages(venv: Path, constraints: Path) -> None:
    """torch first, in whichever build pip's settings offer (one that is there stays), then the pinned rest by hash.

    torch's wheel differs by index and device, so its hash cannot be pinned; everything else is one file each.
    """
    mend_interrupted(venv)
    if torch_version(venv).split("+")[0] != TORCH:
        say(f"installing torch {TORCH} (some minutes)")
        plain = [
            line.split(" \\")[0]
            for line in constraints.read_text(encoding="utf-8").splitlines()
            if re.match(r"\w", line)
        ]
        with tempfile.TemporaryDirectory() as folder:
            versions = Path(folder) / "versions.txt"
            versions.write_text("\n".join(plain) + "\n", encoding="utf-8")
            pip(venv, "torch==" + TORCH, "--constraint", str(versions))
    say("installing the pinned packages")
    pip(venv, "--require-hashes", "--no-deps", "--requirement", str(constraints))


def qt_trouble(venv: Path) -> str:
    """What Qt lacks to open a window here, by really loading it; "" where nothing does."""
    if not sys.platform.startswith("linux"):
        return ""
    done = subprocess.run([str(venv_python(venv)), "-c", QT_PROBE], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return ""
    return (done.stderr.strip().splitlines() or [f"Qt ended with code {done.returncode}"])[-1]


def apt_prefix() -> list[str] | None:
    """How to call apt-get without a password: [], ["sudo", "-n"], or None where that is not possible."""
    if shutil.which("apt-get") is None:
        return None
    if os.geteuid() == 0:
        return []
    if (
        shutil.which("sudo")
        and subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
    ):
        return ["sudo", "-n"]
    return None


def apt_install(packages: tuple[str, ...]) -> bool:
    """Install Debian packages where that needs no password. Whether it was done."""
    prefix = apt_prefix()
    if prefix is None:
        return False
    say("installing with apt-get: " + " ".join(packages))
    apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300"]
    subprocess.run([*apt, "update"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False)
    install = [*apt, "install", "-y", "--no-install-recommends", *packages]
    return subprocess.run(install, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False).returncode == 0


def install_libraries(venv: Path) -> bool:
    """See that Qt's system libraries are there; else install them or print the one command. Whether they are."""
    trouble = qt_trouble(venv)
    if not trouble:
        return True
    packages = OFFSCREEN_PACKAGES + SCREEN_PACKAGES
    if apt_install(packages):
        trouble = qt_trouble(venv)
    if not trouble:
        return True
    say("the window cannot open yet: " + trouble)
    if shutil.which("apt-get"):
        say("type this, then run the same command again:\n\n    sudo apt-get install -y " + " ".join(packages) + "\n")
    else:
        say("install what these Debian packages hold, then run the same command again: " + " ".join(packages))
    return False


def set_up(venv: Path, constraints: Path, tests: bool) -> None:
    """Bring the environment up to date. Raises SetupError where that is not possible."""
    stamp = read_stamp(venv)
    mark = fingerprint(constraints, venv_version(venv))
    if stamp.get("packages") != mark or not venv_python(venv).exists():
        make_venv(venv)
        install_packages(venv, constraints)
        stamp = {"packages": fingerprint(constraints, venv_version(venv)), "libraries": False}
        write_stamp(venv, stamp)
        say("the environment is ready")
    if not stamp.get("libraries"):
        stamp["libraries"] = install_libraries(venv)
        write_stamp(venv, stamp)
    if tests and sys.platform.startswith("linux") and not shutil.which("Xvfb") and not stamp.get("asked_for_xvfb"):
        stamp["asked_for_xvfb"] = True
        if not apt_install(("xvfb",)):
            say("tests in a real window need Xvfb and are left out without it: sudo apt-get install -y xvfb")
        write_stamp(venv, stamp)


def main(argv: list[str] | None = None) -> int:
    """Set up; 0 where the lab can run, 1 with the reason where not, 130 where it was interrupted."""
    parser = argparse.ArgumentParser(description="Make or update the lab's environment.")
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv", help="the environment's folder")
    parser.add_argument("--constraints", type=Path, default=ROOT / "constraints.txt", help="the pinned packages")
    parser.add_argument("--tests", action="store_true", help="also what the tests use (Xvfb)")
    options = parser.parse_args(argv)
    try:
        set_up(options.venv, options.constraints, options.tests)
    except SetupError as error:
        print("setup: " + str(error), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nsetup: stopped; the same command goes on from here.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
