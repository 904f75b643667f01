"""Every task as a study's data: names, options, identity, and what a user's own task gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import world
from engine.run import sources
from engine.spec.errors import DataError, PluginError, SpecError
from engine.spec.plugins import discovery
from engine.spec.reference import DataRef
from engine.spec.run import digest
from engine.world.study_data import source_of, study_data, task_of
from engine.world.tasks import found, tasks

MINE = '''
"""Say the word."""

from engine.spec.example import Example, Gold, Item, Prompt
from engine.world.tasks._base import Task


def _prompt(word):
    return Prompt(messages=({"role": "user", "content": f"say {word}"},))


class Parrot(Task):
    """Say the word."""

    name = "parrot"
    title = "Parrot"
    about = "One word, to be said again."
    splits = {"words": "the word"}
    train = 5
    per_split = 3

    def examples(self, count, options=None):
        for at in range(count):
            answer = {"role": "assistant", "content": f"w{at}"}
            yield Example(id=f"p{at}", prompt=_prompt(f"w{at}"), answer=answer, gold=Gold(text=f"w{at}"),
                          family="say", cluster="c", task="parrot")

    def items(self, count, options=None):
        for at in range(count):
            yield Item(id=f"i{at}", prompt=_prompt(f"v{at}"), gold=Gold(text=f"v{at}"), split="words", cluster="c",
                       task="parrot")
'''


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of plug-ins with a task of the user's."""
    folder = tmp_path / "plugins" / "tasks"
    folder.mkdir(parents=True)
    (folder / "parrot.py").write_text(MINE, encoding="utf-8")
    monkeypatch.setenv(discovery.FOLDER, str(folder.parent))
    return folder


def test_every_task_is_listed_as_a_source() -> None:
    listed = {source.name: source for source in sources.sources()}
    assert set(listed) == {source_of(name) for name in tasks()}
    assert "world.tools" in listed
    assert "world.calling" not in listed
    for source in listed.values():
        assert source.title
        assert source.about
        assert source.splits
        assert source.options["type"] == "object"
        for field in source.options.get("properties", {}).values():
            assert "default" in field
            assert "description" in field


def test_both_names_of_a_task_are_one_source() -> None:
    assert task_of("world.tools") == task_of("world.calling") == "calling"
    assert sources.own("world.calling", {}) == sources.own("world.tools", {})
    assert sources.own("world.tools", {}).source == "world.tools"
    for odd in ("calling", "world.", "world.moon", "file", "", "world.world.tools"):
        assert task_of(odd) is None


@pytest.mark.parametrize("source", ["world.tools", "world.entailment"])
def test_references_from_before_tasks_had_options_stay_good(source: str) -> None:
    old = digest([source, world.VERSION])
    assert sources.own(source, {}).digest == old
    assert sources.own(source, {}).options == {}


def test_options_are_written_out_and_defaults_are_the_same_source() -> None:
    short, long = sources.own("world.chains", {}), sources.own("world.chains", {"form": "mixed", "length": 0})
    assert short == long
    assert short.options == {"form": "mixed", "length": 0}
    assert sources.own("world.chains", {"form": "chain"}).digest != short.digest
    assert sources.with_options(short, {}) == short
    assert sources.with_options(short, {"form": "chain"}) == sources.own("world.chains", {"form": "chain"})
    chained = sources.with_options(sources.with_options(short, {"length": 3}), {"form": "chain"})
    assert chained.options == {"form": "chain", "length": 3}


def test_a_reference_gives_what_it_was_asked_for() -> None:
    ref = sources.own("world.facts", {"form": "ceiling", "newcomers": 8})
    data = sources.load(ref)
    assert {item.split for item in data.items} >= {"known-test", "absent-test"}
    assert sum(item.split == "absent-test" for item in data.items) == 24
    assert data == study_data("facts", {"form": "ceiling", "newcomers": 8})


@pytest.mark.parametrize("name", sorted(tasks()))
def test_every_source_gives_a_study_its_data(name: str) -> None:
    data = study_data(name, train=40, per_split=8)
    assert len(data.train) == 40
    assert {item.split for item in data.items} == set(tasks()[name].splits)
    assert data.texts
    assert data.name.endswith("(bundled world)")
    assert data.digest != study_data(name, train=41, per_split=8).digest


def test_a_changed_world_or_a_stranger_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    ref = sources.own("world.chains", {})
    with pytest.raises(SpecError, match="do not fit"):
        sources.own("world.chains", {"form": "verse"})
    with pytest.raises(SpecError, match=r"There are: .*world\.routes"):
        sources.own("world.moon", {})
    with pytest.raises(DataError, match="no task named"):
        sources.task("moon")
    with pytest.raises(PluginError):
        study_data("moon")
    with pytest.raises(SpecError, match="A file has no options"):
        sources.with_options(DataRef(source=sources.FILE, path="mine.jsonl"), {"form": "chain"})
    tampered = ref.model_copy(update={"options": {"form": "chain", "length": 0}})
    with pytest.raises(DataError, match="have changed"):
        sources.load(tampered)
    monkeypatch.setattr(world, "VERSION", "another")
    with pytest.raises(DataError, match="have changed"):
        sources.load(ref)


def test_a_users_task_is_a_source_and_its_file_is_part_of_the_identity(mine: Path) -> None:
    ref = sources.own("world.parrot", {})
    data = sources.load(ref)
    assert [e.answer["content"] for e in data.train] == ["w0", "w1", "w2", "w3", "w4"]
    assert len(data.items) == 3
    assert data.name == "Parrot (your own task)"
    assert "world.parrot" in {source.name for source in sources.sources()}
    (mine / "parrot.py").write_text(MINE.replace("train = 5", "train = 6"), encoding="utf-8")
    with pytest.raises(DataError, match="have changed"):
        sources.load(ref)
    assert len(sources.load(sources.own("world.parrot", {})).train) == 6


def test_a_broken_task_is_listed_and_the_others_go_on(mine: Path) -> None:
    (mine / "broken.py").write_text("raise RuntimeError('no')", encoding="utf-8")
    (mine / "chains.py").write_text(MINE.replace('"parrot"', '"chains"'), encoding="utf-8")
    assert {broken.name for broken in found().broken} == {"broken", "chains"}
    assert "world.parrot" in {source.name for source in sources.sources()}
    assert sources.own("world.chains", {}).options == {"form": "mixed", "length": 0}, "the lab's own"
