"""The same rows as JSON lines, lists, Parquet, packed or not; broken and endless files are refused soon."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from engine.data.files.sample import Sample
from engine.data.formats import read_source
from engine.spec.errors import DataError
from tests.support.dataforms import calling, chat, messages, tools
from tests.support.userfiles import write_lines

ROWS = [chat(at, content="", tool_calls=calling(at)) for at in range(20)]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
BOM = b"\xef\xbb\xbf"


def table(path: Path, rows: list[dict[str, Any]]) -> bytes:
    parquet.write_table(pa.Table.from_pylist(rows), path)
    return path.read_bytes()


def as_text(at: int) -> dict[str, Any]:
    """A row whose columns are JSON texts, as tables often have them, and one that no form reads."""
    said = json.dumps(messages(at, {"content": "", "tool_calls": calling(at)}))
    return {"messages": said, "tools": json.dumps(tools(at)), "made": dt.datetime(2024, 5, 1)}  # noqa: DTZ001


WAYS: dict[str, Callable[[Path], bytes]] = {
    "lines": lambda _: LINES,
    "lines with a byte order mark and Windows' ends": lambda _: BOM + LINES.replace(b"\n", b"\r\n\r\n"),
    "list": lambda _: json.dumps(ROWS).encode(),
    "indented list": lambda _: BOM + json.dumps(ROWS, indent=3).encode(),
    "data": lambda _: json.dumps({"data": ROWS}).encode(),
    "train, with more beside": lambda _: json.dumps(
        {"version": 1, "train": ROWS, "info": {"a": [1]}}, indent=1
    ).encode(),
    "objects over several lines": lambda _: "\n".join(json.dumps(row, indent=1) for row in ROWS).encode(),
    "packed lines": lambda _: gzip.compress(LINES),
    "packed list": lambda _: gzip.compress(BOM + json.dumps(ROWS).encode()),
    "table": lambda folder: table(folder / "t.parquet", ROWS),
    "table of texts": lambda folder: table(folder / "t.parquet", [as_text(at) for at in range(20)]),
    "packed table": lambda folder: gzip.compress(table(folder / "t.parquet", ROWS)),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_way_of_writing_changes_nothing(way: str, tmp_path: Path) -> None:
    expected = read_source(write_lines(tmp_path / "plain.jsonl", ROWS)).examples
    path = tmp_path / "mine.dat"
    path.write_bytes(WAYS[way](tmp_path))
    source = read_source(path)
    assert [(e.prompt, e.answer, e.gold) for e in source.examples] == [(e.prompt, e.answer, e.gold) for e in expected]
    assert source.rows == 20
    wrapped = [note for note in source.notes if "rows are those of the list" in note]
    assert len(wrapped) == way.startswith(("data", "train"))


def test_a_table_unified_by_its_writer_loses_its_padding_and_nothing_else(tmp_path: Path) -> None:
    rows = []
    for at in range(20):
        row = chat(at, content=None, tool_calls=[{"function": {"name": ROWS[at]["tools"][0]["function"]["name"]}}])
        row["messages"][1]["tool_calls"][0]["function"]["arguments"] = {
            "city": "Ulm",
            **({"nights": at} if at % 2 else {}),
        }
        rows.append(row)
    path = tmp_path / "t.parquet"
    table(path, rows)
    source = read_source(path)
    found = [e.gold.calls[0]["arguments"] for e in source.examples]
    assert found == [{"city": ["Ulm"], **({"nights": [at]} if at % 2 else {})} for at in range(20)]
    assert any(note.startswith("Nulls left out of calls") and note.endswith(": 10.") for note in source.notes)


BROKEN: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "two lists": (lambda _: json.dumps({"train": ROWS, "test": ROWS}).encode(), "several lists of rows"),
    "one row over several lines": (lambda _: json.dumps(ROWS[0], indent=1).encode(), "one JSON object"),
    "packed and cut": (lambda _: gzip.compress(LINES)[:-60], "broken or cut off"),
    "packed noise": (lambda _: b"\x1f\x8b" + os.urandom(400), "packed by gzip and broken"),
    "packed twice": (lambda _: gzip.compress(gzip.compress(LINES)), "is a gzip archive"),
    "list cut": (lambda _: json.dumps(ROWS).encode()[:-30], "row 20.*cut off"),
    "list inside an object cut": (lambda _: json.dumps({"data": ROWS}).encode()[:-1], "} is missing"),
    "list with more after it": (lambda _: json.dumps(ROWS).encode() + b"7", "more follows after the list"),
    "table cut": (lambda folder: table(folder / "t.parquet", ROWS)[:-40], "Parquet file that cannot be read"),
    "table of something else": (lambda folder: table(folder / "t.parquet", [{"x": 1}]), "none of the columns"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_file_broken_as_a_whole_is_refused_even_without_its_bad_rows(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.dat"
    path.write_bytes(BROKEN[kind][0](tmp_path))
    for skip in (False, True):
        with pytest.raises(DataError, match=BROKEN[kind][1]):
            read_source(path, skip_bad_rows=skip)


ENDLESS = {
    "zeros": b"\0" * 10**8,
    "spaces": b" " * 10**8,
    "one string": b'[{"a": "' + b"x" * 10**8,
    "lines": b"{}\n" + b"\n" * 10**8,
    "rows": LINES[:1000].partition(b"\n")[0] + b"\n" + b"1\n" * 5 * 10**7,
    "elements": b"[" + b"1," * 5 * 10**7,
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_what_unpacks_to_far_too_much_is_refused_soon(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.data.files.lines.MOST_LINES", 200_000)
    monkeypatch.setattr("engine.data.files.sample.MOST_ROWS", 200_000)
    path = tmp_path / "mine.jsonl.gz"
    path.write_bytes(gzip.compress(ENDLESS[kind], 1))
    start = time.monotonic()
    with pytest.raises(DataError):
        read_source(path)
    assert time.monotonic() - start < 10


def test_packed_bytes_are_bounded_by_the_size_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.data.files.opening.ALWAYS_UNPACKED", 10_000)
    path = tmp_path / "mine.jsonl.gz"
    path.write_bytes(gzip.compress(LINES[:2000] + b" " * 10**6))
    with pytest.raises(DataError, match="far more bytes than its size allows"):
        read_source(path)


def test_of_many_rows_some_are_chosen_by_a_hash_the_same_every_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.data.files.sample.MOST_KEPT", 30)
    path = write_lines(tmp_path / "mine.jsonl", [chat(at, content="", tool_calls=calling(at)) for at in range(200)])
    first, second = read_source(path), read_source(path)
    assert first.examples == second.examples
    assert (len(first.examples), first.rows) == (30, 200)
    assert "Of 200 rows 30, chosen by a hash, were read. The others were not." in first.notes
    rows = [e.row for e in first.examples]
    assert rows == sorted(rows)
    assert min(rows) < 60
    assert max(rows) > 140


def test_the_rows_kept_are_those_with_the_smallest_hashes_whatever_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.data.files.sample.MOST_KEPT_BYTES", 500)
    texts = [b"row %d " % at * (1 + at % 5) for at in range(300)]

    def kept(order: list[int]) -> set[bytes]:
        sample = Sample(Path("mine.jsonl"))
        for at in order:
            sample.offer(at + 1, texts[at])
        assert sample.total == 300
        assert not sample.whole
        return {data for _, data in sample.rows()}

    assert kept(list(range(300))) & kept(list(range(299, -1, -1)))
    assert sum(map(len, kept(list(range(300))))) <= 500


def test_too_many_answers_are_cut_by_whole_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.data.kept.MOST_EXAMPLES", 25)
    monkeypatch.setattr("engine.data.kept._SLACK", 5)
    rows = []
    for at in range(40):
        row = chat(at, content="", tool_calls=calling(at))
        again = [{"role": "user", "content": f"Again {at}"}, {"role": "assistant", "tool_calls": calling(at)}]
        rows.append({**row, "messages": [*row["messages"], {"role": "tool", "content": "1"}, *again]})
    source = read_source(write_lines(tmp_path / "mine.jsonl", rows))
    assert 20 <= len(source.examples) <= 25
    assert len(source.examples) == 2 * len({e.row for e in source.examples})
    assert any("answers are kept" in note for note in source.notes)


def test_a_file_written_to_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.data.files.opening.File.changed", lambda _: True)
    with pytest.raises(DataError, match="changed while it was read"):
        read_source(write_lines(tmp_path / "mine.jsonl", ROWS))


MEASURE = """
import json, sys, time
from pathlib import Path
from engine.data.formats import read_source
start = time.monotonic()
source = read_source(Path(sys.argv[1]))
status = Path("/proc/self/status").read_text()  # what getrusage says counts the parent's memory, too
peak = int(status.partition("VmHWM:")[2].split()[0]) * 1024
print(json.dumps([source.rows, len(source.examples), peak, time.monotonic() - start]))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read from /proc")
@pytest.mark.parametrize("way", ["lines", "list", "table"])
def test_memory_is_bounded_whatever_the_size(way: str, tmp_path: Path, root: Path) -> None:
    """300 MB here; a file of 1 GB was seen to need no more, since only the chosen rows are kept."""
    path, count = tmp_path / "large.dat", 0
    if way == "table":
        rows = [{**as_text(at), "system": "word " * 400} for at in range(2000)]
        data = pa.Table.from_pylist(rows)
        with parquet.ParquetWriter(path, data.schema, compression="none", use_dictionary=False) as writer:
            while path.stat().st_size < 300 * 10**6:
                writer.write_table(data)
                count += len(rows)
    else:
        with path.open("w", encoding="utf-8") as file:
            file.write("[" if way == "list" else "")
            size = 0
            while size < 300 * 10**6:
                text = json.dumps({**chat(count, content="", tool_calls=calling(count)), "system": "word " * 400})
                size += file.write(("," if way == "list" and count else "") + text + "\n")
                count += 1
            file.write("]" if way == "list" else "")
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)], cwd=root, capture_output=True, text=True, check=True, timeout=300
    )
    total, kept, peak, seconds = json.loads(done.stdout)
    assert total == count
    assert kept == 20_000
    assert peak < 500 * 2**20, f"{peak / 2**20:.0f} MiB in {seconds:.0f} s"
