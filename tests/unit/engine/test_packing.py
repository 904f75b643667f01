"""Packed rows give the log-probabilities and gradients of plain rows; models that cannot, get plain rows."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.subject.forward import packing
from engine.subject.forward.packing import Block, Layout
from tests.support import zoo
from tests.support.tiny import make_model

WORDS = 60
tokens = st.lists(st.integers(3, WORDS - 1), min_size=1, max_size=9).map(tuple)
blocks_strategy = st.lists(
    st.builds(Block, tokens, st.lists(tokens, min_size=1, max_size=3).map(tuple)), min_size=1, max_size=7
)


@pytest.fixture(scope="module", params=["qwen2", "llama"])
def model(request: pytest.FixtureRequest) -> Any:
    return make_model(WORDS, request.param).eval()


def totals(model: Any, batch: packing.Packed, answers: int) -> torch.Tensor:
    scores = packing.logprobs(model, batch)
    return scores.new_zeros(answers).index_add(0, batch.owners, scores)


@settings(max_examples=25, deadline=None)
@given(blocks=blocks_strategy)
def test_packed_rows_score_as_plain_rows(model: Any, blocks: list[Block]) -> None:
    layout = packing.layout_of(model)
    assert layout.longest > 0
    count = sum(len(block.answers) for block in blocks)
    plain = totals(model, packing._plain(blocks, 0), count)
    assert torch.allclose(totals(model, layout.pack(blocks, 0), count), plain, atol=1e-4)
    together = packing._together([list(range(len(blocks)))], blocks, 0)
    assert torch.allclose(totals(model, together, count), plain, atol=1e-4)


@pytest.mark.parametrize("kind", ["eager", "sdpa"])
def test_gradients_are_those_of_plain_rows(kind: str) -> None:
    model = make_model(WORDS, "qwen2")
    model.set_attn_implementation(kind)
    blocks = [Block((3, 4, 5, 6), ((7, 8), (9, 10, 11))), Block((12, 13), ((14,), (15, 16))), Block((9, 8, 7), ((5,),))]
    weights = [w for w in model.parameters() if w.requires_grad]
    found = []
    for batch in (packing._plain(blocks, 0), packing._together([[0, 2], [1]], blocks, 0)):
        loss = -packing.logprobs(model, batch).mean()
        gradients = torch.autograd.grad(loss, weights, allow_unused=True)
        found.append(torch.cat([g.flatten() for g in gradients if g is not None]))
    assert float((found[0] - found[1]).norm() / found[0].norm()) < 1e-5


def test_a_model_that_sees_other_blocks_gets_plain_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    model = make_model(WORDS, "qwen2").eval()
    backbone = type(model.base_model)
    plain = backbone.forward

    def forgets_the_mask(self: Any, *args: Any, attention_mask: Any = None, **kwargs: Any) -> Any:
        return plain(self, *args, **kwargs)

    monkeypatch.setattr(backbone, "forward", forgets_the_mask)
    layout = packing.layout_of(model)
    assert layout.longest == 0
    pairs = [((3, 4), (5,)), ((3, 4), (6,))]
    batch = layout.pack(layout.blocks(pairs), 0)
    assert batch.visible is None
    assert batch.ids.tolist() == [[3, 4, 5], [3, 4, 6]]


def test_a_model_that_refuses_positions_gets_plain_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    model = make_model(WORDS, "qwen2").eval()
    backbone = type(model.base_model)
    plain = backbone.forward

    def knows_no_positions(self: Any, input_ids: Any, use_cache: bool = False) -> Any:
        return plain(self, input_ids=input_ids, use_cache=use_cache)

    monkeypatch.setattr(backbone, "forward", knows_no_positions)
    assert packing.layout_of(model).longest == 0


def test_neighbours_share_a_prompt_only_where_that_saves_reading_it() -> None:
    layout = Layout(longest=100, width=64)
    short = [((1,) * 8, (2, 3)), ((1,) * 8, (4,)), ((9,), (5,) * 6), ((9,), (6,) * 7)]
    found = layout.blocks(short)
    assert [(block.prompt, len(block.answers)) for block in found] == [((1,) * 8, 2), ((9,), 1), ((9,), 1)]
    assert len(Layout(longest=5, width=64).blocks(short)) == 4, "too long to share a row"


@settings(max_examples=50, deadline=None)
@given(sizes=st.lists(st.integers(1, 40), min_size=1, max_size=30), width=st.sampled_from([32, 192, 576]))
def test_no_layout_holds_more_tokens_than_padding_to_a_round_length_would(sizes: list[int], width: int) -> None:
    blocks = [Block((3,) * size, ((4,),)) for size in sizes]
    batch = Layout(longest=1000, width=width).pack(blocks, 0)
    padded = -(-(max(sizes) + 1) // packing.ROW) * packing.ROW
    assert batch.ids.numel() <= len(blocks) * padded
    assert len(batch.targets) == len(blocks)
    assert batch.owners.tolist() == list(range(len(blocks)))


def test_nothing_predicts_the_first_token_of_an_empty_prompt(model: Any) -> None:
    batch = packing.layout_of(model).pack([Block((), ((5, 6),)), Block((7,), ((8,),))], 0)
    assert batch.targets.tolist() == [6, 8]


WINDOWED = ("gpt_neo", "mistral", "gemma2", "gemma3_text", "phi3", "llama4_text")


def drawn(rng: Random, size: int) -> tuple[int, ...]:
    return tuple(rng.randrange(3, zoo.WORDS) for _ in range(size))


def compared(model: Any, pairs: list[tuple[tuple[int, ...], tuple[int, ...]]]) -> tuple[float, packing.Packed]:
    """Largest difference (nats) from every row alone through the whole model."""
    layout = packing.layout_of(model, max(len(prompt) + 2 * len(answer) for prompt, answer in pairs))
    packed = layout.pack(layout.blocks(pairs), 0)
    want = []
    with torch.inference_mode():
        for prompt, answer in pairs:
            logits = model(input_ids=torch.tensor([prompt + answer]), use_cache=False).logits[0].log_softmax(-1)
            want += [logits[len(prompt) - 1 + at, token] for at, token in enumerate(answer)]
        got = packing.logprobs(model, packed)
    return float((got - torch.stack(want)).abs().max()), packed


@pytest.mark.parametrize("kind", zoo.CAUSAL)
@pytest.mark.parametrize("size", [6, 14, 60])
def test_every_family_scores_as_its_rows_alone(kind: str, size: int) -> None:
    rng, model = Random(0), zoo.make(kind)
    pairs = [(prompt, drawn(rng, 4)) for prompt in (drawn(rng, size) for _ in range(4)) for _ in range(2)]
    difference, packed = compared(model, pairs)
    assert difference < 1e-4
    if kind in zoo.STATES:
        assert packed.visible is None, "a state has no mask: plain rows"


@pytest.mark.parametrize("kind", WINDOWED)
def test_nothing_longer_than_a_window_is_packed(kind: str) -> None:
    assert packing.layout_of(zoo.make(kind), 100).longest == zoo.WINDOW


@pytest.mark.parametrize(("window", "most"), [(40, 0), (100, 64), (200, 128)])
def test_a_window_that_the_configuration_does_not_name_is_found_by_trying(window: int, most: int) -> None:
    model = zoo.make("gpt_neo", window_size=window, max_position_embeddings=512)
    del model.config.window_size
    rng = Random(1)
    assert packing.layout_of(model, 300).longest == most
    pairs = [(drawn(rng, size), drawn(rng, 12)) for size in (20, 60, 110, 180, 260)]
    assert compared(model, pairs)[0] < 1e-4


def test_blocks_share_rows_up_to_the_length_that_was_asked_for() -> None:
    model = zoo.make("llama", max_position_embeddings=4096)
    assert packing.layout_of(model).longest == packing.SHORTEST
    assert packing.layout_of(model, 100).longest == 128
    assert packing.layout_of(model, 129).longest == 256
    assert packing.layout_of(model, 70).longest == 128, "what was tried for others changes nothing"


@pytest.mark.parametrize("kind", ["gemma2", "granite", "recurrent_gemma"])
def test_logits_that_are_scaled_or_capped_are_the_models_own(kind: str) -> None:
    assert packing._core(zoo.make(kind)) is None


def test_each_device_is_tried_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    model = make_model(WORDS)
    tried: list[str] = []

    def take(base: Any, _: int) -> bool:
        tried.append(base.device.type)
        return base.device.type == "cpu"

    monkeypatch.setattr(packing, "_takes_packed", take)
    assert packing.layout_of(model).longest > 0
    monkeypatch.setattr(type(model), "device", property(lambda _: torch.device("cuda", 0)))
    assert packing.layout_of(model).longest == 0
    assert tried == ["cpu", "cuda"]
