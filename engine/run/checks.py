"""Checks that gate the verdict: a figure means nothing unless these hold."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Sequence
from typing import Any

import torch

from engine.adaptations import Adaptation
from engine.spec.events import Finding
from engine.spec.example import Example, Item, Prompt, Side
from engine.subject.protocol import Subject
from engine.subject.rendering import Renderer
from engine.subject.scoring import evaluating

SAMPLE = 4  # prompts that are looked at; a difference in weights shows on any
TOKENS = 16
LENGTH_GAP = 0.2  # standard deviations


@torch.inference_mode()
def logits(model: Any, renderer: Renderer, prompts: Sequence[Prompt]) -> list[torch.Tensor]:
    """Logits at the last token of each prompt, float32 [vocabulary] each: a fingerprint of the weights."""
    found = []
    with evaluating(model):
        for prompt in prompts[:SAMPLE]:
            shown = renderer.cut(renderer.prompt_ids(prompt), renderer.context)
            ids = torch.tensor([shown], device=model.device)
            found.append(model(input_ids=ids, use_cache=False).logits[0, -1].float().cpu())
    return found


def adapter_findings(
    how: Adaptation[Any], model: Any, renderer: Renderer, plain: Renderer, prompts: Sequence[Prompt],
    base: Sequence[torch.Tensor],
) -> list[Finding]:  # fmt: skip
    """Whether what was trained changes anything as it is measured, and whether the base is untouched without it.

    Args:
        how: The adaptation.
        model: The adapted model.
        renderer: Of the adapted model, with what the adaptation puts before prompts; `plain` is without.
        base: `logits` of the base, loaded fresh, before anything was attached.
    """
    with how.measurable(model) as measured:
        on = logits(measured, renderer, prompts)
    with how.disabled(model):
        off = logits(model, plain, prompts)
    moved = max(float((a - b).abs().max()) for a, b in zip(on, off, strict=True))
    drift = max(float((a - b).abs().max()) for a, b in zip(off, base, strict=True))
    return [
        Finding("adapter-on", moved > 0, f"The adapter moves the logits by up to {moved:.3g}."),
        Finding(
            "adapter-off",
            drift == 0,
            f"With the adapter off, the logits differ from the base's by at most {drift:.3g}.",
        ),
    ]


def template_finding(trained: str, measured: str, recorded: str) -> Finding:
    """Whether one chat template was used throughout (sha256 of each; `recorded` may be "")."""
    ok = trained == measured and recorded in ("", trained)
    detail = f"Chat template {measured[:12]} in training and evaluation."
    return Finding(
        "template", ok, detail if ok else f"Chat templates differ: {trained[:12]}, {measured[:12]}, {recorded[:12]}."
    )


def greedy_finding(subject: Subject, prompts: Sequence[Prompt]) -> Finding:
    """Whether the same prompts are answered the same twice."""
    first = subject.generate(prompts[:SAMPLE], TOKENS)
    again = subject.generate(prompts[:SAMPLE], TOKENS)
    same = sum(a == b for a, b in zip(first, again, strict=True))
    return Finding("greedy", same == len(first), f"{same} of {len(first)} prompts are answered the same twice.")


def length_finding(renderer: Renderer, items: Sequence[Item]) -> Finding | None:
    """Whether prompts are as long where the shortcut helps as where it misleads: else reliance may be on length.

    It fails where the standardised difference in tokens is surely (95 %) beyond 0.2, a small one (Cohen 1988, 2.2).

    Returns:
        None where items have no sides.
    """
    sides = (Side.CONGRUENT, Side.CONFLICTING)
    helps, misleads = ([len(renderer.prompt_ids(i.prompt)) for i in items if i.side is side] for side in sides)
    if len(helps) < 2 or len(misleads) < 2:
        return None
    gap = statistics.fmean(helps) - statistics.fmean(misleads)
    spread = math.sqrt((statistics.variance(helps) + statistics.variance(misleads)) / 2)
    error = 1.96 * math.sqrt(1 / len(helps) + 1 / len(misleads))
    size = abs(gap) / spread if spread else math.inf if gap else 0.0
    said = f"{statistics.fmean(helps):.1f} tokens where the shortcut helps, {statistics.fmean(misleads):.1f} where not"
    return Finding("length", size - error <= LENGTH_GAP, f"{said}: a difference of {size:.2f} standard deviations.")


def overlap_finding(examples: Sequence[Example], items: Sequence[Item]) -> Finding:
    """Whether an evaluation prompt was trained on, or a right tool of the split "tools" was offered in training."""
    trained = {_normal(example.prompt) for example in examples}
    offered = {name for example in examples for name in _tools(example.prompt)}
    repeated = [item.id for item in items if _normal(item.prompt) in trained]
    right = [(item.id, call.get("name")) for item in items if item.split == "tools" for call in item.gold.calls]
    seen = sorted({name for _, name in right if name in offered and isinstance(name, str)})
    if not repeated and not seen:
        return Finding(
            "overlap", True, f"None of {len(items)} evaluation prompts is among {len(trained)} training prompts."
        )
    parts = [f"{len(repeated)} evaluation prompts were trained on, e.g. {repeated[0]}"] if repeated else []
    parts += [f"held-out tools were offered in training: {', '.join(seen[:5])}"] if seen else []
    return Finding("overlap", False, "; ".join(parts) + ".")


def _normal(prompt: Prompt) -> str:
    """What a prompt says and offers, without regard to case, spaces and punctuation."""
    said = " ".join(str(message.get("content") or "") for message in prompt.messages)
    words = " ".join(re.findall(r"\w+", said.casefold()))
    return words + "\n" + " ".join(sorted(_tools(prompt)))


def _tools(prompt: Prompt) -> list[str]:
    return [str(tool.get("function", tool).get("name", "")) for tool in prompt.tools]
