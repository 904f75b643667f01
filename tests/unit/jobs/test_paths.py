from __future__ import annotations

from pathlib import Path

import platformdirs
import pytest

from engine.spec.errors import StoreError
from jobs.paths import Home, read_json, write_json


def test_the_folder_is_the_argument_else_the_variable_else_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Home.at(tmp_path).folder == tmp_path
    monkeypatch.setenv("TUNING_FORK_HOME", str(tmp_path / "told"))
    assert Home.at().folder == tmp_path / "told"
    monkeypatch.delenv("TUNING_FORK_HOME")
    assert Home.at().folder == platformdirs.user_data_path("tuning-fork", appauthor=False)


@pytest.mark.parametrize("name", ["", "..", "../etc", "a/b", "ABC", "0123/"])
def test_a_name_that_is_no_hash_names_no_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(StoreError):
        Home.at(tmp_path).run(name)


def test_json_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    write_json(file, {"a": 1})
    with pytest.raises(TypeError):
        write_json(file, {"a": object()})
    assert read_json(file) == {"a": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]
    file.write_text("[1")
    assert read_json(file) is None
