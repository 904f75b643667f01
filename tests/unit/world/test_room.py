"""Room to learn: whoever knows every answer is right in all tries, and no answer of any form is cut short."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.pretraining.competence import room
from engine.spec.example import Prompt
from engine.subject.calls import read
from engine.subject.local import renderer_of
from engine.subject.protocol import Answer
from engine.subject.rendering import calls_text
from engine.world.tasks import task as task_named
from jobs import console
from tests.support.consoles import main
from tests.support.tiny import make_model, tokenizer, tokenizer_folder

__all__ = ["tokenizer", "tokenizer_folder"]


class Oracle:
    """It writes the right answer as far as the limit goes; of sampled answers the first alone is right."""

    def __init__(self, renderer: Any, answers: dict[str, str]) -> None:
        self.renderer, self.answers = renderer, answers

    def generate(self, prompts: list[Prompt], max_new_tokens: int) -> list[Answer]:
        found = []
        for prompt in prompts:
            ids = self.renderer.ids(said := self.answers[prompt.model_dump_json()])
            cut = len(ids) > max_new_tokens
            found.append(Answer(self.renderer.tokenizer.decode(ids[:max_new_tokens]) if cut else said, cut))
        return found

    def sample(
        self, prompts: list[Prompt], count: int, temperature: float, seed: int, max_new_tokens: int
    ) -> list[list[Answer]]:
        wrong = [Answer("no such answer")] * (count - 1)
        return [[answer, *wrong] for answer in self.generate(prompts, max_new_tokens)]


@pytest.mark.parametrize("case", room.CASES, ids=lambda case: case.label)
def test_who_knows_all_is_right_in_every_form_however_long_its_answers(case: room.Asked, tokenizer: Any) -> None:
    task = task_named(case.task)
    chosen = task.options(case.options)
    asked = [e for e in task.examples(300, chosen) if e.gold.text or e.gold.calls]
    said = {
        e.prompt.model_dump_json(): calls_text(e.answer["tool_calls"])
        if e.answer.get("tool_calls")
        else e.answer["content"]
        for e in asked
    }
    assert case.task not in {"calling", "steps"} or any(read(text).calls for text in said.values())
    oracle = Oracle(renderer_of(make_model(len(tokenizer)), tokenizer), said)
    found = room.measured(oracle, task, chosen, asked)  # type: ignore[arg-type]
    assert found == room.Shares(greedy=1.0, once=pytest.approx(1 / room.TRIES), tries=1.0, cut=0.0)


def test_an_answer_that_did_not_end_is_counted(tokenizer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    task = task_named("chains")
    chosen = task.options({"form": "chain", "length": 5})
    asked = list(task.examples(40, chosen))
    said = {e.prompt.model_dump_json(): e.answer["content"] for e in asked}
    oracle = Oracle(renderer_of(make_model(len(tokenizer)), tokenizer), said)
    monkeypatch.setattr(room, "room", lambda *_: 9)
    found = room.measured(oracle, task, chosen, asked)  # type: ignore[arg-type]
    assert found.cut == 1.0
    assert found.greedy == 0.0


def test_the_command_on_a_folder(tmp_path: Path, tokenizer: Any, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "tiny"
    make_model(len(tokenizer)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    sizes = ("--tasks", "facts", "--items", "2", "--steps", "2", "--seeds", "2")
    assert main("room", str(folder), *sizes, "--json") == console.OK
    said = json.loads(capsys.readouterr().out)
    (one,) = said["rooms"]
    assert (one["what"], said["seeds"], said["steps"]) == ("facts", 2, 2)
    assert all(0 <= one[name] <= 1 for name in ("chance", "base", "tuned", "once", "tries", "cut"))
    assert main("room", str(folder), *sizes) == console.OK
    head, _, row = capsys.readouterr().out.strip().splitlines()
    assert head.count("|") == row.count("|")
    assert head.endswith("| cut short |")
    assert main("room", str(folder), "--tasks", "fact") != console.OK
    assert "There is no task 'fact' here." in capsys.readouterr().err
