"""A run's process, told where the lab's own things lie."""

from __future__ import annotations

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


def test_a_run_finds_what_lies_in_its_own_data_folder(tmp_path: Path, root: Path) -> None:
    folder = tmp_path / "lab" / "runs" / "ab"
    folder.mkdir(parents=True)
    (tmp_path / "spec.json").write_text(make_spec().model_dump_json(), encoding="utf-8")
    (tmp_path / "where.py").write_text(
        "from engine.models.downloaded import default_folder\n"
        "from engine.spec.plugin import folder_of\n"
        "def write(spec, folder, stop, kept):\n"
        "    (folder / 'where').write_text(f'{default_folder()} {folder_of(\"probes\")} {kept}')\n",
        encoding="utf-8",
    )
    paths = os.pathsep.join((str(root), str(tmp_path)))
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "spec.json"), str(folder)],
        env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lab = tmp_path / "lab"
    assert (folder / "where").read_text() == f"{lab / 'models'} {lab / 'plugins' / 'probes'} {lab / 'weights'}"
