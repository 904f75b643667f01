"""The bundled model trained well, too fast, and on shuffled labels: recipe health tells which, and gates a verdict."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import command

MISLABELLED = '''\
from engine.methods._base import LoraConfig, Method


class Mislabelled(Method[LoraConfig]):
    """Gives every example the label of another one."""

    name = "mislabelled"
    label = "Mislabelled"

    def treat(self, examples, rng):
        labels = [example.answer["content"] for example in examples]
        rng.shuffle(labels)
        return [e.model_copy(update={"answer": {**e.answer, "content": x}}) for e, x in zip(examples, labels)]
'''
STUDY = """\
id = "health"
question = "Is it trained well?"
summary = "One arm beside the base."
claim = "It is."
source = "None."
data = "world.entailment"
accuracy = "entailment.accuracy"
contrasts = [["tuned", "base"]]

[primary]
probe = "entailment"
metric = "accuracy"
contrast = ["tuned", "base"]

[rule]
name = "effect"

[[arms]]
name = "base"
label = "base"
method = "base"

[[arms]]
name = "tuned"
label = "tuned"
method = "METHOD"
agreement = 0.5
settings = { learning_rate = RATE }

[[probes]]
probe = "entailment"

[scales.quick]
seeds = 2
steps = 60
batch_size = 16
train_examples = 960
items = 240
live_items = 0
"""


def drop(home: Path, method: str, rate: float) -> None:
    """Put the study into a data folder, with that method and rate."""
    for name, text in {
        "methods/mislabelled.py": MISLABELLED,
        "studies/health.toml": STUDY.replace("METHOD", method).replace("RATE", str(rate)),
    }.items():
        path = home / "plugins" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def health(root: Path, home: Path, method: str, rate: float) -> tuple[dict[str, Any], dict[str, Any]]:
    """The check of the study with that method and rate, and the verdict."""
    drop(home, method, rate)
    target = home.parent / "result.json"
    command(root, "run", "health", "--json", str(target))
    result = json.loads(target.read_text(encoding="utf-8"))
    (check,) = [check for check in result["checks"] if check["name"] == "recipe-health"]
    return check, result["verdict"]


@pytest.mark.slow
def test_a_recipe_that_unlearns_is_told_from_one_that_learns(root: Path, home: Path) -> None:
    good, _ = health(root, home, "sft", 1e-3)
    assert good["ok"], good
    assert good["detail"].startswith("The loss of tuned ")
    assert "rose" not in good["detail"]

    fast, verdict = health(root, home, "sft", 3e-2)
    assert not fast["ok"]
    assert "The loss of tuned" in fast["detail"], "it rose, or was not shown to fall"
    assert "tuned fell below base in accuracy" in fast["detail"]
    assert "Lower the learning rate" in fast["detail"]
    assert "Raise the learning rate" not in fast["detail"]
    assert verdict["code"] == "inconclusive"

    shuffled, verdict = health(root, home, "mislabelled", 1e-3)
    assert not shuffled["ok"]
    assert "tuned fell below base in accuracy" in shuffled["detail"]
    assert verdict["code"] == "inconclusive"


@pytest.mark.slow
def test_a_rate_is_chosen_by_examples_that_are_not_measured_and_never_run_twice(root: Path, home: Path) -> None:
    drop(home, "sft", 3e-3)
    asked = ("tune-recipe", "health", "--rates", "3e-2,1e-3", "--seeds", "1")
    said = command(root, *asked)
    assert "Set learning_rate = 0.001 in the settings of the arm 'tuned'." in said
    assert "a better one may lie beyond" in said
    written = json.loads((home / "reports" / "recipe-health-quick-fork-s.json").read_text(encoding="utf-8"))
    (search,) = written["searches"]
    assert search["chosen"] == 1e-3
    slow, fast = search["rows"]
    assert slow["after"] < slow["before"]
    assert fast["after"] > fast["before"]
    assert (home / "reports" / "recipe-health-quick-fork-s.md").read_text(encoding="utf-8").count("|") == 10

    streams = {path: path.read_bytes() for path in home.glob("recipes/*/events.ndjson")}
    assert len(streams) == 2
    assert not any(b'"kind":"probed"' in stream for stream in streams.values())
    assert not list(home.glob("recipes/*/adapter")), "only what the runs said is kept"
    command(root, *asked)
    assert {path: path.read_bytes() for path in home.glob("recipes/*/events.ndjson")} == streams
