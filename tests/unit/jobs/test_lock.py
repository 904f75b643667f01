from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.spec.errors import StoreError
from jobs.paths import Home
from jobs.queue.lock import OwnerLock
from tests.support.rights import closed


def test_a_second_owner_is_told_who_the_first_is(home: Path) -> None:
    place = Home.at(home).create()
    with OwnerLock(place), pytest.raises(StoreError, match=f"process {os.getpid()}"):
        OwnerLock(place)
    OwnerLock(place).release()


def test_a_killed_owner_owns_nothing(home: Path, root: Path) -> None:
    place = Home.at(home).create()
    code = "import os,sys; from jobs.queue.lock import OwnerLock; from jobs.paths import Home\n"
    code += "OwnerLock(Home.at(sys.argv[1])); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", code, str(home)], cwd=root, check=False)
    assert place.owner.exists()
    OwnerLock(place).release()
    assert not place.owner.exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has other rights")
def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path: Path) -> None:
    with closed(tmp_path), pytest.raises(StoreError, match="cannot be"):
        OwnerLock(Home.at(tmp_path))


def test_a_file_where_the_folder_should_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    with pytest.raises(StoreError, match="cannot be made"):
        Home.at(tmp_path / "home").create()
