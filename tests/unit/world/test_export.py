"""The exported world: the same bytes every time, uniform columns, nothing lost, nothing overwritten, nothing half."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.spec.errors import ReportError
from engine.spec.example import Example, Gold, Item, Prompt
from engine.world.export import files
from engine.world.tasks import tasks
from engine.world.tasks.steps import Steps
from jobs import console
from tests.support.consoles import main

SIZES = {"examples": 12, "items": 4}
FEW = [tasks()["steps"], tasks()["facts"]]


class ToolsAlone(Steps):
    """The task of two calls with one of its splits."""

    def items(self, count: int, options: Any = None) -> Iterator[Item]:
        return (item for item in super().items(count, options) if item.split == "tools")


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("export") / "world"
    files.export(out, **SIZES)
    return out


def test_two_exports_are_equal_to_the_byte(world: Path, tmp_path: Path) -> None:
    files.export(tmp_path / "again", **SIZES)
    assert content(world) == content(tmp_path / "again")


def test_every_task_has_its_files_and_every_file_its_digest(world: Path) -> None:
    assert {p.name for p in world.iterdir() if p.is_dir()} == set(tasks())
    top = (world / "README.md").read_text(encoding="utf-8")
    for name, task in tasks().items():
        files = {p.name for p in (world / name).iterdir()}
        assert files == {"README.md", "train.jsonl", *(f"{s.replace(' ', '-')}.jsonl" for s in task.splits)}
        card = (world / name / "README.md").read_text(encoding="utf-8")
        assert task.about in card
        assert task.about in top
        for path in (world / name).glob("*.jsonl"):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            assert digest in card
            assert digest in top
        assert all(what in card for what in task.splits.values())
        assert "Apache-2.0" in card


def shape(value: Any) -> Any:
    """A value's type as a reader of columns infers it."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        assert value, "an empty list has no type"
        assert all(shape(inner) == shape(value[0]) for inner in value)
        return [shape(value[0])]
    return type(value).__name__


def test_all_rows_of_all_tasks_have_the_same_columns_of_the_same_types(world: Path) -> None:
    found = {json.dumps(shape(row)) for path in world.glob("*/*.jsonl") for row in rows(path)}
    assert len(found) == 1


def snippet(card: str) -> Any:
    """The function that a card gives to its readers."""
    code = re.search(r"```python\n(.*?)```", card, re.DOTALL)
    assert code
    names: dict[str, Any] = {}
    exec(code[1], names)
    return names["plain"]


def prompt(row: dict[str, Any]) -> Prompt:
    return Prompt(messages=tuple(map(message, row["messages"])), tools=tuple(row["tools"]))


def message(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if name != "tool_calls" or value}


@pytest.mark.parametrize("name", tasks())
def test_the_cards_own_reader_gives_back_what_went_in(world: Path, name: str) -> None:
    plain = snippet((world / name / "README.md").read_text(encoding="utf-8"))
    wanted = list(tasks()[name].examples(SIZES["examples"]))
    for row, example in zip(map(plain, rows(world / name / "train.jsonl")), wanted, strict=True):
        kept = ("id", "task", "family", "cluster", "side", "payload")
        fields = {f: row[f] for f in kept} | {"instruction": example.instruction}
        gold = Gold.model_validate(row["gold"])
        again = Example(prompt=prompt(row), answer=message(row["answer"]), gold=gold, **fields)
        assert again == example
    read = {
        row["id"]: row
        for path in (world / name).glob("*.jsonl")
        if path.stem != "train"
        for row in map(plain, rows(path))
    }
    items = list(tasks()[name].items(SIZES["items"]))
    assert len(read) == len(items)
    for item in items:
        row = read[item.id]
        fields = {f: row[f] for f in ("id", "split", "task", "cluster", "crossed", "side", "features", "payload")}
        assert Item(prompt=prompt(row), gold=Gold.model_validate(row["gold"]), **fields) == item


def test_hugging_face_reads_a_task_with_its_splits(world: Path, tmp_path: Path) -> None:
    import datasets

    found = datasets.load_dataset(str(world / "facts"), cache_dir=str(tmp_path / "cache"))
    assert set(found) == {"train", "known", "wording", "absent", "composed", "two_hop"}
    assert found["train"].features == found["two_hop"].features
    assert found["train"].num_rows == SIZES["examples"]


# What is not overwritten


@pytest.mark.parametrize("there", [{"thesis.txt": "mine"}, {"export.json": "{}"}, {"export.json": "no json"}])
def test_a_folder_with_something_else_is_refused_and_left_alone(tmp_path: Path, there: dict[str, str]) -> None:
    for name, text in there.items():
        (tmp_path / name).write_text(text)
    before = content(tmp_path)
    with pytest.raises(ReportError, match="not empty") as caught:
        files.export(tmp_path, **SIZES)
    assert "Nothing was changed" in caught.value.hint
    assert content(tmp_path) == before


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(ReportError, match="not a folder"):
        files.export(tmp_path / "out", **SIZES)
    assert (tmp_path / "out").read_text() == "mine"


def test_an_earlier_export_is_replaced_and_other_files_stay(tmp_path: Path) -> None:
    out, fresh = tmp_path / "out", tmp_path / "fresh"
    files.export(out, 8, 3, FEW)
    (out / "notes.txt").write_text("mine")
    fewer = [ToolsAlone(), FEW[1]]
    files.export(out, 6, 2, fewer)
    files.export(fresh, 6, 2, fewer)
    assert not (out / "steps" / "first-call.jsonl").exists()
    assert content(out) == {**content(fresh), "notes.txt": b"mine"}


def test_a_marker_can_delete_nothing_but_exported_files(tmp_path: Path) -> None:
    out = tmp_path / "out"
    files.export(out, 4, 2, FEW)
    (tmp_path / "mine.md").write_text("mine")
    (out / "mine.txt").write_text("mine")
    facts = json.loads((out / files.MARKER).read_text())
    facts["files"] |= {"../mine.md": "0", "mine.txt": "0", str(tmp_path / "mine.md"): "0"}
    (out / files.MARKER).write_text(json.dumps(facts))
    files.export(out, 4, 2, FEW)
    assert (tmp_path / "mine.md").exists()
    assert (out / "mine.txt").exists()


# What a kill leaves


def test_a_kill_leaves_whole_files_and_the_same_command_writes_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, whole = tmp_path / "out", tmp_path / "whole"
    files.export(whole, 8, 3, FEW)
    for after in range(0, 40, 3):
        written = 0

        def dies(row: Any, after: int = after, line: Any = files._line) -> str:
            nonlocal written
            written += 1
            if written > after:
                raise KeyboardInterrupt
            return line(row)

        with monkeypatch.context() as patch:
            patch.setattr(files, "_line", dies)
            try:
                files.export(out, 8, 3, FEW)
            except KeyboardInterrupt:
                left = {n: b for n, b in content(out).items() if not n.endswith(".part") and n != files.MARKER}
                assert left.items() <= content(whole).items()
                assert not json.loads((out / files.MARKER).read_text())["complete"]
    files.export(out, 8, 3, FEW)
    assert content(out) == content(whole)


def test_what_a_killed_export_left_does_not_outlive_a_smaller_one(tmp_path: Path, monkeypatch) -> None:
    out, whole = tmp_path / "out", tmp_path / "whole"

    def dies(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(files.data_card, "of_world", dies)
        with pytest.raises(KeyboardInterrupt):
            files.export(out, 8, 3, FEW)
    files.export(out, 8, 3, FEW[:1])
    files.export(whole, 8, 3, FEW[:1])
    assert content(out) == content(whole)


def test_a_full_disk_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("engine.world.export.files.os.fsync", full)
    with pytest.raises(ReportError, match="No space left"):
        files.export(tmp_path / "out", 4, 2, FEW)


# The command


def test_the_command_says_what_it_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(files, "every_task", lambda: {task.name: task for task in FEW})
    out = tmp_path / "out"
    assert main("export-world", "--out", str(out), "--items", "3", "--examples", "5") == console.OK
    said = capsys.readouterr()
    assert "13 files written" in said.out
    assert said.err.split() == ["steps", "facts"]
    assert "--examples 5 --items 3" in (out / "README.md").read_text()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    assert main("export-world", "--out", str(tmp_path / "mine")) == console.FAILED
    assert "not empty" in capsys.readouterr().err


@pytest.mark.parametrize("argv", [[], ["--out", "x", "--items", "0"], ["--out", "x", "--items", "many"]])
def test_what_is_typed_wrong_is_2_and_writes_nothing(
    argv: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main("export-world", *argv) == console.USAGE
    assert capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_the_page_on_the_world_names_every_task(root: Path) -> None:
    page = (root / "docs" / "world.md").read_text(encoding="utf-8")
    assert all(f"| `{name}` |" in page for name in tasks())
