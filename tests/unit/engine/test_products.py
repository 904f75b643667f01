"""Quick products are torch's own to rounding; half precision is used only where it computes the same."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch.nn import functional

from engine.subject.forward import kernels
from engine.subject.forward.attention import attends
from engine.tuning import precision
from tests.support.tiny import make_model


@pytest.mark.parametrize("shape", [(1, 1, 1), (7, 16, 3), (400, 192, 512), (33, 512, 192)])
def test_a_product_is_torchs_own(shape: tuple[int, int, int]) -> None:
    tokens, inner, outer = shape
    x, weight, bias = torch.randn(tokens, inner), torch.randn(outer, inner), torch.randn(outer)
    for term in (None, bias):
        want = functional.linear(x, weight, term)
        assert torch.allclose(kernels.linear(x, weight, term), want, rtol=1e-4, atol=1e-4)
    turned = torch.randn(inner, outer).t()
    assert torch.allclose(kernels.linear(x, turned), x @ turned.t(), rtol=1e-4, atol=1e-4)


def test_no_token_is_no_error() -> None:
    assert kernels.linear(torch.zeros(0, 4), torch.zeros(3, 4)).shape == (0, 3)


def test_a_build_whose_operator_computes_something_else_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    class Wrong:
        @staticmethod
        def _linear_pointwise(x: Any, weight: Any, bias: Any, *_: Any) -> Any:
            return functional.linear(x, weight, bias) * 1.001

    monkeypatch.setattr(torch.ops, "mkldnn", Wrong)
    kernels._float32.cache_clear()
    try:
        assert kernels._float32() is functional.linear
        monkeypatch.setattr(torch.ops, "mkldnn", object())
        kernels._float32.cache_clear()
        assert kernels._float32() is functional.linear
    finally:
        kernels._float32.cache_clear()


def test_a_quickened_model_computes_and_trains_as_before() -> None:
    model = make_model(60, "qwen2").eval()
    quick = copy.deepcopy(model)
    kernels.quicken(quick)
    assert any(isinstance(layer, kernels.QuickLinear) for layer in quick.modules())
    ids = torch.arange(3, 23)[None]
    with torch.inference_mode():
        assert torch.allclose(quick(input_ids=ids).logits, model(input_ids=ids).logits, atol=1e-4)
    for one in (model, quick):
        one(input_ids=ids, labels=ids).loss.backward()
    pairs = zip(quick.parameters(), model.parameters(), strict=True)
    assert all(torch.allclose(a.grad, b.grad, atol=1e-5) for a, b in pairs if a.grad is not None and b.grad is not None)
    twin = copy.deepcopy(quick)
    with torch.no_grad():
        twin.lm_head.weight.zero_()
    with torch.inference_mode():
        assert not twin(input_ids=ids).logits.any(), "a copy uses its own weights"


def test_a_weight_is_cast_once() -> None:
    weight = torch.randn(4, 4)
    assert kernels.cast(weight, torch.bfloat16) is kernels.cast(weight, torch.bfloat16)
    assert kernels.cast(weight, torch.float32) is weight


def test_half_precision_is_trusted_where_it_agrees() -> None:
    weight = torch.randn(8, 8, requires_grad=True)
    x = torch.randn(16, 8)

    def loss(half: bool) -> torch.Tensor:
        return (x.bfloat16() @ weight.bfloat16() if half else x @ weight).float().square().mean()

    found = precision.conclude([precision.compare(loss, [weight])])
    assert found.ok
    assert "bfloat16" in found.detail
    assert weight.grad is None


@pytest.mark.parametrize("wrong", ["loss", "gradient"])
def test_half_precision_is_refused_where_it_does_not(wrong: str) -> None:
    weight = torch.randn(8, 8, requires_grad=True)
    aim = torch.randn(8, 8)

    def loss(half: bool) -> torch.Tensor:
        value = (weight * aim).sum() + 100.0
        if half and wrong == "loss":
            return value * 1.5
        return (value - 2 * (weight * aim).sum() + 2 * (weight * aim).sum().detach()) if half else value

    agreeing = precision.Seen(0.0, 1.0)
    found = precision.conclude([agreeing, precision.compare(loss, [weight]), agreeing])
    assert not found.ok
    assert found.detail.startswith("Trained in float32")


def test_attention_is_put_back_after_an_error() -> None:
    model = make_model(60, "qwen2")
    before = model.config._attn_implementation
    seen = []

    def fail() -> None:
        with attends(model, "eager"):
            seen.append(model.config._attn_implementation)
            raise ValueError("on the way")

    with pytest.raises(ValueError, match="on the way"):
        fail()
    assert seen == ["eager"]
    assert model.config._attn_implementation == before
