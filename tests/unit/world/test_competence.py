"""Competence: right answers count as right, intervals hold their share, table and JSON say the same."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine.pretraining.competence import command, measure, tuned, untuned
from engine.pretraining.competence.measure import AFTER, BEFORE, Row, share
from engine.spec.errors import ModelError
from engine.spec.example import Prompt
from engine.subject.protocol import Answer
from engine.subject.rendering import calls_text
from engine.world.tasks import tasks
from engine.world.tasks._base import by_split, chance
from engine.world.vocabulary import taxonomy
from jobs import console
from tests.support.consoles import main
from tests.support.tiny import make_model, tokenizer, tokenizer_folder

__all__ = ["tokenizer", "tokenizer_folder"]

RIGHT, CHANCE = 0.75, 0.25
ROWS = [
    share(BEFORE, "facts: never stated", [1, 0, 0, 1], 0.08),
    Row(BEFORE, "repeated random sequences", 0.05, 7.9, 32, unit="nats"),
    share(AFTER, "calling: right call, new tools", [1, 0.5, 0.5, 1], 0.0, untuned=[0, 0, 1, 0]),
]


def words(answer: dict[str, Any]) -> str:
    """What a model would have to write to give this answer."""
    return calls_text(answer["tool_calls"]) if answer.get("tool_calls") else answer["content"]


@pytest.mark.parametrize("name", tasks())
def test_a_tasks_own_answers_are_right_and_another_ones_are_not(name: str) -> None:
    task = tasks()[name]
    examples = list(task.examples(40))
    assert all(measure.correct(examples, [words(e.answer) for e in examples]))
    asked = [e for e in examples if e.gold.text or e.gold.calls]  # else no tool applies, and most words are right
    assert not any(measure.correct(asked, ["no such answer"] * len(asked)))
    items = [i for i in task.items(20) if i.gold.text]
    assert all(measure.correct(items, [i.gold.text for i in items]))


def test_of_a_written_chain_the_conclusion_counts() -> None:
    item = next(iter(tasks()["chains"].items(1)))
    wrong = next(label for label in item.gold.labels if label != item.gold.text)
    right = f"1 + 1 = 2. the answer is {item.gold.text}."
    assert measure.correct([item] * 3, [right, f"{right} the answer is {wrong}.", wrong]) == [True, False, False]


def test_a_call_can_be_read_or_not() -> None:
    said = ['<tool_call>{"name": "a", "arguments": {}}</tool_call>', '<tool_call>{"name": "a", "arg', "a", ""]
    assert measure.readable(said) == [True, False, False, False]


@pytest.mark.parametrize("right", [[0] * 30, [1] * 30, [1, 0, 0] * 10, [0.5, 1, 0.25] * 9])
def test_an_interval_holds_its_share_and_narrows_with_more_items(right: list[float]) -> None:
    few, many = share(BEFORE, "x", right, CHANCE), share(BEFORE, "x", right * 10, CHANCE)
    for row in (few, many):
        assert row.low is not None
        assert row.high is not None
        assert -1e-9 <= row.low - 1e-9 <= row.value <= row.high + 1e-9 <= 1 + 2e-9
    assert many.value == pytest.approx(few.value)
    assert (many.high or 0) - (many.low or 0) < (few.high or 0) - (few.low or 0)
    assert few.untuned is None


class Oracle:
    """A subject that knows every answer, or none."""

    def __init__(self, renderer: Any, answers: dict[str, str]) -> None:
        self.renderer, self.answers = renderer, answers

    def generate(self, prompts: list[Prompt], max_new_tokens: int) -> list[Answer]:
        return [Answer(self.answers.get(p.model_dump_json(), "?")) for p in prompts]


@pytest.mark.parametrize("name", ["facts", "chains", "routes"])
def test_who_knows_all_is_right_in_every_split_and_who_knows_nothing_in_none(name: str, tokenizer: Any) -> None:
    from engine.subject.local import renderer_of

    task, renderer = tasks()[name], renderer_of(make_model(len(tokenizer)), tokenizer)
    items = list(task.items(12))
    knowing = {i.prompt.model_dump_json(): i.gold.text for i in items}
    for answers, value in ((knowing, 1.0), ({}, 0.0)):
        rows = untuned.task_rows(Oracle(renderer, answers), task, 12)  # type: ignore[arg-type]
        assert [row.value for row in rows] == [value] * len(task.splits)
        assert [row.chance for row in rows] == [chance(found) for found in by_split(items).values()]
        assert [row.items for row in rows] == [len(found) for found in by_split(items).values()]


# The command


@pytest.fixture
def tiny(tmp_path: Path, tokenizer: Any) -> Path:
    folder = tmp_path / "tiny"
    make_model(len(tokenizer)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two tasks only."""
    chosen = {name: tasks()[name] for name in ("facts", "calling")}
    monkeypatch.setattr(untuned, "tasks", lambda: chosen)
    # A stand-in for the module, not a change of it: what the world remembers of its nouns would be wrong ever after.
    few = SimpleNamespace(**{**vars(taxonomy), "nouns": lambda: taxonomy.nouns()[:20]})
    monkeypatch.setattr(untuned, "taxonomy", few)
    monkeypatch.setattr(tuned.rows, "__defaults__", (("calling",),))


@pytest.mark.usefixtures("few")
def test_a_tiny_model_is_measured_before_and_after(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main("competence", str(tiny), "--json", "--items", "3", "--steps", "2", "--seeds", "2") == console.OK
    said = capsys.readouterr()
    facts = json.loads(said.out)
    assert facts["sft_steps"] == 2
    assert facts["seeds"] == 2
    groups = {g: [r for r in facts["rows"] if r["group"] == g] for g in (BEFORE, AFTER)}
    before = {r["what"] for r in groups[BEFORE]}
    assert {"taxonomy: any hypernym", "entailment: held-out nouns", "facts: never stated"} <= before
    assert {r["what"] for r in groups[AFTER]} == {
        "calling: call can be read, greedy",
        "calling: call can be read, sampled at temperature 1",
        "calling: right call, new wording",
        "calling: right call, new tools",
        "calling: no call where no tool applies",
    }
    assert all("untuned" in r for r in groups[AFTER])
    assert all(
        0 <= r["low"] <= r["value"] + 1e-9 and r["value"] <= r["high"] + 1e-9 for r in facts["rows"] if "low" in r
    )
    stages = [line for line in said.err.splitlines() if line and "it/s" not in line]  # libraries' bars, only in tests
    assert stages[-2:] == ["calling, 2 steps of SFT, seed 0", "calling, 2 steps of SFT, seed 1"]
    assert len(stages) == 8, said.err


@pytest.mark.usefixtures("few")
def test_quick_tunes_nothing(tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(tuned, "rows", None)
    assert main("competence", str(tiny), "--quick", "--items", "2") == console.OK
    assert AFTER not in capsys.readouterr().out


def test_table_and_json_give_the_same_figures(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "measured", lambda *_: ROWS)
    assert main("competence", str(tiny)) == console.OK
    lines = [[c.strip() for c in line.strip("|").split("|")] for line in capsys.readouterr().out.splitlines() if line]
    assert main("competence", str(tiny), "--json") == console.OK
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [line[0] for line in lines if line[0] in (BEFORE, AFTER)] == [BEFORE, AFTER]
    shown = {line[0]: line for line in lines}
    assert len(rows) == len(ROWS)
    for row in rows:
        head = shown[row["group"]]
        cells = dict(zip(head, shown[row["what"]], strict=True))
        unit = "" if row["unit"] == "share" else f" {row['unit']}"
        assert cells["share"] == f"{row['value']:.3f}{unit}"
        assert cells["by guessing"] == f"{row['chance']:.3f}"
        assert cells["items"] == str(row["items"])
        assert cells["95 % interval"] == (f"{row['low']:.3f} to {row['high']:.3f}" if "low" in row else "")
        assert cells.get("untuned", "") == (f"{row['untuned']:.3f}" if "untuned" in row else "")
    assert json.loads(json.dumps(rows)) == [row.plain() for row in ROWS]


@pytest.mark.parametrize("argv", [["--items", "0"], ["--seeds", "0"], ["--steps", "0"], ["--items", "few"]])
def test_what_is_typed_wrong_is_2(argv: list[str], tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main("competence", str(tiny), *argv) == console.USAGE
    assert capsys.readouterr().err


def test_a_model_that_is_not_there_is_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main("competence", "no-such-model") == console.FAILED
    assert "no-such-model" in capsys.readouterr().err


# The card


def test_a_card_holds_the_table_and_how_the_model_was_made(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = {
        "hidden": 48, "layers": 3, "heads": 2, "feed_forward": 64, "steps": 6, "seed": 5, "rows": 3,
        "row_tokens": 40, "rate": 0.001, "twin": True, "opening": 3, "drill": 2, "finish": 1,
    }  # fmt: skip
    facts = {
        "recipe": recipe, "world": "9", "corpus_sha256": "c0ffee", "tokens": 720, "parameters": 12345,
        "curve": [[3, 5.0], [6, 4.25]], "seconds": 5400, "hardware": "some CPU, threads: 1", "torch": "2",
        "schedule": [[0, 0.0], [0.5, 1.0], [1, 0.0]], "closing": [[0, 0.25], [1, 0.0]],
        "weights": {"prompt": 0.2, "running": 0.3}, "precision": "float32",
    }  # fmt: skip
    (tiny / "training.json").write_text(json.dumps(facts))
    monkeypatch.setattr(command, "measured", lambda *_: ROWS)
    assert main("competence", str(tiny), "--card", "--items", "50") == console.OK
    card = (tiny / "README.md").read_text(encoding="utf-8")
    for said in (
        "12,345",
        "c0ffee",
        "90 minutes",
        "some CPU",
        "4.250 nats",
        "twin",
        "720 in 9 steps",
        "100% of it at 0.5",
        "in the first 3 steps",
        "in 2 steps after the schedule",
        "in 1 steps after those",
        "25% of it at 0",
        "requests count 0.2",
        "--items 50",
    ):
        assert said in card, said
    assert measure.table(ROWS) in card
    assert "polyline" in (tiny / "loss.svg").read_text(encoding="utf-8")


def test_a_card_is_for_models_that_were_pretrained_here(tiny: Path) -> None:
    with pytest.raises(ModelError, match=r"training\.json"):
        command.main([str(tiny), "--card"])
    assert not (tiny / "README.md").exists()
