"""Several models answer as one: the sum of their logits, however they are read."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.spec.errors import ModelError
from engine.spec.example import StudyData
from engine.subject import decoding, scoring
from engine.subject.decoding import Anew, Together
from engine.subject.ensemble import WeightedModels, same_vocabulary
from engine.subject.forward import packing
from engine.subject.local import LocalSubject, cache_bytes, renderer_of
from tests.support import zoo
from tests.support.tiny import make_model

ALPHA = 0.7


def other(kind: str, seed: int, words: int = zoo.WORDS, **more: Any) -> Any:
    """A model with weights of its own."""
    model = zoo.make(kind, words, **more)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() > 1:
                weight.normal_(0, 0.2, generator=generator)
    return model


def steered(base: str = "llama", expert: str = "qwen2", alpha: float = ALPHA) -> WeightedModels:
    terms = [(1.0, other(base, 1)), (alpha, other(expert, 2)), (-alpha, other(expert, 3))]
    return WeightedModels(terms, zoo.WORDS)


def prompts(count: int = 6) -> list[tuple[int, ...]]:
    rng = Random(0)
    return [tuple(rng.randrange(3, zoo.WORDS) for _ in range(size)) for size in (3, 30, 11, 2, 25, 40)[:count]]


def greedy(logits: Tensor) -> Tensor:
    return logits.argmax(-1)


@torch.inference_mode()
def summed(models: WeightedModels, ids: tuple[int, ...]) -> Tensor:
    """By hand, [length, vocabulary]."""
    base, expert, anti = (m(input_ids=torch.tensor([ids]), use_cache=False).logits[0] for m in models.members)
    return base + ALPHA * (expert - anti)


@pytest.mark.parametrize(
    ("base", "expert"), [("llama", "qwen2"), ("gpt2", "llama"), ("llama", "mamba"), ("gemma2", "phi")]
)
def test_cached_logits_are_the_uncached_sum(base: str, expert: str) -> None:
    models = steered(base, expert)
    seen: list[list[Tensor]] = []
    with torch.inference_mode():
        free = decoding.decode(models, prompts(), 8, greedy, 1, 0, frozenset())
    ends = frozenset({free[0].ids[2], free[1].ids[4]})
    for way in (Together, Anew):
        steps: list[Tensor] = []

        def pick(logits: Tensor, steps: list[Tensor] = steps) -> Tensor:
            steps.append(logits)
            return logits.argmax(-1)

        with torch.inference_mode():
            found = decoding.answers(way(models, prompts(), 0), 8, pick, 1, ends)
        seen.append(steps)
        for prompt, answer in zip(prompts(), found, strict=True):
            for at, token in enumerate(answer.ids):
                want = summed(models, (*prompt, *answer.ids[:at]))[-1]
                assert int(want.argmax()) == token
    assert len({len(step) for step in seen[0]}) > 1, "rows left the batch"
    for cached, anew in zip(*seen, strict=True):
        assert cached.shape == anew.shape
        assert float((cached - anew).abs().max()) < 1e-4


@pytest.mark.parametrize("base", ["llama", "gpt2", "mamba"])
def test_an_untuned_pair_gives_the_base_to_the_bit(base: str) -> None:
    plain, small = other(base, 1), other("qwen2", 2)
    twin = copy.deepcopy(small)
    models = WeightedModels([(1, plain), (ALPHA, small), (-ALPHA, twin)], zoo.WORDS)
    assert len(models.members) == 3, "both are read"
    picked: list[list[Tensor]] = [[], []]
    for model, into in zip((models, plain), picked, strict=True):

        def pick(logits: Tensor, into: list[Tensor] = into) -> Tensor:
            into.append(logits)
            return logits.argmax(-1)

        with torch.inference_mode():
            decoding.decode(model, prompts(), 8, pick, 2, 0, frozenset({5, 9, 17, 2}))
    assert all(torch.equal(a, b) for a, b in zip(*picked, strict=True))
    ids = torch.tensor([prompts()[1]])
    assert torch.equal(models(input_ids=ids).logits, plain(input_ids=ids, use_cache=False).logits)


def test_a_model_of_cancelling_or_weightless_terms_is_not_read() -> None:
    base, expert, anti = other("llama", 1), other("qwen2", 2), other("qwen2", 3)
    assert list(WeightedModels([(1, base), (2, expert), (-2, expert)], zoo.WORDS).members) == [base]
    assert list(WeightedModels([(1, base), (0, expert), (-0.0, anti)], zoo.WORDS).members) == [base]
    own = WeightedModels([(1, base), (2, expert), (-2, base)], zoo.WORDS)
    assert list(own.members) == [base, expert], "read once"
    ids = torch.tensor([prompts()[1]])
    with torch.inference_mode():
        a, b = (m(input_ids=ids, use_cache=False).logits for m in (base, expert))
        assert torch.equal(own(input_ids=ids).logits, a + 2 * (b - a))
        calls: list[int] = []
        hook = base.register_forward_hook(lambda *_: calls.append(1))
        own(input_ids=ids)
        hook.remove()
    assert len(calls) == 1
    three = WeightedModels([(1, base), (1, expert), (-1, anti), (-1, expert)], zoo.WORDS)
    assert list(three.members) == [base, anti], "of two opposite terms the one with the same model cancels"


def test_unpaired_terms_are_added() -> None:
    models = [other("llama", seed) for seed in range(3)]
    mixed = WeightedModels(list(zip((0.5, 0.25, -0.1), models, strict=True)), zoo.WORDS)
    ids = torch.tensor([prompts()[0]])
    with torch.inference_mode():
        a, b, c = (model(input_ids=ids, use_cache=False).logits for model in models)
        assert torch.allclose(mixed(input_ids=ids).logits, 0.5 * a + 0.25 * b - 0.1 * c, atol=1e-5)


def test_given_answers_are_scored_by_the_sum() -> None:
    models, rng = steered(), Random(1)
    pairs = [(prompt, tuple(rng.randrange(3, zoo.WORDS) for _ in range(4))) for prompt in prompts() for _ in range(2)]
    assert packing.layout_of(models).longest > 0
    found = scoring.token_scores(models, pairs, 0, entropies=True)
    for (prompt, answer), scored in zip(pairs, found, strict=True):
        logp = summed(models, prompt + answer)[len(prompt) - 1 : -1].log_softmax(-1)
        assert scored.logprobs == pytest.approx(logp[range(4), list(answer)].numpy(), abs=1e-4)
        assert scored.entropies == pytest.approx(-(logp.exp() * logp).sum(-1).numpy(), abs=1e-4)
    totals = scoring.completion_logprobs(models, pairs, 0)
    assert totals == pytest.approx([scored.logprobs.sum() for scored in found], abs=1e-4)


def test_what_one_of_them_cannot_pack_none_packs() -> None:
    assert packing.layout_of(steered("llama", "mamba")).longest == 0
    assert packing.layout_of(steered("llama", "mistral"), 100).longest == zoo.WINDOW


def test_embeddings_that_are_padded_otherwise_are_cut_to_the_bases() -> None:
    base = other("llama", 1, 64)
    wide = [other("qwen2", seed, 80) for seed in (2, 3)]
    narrow = [other("qwen2", seed, 60) for seed in (2, 3)]
    ids = torch.tensor([prompts()[1]])
    with torch.inference_mode():
        alone = base(input_ids=ids, use_cache=False).logits
        for pair, upto in ((wide, 64), (narrow, 60)):
            a, b = (model(input_ids=ids, use_cache=False).logits for model in pair)
            got = WeightedModels([(1, base), (1, pair[0]), (-1, pair[1])], 60)(input_ids=ids).logits
            assert got.shape == alone.shape
            assert torch.equal(got[..., :upto], alone[..., :upto] + (a - b)[..., :upto])
            assert torch.equal(got[..., upto:], alone[..., upto:])
    with pytest.raises(ModelError, match="predicts 60 tokens, its tokenizer has 61"):
        WeightedModels([(1, base), (1, narrow[0]), (-1, narrow[1])], 61)
    with pytest.raises(ModelError, match="on its own predicts 60 tokens, the base 64"):
        WeightedModels([(1, base), (1, narrow[0])], 60)


def test_a_sum_without_a_base_or_with_a_broken_model_is_refused() -> None:
    with pytest.raises(ModelError, match="no base"):
        WeightedModels([], 60)
    with pytest.raises(ModelError, match="no base"):
        WeightedModels([(0, other("llama", 1))], 60)
    broken = other("llama", 1)
    torch.nn.init.constant_(next(broken.parameters()), float("nan"))
    with pytest.raises(ModelError, match="no numbers"):
        WeightedModels([(1, other("llama", 1)), (1, broken)], 60)
    with pytest.raises(ValueError, match="no common cache"):
        steered()(input_ids=torch.tensor([[1]]), use_cache=True)


def test_half_precision_members_are_summed_in_full() -> None:
    base, expert, anti = (other("llama", seed).to(torch.bfloat16) for seed in range(3))
    models = WeightedModels([(1, base), (ALPHA, expert), (-ALPHA, anti)], zoo.WORDS)
    ids = torch.tensor([prompts()[1]])
    with torch.inference_mode():
        a, b, c = (m(input_ids=ids, use_cache=False).logits.float() for m in (base, expert, anti))
        got = models(input_ids=ids).logits
    assert got.dtype is torch.float32
    assert torch.equal(got, a + (b - c) * ALPHA)


def test_a_subject_of_several_models_answers_samples_and_scores(tokenizer: Any, data: StudyData) -> None:
    base, expert = make_model(len(tokenizer)), make_model(len(tokenizer), "llama", context=96)
    anti = copy.deepcopy(expert)
    with torch.no_grad():
        for weight in expert.parameters():
            weight.add_(0.02 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(5)))
    vocabulary = same_vocabulary({"base": tokenizer, "expert": tokenizer, "antiexpert": tokenizer})
    assert vocabulary == len(tokenizer)
    models = WeightedModels([(1, base), (1, expert), (-1, anti)], vocabulary)
    assert renderer_of(models, tokenizer).context == 96, "the shortest"
    assert renderer_of(models, tokenizer).end_ids == renderer_of(base, tokenizer).end_ids
    with pytest.raises(ModelError, match="may take 512 tokens; one of the models sees 96"):
        LocalSubject(models, tokenizer, renderer=renderer_of(base, tokenizer))
    assert cache_bytes(models) == sum(cache_bytes(model) for model in (base, expert, anti))
    subject, asked = LocalSubject(models, tokenizer), [example.prompt for example in data.train[:5]]
    answers = subject.generate(asked, 8)
    assert answers != LocalSubject(base, tokenizer, renderer=subject.renderer).generate(asked, 8)
    cold = subject.sample(asked, 2, 1e-4, 5, 8)
    assert [two[0] for two in cold] == [two[1] for two in cold] == answers, "summed before temperature"
    assert subject.sample(asked, 2, 1.0, 5, 8) == subject.sample(asked, 2, 1.0, 5, 8)
    totals = subject.option_logprobs(asked, [["Rome", "Oslo"]] * 5)
    scored = subject.score(asked, ["Oslo"] * 5)
    assert np.allclose([t[1] for t in totals], [s.logprobs.sum() for s in scored], atol=1e-4)
    assert subject.text_nll(["The sea is near."])[0][1] > 0


def test_each_model_gets_its_own_mode_back() -> None:
    models = steered()
    models.members[1].train()
    scoring.completion_logprobs(models, [((1, 2), (3,))], 0)
    assert [model.training for model in models.members] == [False, True, False]


class Words:
    """A tokenizer by its words."""

    def __init__(self, *words: str, first: int = 0, cut: tuple[int, ...] = (1,)) -> None:
        self.words = {word: at + first for at, word in enumerate(words)}
        self.cut = cut

    def get_vocab(self) -> dict[str, int]:
        return self.words

    def __call__(self, text: str, **_: Any) -> dict[str, list[int]]:
        return {"input_ids": list(self.cut)}


def test_the_same_vocabulary_is_the_same_ids_of_the_same_tokens() -> None:
    assert same_vocabulary({"a": Words("x", "y"), "b": Words("x", "y"), "c": Words("x", "y", "z")}) == 2
    assert same_vocabulary({"a": Words("x", "y", first=3)}) == 5
    with pytest.raises(ModelError, match=r"'y' is token 1 of a and token 2 of c"):
        same_vocabulary({"a": Words("x", "y"), "b": Words("x", "y"), "c": Words("x", "z", "y")})
    with pytest.raises(ModelError, match=r"'y' is token 1 of a and no token of b"):
        same_vocabulary({"a": Words("x", "y"), "b": Words("x")})
    sparse = Words("x")
    sparse.words["q"] = 5
    clash = Words("x")
    clash.words |= {"q": 5, "r": 5}
    with pytest.raises(ModelError, match=r"b has 'r' where a has another token"):
        same_vocabulary({"a": sparse, "b": clash})
    with pytest.raises(ModelError, match="a and b cut the same text into different tokens"):
        same_vocabulary({"a": Words("x"), "b": Words("x", cut=(1, 2))})
