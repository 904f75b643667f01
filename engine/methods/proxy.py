"""Proxy-tuning (Liu et al. 2024, arXiv:2401.08565): a small tuned expert and its untuned twin steer the base model."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from engine.methods._base import NAMES_A_NEED, Answering, MethodConfig, Untrained
from engine.spec.run import Wanted
from engine.subject.protocol import Subject


class ProxyConfig(MethodConfig):
    """Settings of proxy-tuning."""

    expert: str = Field(
        "",
        description='The arm whose weights are the expert\'s; "": the untuned twin, so that nothing is steered.',
        json_schema_extra=NAMES_A_NEED,
    )
    untuned: str = Field(
        "small",
        min_length=1,
        description="The expert's untuned twin: a role of the study's models, a model's name or a folder.",
        json_schema_extra=NAMES_A_NEED,
    )
    alpha: float = Field(1.0, ge=-10, le=10, description="Weight of the difference between expert and twin.")


class Proxy(Untrained[ProxyConfig]):
    """Every next token comes from softmax(base + alpha * (expert - untuned twin)): no weight of the base is changed."""

    name: ClassVar[str] = "proxy"
    label: ClassVar[str] = "Proxy-tuning"
    source: ClassVar[str] = "arXiv:2401.08565"
    Config: ClassVar[type[MethodConfig]] = ProxyConfig

    def needs(self) -> dict[str, Wanted]:
        """The expert and its untuned twin."""
        twin = Wanted(model=self.config.untuned)
        return {"expert": Wanted(arm=self.config.expert) if self.config.expert else twin, "untuned": twin}

    def answerer(self, kit: Answering) -> Subject:
        """The three models as one, asked with the base's template and answering in its room.

        Raises:
            ModelError: Their vocabularies differ.
        """
        from engine.subject.ensemble import WeightedModels, same_vocabulary
        from engine.subject.local import LocalSubject, renderer_of

        three = {"base": kit.subject, "expert": kit.needs["expert"], "untuned": kit.needs["untuned"]}
        base, expert, untuned = three.values()
        vocabulary = same_vocabulary({name: each.tokenizer for name, each in three.items()})
        alpha = self.config.alpha
        model = WeightedModels([(1, base.model), (alpha, expert.model), (-alpha, untuned.model)], vocabulary)
        renderer = renderer_of(model, base.tokenizer)
        return LocalSubject(model, base.tokenizer, base.stop, renderer, base.limits)
