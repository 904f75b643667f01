"""Make `constraints.txt` anew from `requirements.in`: every package with hashes, for every Python we support.

Needs uv on the path (`pip install uv` in any environment); the lab itself does not. Versions that are pinned now
stay unless `requirements.in` asks for others or a name is given: `python packaging/lock.py --upgrade-package rich`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = """\
# Every package of the lab with its hashes, for Python 3.11 to 3.13. Made by packaging/lock.py from requirements.in.
# Installed with `pip install --require-hashes --no-deps`, after torch, whose build depends on the machine.
"""


def main(argv: list[str]) -> int:
    """Write constraints.txt; the arguments go to `uv pip compile`."""
    uv = shutil.which("uv")
    if uv is None:
        print("uv is not on the path; pip install uv", file=sys.stderr)
        return 1
    target = ROOT / "constraints.txt"
    with tempfile.TemporaryDirectory() as folder:
        # torch is left out: an override with a marker that never holds drops it and its many CUDA packages.
        override = Path(folder) / "override.txt"
        override.write_text('torch==2.13.0; python_version < "3.0"\n', encoding="utf-8")
        lock = Path(folder) / "lock.txt"
        if target.exists():
            shutil.copy(target, lock)
        command = [
            uv,
            "pip",
            "compile",
            "requirements.in",
            "--universal",
            "--python-version",
            "3.11",
            "--generate-hashes",
        ]
        command += ["--override", str(override), "--no-emit-package", "pip", "--no-emit-index-url", "--no-header"]
        command += ["--annotation-style", "line", "--quiet", "--output-file", str(lock), *argv]
        code = subprocess.run(command, cwd=ROOT, env=os.environ, stdout=subprocess.DEVNULL, check=False).returncode
        if code == 0:
            target.write_text(HEADER + lock.read_text(encoding="utf-8"), encoding="utf-8")
    return code


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
