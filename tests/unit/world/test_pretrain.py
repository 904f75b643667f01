"""Pretraining: the start can copy, and a run that was stopped ends in the weights of one that was not."""

from __future__ import annotations

import io
import json
import multiprocessing
import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from engine.pretraining import loop, progress, rows, shipping, tokenizer
from engine.pretraining.competence import command
from engine.pretraining.competence.measure import Row
from engine.pretraining.competence.untuned import repeated_loss
from engine.pretraining.recipes import RECIPES, Recipe, rate_factors
from engine.spec.errors import ModelError
from jobs import console
from tests.support.consoles import main

TINY = Recipe(hidden=48, layers=3, heads=2, feed_forward=64, steps=4, drill=1, finish=1, rows=3, row_tokens=40)


def test_the_untrained_start_already_copies() -> None:
    encode = tokenizer.build()
    with_start = repeated_loss(loop.build(RECIPES["fork-s"], encode), count=8)
    assert with_start < 6.0, "uniform guessing costs about 7.9 nats"


def test_a_stopped_run_resumes_to_the_same_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    undisturbed = loop.train(TINY, tmp_path / "a", every=2)

    class Killed(Exception):
        pass

    real = loop.rows_of

    def dies(recipe, step, encode):
        if step == 3:
            raise Killed
        return real(recipe, step, encode)

    monkeypatch.setattr(loop, "rows_of", dies)
    with pytest.raises(Killed):
        loop.train(TINY, tmp_path / "b", every=2)
    monkeypatch.setattr(loop, "rows_of", real)
    resumed = loop.train(TINY, tmp_path / "b", every=2)
    for (name, a), b in zip(undisturbed.state_dict().items(), resumed.state_dict().values(), strict=True):
        assert torch.equal(a, b), name


def test_a_shipped_model_says_where_it_comes_from(tmp_path: Path) -> None:
    model = loop.train(TINY, tmp_path / "work", every=3)
    shipping.ship(TINY, model, tmp_path / "out", tmp_path / "work", "float32")
    facts = json.loads((tmp_path / "out" / "training.json").read_text(encoding="utf-8"))
    assert facts["corpus_sha256"] == rows.corpus_hash(TINY)
    assert facts["corpus_sha256"] != rows.corpus_hash(replace(TINY, seed=1))
    assert facts["tokens"] == 6 * 3 * 40
    assert (tmp_path / "out" / "model.safetensors").exists()
    assert (tmp_path / "out" / "chat_template.jinja").exists()


def test_a_checkpoint_of_other_words_is_not_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loop.train(TINY, tmp_path, every=6)
    with pytest.raises(ModelError, match="another recipe"):
        loop.train(replace(TINY, rate=5e-4), tmp_path)
    monkeypatch.setattr(loop, "VERSION", "of another world")
    with pytest.raises(ModelError, match="other words"):
        loop.train(TINY, tmp_path)


def test_a_damaged_checkpoint_is_said_to_be_one(tmp_path: Path) -> None:
    import torch

    loop.train(TINY, tmp_path, every=6)
    path = progress.path(tmp_path)
    whole, changed = path.read_bytes(), bytearray(path.read_bytes())
    changed[len(whole) // 2] ^= 1
    lacking = io.BytesIO()
    torch.save({n: it for n, it in progress.read(path).items() if n != "optimizer"}, lacking)
    for content in (b"junk", b"", bytes(changed), whole[: len(whole) // 2], lacking.getvalue()):
        path.write_bytes(content)
        with pytest.raises(ModelError, match="damaged"):
            loop.train(TINY, tmp_path)
        assert path.read_bytes() == content


def test_the_command_trains_ships_and_writes_a_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setitem(RECIPES, "fork-s", TINY)
    monkeypatch.setattr(command, "measured", lambda *_: [Row("before tuning", "a thing", 0.5, 0.1, 10)])
    where = ["--work", str(tmp_path / "work"), "--out", str(tmp_path / "out")]
    assert main("pretrain", "fork-s", *where) == console.OK
    assert "| a thing" in (tmp_path / "out" / "README.md").read_text("utf-8")
    assert main("pretrain", "fork-s", *where, "--no-card") == console.OK
    assert not (tmp_path / "out" / "README.md").exists(), "a card that nobody measured anew"
    assert not [f for f in (tmp_path / "out").iterdir() if f.name.startswith(".")]


@pytest.mark.parametrize("which", ["--out", "--work"])
def test_a_folder_that_cannot_be_used_is_said_before_training(which: str, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(loop, "train", None)
    (tmp_path / "file").write_text("here")
    where = {"--out": str(tmp_path / "out"), "--work": str(tmp_path / "work")} | {which: str(tmp_path / "file" / "sub")}
    assert main("pretrain", "fork-s", *(word for pair in where.items() for word in pair)) == console.FAILED
    assert "cannot be written to" in capsys.readouterr().err


@pytest.mark.parametrize("given", [(), ("--out", "x"), ("--work", "x")])
def test_other_steps_want_folders_of_their_own(given: tuple[str, ...], monkeypatch, capsys) -> None:
    monkeypatch.setattr(loop, "train", None)
    assert main("pretrain", "fork-s", "--steps", "6", *given) == console.USAGE
    assert "--work and --out" in capsys.readouterr().err


def test_a_model_is_not_mixed_with_other_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(loop, "train", None)
    work, out = str(tmp_path / "work"), tmp_path / "mine"
    out.mkdir()
    (out / "README.md").write_text("mine")
    assert main("pretrain", "fork-s", "--work", work, "--out", str(out)) == console.FAILED
    assert "README.md" in capsys.readouterr().err
    assert (out / "README.md").read_text() == "mine"
    assert main("pretrain", "fork-s", "--work", work, "--out", f"{work}/../work") == console.USAGE
    assert "same folder" in capsys.readouterr().err


def test_the_twin_reads_the_same_rows_but_for_exchanged_nouns() -> None:
    encode = tokenizer.build()
    base, twin = (rows.rows_of(replace(TINY, twin=t, rows=16, row_tokens=160), 0, encode)[0] for t in (False, True))
    words = [set(encode.convert_ids_to_tokens([i for row in read for i in row])) for read in (base, twin)]
    from engine.world.vocabulary import running

    exchanged = {f" {noun}" for noun in running.swapped()}
    assert words[0] != words[1]
    assert words[0] ^ words[1] <= exchanged | {" a", " an"}


def test_the_last_steps_drill_reasoning_and_calls_at_rates_of_their_own() -> None:
    recipe = replace(RECIPES["fork-s"], steps=100, opening=10, drill=20, finish=10)
    assert recipe.last == 130
    assert recipe.tokens == 130 * recipe.rows * recipe.row_tokens
    encode = tokenizer.build()

    def read(steps: range, words: str) -> int:
        texts = (encode.decode(row) for step in steps for row in rows.rows_of(recipe, step, encode)[0])
        return sum(text.count(words) for text in texts)

    before, drill, finish = range(90, 100), range(100, 110), range(120, 130)
    assert read(drill, "the answer is") > 2 * read(before, "the answer is")
    assert read(finish, "<|tools|>") > 1.5 * read(before, "<|tools|>")
    overall = [rate_factors(step, recipe)["rest"] for step in range(recipe.last)]
    assert overall[100] == overall[120] == 0
    assert overall[99] < overall[102] == max(overall[100:120]) < max(overall)
    assert 0 < overall[119] < overall[110]
    assert 0 < overall[129] < overall[121] == max(overall[120:])


def test_the_first_steps_ask_densely_what_is_a_kind_of_what() -> None:
    recipe, encode = replace(RECIPES["fork-s"], steps=100, opening=10), tokenizer.build()

    def questions(step: int) -> int:
        return sum(encode.decode(row).count("? yes.") for row in rows.rows_of(recipe, step, encode)[0])

    assert sum(map(questions, (0, 9))) > 3 * sum(map(questions, (10, 99)))


@pytest.mark.parametrize(("able", "half"), [({"amx_bf16": True}, True), ({"avx512_bf16": True}, True), ({}, False)])
def test_bfloat16_is_for_processors_that_have_it(able: dict, half: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
    assert loop.device_and_precision() == ("cpu", half)
    assert loop.device_and_precision("float32") == ("cpu", False)
    assert loop.device_and_precision("bfloat16") == ("cpu", True)


def test_requests_count_less_than_answers() -> None:
    encode = tokenizer.build()
    text = "<|system|>repeat.<|end|><|user|>red blue<|end|><|assistant|>red blue<|end|>"
    ids = encode.encode(text, add_special_tokens=False)
    light = rows.answer_weights(ids, encode)
    answer = ids.index(encode.convert_tokens_to_ids("<|assistant|>"))
    assert set(light[answer + 1 :]) == {1.0}
    assert set(light[1 : answer + 1]) == {rows.PROMPT_WEIGHT}
    plain = encode.encode("anna saw a dog and a cat.<|end|>", add_special_tokens=False)
    assert set(rows.answer_weights(plain, encode)) == {1.0}


def test_the_weighted_loss_is_the_model_s_own_where_all_weigh_the_same() -> None:
    import torch

    model = loop.build(TINY, tokenizer.build())
    ids = torch.randint(9, 900, (2, 20), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        own = model(input_ids=ids, labels=ids).loss
        assert torch.allclose(loop.weighted_loss(model, ids, torch.full((2, 20), 0.7)), own, atol=1e-5)


def test_the_forms_of_a_word_are_trained_together() -> None:
    import torch

    from engine.pretraining.stems import SharedStems

    encode = tokenizer.build()
    embedding = torch.nn.Parameter(torch.randn(len(encode), 8, generator=torch.Generator().manual_seed(0)))
    before = embedding.detach().clone()
    stems = SharedStems(embedding, encode)
    stems.put(embedding)
    assert torch.equal(embedding, before), "nothing changes before training"
    spaced, bare, other = (encode.convert_tokens_to_ids(t) for t in (" ticket", "ticket", " dog"))
    gradient = torch.zeros_like(before)
    gradient[spaced] = 1.0
    stems.take(gradient)
    torch.optim.SGD(stems.parameters(), lr=0.1).step()
    stems.put(embedding)
    moved = (embedding.detach() - before).norm(dim=1)
    assert moved[spaced] > moved[bare] > 0
    assert moved[other] == 0


def _run(recipe: Recipe, folder: Path) -> None:
    loop.train(recipe, folder, every=1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="children must not pay for the imports again")
def test_ten_kills_at_any_moment_change_no_weight(tmp_path: Path) -> None:
    import torch

    recipe, rng = replace(TINY, steps=100, drill=10, finish=10), Random(0)
    tokenizer.build()  # the children inherit the words
    fork = multiprocessing.get_context("fork")

    def start(folder: Path) -> multiprocessing.process.BaseProcess:
        child = fork.Process(target=_run, args=(recipe, folder))
        child.start()
        return child

    def reached() -> int:
        path = progress.path(tmp_path / "killed")
        return progress.read(path)["done"] if path.exists() else 0

    whole = start(tmp_path / "whole")
    whole.join()
    assert whole.exitcode == 0
    for number in range(1, 11):
        child = start(tmp_path / "killed")
        while reached() < number * 10 and child.is_alive():
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.1))  # now in a step, now in the writing of a checkpoint
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        assert child.exitcode == -signal.SIGKILL, "it must have been at work"
    last = start(tmp_path / "killed")
    last.join()
    assert last.exitcode == 0
    one, other = (progress.read(progress.path(tmp_path / f)) for f in ("whole", "killed"))
    assert one["done"] == other["done"] == recipe.last
    assert all(torch.equal(a, other["model"][name]) for name, a in one["model"].items())
    assert [point for point, _ in one["curve"]] == [point for point, _ in other["curve"]]
