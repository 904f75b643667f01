from __future__ import annotations

from pathlib import Path

from jobs.store.stream import whole_lines


def test_a_torn_line_waits_for_its_end(tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    file.write_bytes(b"one\ntwo\nthr")
    assert whole_lines(file, 0) == ([b"one", b"two"], 8)
    assert whole_lines(file, 8) == ([], 8)
    file.write_bytes(b"one\ntwo\nthree\n")
    assert whole_lines(file, 8) == ([b"three"], 14)


def test_a_line_longer_than_a_read_is_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    file.write_bytes(b"x" * 1000 + b"\ny\n")
    assert whole_lines(file, 0, chunk=64)[0][0] == b"x" * 1000


def test_a_file_that_is_gone_or_shorter_is_no_error(tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    assert whole_lines(file, 100) == ([], 100)
    file.write_bytes(b"anew\n")
    assert whole_lines(file, 100) == ([b"anew"], 5)
