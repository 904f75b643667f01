"""Our decoding is transformers' own, faster; nothing here moves a global random state."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import numpy as np
import pytest
import torch

from engine.adaptations import lora
from engine.methods._settings import LoraSettings
from engine.spec.example import Prompt, StudyData
from engine.spec.stopping import Stopped
from engine.subject.local import LocalSubject
from engine.subject.protocol import Answer
from engine.subject.scoring import batches
from tests.support.tiny import make_model


def ragged(data: StudyData) -> list[Prompt]:
    rng = Random(4)
    return [
        Prompt(messages=({"role": "user", "content": " ".join(rng.choices("sun moon star tree".split(), k=k))},))
        for k in (1, 9, 3, 30, 2, 14)
    ] + [example.prompt for example in data.train[:6]]


def reference(model: Any, tokenizer: Any, subject: LocalSubject, prompt: Prompt, steps: int) -> Answer:
    """One prompt at a time through `model.generate`."""
    ids = torch.tensor([subject.renderer.prompt_ids(prompt)])
    out = model.generate(
        ids, attention_mask=torch.ones_like(ids), max_new_tokens=steps, do_sample=False,
        eos_token_id=sorted(subject.renderer.end_ids), pad_token_id=subject.renderer.pad_id,
    )  # fmt: skip
    new = out[0, ids.shape[1] :].tolist()
    said = [t for t in new if t not in subject.renderer.end_ids]
    return Answer(subject.renderer.text(said), cut=len(said) == len(new))


@pytest.mark.parametrize("kind", ["qwen2", "llama"])
def test_greedy_is_transformers_own_on_ragged_prompts(tokenizer: Any, data: StudyData, kind: str) -> None:
    model = make_model(len(tokenizer), kind)
    subject = LocalSubject(model, tokenizer)
    # Some token that is often chosen ends an answer, so that rows leave the batch at different times.
    plain = subject.answer_ids([subject.renderer.prompt_ids(prompt) for prompt in ragged(data)], 12)
    ends = [ids[5] for ids in plain[:3]]
    subject.renderer.end_ids = frozenset({*subject.renderer.end_ids, *ends})
    got = subject.generate(ragged(data), 12)
    want = [reference(model, tokenizer, subject, prompt, 12) for prompt in ragged(data)]
    assert got == want
    assert len({len(answer.text) for answer in got}) > 2
    assert {answer.cut for answer in got} == {True, False}


def test_a_folded_adapter_answers_as_the_adapter_does(model: Any, tokenizer: Any, data: StudyData) -> None:
    before = {name: weights.clone() for name, weights in model.state_dict().items()}
    tuned = lora.attach(model, LoraSettings(rank=4, alpha=8), 0)
    for name, weights in tuned.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weights, std=0.05, generator=torch.Generator().manual_seed(1))
    want = LocalSubject(tuned, tokenizer).generate(ragged(data), 8)
    with lora.folded(tuned):
        got = LocalSubject(tuned.get_base_model(), tokenizer).generate(ragged(data), 8)
    assert got == want
    with tuned.disable_adapter():
        off = LocalSubject(tuned, tokenizer).generate(ragged(data), 8)
    assert off != want
    after = {name.replace(".base_layer", ""): weights for name, weights in tuned.get_base_model().state_dict().items()}
    assert all(torch.equal(weights, after[name]) for name, weights in before.items())


def test_samples_repeat_with_their_seed_and_differ_without(model: Any, tokenizer: Any, data: StudyData) -> None:
    subject = LocalSubject(model, tokenizer)
    prompts = ragged(data)
    first = subject.sample(prompts, 3, 1.0, 5, 8)
    assert [len(texts) for texts in first] == [3] * len(prompts)
    assert subject.sample(prompts, 3, 1.0, 5, 8) == first
    assert subject.sample(prompts, 3, 1.0, 6, 8) != first
    cold = subject.sample(prompts, 2, 1e-4, 5, 8)
    assert [answers[0] for answers in cold] == subject.generate(prompts, 8)
    assert all(a == b for a, b in cold)


def test_samples_come_as_often_as_the_model_says(model: Any, tokenizer: Any, data: StudyData) -> None:
    prompt, count, temperature = data.train[0].prompt, 4000, 0.1
    subject = LocalSubject(model.eval(), tokenizer)
    ids = torch.tensor([subject.renderer.prompt_ids(prompt)])
    with torch.inference_mode():
        shares = torch.softmax(model(input_ids=ids).logits[0, -1] / temperature, dim=-1)
    wanted: Counter[str] = Counter()
    for token, portion in enumerate(shares.tolist()):
        wanted["" if token in subject.renderer.end_ids else subject.renderer.text([token])] += portion
    said = Counter(answer.text for answer in subject.sample([prompt], count, temperature, 1, 1)[0])
    for text, portion in wanted.most_common(12):
        error = (portion * (1 - portion) / count) ** 0.5
        assert abs(said[text] / count - portion) < 5 * error, text
    assert sum(said[text] for text, _ in wanted.most_common(12)) > 100


def test_measuring_leaves_every_random_state_alone(model: Any, tokenizer: Any, data: StudyData) -> None:
    states = torch.random.get_rng_state(), np.random.get_state()[1].tolist()
    subject = LocalSubject(model.train(), tokenizer)
    subject.sample(ragged(data), 2, 1.0, 5, 4)
    subject.generate(ragged(data), 4)
    subject.text_nll(data.texts)
    assert torch.equal(states[0], torch.random.get_rng_state())
    assert states[1] == np.random.get_state()[1].tolist()
    assert model.training


@pytest.mark.parametrize("kind", ["qwen2", "llama"])
def test_option_logprobs_are_the_models_own(tokenizer: Any, data: StudyData, kind: str) -> None:
    model = make_model(len(tokenizer), kind)
    subject = LocalSubject(model, tokenizer)
    prompts = ragged(data)
    got = subject.option_logprobs(prompts, [["Paris", "no, never"]] * len(prompts))
    for prompt, scores in zip(prompts, got, strict=True):
        for text, score in zip(["Paris", "no, never"], scores, strict=True):
            start = list(subject.renderer.prompt_ids(prompt))
            rest = list(subject.renderer.ids(text + "<|im_end|>"))
            with torch.no_grad():
                logp = model(torch.tensor([start + rest])).logits[0].log_softmax(-1)
            want = sum(float(logp[len(start) - 1 + at, token]) for at, token in enumerate(rest))
            assert score == pytest.approx(want, abs=1e-4)


def test_text_nll_counts_every_predicted_token(model: Any, tokenizer: Any) -> None:
    nll, tokens = LocalSubject(model, tokenizer).text_nll(["The weather in Rome."])[0]
    ids = torch.tensor([tokenizer("The weather in Rome.", add_special_tokens=False)["input_ids"]])
    with torch.no_grad():
        want = float(model(ids, labels=ids).loss)
    assert tokens == ids.shape[1] - 1
    assert nll / tokens == pytest.approx(want, abs=1e-5)
    assert LocalSubject(model, tokenizer).text_nll(["", "x"]) == [(0.0, 0), (0.0, 0)]


def test_long_prompts_are_cut_from_the_left_and_counted(tokenizer: Any) -> None:
    subject = LocalSubject(make_model(len(tokenizer), context=48), tokenizer)
    long = Prompt(messages=({"role": "user", "content": "sun " * 200},))
    short = Prompt(messages=({"role": "user", "content": "sun"},))
    assert len(subject.generate([long, short], 8)) == 2
    assert subject.truncated == 1
    assert len(subject.option_logprobs([long], [["a", "b"]])[0]) == 2
    assert subject.truncated == 1


def test_a_stop_is_seen_between_batches(model: Any, tokenizer: Any, data: StudyData) -> None:
    import threading

    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        LocalSubject(model, tokenizer, stop).generate(ragged(data), 4)


def test_batches_hold_every_index_once() -> None:
    lengths = [Random(1).randint(1, 5000) for _ in range(300)]
    found = batches(lengths, 16384, 128)
    assert sorted(at for batch in found for at in batch) == list(range(300))
    assert all(len(batch) * max(lengths[at] for at in batch) <= 16384 or len(batch) == 1 for batch in found)
