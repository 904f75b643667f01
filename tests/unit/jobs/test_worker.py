"""A run's process, told where the lab's own things lie."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.support.tiny import make_spec

SCRIPT = """
import sys
from multiprocessing import Pipe
from pathlib import Path
from jobs.executors import worker
spec, folder = Path(sys.argv[1]).read_text(), sys.argv[2]
here, there = Pipe()
worker.main(worker.Job("ab", spec, folder, 1, "where:write"), there)
"""


def work(tmp_path: Path, root: Path, body: str) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """Run `body` as a run's target, in a process of its own; gives the run's folder, and how the process ended."""
    folder = tmp_path / "lab" / "runs" / "ab"
    folder.mkdir(parents=True)
    (tmp_path / "spec.json").write_text(make_spec().model_dump_json(), encoding="utf-8")
    (tmp_path / "where.py").write_text(
        "import runpy\n"
        "from engine.models.downloaded import default_folder\n"
        "from engine.spec.plugins.discovery import folder_of\n"
        f"def write(spec, folder, stop, kept):\n    {body}\n",
        encoding="utf-8",
    )
    paths = os.pathsep.join((str(root), str(tmp_path)))
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "spec.json"), str(folder)],
        env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return folder, done


def test_a_run_finds_what_lies_in_its_own_data_folder(tmp_path: Path, root: Path) -> None:
    body = "(folder / 'where').write_text(f'{default_folder()} {folder_of(\"probes\")} {kept}')"
    folder, done = work(tmp_path, root, body)
    assert done.returncode == 0, done.stderr
    lab = tmp_path / "lab"
    assert (folder / "where").read_text() == f"{lab / 'models'} {lab / 'plugins' / 'probes'} {lab / 'weights'}"


def test_a_bug_in_a_file_of_the_users_is_told_with_its_line(tmp_path: Path, root: Path) -> None:
    own = tmp_path / "lab" / "plugins" / "objectives" / "mine.py"
    own.parent.mkdir(parents=True)
    own.write_text("def loss():\n    return 1 + ''\n", encoding="utf-8")
    folder, done = work(tmp_path, root, "runpy.run_path(str(folder_of('objectives') / 'mine.py'))['loss']()")
    assert done.returncode != 0
    told = json.loads((folder / "failure.json").read_text(encoding="utf-8"))
    said = f'A file of your own stopped this run (File "{own}", line 2): TypeError: unsupported'
    assert told["message"].startswith(said)
