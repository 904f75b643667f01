"""The event stream's writing end, and checkpoints."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.spec.events import decode
from engine.tuning import checkpoint, journal
from engine.tuning.journal import Journal


def test_lines_are_whole_and_numbered(tmp_path: Path) -> None:
    with Journal(tmp_path) as log:
        log.emit("noted", name="a", detail="line\nbreak \u2028 and more")
        log.emit("finished", seconds=1.0)
    lines = (tmp_path / "events.ndjson").read_bytes().split(b"\n")
    assert [decode(line).seq for line in lines[:-1]] == [0, 1]
    assert lines[-1] == b""
    assert journal.finished(tmp_path)


@given(st.binary(max_size=200).map(lambda raw: raw.replace(b"\n", b"")))
def test_a_torn_end_is_cut_off(tmp_path_factory: pytest.TempPathFactory, torn: bytes) -> None:
    folder = tmp_path_factory.mktemp("run")
    with Journal(folder) as log:
        log.emit("noted", name="a", detail="x")
    with (folder / "events.ndjson").open("ab") as file:
        file.write(torn)
    assert not journal.finished(folder)
    with Journal(folder, 1) as log:
        log.emit("noted", name="b", detail="y")
    assert [decode(line).seq for line in (folder / "events.ndjson").read_bytes().splitlines()] == [0, 1]


def test_a_torn_end_longer_than_a_block_is_cut_off(tmp_path: Path) -> None:
    (tmp_path / "events.ndjson").write_bytes(b"x" * 200_000)
    Journal(tmp_path).close()
    assert (tmp_path / "events.ndjson").read_bytes() == b""


def seal(run: Path, phase: int, step: int, seq: int, identity: str = "i") -> Path:
    path = checkpoint.folder_of(run, phase) / f"checkpoint-{step}"
    path.mkdir(parents=True)
    (path / "optimizer.pt").write_bytes(b"%d" % step)
    checkpoint.seal(run, path, phase, step, seq, identity)
    return path


def test_the_newest_whole_checkpoint_is_used_and_two_are_kept(tmp_path: Path) -> None:
    paths = [seal(tmp_path, 0, 9, 10), seal(tmp_path, 0, 10, 11), seal(tmp_path, 1, 2, 20)]
    found = checkpoint.newest(tmp_path, "i")
    assert found == checkpoint.Checkpoint(paths[2], 1, 2, 20)
    assert [path.exists() for path in paths] == [False, True, True]


@pytest.mark.parametrize("damage", ["change", "remove", "manifest", "no manifest"])
def test_a_damaged_checkpoint_is_passed_over(tmp_path: Path, damage: str) -> None:
    first, second = seal(tmp_path, 0, 1, 5), seal(tmp_path, 0, 2, 6)
    if damage == "change":
        (second / "optimizer.pt").write_bytes(b"?")
    elif damage == "remove":
        (second / "optimizer.pt").unlink()
    elif damage == "manifest":
        (second / checkpoint.MANIFEST).write_text('{"files": ')
    else:
        (second / checkpoint.MANIFEST).unlink()
    found = checkpoint.newest(tmp_path, "i")
    assert found
    assert found.path == first


def test_another_runs_checkpoint_is_none_of_ours(tmp_path: Path) -> None:
    seal(tmp_path, 0, 1, 5, "other")
    assert checkpoint.newest(tmp_path, "i") is None
